// The part of the map in sight: a centre and a scale that belong to this view. Resizing keeps both.
import { extent } from "../../frontend/geometry.js";
import { boundsOf, length, limited, placeOf, zoomed } from "./place.js";

/** @typedef {import("../../frontend/geometry.js").Viewport} Viewport */
/** @typedef {import("../../frontend/geometry.js").Span} Span */
/** @typedef {import("./place.js").Place} Place */

const SAVE_DELAY_MS = 250; // the viewport is saved this long after the last movement
const LEAST_EXTENT = 0.02; // share of the whole map to show around a single point
const MARGIN = 18; // pixels around the whole map
const SELECTION_MARGIN = 40;

export class ViewportControl {
  #map;
  #timer = 0;
  /** @type {Place | null} */
  #place = null; // null: the whole map
  #size = [0, 0];
  /** @type {{x: ArrayLike<number>, bounds: Viewport} | null} */
  #extent = null;

  /** @param {import("./view.js").MapView} map */
  constructor(map) {
    this.#map = map;
  }

  get isWhole() {
    return this.#place === null;
  }

  /** Scale of the map, 1 if it is shown whole. */
  get zoom() {
    return this.#place ? this.#whole().unit / this.#place.unit : 1;
  }

  /** Mean distance between neighbours on the whole map, in data units. */
  get gap() {
    const [width, height] = this.#map.plot?.size ?? [1, 1];
    return this.#whole().unit * Math.sqrt((width * height) / Math.max(1, this.#map.points.opacity.length));
  }

  /** Give the figure the domain of its current size; called before each frame. @returns {boolean} whether the size has changed */
  sync() {
    const { plot } = this.#map;
    if (!plot) return false;
    const size = plot.size;
    const isResized = size[0] !== this.#size[0] || size[1] !== this.#size[1];
    this.#size = size;
    if (isResized && this.#place) this.#place = this.#limited(this.#place);
    plot.viewport = boundsOf(this.#place ?? this.#whole(), size);
    return isResized;
  }

  /** Show a place and keep it. @param {Place} next @returns {boolean} whether anything has changed */
  set(next) {
    const before = this.#place;
    this.#place = this.#limited(next);
    if (!before && !this.#place) return false;
    this.#map.drawing.move();
    this.#show();
    this.#keep();
    return true;
  }

  /**
   * Zoom, at most out to the whole map.
   * @param {[number, number]} anchor  data coordinates that stay in place
   * @param {number} factor  values below 1 zoom in
   * @returns {boolean} whether the map has changed
   */
  zoomAt(anchor, factor) {
    return Boolean(this.#map.plot) && this.set(zoomed(this.#place ?? this.#whole(), anchor, factor));
  }

  /** Move the map by pixels. @param {number} dx @param {number} dy */
  pan(dx, dy) {
    if (!this.#map.plot) return;
    const { x, y, unit } = this.#place ?? this.#whole();
    this.set({ x: x - dx * unit, y: y + dy * unit, unit });
  }

  /** Show all points, now and after a reload. */
  reset() {
    this.#place = null;
    this.#map.drawing.move();
    this.#show();
    this.#keep();
  }

  /** Show all points of a running map, unless the user has zoomed. */
  followPlaces() {
    this.#extent = null;
    if (!this.#map.model.get("viewport").length && !this.#map.gestures.isDragging) this.#place = null;
    this.#show();
  }

  /** The points are other rows now. */
  forgetExtent() {
    this.#extent = null;
  }

  /** Show these points with their surroundings. @param {Uint32Array} points */
  fit(points) {
    const { plot } = this.#map;
    const known = plot ? points.filter((point) => plot.has(point)) : points;
    if (!plot || !known.length) return;
    const [part, whole] = [extent(plot.x, plot.y, known), this.#bounds()];
    // A single point, or several at one place, is shown with its surroundings.
    const least = LEAST_EXTENT * Math.max(length(whole.x), length(whole.y));
    this.set(placeOf({ x: widened(part.x, least), y: widened(part.y, least) }, plot.size, SELECTION_MARGIN));
  }

  /** Move the map so that a point is in sight. @param {number} point */
  reveal(point) {
    const { plot } = this.#map;
    if (!plot) return;
    const [[px, py], [width, height]] = [plot.pixelsOf(point), plot.size];
    const beyond = (/** @type {number} */ at, /** @type {number} */ end) => Math.min(0, at - MARGIN) || Math.max(0, at - end + MARGIN);
    const [dx, dy] = [beyond(px, width), beyond(py, height)];
    if (dx || dy) this.pan(-dx, -dy);
  }

  /** Show the saved viewport, or all points. */
  restore() {
    const { plot, model } = this.#map;
    const [x0, x1, y0, y1] = model.get("viewport");
    this.#size = plot?.size ?? [0, 0];
    this.#place = plot && y1 !== undefined ? this.#limited(placeOf({ x: [x0, x1], y: [y0, y1] }, plot.size, 0)) : null;
    this.#show();
  }

  release() {
    clearTimeout(this.#timer);
  }

  #bounds() {
    const { plot } = this.#map;
    const [x, y] = [plot?.x ?? [], plot?.y ?? []];
    if (this.#extent?.x !== x) this.#extent = { x, bounds: extent(x, y) };
    return this.#extent.bounds;
  }

  /** @returns {Place} */
  #whole() {
    return placeOf(this.#bounds(), this.#map.plot?.size ?? [1, 1], MARGIN);
  }

  #limited(/** @type {Place} */ place) {
    return limited(place, this.#whole(), this.#map.plot?.size ?? [1, 1]);
  }

  #show() {
    const map = this.#map;
    if (!map.plot) return;
    map.hover.leave();
    map.follow();
  }

  /** Save the viewport for a page reload; [] shows all points. */
  #keep() {
    const { model, plot } = this.#map;
    if (!plot) return;
    const { x, y } = boundsOf(this.#place ?? this.#whole(), plot.size);
    model.set("viewport", this.#place ? [...x, ...y] : []);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => model.save_changes(), SAVE_DELAY_MS);
  }
}

/** The span, extended around its middle to at least a length. @param {Span} span @param {number} least @returns {Span} */
function widened([low, high], least) {
  const lack = Math.max(0, least - (high - low)) / 2;
  return [low - lack, high + lack];
}
