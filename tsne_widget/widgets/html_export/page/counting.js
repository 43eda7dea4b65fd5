// Counts: samples per class, and confusions of classes. No DOM.
import { MAX_PAIRS } from "../../frontend/constants.js";

/** @typedef {{table: DataView, report: DataView, pairs: DataView, spread: number[]}} Confusion  in the kernel's format */

/** Number of rows per class. @param {ArrayLike<number>} codes @param {ArrayLike<number> | null} rows @param {number} classes */
export function countedCodes(codes, rows, classes) {
  const counts = new Uint32Array(classes);
  const n = rows ? rows.length : codes.length;
  for (let k = 0; k < n; k++) counts[codes[rows ? rows[k] : k]]++;
  return counts;
}

/**
 * Accuracy of each class; NaN if unknown.
 * @param {{codes: ArrayLike<number>, wrong: Uint8Array, known: number, labels: any, predictions: any}} record
 * @param {ArrayLike<number>} counts  number of rows per class
 */
export function accuraciesOf({ codes, wrong, known, labels, predictions }, counts) {
  const shares = new Float32Array(counts.length).fill(NaN);
  if (!labels || !predictions) return shares;
  const mistakes = new Uint32Array(counts.length);
  for (let row = 0; row < codes.length; row++) mistakes[codes[row]] += wrong[row];
  for (let code = 0; code < known; code++) if (counts[code]) shares[code] = 1 - mistakes[code] / counts[code];
  return shares;
}

/**
 * Confusion matrix of some rows; rows with an unknown label or prediction are left out.
 * @param {ArrayLike<number>} labels
 * @param {ArrayLike<number>} predictions
 * @param {Iterable<number>} rows
 * @param {number} c  classes
 * @param {number[][]} units  codes of the classes of each row and column of the matrix
 * @returns {Confusion}
 */
export function confusionOf(labels, predictions, rows, c, units) {
  const u = units.length;
  const table = new Uint32Array(u * u);
  const unitOf = new Int32Array(c).fill(-1);
  units.forEach((codes, unit) => { for (const code of codes) unitOf[code] = unit; });
  const report = new Uint32Array(3 * c);
  /** @type {Map<number, number>} */
  const mistakes = new Map();
  for (const row of rows) {
    const [label, prediction] = [labels[row], predictions[row]];
    if (label < 0 || prediction < 0) continue;
    report[3 * label]++;
    report[3 * prediction + 1]++;
    if (unitOf[label] >= 0 && unitOf[prediction] >= 0) table[u * unitOf[label] + unitOf[prediction]]++;
    if (label === prediction) report[3 * label + 2]++;
    else mistakes.set(c * label + prediction, (mistakes.get(c * label + prediction) ?? 0) + 1);
  }
  const worst = [...mistakes].sort(([a, m], [b, n]) => n - m || a - b);
  const pairs = Uint32Array.from(worst.slice(0, MAX_PAIRS).flatMap(([pair, count]) => [Math.floor(pair / c), pair % c, count]));
  return { table: asView(table), report: asView(report), pairs: asView(pairs), spread: [worst.length, pairsWithHalf(worst)] };
}

/** Number of pairs, largest first, that hold half of the mistakes. @param {[number, number][]} worst */
function pairsWithHalf(worst) {
  let left = worst.reduce((sum, [, count]) => sum + count, 0) / 2;
  let pairs = 0;
  while (left > 0) left -= worst[pairs++][1];
  return pairs;
}

/** Numbers as bytes, in the kernel's format. @param {Uint32Array | Float32Array | Uint8Array} numbers */
export function asView(numbers) {
  return new DataView(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** One bit per flag, most significant bit first, same as numpy.packbits. @param {ArrayLike<number | boolean>} flags */
export function packBits(flags) {
  const bytes = new Uint8Array(Math.ceil(flags.length / 8));
  for (let i = 0; i < flags.length; i++) if (flags[i]) bytes[i >> 3] |= 128 >> (i & 7);
  return asView(bytes);
}
