// The points of the map: classes, selection and opacity.
import { typed, typedCodes, unpackBits } from "../../frontend/bytes.js";
import { opacities } from "../../frontend/geometry.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

export class Points {
  #model;
  /** @type {{selected: Uint32Array, visible: Uint8Array} | null} */
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

  get ringOpacity() {
    return Float32Array.from(this.wrong, (point) => this.opacity[point]);
  }

  /** Compute the opacity for a selection. @returns {boolean} whether it has changed */
  shade(selected = this.selected) {
    const visible = this.visible;
    if (this.#shaded && areEqual(this.#shaded.selected, selected) && areEqual(this.#shaded.visible, visible)) return false;
    this.#shaded = { selected, visible };
    this.opacity = opacities(this.codes, visible, selected);
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
