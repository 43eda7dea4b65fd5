// A linear scale of the canvas. It implements the part of bqplot's scale that plot.js uses.

export class CanvasScale {
  offset = 0; // pixels
  scale;
  #min = 0;
  #max = 1;
  #length = 1; // pixels

  /** @param {boolean} isDown  whether the largest value is at pixel 0 */
  constructor(isDown) {
    this.scale = Object.assign((/** @type {number} */ value) => this.#toPixel(isDown, value), {
      invert: (/** @type {number} */ pixel) => this.#toValue(isDown, pixel),
      domain: (/** @type {number[] | undefined} */ domain) => {
        if (domain) [this.#min, this.#max] = domain;
        return [this.#min, this.#max];
      },
      range: () => (isDown ? [this.#length, 0] : [0, this.#length]),
    });
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
