// A drawn figure: the places of its points, its viewport, and the points on the graphics card.
import { forgetViews } from "../../frontend/forget.js";
import { gather, release, upload } from "./webgl.js";

/** @typedef {import("../../frontend/geometry.js").Viewport} Viewport */
/** @typedef {number[]} Pixel  x and y within the overlay */

const MARK_POLL_MS = 15; // bqplot has no event for "the marks are drawn"
const FIELDS = ["x", "y", "color", "opacity"]; // attributes of the points; rings have one colour

export class Plot {
  #points;
  #rings;

  /** @param {any} view  view of bqplot's figure, or the canvas @param {any[]} marks  views of points and rings */
  constructor(view, [points, rings]) {
    this.view = view;
    this.#points = points;
    this.#rings = rings;
  }

  /** @type {ArrayLike<number>} */
  get x() {
    return this.#points.model.attributes.x;
  }

  /** @type {ArrayLike<number>} */
  get y() {
    return this.#points.model.attributes.y;
  }

  /** @type {Viewport} */
  get viewport() {
    const { x, y } = this.#points.scales;
    return { x: x.scale.domain(), y: y.scale.domain() };
  }

  set viewport({ x, y }) {
    const { scales } = this.#points;
    scales.x.model.set({ min: x[0], max: x[1] });
    scales.y.model.set({ min: y[0], max: y[1] });
  }

  /** Width and height in pixels. @type {[number, number]} */
  get size() {
    const { x, y } = this.#points.scales;
    const length = (/** @type {number[]} */ range) => Math.abs(range[1] - range[0]);
    return [length(x.scale.range()), length(y.scale.range())];
  }

  /** @param {number} x @param {number} y  data coordinates @returns {Pixel} */
  toPixels(x, y) {
    const [{ margin }, { scales }] = [this.view, this.#points];
    return [margin.left + scales.x.offset + scales.x.scale(x), margin.top + scales.y.offset + scales.y.scale(y)];
  }

  /** @param {Pixel} pixel @returns {[number, number]} data coordinates */
  toData([px, py]) {
    const [{ margin }, { scales }] = [this.view, this.#points];
    return [scales.x.scale.invert(px - margin.left - scales.x.offset), scales.y.scale.invert(py - margin.top - scales.y.offset)];
  }

  /** @param {number} point */
  has(point) {
    return point >= 0 && point < this.x.length;
  }

  /** @param {number} point @returns {Pixel} */
  pixelsOf(point) {
    return this.toPixels(this.x[point], this.y[point]);
  }

  /** Call back when bqplot has loaded new places or colours. @param {(hasChanged: (name: string) => boolean) => void} callback */
  onChange(callback) {
    this.#points.listenTo(this.#points.model, "change", (/** @type {any} */ changed) => {
      callback((name) => changed.hasChanged(name));
    });
  }

  /** Set opacities without bqplot's event, for which bqplot would copy the arrays twice and draw a frame. */
  setOpacity(/** @type {Float32Array} */ ofPoints, /** @type {Float32Array} */ ofRings) {
    this.#points.model.set("opacity", ofPoints, { silent: true });
    this.#rings?.model.set("opacity", ofRings, { silent: true });
  }

  /** Load every point in its own order. @param {boolean} wasPart  whether only a part was loaded before */
  loadAll(wasPart) {
    for (const mark of [this.#points, this.#rings]) {
      if (!mark) continue;
      if (wasPart) gather(mark, Uint32Array.from(mark.model.get("x").keys()), FIELDS);
      else upload(mark, "opacity", mark.model.get("opacity"));
    }
  }

  /** Load a part of the points and of the rings, each in the given order. */
  loadPart(/** @type {Uint32Array} */ points, /** @type {Uint32Array} */ rings) {
    gather(this.#points, points, FIELDS);
    if (this.#rings) gather(this.#rings, rings, ["x", "y", "opacity"]);
  }

  /** Draw the first of the loaded points and rings, in the next frame or at once. */
  draw(/** @type {number} */ points, /** @type {number} */ rings, isAtOnce = false) {
    this.#points.instanced_geometry.maxInstancedCount = points;
    if (this.#rings) this.#rings.instanced_geometry.maxInstancedCount = rings;
    if (isAtOnce) this.view.extras.webGLRender();
    else this.view.extras.webGLRequestRender();
  }

  /** @param {any} manager  the page's widget manager */
  remove(manager) {
    release(this.view);
    setTimeout(() => forgetViews(manager, this.view.model), 0); // after bqplot's own removal
  }
}

/**
 * Views of the marks of a figure once they are drawn.
 * @param {any} view
 * @param {() => boolean} isClosed
 * @returns {Promise<any[]>}  empty if the map is closed first
 */
export async function drawnMarks(view, isClosed) {
  const isDrawn = (/** @type {any} */ mark) => mark.scales?.x && mark.opacity;
  while (!isClosed()) {
    const marks = view.mark_views ? await Promise.all(view.mark_views.views) : [];
    if (view.rendered && marks.length && marks.every(isDrawn)) return marks;
    await new Promise((resolve) => setTimeout(resolve, MARK_POLL_MS));
  }
  return [];
}
