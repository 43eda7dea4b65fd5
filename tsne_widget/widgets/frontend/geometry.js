// Geometry of the map: viewports, points and polygons. No DOM, no widgets.

/** @typedef {[number, number]} Span  an interval of data units */
/** @typedef {{x: Span, y: Span}} Viewport */

/**
 * The smallest viewport that contains the data and a margin, with the same units per pixel on both axes.
 * @param {Viewport} bounds  extent of the data
 * @param {number} width  width of the plot, pixels
 * @param {number} height  height of the plot, pixels
 * @param {number} margin  free space on each side, as a share of the extent
 * @returns {Viewport}
 */
export function fitViewport(bounds, width, height, margin = 0.04) {
  const span = (/** @type {Span} */ s) => (s[1] - s[0] || 1) * (1 + 2 * margin);
  const perPixel = Math.max(span(bounds.x) / width, span(bounds.y) / height);
  return {
    x: around((bounds.x[0] + bounds.x[1]) / 2, perPixel * width),
    y: around((bounds.y[0] + bounds.y[1]) / 2, perPixel * height),
  };
}

/**
 * The viewport after a zoom around a fixed point.
 * @param {Viewport} viewport
 * @param {[number, number]} anchor  data coordinates that keep their place
 * @param {number} factor  values below 1 zoom in
 * @returns {Viewport}
 */
export function zoomViewport(viewport, anchor, factor) {
  const about = (/** @type {Span} */ s, /** @type {number} */ a) =>
    /** @type {Span} */ ([a + (s[0] - a) * factor, a + (s[1] - a) * factor]);
  return { x: about(viewport.x, anchor[0]), y: about(viewport.y, anchor[1]) };
}

/**
 * The viewport moved by a distance in data units.
 * @param {Viewport} viewport
 * @param {number} dx
 * @param {number} dy
 * @returns {Viewport}
 */
export function panViewport(viewport, dx, dy) {
  return {
    x: [viewport.x[0] + dx, viewport.x[1] + dx],
    y: [viewport.y[0] + dy, viewport.y[1] + dy],
  };
}

/**
 * Extent of the points of some rows; null for all rows.
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @param {ArrayLike<number> | null} rows
 * @returns {Viewport}
 */
export function extent(x, y, rows = null) {
  const bounds = { x: [Infinity, -Infinity], y: [Infinity, -Infinity] };
  const n = rows ? rows.length : x.length;
  for (let k = 0; k < n; k++) {
    const i = rows ? rows[k] : k;
    if (x[i] < bounds.x[0]) bounds.x[0] = x[i];
    if (x[i] > bounds.x[1]) bounds.x[1] = x[i];
    if (y[i] < bounds.y[0]) bounds.y[0] = y[i];
    if (y[i] > bounds.y[1]) bounds.y[1] = y[i];
  }
  return /** @type {Viewport} */ (bounds);
}

/**
 * Opacity of each point: hidden classes get 0; if there is a selection, the other points are dimmed.
 * @param {ArrayLike<number>} codes  class of each point
 * @param {Uint8Array} visible  1 for each visible class
 * @param {Uint32Array} selected  rows
 * @returns {Float32Array}
 */
export function opacities(codes, visible, selected) {
  const rest = selected.length ? DIMMED : PLAIN;
  const ofClass = Float32Array.from(visible, (isVisible) => (isVisible ? rest : 0));
  const opacity = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) opacity[i] = ofClass[codes[i]];
  for (let k = 0; k < selected.length; k++) {
    if (opacity[selected[k]]) opacity[selected[k]] = SELECTED;
  }
  return opacity;
}

/**
 * Rows of the points inside a polygon by the even-odd rule, the same as in the kernel.
 *
 * The polygon is divided into horizontal bands; a point is tested only against the edges in its band.
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @param {ArrayLike<number>} polygon  x0, y0, x1, y1, …
 * @returns {Uint32Array}
 */
export function rowsInside(x, y, polygon) {
  const corners = polygon.length / 2;
  const px = Float64Array.from({ length: corners }, (_, k) => polygon[2 * k]);
  const py = Float64Array.from({ length: corners }, (_, k) => polygon[2 * k + 1]);
  const { x: [left, right], y: [low, high] } = extent(px, py);
  const perUnit = BANDS / (high - low || 1);
  const bandOf = (/** @type {number} */ at) => Math.min(BANDS - 1, Math.floor((at - low) * perUnit));
  /** @type {number[][]} */
  const bands = Array.from({ length: BANDS }, () => []); // end corners of the edges in each band
  for (let a = 0, b = corners - 1; a < corners; b = a++) {
    const last = bandOf(Math.max(py[a], py[b]));
    for (let band = bandOf(Math.min(py[a], py[b])); band <= last; band++) bands[band].push(a);
  }
  const rows = new Uint32Array(x.length);
  let count = 0;
  for (let i = 0; i < x.length; i++) {
    const [at, height] = [x[i], y[i]];
    if (!(at >= left && at <= right && height >= low && height <= high)) continue;
    const edges = bands[bandOf(height)];
    let inside = false;
    for (let e = 0; e < edges.length; e++) {
      const a = edges[e];
      const b = a ? a - 1 : corners - 1;
      if (py[a] > height === py[b] > height) continue;
      // The same order of operations as in the kernel, so that rounding is the same.
      const [lower, upper] = py[a] < py[b] ? [a, b] : [b, a];
      const crossing = ((height - py[lower]) * (px[upper] - px[lower])) / (py[upper] - py[lower]) + px[lower];
      if (at < crossing) inside = !inside;
    }
    if (inside) rows[count++] = i;
  }
  return rows.slice(0, count);
}

const BANDS = 64;

