// Geometry of the map: viewports, points and polygons. No DOM, no widgets.

/** @typedef {[number, number]} Span  an interval of data units */
/** @typedef {{x: Span, y: Span}} Viewport */

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
 * The middle of each visible class: the median of its right points, or of all if none is right.
 *
 * The first points suffice: they are a sample of all classes.
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @param {ArrayLike<number>} codes  class of each point
 * @param {Uint8Array} visible  1 for each visible class
 * @param {Uint32Array} wrong  misclassified points, ascending
 * @param {number} classes
 * @returns {{code: number, count: number, x: number, y: number}[]}
 */
export function medianPlaces(x, y, codes, visible, wrong, classes) {
  const counts = new Uint32Array(classes);
  for (let i = 0; i < x.length; i++) counts[codes[i]]++;
  /** @type {number[][]} */
  const right = Array.from({ length: classes }, () => []);
  /** @type {number[][]} */
  const others = Array.from({ length: classes }, () => []);
  for (let i = 0, k = 0; i < Math.min(x.length, MEDIAN_POINTS); i++) {
    const isWrong = wrong[k] === i;
    if (isWrong) k++;
    if (visible[codes[i]]) (isWrong ? others : right)[codes[i]].push(i);
  }
  const median = (/** @type {number[]} */ points, /** @type {ArrayLike<number>} */ at) =>
    Float32Array.from(points, (i) => at[i]).sort()[points.length >> 1];
  return right.flatMap((points, code) => {
    const some = points.length ? points : others[code];
    return some.length ? [{ code, count: counts[code], x: median(some, x), y: median(some, y) }] : [];
  });
}

const MEDIAN_POINTS = 20_000;

/**
 * The height at which a box covers the fewest points, the first of equals.
 * @param {number[][]} points  pixels
 * @param {number} left  middle of the box @param {number[]} tops  its possible middles @param {number} halfWidth @param {number} halfHeight
 */
export function leastCovered(points, left, tops, halfWidth, halfHeight) {
  const near = points.filter(([x]) => Math.abs(x - left) < halfWidth);
  const counts = tops.map((top) => near.filter(([, y]) => Math.abs(y - top) < halfHeight).length);
  return tops[counts.indexOf(Math.min(...counts))];
}

/**
 * The points of one class that hang together with a point: no gap between them is wider than a step.
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @param {(point: number) => boolean} isMember
 * @param {number} from  a member
 * @param {number} step  in data units
 * @returns {Uint32Array}
 */
export function clusterAround(x, y, isMember, from, step) {
  const cellOf = (/** @type {number} */ i) => [Math.floor(x[i] / step), Math.floor(y[i] / step)];
  const keyOf = (/** @type {number} */ column, /** @type {number} */ row) => `${column} ${row}`;
  /** @type {Map<string, number[]>} */
  const cells = new Map();
  for (let i = 0; i < x.length; i++) {
    if (!isMember(i)) continue;
    const [column, row] = cellOf(i);
    const key = keyOf(column, row);
    const cell = cells.get(key);
    if (cell) cell.push(i);
    else cells.set(key, [i]);
  }
  const found = [];
  const pending = [cellOf(from)];
  while (pending.length) {
    const [column, row] = /** @type {number[]} */ (pending.pop());
    for (let dx = -1; dx <= 1; dx++) {
      for (let dy = -1; dy <= 1; dy++) {
        const key = keyOf(column + dx, row + dy);
        const cell = cells.get(key);
        if (!cell) continue;
        cells.delete(key);
        found.push(...cell);
        pending.push([column + dx, row + dy]);
      }
    }
  }
  return Uint32Array.from(found).sort();
}

/**
 * The next visible point in a direction, preferably straight ahead; −1 if there is none.
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @param {ArrayLike<number>} opacity  0 for hidden points
 * @param {[number, number]} place  from where, in data units
 * @param {[number, number]} direction  a unit vector
 * @param {Uint32Array | null} drawn  points that are drawn; null for all
 * @returns {number}
 */
export function nextPoint(x, y, opacity, place, direction, drawn) {
  let [best, index] = [Infinity, -1];
  const count = drawn ? drawn.length : opacity.length;
  for (let k = 0; k < count; k++) {
    const i = drawn ? drawn[k] : k;
    if (!opacity[i]) continue;
    const [dx, dy] = [x[i] - place[0], y[i] - place[1]];
    const along = dx * direction[0] + dy * direction[1];
    const across = Math.abs(dx * direction[1] - dy * direction[0]);
    if (along <= 0 || across > along) continue;
    const distance = along + ACROSS * across;
    if (distance < best) [best, index] = [distance, i];
  }
  return index;
}

const ACROSS = 2; // a step aside counts as so many ahead

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
