// The point under the pointer or reached by keys: its ring, its card, and the message that tells the kernel.
import { nearestPoint } from "../../frontend/geometry.js";
import { makeHoverCard } from "./hovercard.js";

const HOVER_PIXELS = 12; // maximum distance between pointer and point

export class Hover {
  #map;
  #card;
  #point = -1;
  #frame = 0;
  /** @type {import("./plot.js").Pixel | null} */
  #pixel = null; // of the pointer, or of the point that keys have reached

  /** @param {import("./view.js").MapView} map */
  constructor(map) {
    this.#map = map;
    this.#card = makeHoverCard(map.area);
  }

  /** The hovered point; -1: none. */
  get point() {
    return this.#point;
  }

  /** The visible point nearest to a pixel; -1 if none is near. @param {import("./plot.js").Pixel} pixel */
  pointAt(pixel, reach = HOVER_PIXELS) {
    const { plot, points, drawing } = this.#map;
    if (!plot) return -1;
    const { x: [left, right] } = plot.viewport;
    const radius = (reach * (right - left)) / plot.size[0];
    return nearestPoint(plot.x, plot.y, points.opacity, plot.toData(pixel), radius, drawing.part);
  }

  /** Follow the pointer, at most once per frame. @param {PointerEvent} event */
  follow(event) {
    this.#pixel = this.#map.gestures.pixelOf(event);
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#look();
    });
  }

  /** Go to a point by keys. @param {number} point */
  visit(point) {
    const { plot } = this.#map;
    if (!plot) return;
    this.#pixel = plot.pixelsOf(point);
    this.#show(point);
  }

  /** The pointer has left all points. */
  leave() {
    if (this.#point >= 0) this.#map.model.send({ kind: "leave" });
    this.#point = -1;
    this.#pixel = null;
    this.#card.hide();
    this.#map.sketch.drawRing(null);
  }

  /** Keep a picture from the kernel. @param {{point: number, tile: any}} message @param {DataView | undefined} picture */
  receive({ point, tile }, picture) {
    this.#card.keep(point, tile, picture);
    if (point === this.#point && this.#pixel) this.#card.show(point, this.#pixel);
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
    if (!this.#map.plot || this.#map.gestures.isDragging || !this.#pixel) return;
    const point = this.pointAt(this.#pixel);
    if (point < 0) return this.leave();
    this.#show(point);
  }

  #show(/** @type {number} */ point) {
    const { plot, model, points, sketch } = this.#map;
    if (!plot || !this.#pixel) return;
    if (point !== this.#point) model.send({ kind: "hover", point, epoch: points.placed, known: this.#card.has(point) });
    this.#point = point;
    sketch.drawRing(plot.pixelsOf(point));
    this.#card.show(point, this.#pixel);
  }
}
