// Two fingers zoom and move the map.

/** @typedef {number[]} Pixel */

export class Pinch {
  #map;
  /** @type {Map<number, Pixel>} */
  #fingers = new Map(); // by pointer

  /** @param {import("./view.js").MapView} map */
  constructor(map) {
    this.#map = map;
  }

  /** @param {PointerEvent} event @returns {boolean} whether there are two fingers now */
  begin(event) {
    if (event.pointerType !== "touch") return false;
    this.#fingers.set(event.pointerId, this.#map.gestures.pixelOf(event));
    return this.#fingers.size === 2;
  }

  /** @param {PointerEvent} event @returns {boolean} whether it belongs to two fingers */
  move(event) {
    const { plot, viewport, gestures } = this.#map;
    if (this.#fingers.size !== 2 || !this.#fingers.has(event.pointerId) || !plot) return false;
    const before = this.#spread();
    this.#fingers.set(event.pointerId, gestures.pixelOf(event));
    const after = this.#spread();
    viewport.zoomAt(plot.toData(before.middle), before.distance / Math.max(1, after.distance));
    viewport.pan(after.middle[0] - before.middle[0], after.middle[1] - before.middle[1]);
    return true;
  }

  /** @param {PointerEvent} event */
  end(event) {
    this.#fingers.delete(event.pointerId);
  }

  #spread() {
    const [[x0, y0], [x1, y1]] = [...this.#fingers.values()];
    return { middle: [(x0 + x1) / 2, (y0 + y1) / 2], distance: Math.hypot(x1 - x0, y1 - y0) };
  }
}
