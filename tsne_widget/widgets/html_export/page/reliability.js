// Confidence against accuracy in bins of equally many samples. Same as analysis/calibration.py. No DOM.
import { RELIABILITY_BINS, SAMPLES_PER_BIN } from "../../frontend/constants.js";

/** Number of bins for n samples. @param {number} n */
export function binsFor(n) {
  return Math.min(RELIABILITY_BINS, Math.max(1, Math.floor(n / SAMPLES_PER_BIN)));
}

/**
 * @param {number[]} sure  probability of the predicted class
 * @param {boolean[]} right
 * @param {number} count  bins
 * @returns {{bins: number[][], error: number}}  of each bin: smallest and largest confidence, samples, promised and kept accuracy
 */
export function reliability(sure, right, count) {
  const n = sure.length;
  const order = sure.map((_, k) => k).sort((a, b) => sure[a] - sure[b]);
  const starts = new Set();
  for (let k = 0; k < count; k++) {
    let at = Math.ceil((k * n) / count);
    if (at >= n) continue;
    while (at > 0 && sure[order[at - 1]] === sure[order[at]]) at -= 1; // equal values share a bin
    starts.add(at);
  }
  const places = [...starts, n];
  const bins = places.slice(0, -1).map((start, k) => {
    const rows = order.slice(start, places[k + 1]);
    const mean = (/** @type {(row: number) => number} */ value) => rows.reduce((sum, row) => sum + value(row), 0) / rows.length;
    return [sure[rows[0]], sure[rows[rows.length - 1]], rows.length, mean((row) => sure[row]), mean((row) => Number(right[row]))];
  });
  const error = n ? bins.reduce((sum, [, , samples, promised, kept]) => sum + samples * Math.abs(promised - kept), 0) / n : NaN;
  return { bins, error };
}
