// Places on the map: a centre and a scale, the same for x and y. No DOM.

/** @typedef {import("../../frontend/geometry.js").Viewport} Viewport */
/** @typedef {import("../../frontend/geometry.js").Span} Span */
/** @typedef {{x: number, y: number, unit: number}} Place  centre in data units, and data units per pixel */

const MAX_ZOOM = 5000;
const WHOLE = 1.0005; // closer to the whole map than this is the whole map

/**
 * The place that shows all of some bounds.
 * @param {Viewport} bounds @param {number[]} size  width and height, pixels @param {number} margin  pixels on each side
 * @returns {Place}
 */
export function placeOf({ x, y }, [width, height], margin = 0) {
  const room = (/** @type {number} */ pixels) => Math.max(pixels / 2, pixels - 2 * margin, 1);
  const unit = Math.max(length(x) / room(width), length(y) / room(height)) || 1 / Math.max(1, Math.min(width, height));
  return { x: (x[0] + x[1]) / 2, y: (y[0] + y[1]) / 2, unit };
}

/** What a plot of this size shows of a place. @param {Place} place @param {number[]} size @returns {Viewport} */
export function boundsOf({ x, y, unit }, [width, height]) {
  return { x: [x - (unit * width) / 2, x + (unit * width) / 2], y: [y - (unit * height) / 2, y + (unit * height) / 2] };
}

/**
 * The place after a zoom around a point that keeps its pixel.
 * @param {Place} place @param {[number, number]} anchor  data units @param {number} factor  values below 1 zoom in
 * @returns {Place}
 */
export function zoomed({ x, y, unit }, anchor, factor) {
  return { x: anchor[0] + (x - anchor[0]) * factor, y: anchor[1] + (y - anchor[1]) * factor, unit: unit * factor };
}

/**
 * The nearest allowed place; null for the whole map, which is the smallest one.
 * @param {Place} place @param {Place} whole @param {number[]} size
 * @returns {Place | null}
 */
export function limited({ x, y, unit }, whole, [width, height]) {
  const allowed = Math.max(whole.unit / MAX_ZOOM, unit);
  if (allowed * WHOLE >= whole.unit) return null;
  // The centre may leave the middle the farther, the larger the map is.
  const reach = Math.min(1, 2 * (1 - allowed / whole.unit)) * (whole.unit / 2);
  const near = (/** @type {number} */ at, /** @type {number} */ middle, /** @type {number} */ pixels) =>
    Math.max(middle - reach * pixels, Math.min(middle + reach * pixels, at));
  return { x: near(x, whole.x, width), y: near(y, whole.y, height), unit: allowed };
}

/** @param {Span} span */
export function length([low, high]) {
  return high - low;
}
