// How the points look: radius, weight and ring of each kind of point, by how close together they are.

/** @typedef {{radius: number, alpha: number, ring: number}} Look  pixels; 0 … 1; width of the ring in pixels, 0 for none */
/** @typedef {{base: Look, wrong: Look | null, selected: Look, selectedWrong: Look | null}} Looks  null: as the right ones */
/** @typedef {{points: Uint32Array, kind: "wrong" | "selected" | "selectedWrong"}} Layer */

const NORMAL_GAP = 12; // pixels between neighbours at which a point has its normal size
const UNITS = [0.6, 1.35]; // least and largest size, as a factor
const RINGS_FROM = 5; // pixels between neighbours: closer rings would touch
const SELECTED_RINGS_FROM = 3;
const MANY = 0.35; // share of wrong points from which rings would say nothing
const MANY_RINGS_FROM = 14;
const WEIGHTS = { light: { plain: 0.62, dimmed: 0.34 }, dark: { plain: 0.55, dimmed: 0.4 } };
const VALUE_WEIGHT = 0.85; // coloured by values: the weight must not change the colour
const WRONG_WEIGHT = 0.14; // more than that of an unselected right point
/** Share of the ink in the colour of a ring; the rest is the point's colour. */
export const INK = { light: 0.74, dark: 0.62 };

/**
 * @param {{area: number, count: number, zoom: number, wrong: number, hasSelection: boolean, isDark: boolean,
 *   mistakes: string, isValue: boolean, size: number, opacity: number}} map
 *   area: of the plot in px²; count: points; zoom: 1 for the whole map; wrong: share of the points;
 *   mistakes: "mark", "only" or "plain"; isValue: coloured by values; size and opacity: the user's factors
 * @returns {Looks}
 */
export function looksOf({ area, count, zoom, wrong, hasSelection, isDark, mistakes, isValue, size, opacity }) {
  const gap = Math.sqrt(area / Math.max(1, count)) * zoom;
  const unit = Math.max(UNITS[0], Math.min(UNITS[1], gap / NORMAL_GAP)) * size;
  const { plain, dimmed } = WEIGHTS[isDark ? "dark" : "light"];
  const rest = Math.min(1, (isValue ? VALUE_WEIGHT : plain) * opacity);
  const weight = hasSelection ? Math.min(1, dimmed * opacity) : rest;
  const look = (/** @type {number} */ radius, /** @type {number} */ alpha, ring = 0) => ({ radius: radius * unit, alpha, ring });
  const base = look(hasSelection ? 1.9 : 2.5, weight);
  const selected = look(2.8, 1);
  if (isValue || mistakes === "plain") return { base, wrong: null, selected, selectedWrong: null };
  const hasRings = gap >= (wrong > MANY ? MANY_RINGS_FROM : RINGS_FROM);
  return {
    base,
    wrong: hasSelection ? look(2.1, Math.min(1, weight + WRONG_WEIGHT)) : look(2.9, 1, hasRings ? 1 : 0),
    selected,
    selectedWrong: look(3.2, 1, gap >= SELECTED_RINGS_FROM ? 1.2 : 0),
  };
}

/**
 * The points above the others, in drawing order: wrong ones, selected ones, then selected wrong ones.
 * @param {ArrayLike<number>} opacity  0 for hidden points
 * @param {Uint32Array} wrong  misclassified points, ascending
 * @param {Uint32Array} selected
 * @param {Looks} looks
 * @returns {Layer[]}
 */
export function layersOf(opacity, wrong, selected, looks) {
  const isSelected = new Uint8Array(opacity.length);
  const isWrong = new Uint8Array(opacity.length);
  for (let k = 0; k < selected.length; k++) isSelected[selected[k]] = 1;
  for (let k = 0; k < wrong.length; k++) isWrong[wrong[k]] = 1;
  const hasOwn = looks.selectedWrong !== null;
  /** @type {Layer[]} */
  const layers = [];
  if (looks.wrong) layers.push({ points: onlyThose(wrong, (i) => opacity[i] > 0 && !isSelected[i]), kind: "wrong" });
  layers.push({ points: onlyThose(selected, (i) => opacity[i] > 0 && !(hasOwn && isWrong[i])), kind: "selected" });
  if (hasOwn) layers.push({ points: onlyThose(selected, (i) => opacity[i] > 0 && isWrong[i] > 0), kind: "selectedWrong" });
  return layers.filter(({ points }) => points.length);
}

/** The points that pass the test; `filter` takes several times as long for a million. @param {Uint32Array} points @param {(point: number) => boolean} test */
export function onlyThose(points, test) {
  const found = new Uint32Array(points.length);
  let count = 0;
  for (let k = 0; k < points.length; k++) if (test(points[k])) found[count++] = points[k];
  return found.slice(0, count);
}
