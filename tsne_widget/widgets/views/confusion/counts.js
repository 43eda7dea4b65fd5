// Decodes and describes the counts of the confusion panel.
import { typed } from "../../frontend/bytes.js";
import { fullCount, percent } from "../../frontend/classes.js";

/**
 * @typedef {{all: Uint32Array, chosen: Uint32Array, table: Uint32Array, allReport: Uint32Array,
 *   chosenReport: Uint32Array, report: Uint32Array, pairs: Uint32Array, isSelection: boolean}} Counts
 *   all, chosen: c × c counts of the visible and of the selected samples, label by prediction;
 *   a report has three numbers per class: samples with the label, with the prediction, correct ones;
 *   table, report and pairs are those of the selection if isSelection
 */

/** @param {import("../../frontend/kernel.js").ViewModel} model @returns {Counts} */
export function readCounts(model) {
  const read = (/** @type {string} */ name) => typed(model.get(name), Uint32Array);
  const [all, chosen, allReport, chosenReport] = ["counts", "chosen", "report", "chosen_report"].map(read);
  const isSelection = model.get("counts_selection");
  const orZeros = (/** @type {Uint32Array} */ values, /** @type {number} */ count) => (values.length ? values : new Uint32Array(count));
  return {
    all, chosen, allReport, chosenReport, isSelection,
    table: isSelection ? orZeros(chosen, all.length) : all,
    report: isSelection ? orZeros(chosenReport, allReport.length) : allReport,
    pairs: read(isSelection ? "chosen_pairs" : "pairs"),
  };
}

/** Describe a cell, or a heading if an index is −1. @param {Counts} counts @param {string[]} names @param {number[]} place */
export function describeCell({ isSelection, report, table, chosen }, names, [row, column]) {
  const of = isSelection ? "of the selection, " : "";
  const shareOf = (/** @type {number} */ part, /** @type {number} */ whole) => (whole ? ` (${percent(part / whole, 1)})` : "");
  if (row < 0 || column < 0) {
    const code = Math.max(row, column);
    const whole = report[3 * code + (column < 0 ? 0 : 1)];
    const right = report[3 * code + 2];
    return `${of}${column < 0 ? "label" : "predicted"} ${names[code]}: ${fullCount(whole)}, ${fullCount(right)} of them correct${shareOf(right, whole)}`;
  }
  const place = row * names.length + column;
  const [count, whole] = [table[place], report[3 * row]];
  const selected = !isSelection && chosen[place] ? `, ${fullCount(chosen[place])} selected` : "";
  return `${of}label ${names[row]}, predicted ${names[column]}: ${fullCount(count)} of ${fullCount(whole)}${shareOf(count, whole)}${selected}`;
}

/** The share of correct samples in one line. @param {Counts} counts */
export function describeAll({ allReport, chosenReport }) {
  const part = (/** @type {Uint32Array} */ report, /** @type {string} */ what) => {
    const [samples, right] = [sum(report, 0), sum(report, 2)];
    return samples ? `${percent(right / samples, 1)} of ${fullCount(samples)} ${what}` : "";
  };
  const parts = [part(allReport, "visible"), part(chosenReport, "selected")].filter(Boolean);
  return parts.length ? `Accuracy: ${parts.join(", ")}` : "No visible sample has a label and a prediction";
}

function sum(/** @type {Uint32Array} */ report, /** @type {number} */ column) {
  return report.reduce((total, value, k) => total + (k % 3 === column ? value : 0), 0);
}