/**
 * The visible point nearest to a place; −1 if none is within the radius.
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @param {ArrayLike<number>} opacity  0 for hidden points
 * @param {[number, number]} place
 * @param {number} radius  in data units
 * @param {Uint32Array | null} drawn  points that are drawn; null for all
 * @returns {number}
 */
export function nearestPoint(x, y, opacity, place, radius, drawn) {
  let [best, index] = [radius * radius, -1];
  const count = drawn ? drawn.length : opacity.length;
  for (let k = 0; k < count; k++) {
    const i = drawn ? drawn[k] : k;
    const [dx, dy] = [x[i] - place[0], y[i] - place[1]];
    const distance = dx * dx + dy * dy;
    if (distance < best && opacity[i]) [best, index] = [distance, i];
  }
  return index;
}

/**
 * Points to draw if the budget does not allow all: first a fixed number of leading points, which are a
 * sample of all points, then the selected points in the viewport, then the other points in the viewport.
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @param {ArrayLike<number>} opacity  0 for hidden points
 * @param {Uint32Array} selected
 * @param {Viewport} viewport
 * @param {number} first  number of leading points, drawn wherever they are; the map draws only these while it moves
 * @param {number} budget  maximum number of points
 * @returns {{points: Uint32Array, shown: number, inSight: number}}  points to draw; how many points
 *   in the viewport are drawn, and how many there are
 */
export function pointsToDraw(x, y, opacity, selected, viewport, first, budget) {
  const total = opacity.length;
  const points = new Uint32Array(Math.min(total, budget));
  const taken = new Uint8Array(total);
  let [count, shown, inSight] = [0, 0, 0];
  const sees = (/** @type {number} */ i) =>
    opacity[i] > 0 && x[i] >= viewport.x[0] && x[i] <= viewport.x[1] && y[i] >= viewport.y[0] && y[i] <= viewport.y[1];
  const take = (/** @type {number} */ i) => {
    taken[i] = 1;
    points[count++] = i;
  };
  while (count < Math.min(first, points.length)) take(count);
  for (let k = 0; k < selected.length && count < points.length; k++) {
    if (!taken[selected[k]] && sees(selected[k])) take(selected[k]);
  }
  for (let i = 0; i < total; i++) {
    if (!sees(i)) continue;
    inSight++;
    if (!taken[i] && count < points.length) take(i);
    shown += taken[i];
  }
  return { points: points.subarray(0, count), shown, inSight };
}

/**
 * The densest place of each visible class.
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @param {ArrayLike<number>} codes  class of each point
 * @param {Uint8Array} visible  1 for each visible class
 * @param {number} classes
 * @returns {{code: number, count: number, x: number, y: number}[]}
 */
export function densestPlaces(x, y, codes, visible, classes) {
  const bounds = extent(x, y);
  const scale = (/** @type {Span} */ s) => DENSITY_CELLS / (s[1] - s[0] || 1);
  const [sx, sy] = [scale(bounds.x), scale(bounds.y)];
  /** @type {Map<number, number[]>} */
  const cells = new Map(); // by class and cell: count, sum of x, sum of y
  const counts = new Uint32Array(classes);
  for (let i = 0; i < x.length; i++) {
    const code = codes[i];
    if (!visible[code]) continue;
    counts[code]++;
    const column = Math.min(DENSITY_CELLS - 1, Math.floor((x[i] - bounds.x[0]) * sx));
    const row = Math.min(DENSITY_CELLS - 1, Math.floor((y[i] - bounds.y[0]) * sy));
    const key = (code * DENSITY_CELLS + row) * DENSITY_CELLS + column;
    const cell = cells.get(key);
    if (!cell) cells.set(key, [1, x[i], y[i]]);
    else [cell[0], cell[1], cell[2]] = [cell[0] + 1, cell[1] + x[i], cell[2] + y[i]];
  }
  /** @type {(number[] | undefined)[]} */
  const best = new Array(classes);
  for (const [key, cell] of cells) {
    const code = Math.floor(key / DENSITY_CELLS ** 2);
    if (!best[code] || cell[0] > best[code][0]) best[code] = cell;
  }
  return best.flatMap((cell, code) => (cell ? [{ code, count: counts[code], x: cell[1] / cell[0], y: cell[2] / cell[0] }] : []));
}

const DENSITY_CELLS = 16; // along each side of the map

/**
 * Combine a selection with other rows, the same as in the kernel.
 * @param {Uint32Array} selected
 * @param {Uint32Array} rows
 * @param {string} mode  "replace", "add", "subtract" or "intersect"
 * @returns {Uint32Array}
 */
export function combineRows(selected, rows, mode) {
  if (mode === "replace") return rows;
  let most = -1;
  for (const some of [selected, rows]) for (let k = 0; k < some.length; k++) most = Math.max(most, some[k]);
  const flags = new Uint8Array(most + 1); // 1: selected, 2: among the rows, 3: both
  for (let k = 0; k < selected.length; k++) flags[selected[k]] = 1;
  for (let k = 0; k < rows.length; k++) flags[rows[k]] |= 2;
  const kept = new Uint32Array(most + 1);
  let count = 0;
  for (let i = 0; i <= most; i++) if ((KEPT[mode] >> flags[i]) & 1) kept[count++] = i;
  return kept.slice(0, count);
}

/** Per mode, a bit for each flag whose rows stay selected. @type {Record<string, number>} */
const KEPT = { add: 0b1110, subtract: 0b0010, intersect: 0b1000 };

const DIMMED = 0.13;
const PLAIN = 0.8;
const SELECTED = 1;

/** @param {number} center @param {number} length @returns {Span} */
function around(center, length) {
  return [center - length / 2, center + length / 2];
}
