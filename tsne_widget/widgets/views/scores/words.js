// What the panel of scores says about the reliability. No DOM.
import { percent } from "../../frontend/classes.js";
import { wilson } from "../../frontend/intervals.js";

/**
 * @typedef {{low: number, high: number, samples: number, promised: number, kept: number}} Bar
 * @typedef {{samples: number, right: number, promised: number, error: number, after: number, within: number[]}} Numbers
 */

const SMALL_ERROR = 0.02; // a calibration error that no decision depends on

/** @param {Float32Array} values  five per bar @returns {Bar[]} */
export function barsOf(values) {
  return Array.from({ length: values.length / 5 }, (_, k) => {
    const [low, high, samples, promised, kept] = values.subarray(5 * k, 5 * k + 5);
    return { low, high, samples, promised, kept };
  });
}

/** @param {Float32Array} values @returns {Numbers} */
export function numbersOf([samples, right, promised, error, after, ...within]) {
  return { samples, right, promised, error, after, within };
}

/**
 * The verdict and what it rests on; the worst bar is the one that breaks its promise most.
 * @param {Numbers} numbers @param {Bar[]} bars @param {string} who  "The model", or "“cat”"
 * @returns {[string, string]}
 */
export function verdict({ samples, right, promised, error }, bars, who = "The model") {
  if (!samples) return ["No pictures to judge.", "Show a class that has labels and predictions."];
  const kept = right / samples;
  const [low, high] = wilson(right, samples);
  const gap = promised - kept;
  const worst = bars.reduce((one, other) => (Math.abs(other.promised - other.kept) > Math.abs(one.promised - one.kept) ? other : one));
  const example = `Where it says ${percent(worst.promised)}, it is right ${percent(worst.kept)} of the time`;
  if (error < SMALL_ERROR || (promised >= low && promised <= high && bars.length === 1)) {
    return [`${who} keeps what it promises.`, `It says ${percent(promised)} on average and is right ${percent(kept)} of the time.`];
  }
  if (promised > high) return [`${who} is surer than it is right.`, `${example}; over all it promises ${points(gap)} too much.`];
  if (promised < low) return [`${who} is right more often than it says.`, `${example}; over all it promises ${points(gap)} too little.`];
  return [`${who} is right as often as it says over all, but not everywhere.`, `${example}.`];
}

/** A difference of shares in percentage points, "12 points". @param {number} gap */
function points(gap) {
  const rounded = Math.abs(100 * gap);
  const text = rounded < 10 ? rounded.toFixed(1) : String(Math.round(rounded));
  return `${text}\u202f${text === "1.0" ? "point" : "points"}`;
}

/** A share with its 95 % interval, "81.5 % (79.7 to 83.2)". @param {number} right @param {number} samples */
export function withInterval(right, samples) {
  const [low, high] = wilson(right, samples).map((share) => (100 * share).toFixed(1));
  return samples ? `${percent(right / samples, 1)} (${low} to ${high})` : "–";
}
