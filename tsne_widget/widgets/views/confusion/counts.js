// Decodes and describes the counts of the confusion panel. No DOM.
import { typed } from "../../frontend/bytes.js";
import { fullCount, percent } from "../../frontend/classes.js";

/**
 * @typedef {{all: Uint32Array, chosen: Uint32Array, table: Uint32Array, allReport: Uint32Array,
 *   chosenReport: Uint32Array, report: Uint32Array, pairs: Uint32Array, spread: number[], isSelection: boolean}} Counts
 *   all, chosen: c × c counts of the visible and of the selected pictures, label by prediction;
 *   a report has three numbers per class: pictures with the label, with the prediction, right ones;
 *   spread: pairs of classes with a mistake, and how many of them hold half of the mistakes;
 *   table, report, pairs and spread are those of the selection if isSelection
 */

/** @param {import("../../frontend/kernel.js").ViewModel} model @returns {Counts} */
export function readCounts(model) {
  const read = (/** @type {string} */ name) => typed(model.get(name), Uint32Array);
  const [all, chosen, allReport, chosenReport] = ["counts", "chosen", "report", "chosen_report"].map(read);
  const isSelection = model.get("counts_selection") && chosenReport.length > 0;
  return {
    all, chosen, allReport, chosenReport, isSelection,
    table: isSelection ? chosen : all,
    report: isSelection ? chosenReport : allReport,
    pairs: read(isSelection ? "chosen_pairs" : "pairs"),
    spread: model.get(isSelection ? "chosen_spread" : "spread"),
  };
}

/**
 * The counts of a matrix whose rows are units: classes, or groups of classes. The report has a sum for each unit.
 * @param {Counts} counts @param {number[][]} codes  of the classes of each unit
 * @returns {Counts}
 */
export function unitCounts(counts, codes) {
  const report = Uint32Array.from(codes.flatMap((own) => [0, 1, 2].map((column) => own.reduce((sum, code) => sum + (counts.report[3 * code + column] ?? 0), 0))));
  return { ...counts, report };
}

/** Mistakes in a matrix. @param {ArrayLike<number>} table @param {number} count  units */
export function mistakesIn(table, count) {
  let sum = 0;
  for (let k = 0; k < table.length; k++) if (k % (count + 1)) sum += table[k];
  return sum;
}

/** Describe a cell, or a heading if an index is −1. @param {Counts} counts @param {string[]} names @param {number[]} place */
export function describeCell({ isSelection, report, table, chosen }, names, [row, column]) {
  const of = isSelection ? "of the selection, " : "";
  const shareOf = (/** @type {number} */ part, /** @type {number} */ whole) => (whole ? ` (${percent(part / whole, 1)})` : "");
  if (row < 0 || column < 0) {
    const code = Math.max(row, column);
    const whole = report[3 * code + (column < 0 ? 0 : 1)];
    const right = report[3 * code + 2];
    return `${of}${column < 0 ? "label" : "predicted"} ${names[code]}: ${fullCount(whole)}, ${fullCount(right)} of them right${shareOf(right, whole)}`;
  }
  const place = row * names.length + column;
  const [count, whole] = [table[place], report[3 * row]];
  const selected = !isSelection && chosen[place] ? `, ${fullCount(chosen[place])} selected` : "";
  return `${of}label ${names[row]}, predicted ${names[column]}: ${fullCount(count)} of ${fullCount(whole)}${shareOf(count, whole)}${selected}`;
}

/** Pictures and right ones of a report. @param {Uint32Array} report */
export function totals(report) {
  const sum = (/** @type {number} */ column) => report.reduce((total, value, k) => total + (k % 3 === column ? value : 0), 0);
  return { pictures: sum(0), right: sum(2) };
}

/**
 * How full each cell is, 0 … 1. Only mistakes are scaled, by the largest value outside the diagonal; a
 * power below one keeps small values visible.
 * @param {ArrayLike<number>} values @param {number} count  classes
 */
export function fullness(values, count) {
  let most = 0;
  const isMistake = (/** @type {number} */ k) => k % (count + 1) !== 0;
  for (let k = 0; k < values.length; k++) if (isMistake(k) && values[k] > most) most = values[k];
  return Float64Array.from(values, (value, k) => (isMistake(k) && most ? (value / most) ** 0.8 : 0));
}

/** The values of the cells: counts, or shares of the label's pictures. @param {Counts} counts @param {number} count  classes @param {boolean} isShare */
export function valuesOf({ table, report }, count, isShare) {
  return Float64Array.from(table, (value, k) => (isShare ? value / (report[3 * Math.floor(k / count)] || 1) : value));
}

/** A count in at most four characters: 999, 1.2k, 12k, 3M. @param {number} count */
export function tinyCount(count) {
  const unit = count < 1000 ? 0 : count < 999_500 ? 1 : 2;
  if (!unit) return String(count);
  const value = count / 1000 ** unit;
  return `${value < 9.95 ? Number(value.toFixed(1)) : Math.round(value)}${"kM"[unit - 1]}`;
}
