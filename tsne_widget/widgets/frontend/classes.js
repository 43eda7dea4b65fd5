// The list of classes: sorting, number formats, and search by typing. No DOM, no widgets.

/** @typedef {{names: string[], counts: ArrayLike<number>, accuracies: ArrayLike<number>, selected?: ArrayLike<number>,
 *   gains?: ArrayLike<number>}} Classes */

// Made once: one formatter per number makes a thousand rows slow.
const EXACT = new Intl.NumberFormat("en");
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const ASCENDING = new Intl.Collator(undefined, { numeric: true });

/**
 * Codes of the classes, sorted; equal classes keep their order.
 * @param {string} by  "name", "size" (largest first), "smallest", "accuracy" (lowest first), "best" (highest first), "selected"
 *   (most first), "lost" and "gained" (by the rise of the accuracy); anything else keeps the given order
 * @param {Classes} classes  an accuracy of NaN is unknown and comes last
 * @returns {number[]}
 */
export function sortedCodes(by, { names, counts, accuracies, selected = [], gains = [] }) {
  const codes = Array.from(names, (_, code) => code);
  const known = (/** @type {number} */ code, sign = 1) => (Number.isNaN(accuracies[code]) ? 2 : sign * accuracies[code]);
  if (by === "name") codes.sort((a, b) => ASCENDING.compare(names[a], names[b]));
  if (by === "size") codes.sort((a, b) => counts[b] - counts[a]);
  if (by === "accuracy" && accuracies.length) codes.sort((a, b) => known(a) - known(b));
  if (by === "best" && accuracies.length) codes.sort((a, b) => known(a, -1) - known(b, -1));
  const gain = (/** @type {number} */ code, sign = 1) => (Number.isFinite(gains[code]) ? sign * gains[code] : 2);
  if (by === "lost") codes.sort((a, b) => gain(a) - gain(b));
  if (by === "gained") codes.sort((a, b) => gain(a, -1) - gain(b, -1));
  if (by === "smallest") codes.sort((a, b) => counts[a] - counts[b]);
  if (by === "selected") codes.sort((a, b) => (selected[b] ?? 0) - (selected[a] ?? 0));
  return codes;
}

/**
 * Text without case, accents and compatibility forms, for searching; same as fold() in _text.py.
 * @param {string} text
 */
export function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toUpperCase().toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ");
}

/**
 * Position of the name that typed letters select in a list; -1 for none.
 * A single letter, or the same letter again, moves to the next name that begins with it.
 * @param {string[]} names  folded, in the order of the list
 * @param {number} from  the current position
 * @param {string} typed  folded
 */
export function typedPosition(names, from, typed) {
  const find = (/** @type {string} */ start, /** @type {number} */ first) => {
    for (let step = 0; step < names.length; step++) {
      const position = (first + step) % names.length;
      if (names[position].startsWith(start)) return position;
    }
    return -1;
  };
  const found = find(typed, typed.length > 1 ? from : from + 1);
  const isOneLetter = [...typed].every((letter) => letter === typed[0]);
  return found < 0 && isOneLetter ? find(typed[0], from + 1) : found;
}

/**
 * A count with all its digits.
 * @param {number} count
 */
export function fullCount(count) {
  return EXACT.format(count);
}

/**
 * A count for a narrow column: exact up to 9,999, then in thousands and millions.
 * @param {number} count
 */
export function shortCount(count) {
  return count < 10_000 ? fullCount(count) : COMPACT.format(count).replace("K", "k");
}

/** The nearest integer, half to even, same as numpy.rint(). @param {number} value */
export function roundHalfEven(value) {
  const low = Math.floor(value);
  const rest = value - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}

/**
 * A share in per cent; "100 %" only for all and "0 %" only for none. "" if it is unknown.
 * @param {number} share
 * @param {number} digits  after the decimal point
 */
export function percent(share, digits = 0) {
  if (!Number.isFinite(share)) return "";
  const unit = 10 ** -digits;
  const rounded = roundHalfEven((100 * share) / unit) * unit;
  const least = share > 0 ? unit : 0;
  const most = share < 1 ? 100 - unit : 100;
  return `${Math.min(most, Math.max(least, rounded)).toFixed(digits)}\u202f%`;
}

/**
 * A rise in percentage points: "+8", "−7" or "0"; "" if it is unknown.
 * @param {number} gain  share
 */
export function points(gain) {
  if (!Number.isFinite(gain)) return "";
  const rounded = Math.round(100 * gain);
  return rounded > 0 ? `+${rounded}` : rounded < 0 ? `\u2212${-rounded}` : "0";
}

/**
 * A class described in one sentence, for screen readers.
 * @param {{name: string, selected: number, count: number, accuracy: number, gain?: number, visible: boolean}} row
 */
export function describe({ name, selected, count, accuracy, gain = NaN, visible }) {
  const parts = [name, count ? `${fullCount(selected)} of ${fullCount(count)} selected` : "no pictures"];
  const share = percent(accuracy);
  if (share) parts.push(`${share.replace("\u202f", " ")} right`);
  if (points(gain)) parts.push(`change ${points(gain)} points`);
  parts.push(visible ? "shown" : "hidden");
  return parts.join(", ");
}
