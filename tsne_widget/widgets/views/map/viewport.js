// The viewport of the map: zoom, pan, fit to points, and save for a page reload.
import { extent, fitViewport, panViewport, zoomViewport } from "../../frontend/geometry.js";

/** @typedef {import("../../frontend/geometry.js").Viewport} Viewport */
/** @typedef {import("../../frontend/geometry.js").Span} Span */

const SAVE_DELAY_MS = 250; // the viewport is saved this long after the last movement
const LEAST_EXTENT = 0.02; // share of the whole map to show around a single selected point
const SELECTION_MARGIN = 0.1;

export class ViewportControl {
  #map;
  #timer = 0;

  /** @param {import("./view.js").MapView} map */
  constructor(map) {
    this.#map = map;
  }

  /** Show a viewport and keep it. @param {Viewport} next */
  set(next) {
    this.#map.drawing.move();
    this.#show(next);
    this.#keep([...next.x, ...next.y]);
  }

  /** @param {[number, number]} anchor  data coordinates that stay in place @param {number} factor */
  zoom(anchor, factor) {
    const { plot } = this.#map;
    if (plot) this.set(zoomViewport(plot.viewport, anchor, factor));
  }

  /** Pan the map. @param {number} dx @param {number} dy */
  pan(dx, dy) {
    const { plot } = this.#map;
    if (!plot) return;
    const { x, y } = plot.viewport;
    const [width, height] = plot.size;
    this.set(panViewport(plot.viewport, (-dx * (x[1] - x[0])) / width, (dy * (y[1] - y[0])) / height));
  }

  /** Show all points, now and after a reload. */
  reset() {
    if (!this.#map.plot) return;
    this.fitAll();
    this.#keep([]);
  }

  fitAll() {
    const { plot } = this.#map;
    if (plot) this.#show(fitViewport(extent(plot.x, plot.y), ...plot.size));
  }

  fitSelection() {
    const { plot, points } = this.#map;
    if (!plot) return;
    const selected = points.selected.filter((point) => plot.has(point));
    if (!selected.length) return;
    const [part, whole] = [extent(plot.x, plot.y, selected), extent(plot.x, plot.y)];
    // A single point, or several at one place, is shown with its surroundings.
    const least = LEAST_EXTENT * Math.max(whole.x[1] - whole.x[0], whole.y[1] - whole.y[0]);
    const bounds = { x: widened(part.x, least), y: widened(part.y, least) };
    this.set(fitViewport(bounds, ...plot.size, SELECTION_MARGIN));
  }

  /** Show the saved viewport, or all points. */
  restore() {
    const { plot, model } = this.#map;
    const saved = model.get("viewport");
    if (!plot || saved.length !== 4) return this.fitAll();
    /** @type {Viewport} */
    const bounds = { x: [saved[0], saved[1]], y: [saved[2], saved[3]] };
    this.#show(fitViewport(bounds, ...plot.size, 0));
  }

  release() {
    clearTimeout(this.#timer);
  }

  #show(/** @type {Viewport} */ next) {
    const map = this.#map;
    if (!map.plot) return;
    map.plot.viewport = next;
    map.gestures.clearOutline();
    map.hover.leave();
    map.lines.show();
    map.placeLabels();
  }

  /** Save a viewport for a page reload; [] shows all points. */
  #keep(/** @type {number[]} */ bounds) {
    const { model } = this.#map;
    model.set("viewport", bounds);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => model.save_changes(), SAVE_DELAY_MS);
  }
}

/** The span, extended around its middle to at least a length. @param {Span} span @param {number} least @returns {Span} */
function widened([low, high], least) {
  const lack = Math.max(0, least - (high - low)) / 2;
  return [low - lack, high + lack];
}
