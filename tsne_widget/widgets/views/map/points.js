// The points of the map: classes, selection and opacity.
import { typed, typedCodes, unpackBits } from "../../frontend/bytes.js";
import { opacities } from "../../frontend/geometry.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

export class Points {
  #model;
  /** @type {{selected: Uint32Array, visible: Uint8Array, mistakes: string} | null} */
  #shaded = null; // the state that the opacity shows

  /** @param {ViewModel} model */
  constructor(model) {
    this.#model = model;
    this.opacity = new Float32Array(0);
    this.placed = model.get("epoch"); // epoch of the drawn places
  }

  /** Whether the drawn places belong to the current rows. */
  get isPlaced() {
    return this.placed === this.#model.get("epoch");
  }

  get lit() {
    return typed(this.#model.get("lit"), Uint32Array);
  }

  get selected() {
    return typed(this.#model.get("selected"), Uint32Array);
  }

  /** Misclassified points, ascending. */
  get wrong() {
    return typed(this.#model.get("wrong"), Uint32Array);
  }

  get codes() {
    return typedCodes(this.#model.get("codes"), this.names.length);
  }

  /** The bytes of the classes and of the mistakes: others if the points are others. @returns {unknown[]} */
  get sources() {
    return ["codes", "wrong"].map((name) => this.#model.get(name));
  }

  /** @type {string[]} */
  get names() {
    return this.#model.get("names");
  }

  /** One flag per class. */
  get visible() {
    return unpackBits(this.#model.get("visible"), this.names.length);
  }

  /** The selection that the opacity shows; a preview may differ from the kernel's selection. */
  get shadedSelection() {
    return this.#shaded?.selected ?? new Uint32Array(0);
  }

  /** Compute the opacity for a selection. @returns {boolean} whether it has changed */
  shade(selected = this.selected) {
    const [visible, mistakes] = [this.visible, this.#model.get("mistakes")];
    const before = this.#shaded;
    const isSame = before && before.mistakes === mistakes && areEqual(before.selected, selected) && areEqual(before.visible, visible);
    if (isSame) return false;
    this.#shaded = { selected, visible, mistakes };
    const opacity = opacities(this.codes, visible, selected);
    this.opacity = mistakes === "only" && this.wrong.length ? onlyAt(this.wrong, opacity) : opacity;
    return true;
  }

  /** The points are other rows now, and their places are drawn. */
  replace() {
    this.placed = this.#model.get("epoch");
    this.#shaded = null;
  }
}

/** @param {Uint32Array | Uint8Array} a @param {Uint32Array | Uint8Array} b */
function areEqual(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The opacity of some points, and 0 for all others. @param {Uint32Array} points @param {Float32Array} opacity */
function onlyAt(points, opacity) {
  const only = new Float32Array(opacity.length);
  for (let k = 0; k < points.length; k++) only[points[k]] = opacity[points[k]];
  return only;
}
