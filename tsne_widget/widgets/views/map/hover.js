// The point under the pointer: its ring, its card, and the message that tells the kernel.
import { nearestPoint } from "../../frontend/geometry.js";
import { makeHoverCard } from "./hovercard.js";

const HOVER_PIXELS = 12; // maximum distance between pointer and point

export class Hover {
  #map;
  #card;
  #point = -1;
  #frame = 0;
  /** @type {PointerEvent | null} */
  #event = null;

  /** @param {import("./view.js").MapView} map */
  constructor(map) {
    this.#map = map;
    this.#card = makeHoverCard(map.root);
  }

  /** The visible point nearest to a pixel; -1 if none is near. @param {import("./plot.js").Pixel} pixel */
  pointAt(pixel) {
    const { plot, points, drawing } = this.#map;
    if (!plot) return -1;
    const { x: [left, right] } = plot.viewport;
    const radius = (HOVER_PIXELS * (right - left)) / plot.size[0];
    return nearestPoint(plot.x, plot.y, points.opacity, plot.toData(pixel), radius, drawing.part);
  }

  /** Follow the pointer, at most once per frame. @param {PointerEvent} event */
  follow(event) {
    this.#event = event;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#look();
    });
  }

  /** The pointer has left all points. */
  leave() {
    if (this.#point >= 0) this.#map.model.send({ kind: "leave" });
    this.#point = -1;
    this.#event = null;
    this.#card.hide();
    this.#map.sketch.drawRing(null);
  }

  /** Keep a picture from the kernel. @param {{point: number, tile: any}} message @param {DataView | undefined} picture */
  receive({ point, tile }, picture) {
    this.#card.keep(point, tile, picture);
    if (point === this.#point && this.#event) this.#card.show(point, this.#map.gestures.pixelOf(this.#event));
  }

  /** Draw a ring around the point that is hovered in another view, such as the gallery. */
  showOther() {
    const { plot, model, sketch } = this.#map;
    if (!plot || this.#point >= 0) return;
    const point = model.get("hovered");
    sketch.drawRing(plot.has(point) ? plot.pixelsOf(point) : null);
  }

  /** Forget the hovered point, because the points are other rows now. */
  forget() {
    this.leave();
    this.#card.forget();
  }

  release() {
    cancelAnimationFrame(this.#frame);
    this.#card.forget();
  }

  #look() {
    const { plot, gestures, model, points, sketch } = this.#map;
    if (!plot || gestures.isDragging || !this.#event) return;
    const pixel = gestures.pixelOf(this.#event);
    const point = this.pointAt(pixel);
    if (point < 0) return this.leave();
    if (point !== this.#point) model.send({ kind: "hover", point, epoch: points.placed, known: this.#card.has(point) });
    this.#point = point;
    sketch.drawRing(plot.pixelsOf(point));
    this.#card.show(point, pixel);
  }
}
