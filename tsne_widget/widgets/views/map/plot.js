// A drawn figure: the places of its points, its domain, and the points on the graphics card.
import { forgetViews } from "../../frontend/forget.js";
import { gather, loadAbove, release, upload } from "./webgl.js";

/** @typedef {import("../../frontend/geometry.js").Viewport} Viewport */
/** @typedef {import("./looks.js").Look} Look */
/** @typedef {{points: Uint32Array, look: Look}[]} Layers */
/** @typedef {{layers: Layers, places: unknown[]}} Loaded  places: arrays that the points were taken from */
/** @typedef {number[]} Pixel  x and y within the overlay */

const MARK_POLL_MS = 15; // bqplot has no event for "the marks are drawn"
const LATE_MS = 5_000; // a busy page has made the marks of a removed figure by then
const PLACES = ["x", "y", "color"]; // attributes of the points that a selection does not change
/** Attributes of the points above the others. @type {Record<string, (look: Look) => number>} */
const LOOKS = { opacity: ({ alpha }) => alpha, size: areaOf, selected: ({ ring }) => ring };

export class Plot {
  #points;
  #above;
  /** @type {Float32Array | null} */
  #alpha = null; // of all points, as loaded; null for a part
  /** @type {Loaded} */
  #loaded = { layers: [], places: [] }; // above the others

  /** @param {any} view  view of bqplot's figure, or the canvas @param {any[]} marks  views of all points, and of those above */
  constructor(view, [points, above]) {
    this.view = view;
    this.#points = points;
    this.#above = above;
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

  /** The domain belongs to this view alone: a second view of the same figure has another size. */
  set viewport({ x, y }) {
    for (const { scales } of [this.#points, this.#above]) {
      scales.x.scale.domain(x);
      scales.y.scale.domain(y);
    }
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

  /** Colours of the texels; null on the canvas, which gets them from the view's model. @type {string[] | null} */
  get texture() {
    return this.#points.scales.color?.model.get("colors") ?? null;
  }

  /** Index of a point's colour in the texture. @param {number} point @returns {number} */
  texelOf(point) {
    return this.#points.model.attributes.color[point];
  }

  /** Call back when bqplot has loaded new places or colours. @param {(hasChanged: (name: string) => boolean) => void} callback */
  onChange(callback) {
    this.#points.listenTo(this.#points.model, "change", (/** @type {any} */ changed) => {
      callback((name) => changed.hasChanged(name));
    });
  }

  /** Keep the strength of each point without bqplot's event, for which bqplot would copy the arrays twice and draw a frame. */
  keepOpacity(/** @type {Float32Array} */ ofPoints) {
    this.#points.model.set("opacity", ofPoints, { silent: true });
  }

  /**
   * Load every point in its own order.
   * @param {Float32Array} alpha  of each point @param {boolean} wasPart  whether only a part was loaded before
   */
  loadAll(alpha, wasPart) {
    if (!wasPart && alpha === this.#alpha) return;
    this.#alpha = alpha;
    if (wasPart) gather(this.#points, Uint32Array.from(this.x.length ? /** @type {any} */ (this.x).keys() : []), PLACES);
    upload(this.#points, "opacity", alpha);
  }

  /** Load a part of the points in the given order. @param {Uint32Array} part @param {Float32Array} alpha  of every point */
  loadPart(part, alpha) {
    this.#alpha = null;
    gather(this.#points, part, PLACES);
    upload(this.#points, "opacity", Float32Array.from(part, (point) => alpha[point]));
  }

  /** Load the points above the others, the last layer on top; only what differs from the loaded ones. @param {Layers} layers */
  loadAbove(layers) {
    const { attributes } = this.#points.model;
    const places = PLACES.map((name) => attributes[name]);
    const before = this.#loaded;
    this.#loaded = { layers, places };
    const isSame = layers.length === before.layers.length
      && layers.every(({ points }, k) => points === before.layers[k].points) && places.every((array, k) => array === before.places[k]);
    /** @type {Record<string, Float32Array>} */
    const values = {};
    if (!isSame) PLACES.forEach((name, k) => { values[name] = taken(places[k], layers); });
    for (const [name, of] of Object.entries(LOOKS)) {
      if (!isSame || layers.some(({ look }, k) => of(look) !== of(before.layers[k].look))) values[name] = repeated(of, layers);
    }
    loadAbove(this.#above, values);
  }

  /** Draw the first of the loaded points, in the next frame or at once. @param {Look} look @param {number} points @param {number} above */
  draw(look, points, above, isAtOnce = false) {
    upload(this.#points, "size", Float32Array.of(areaOf(look)));
    this.#points.instanced_geometry.maxInstancedCount = points;
    this.#above.instanced_geometry.maxInstancedCount = above;
    if (isAtOnce) this.view.extras.webGLRender();
    else this.view.extras.webGLRequestRender();
  }

  /** @param {any} manager  the page's widget manager */
  remove(manager) {
    discard(this.view, manager);
  }
}

/** @param {ArrayLike<number>} values  of all points @param {Layers} layers  values of their points */
function taken(values, layers) {
  const found = new Float32Array(total(layers));
  let at = 0;
  for (const { points } of layers) for (let k = 0; k < points.length; k++, at++) found[at] = values[points[k]];
  return found;
}

/** @param {(look: Look) => number} of @param {Layers} layers  one value for each of their points */
function repeated(of, layers) {
  const found = new Float32Array(total(layers));
  let at = 0;
  for (const { points, look } of layers) found.fill(of(look), at, (at += points.length));
  return found;
}

function total(/** @type {Layers} */ layers) {
  return layers.reduce((sum, { points }) => sum + points.length, 0);
}

/** bqplot takes a marker's size as its area in px². @param {Look} look */
function areaOf({ radius }) {
  return Math.PI * radius ** 2;
}

/**
 * Remove a figure from the page and from memory, drawn or not.
 * @param {any} view @param {any} manager  the page's widget manager
 */
export function discard(view, manager) {
  release(view);
  // After bqplot's own removal, and again for marks that it makes nevertheless.
  for (const delay of [0, LATE_MS]) setTimeout(() => forgetViews(manager, view.model), delay);
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
