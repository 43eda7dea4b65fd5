// Histograms of scores: a bin per row, and counts of rows. Same as models/histogram.py. No DOM.
import { HISTOGRAM_BINS, MAX_STEPS, NO_BIN, ON_LATTICE, TAIL } from "../../frontend/constants.js";
import { asView } from "./counting.js";
import { roundHalfEven } from "../../frontend/classes.js";
import { scoreText } from "./text.js";

/** @typedef {{codes: Uint8Array, low: string[], high: string[]}} Bins  the bin of each row; smallest and largest value of each bin */

/** @type {WeakMap<object, Bins>} */
const MADE = new WeakMap();

/** The bins of a score, made once. @param {import("./record.js").Score} score @returns {Bins} */
export function binsOf(score) {
  const made = MADE.get(score) ?? makeBins(score);
  MADE.set(score, made);
  return made;
}

/** @returns {Bins} */
function makeBins(/** @type {import("./record.js").Score} */ { values, format }) {
  const text = (/** @type {number} */ value) => scoreText(value, format);
  const codes = new Uint8Array(values.length).fill(NO_BIN);
  const ordered = values.filter(Number.isFinite).sort();
  if (!ordered.length) return { codes, low: [], high: [] };
  const [least, most] = [ordered[0], ordered[ordered.length - 1]];
  const put = (/** @type {(value: number) => number} */ binOf) => values.forEach((value, row) => {
    if (Number.isFinite(value)) codes[row] = binOf(value);
  });
  const step = stepOf(ordered);
  if (step) {
    const steps = roundHalfEven((most - least) / step) + 1;
    const share = Math.ceil(steps / HISTOGRAM_BINS);
    put((value) => Math.floor(roundHalfEven((value - least) / step) / share));
    const starts = Array.from({ length: Math.ceil(steps / share) }, (_, k) => k * share);
    const at = (/** @type {number} */ place) => text(least + step * place);
    return { codes, low: starts.map(at), high: starts.map((start) => at(Math.min(start + share, steps) - 1)) };
  }
  let [low, high] = [TAIL, 1 - TAIL].map((share) => ordered[roundHalfEven(share * (ordered.length - 1))]);
  if (low === high) [low, high] = [least, most];
  put((value) => Math.max(0, Math.min(HISTOGRAM_BINS - 1, Math.floor(((value - low) / (high - low)) * HISTOGRAM_BINS))));
  const inner = Array.from({ length: HISTOGRAM_BINS - 1 }, (_, k) => text(low + ((high - low) * (k + 1)) / HISTOGRAM_BINS));
  return { codes, low: [text(least), ...inner], high: [...inner, text(most)] };
}

/** Distance of neighbouring values of a lattice that has all values; 0 for none. */
function stepOf(/** @type {Float32Array} */ ordered) {
  let step = Infinity;
  for (let k = 1; k < ordered.length; k++) {
    const gap = ordered[k] - ordered[k - 1];
    if (gap > 0 && gap < step) step = gap;
  }
  if (step === Infinity) return 1; // one value
  const least = ordered[0];
  if ((ordered[ordered.length - 1] - least) / step > MAX_STEPS) return 0;
  const isOn = (/** @type {number} */ value) => {
    const place = (value - least) / step;
    return Math.abs(place - roundHalfEven(place)) < ON_LATTICE;
  };
  return ordered.every(isOn) ? step : 0;
}

/**
 * Four counts per bin: visible rows that are right or unknown, wrong, selected and right, selected and wrong.
 * @param {Bins} bins @param {import("./exploration.js").Exploration} exploration
 */
export function binCounts({ codes, low }, { record, state, isVisible }) {
  const counts = new Uint32Array(4 * low.length);
  const isSelected = new Uint8Array(record.n);
  for (const row of state.selected) isSelected[row] = 1;
  codes.forEach((code, row) => {
    if (code !== NO_BIN && isVisible(row)) counts[4 * code + record.wrong[row] + 2 * isSelected[row]]++;
  });
  return asView(counts);
}
