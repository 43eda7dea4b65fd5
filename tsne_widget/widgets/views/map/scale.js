// A linear scale of the canvas. It implements the part of bqplot's scale that plot.js uses.

export class CanvasScale {
  offset = 0; // pixels
  scale;
  model;
  #min = 0;
  #max = 1;
  #length = 1; // pixels

  /**
   * @param {boolean} isDown  whether the largest value is at pixel 0
   * @param {() => void} redraw  called when the domain changes
   */
  constructor(isDown, redraw) {
    this.scale = Object.assign((/** @type {number} */ value) => this.#toPixel(isDown, value), {
      invert: (/** @type {number} */ pixel) => this.#toValue(isDown, pixel),
      domain: () => [this.#min, this.#max],
      range: () => (isDown ? [this.#length, 0] : [0, this.#length]),
    });
    this.model = {
      set: (/** @type {{min: number, max: number}} */ { min, max }) => {
        [this.#min, this.#max] = [min, max];
        redraw();
      },
    };
  }

  /** @param {number} pixels */
  resize(pixels) {
    this.#length = Math.max(1, pixels);
  }

  #toPixel(/** @type {boolean} */ isDown, /** @type {number} */ value) {
    const distance = isDown ? this.#max - value : value - this.#min;
    return distance / (this.#max - this.#min) * this.#length;
  }

  #toValue(/** @type {boolean} */ isDown, /** @type {number} */ pixel) {
    const distance = pixel / this.#length * (this.#max - this.#min);
    return isDown ? this.#max - distance : this.#min + distance;
  }
}
