// A mark of the canvas, either all points or those above them. It implements the part of the bqplot mark
// view's interface that plot.js uses.

/** @typedef {{hasChanged: (name: string) => boolean}} Change */
/** @typedef {{x: import("./scale.js").CanvasScale, y: import("./scale.js").CanvasScale}} Scales */

const FIELDS = /** @type {const} */ (["x", "y", "color", "opacity"]);
const NONE = new Float32Array(0);

export class CanvasMark {
  scales;
  model;
  // The values that the canvas draws: all values of the model, or some of them.
  x = makeField();
  y = makeField();
  color = makeField();
  opacity = makeField();
  size = makeField(); // area in px², one for all points or one per point
  selected = makeField(); // width of the ring in px, one per point; none for points without rings
  instanced_geometry = { maxInstancedCount: 0 };
  /** @type {(change: Change) => void} */
  #changed = () => {};

  /** @param {Scales} scales */
  constructor(scales) {
    this.scales = scales;
    /** @type {Record<string, any>} */
    const attributes = { x: NONE, y: NONE, color: NONE, opacity: NONE };
    this.model = {
      attributes,
      get: (/** @type {string} */ name) => attributes[name],
      set: (/** @type {string} */ name, /** @type {any} */ value) => { attributes[name] = value; },
    };
  }

  /** @param {any} _model @param {string} _event @param {(change: Change) => void} callback */
  listenTo(_model, _event, callback) {
    this.#changed = callback;
  }

  /** Report a change of one attribute. @param {string} changed */
  notify(changed) {
    this.#changed({ hasChanged: (name) => name === changed });
  }

  /** Set attributes and draw all of their values. @param {Record<string, any>} values */
  put(values) {
    const { attributes } = this.model;
    Object.assign(attributes, values);
    for (const name of FIELDS) this[name].array = attributes[name];
    this.instanced_geometry.maxInstancedCount = attributes.x.length;
  }

  /** The opacities if there is one per point; otherwise zeros. @param {number} count  of points */
  opacityFor(count) {
    const { opacity } = this.model.attributes;
    return opacity.length === count ? opacity : new Float32Array(count);
  }
}

/** Values of one attribute, in the form of bqplot's buffers for the graphics card. */
function makeField() {
  return {
    array: NONE,
    capacity: Infinity,
    needsUpdate: false,
    setArray(/** @type {Float32Array} */ values) { this.array = values; },
  };
}
