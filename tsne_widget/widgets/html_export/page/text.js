// Formats text and numbers the same as Python. No DOM.
import { MAX_NAME, SMALLEST_NATS } from "../../frontend/constants.js";
import { fullCount, roundHalfEven } from "../../frontend/classes.js";

/**
 * One line of visible text: escapes control characters and bidi marks. Same as printable() in _text.py.
 * @param {string} text
 * @param {number} limit  characters
 */
export function printable(text, limit = MAX_NAME) {
  const plain = [...text].slice(0, limit + 1).join("").replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escape);
  const letters = [...plain];
  return letters.length <= limit ? plain : `${letters.slice(0, limit - 1).join("")}…`;
}

/** Text in quotes, same as Python's repr(). @param {string} text */
export function quoted(text) {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll("\\", "\\\\")
    .replaceAll(quote, quote === "'" ? "\\'" : quote)
    .replace(/(?! )[\p{C}\p{Z}]/gu, escape);
  return quote + escaped + quote;
}

function escape(/** @type {string} */ character) {
  const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
  const code = /** @type {number} */ (character.codePointAt(0));
  const [letter, length] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return short ?? `\\${letter}${code.toString(16).padStart(/** @type {number} */ (length), "0")}`;
}

/** An ellipsis and the last characters of a long text. @param {string} text @param {number} limit */
export function ending(text, limit) {
  const letters = [...text];
  return printable(letters.length <= limit ? text : `…${letters.slice(1 - limit).join("")}`, limit);
}

/** Last part of a path that has slashes or backslashes. @param {string} path */
export function fileName(path) {
  return path.replace(/[/\\]+$/, "").split(/[/\\]/).pop() ?? "";
}

/**
 * The digits of a number, rounded half to even like Python's "e" format; JavaScript rounds half up.
 * @param {number} value  finite
 * @param {number} digits
 * @returns {{digits: string, exponent: number}}  for the absolute value
 */
function rounded(value, digits) {
  const [long, exponent] = Math.abs(value).toExponential(40).split("e");
  const all = long.replace(".", "");
  let kept = all.slice(0, digits);
  const rest = all.slice(digits);
  const half = `5${"0".repeat(rest.length - 1)}`;
  const goesUp = rest > half || (rest === half && Number(kept.at(-1)) % 2 === 1);
  if (goesUp) kept = String(BigInt(kept) + 1n).padStart(digits, "0");
  const isLonger = kept.length > digits; // 999.96 is rounded to 1000
  return { digits: kept.slice(0, digits), exponent: Number(exponent) + Number(isLonger) };
}

/** A number with a number of significant digits, same as Python's "g" format. @param {number} value @param {number} digits */
export function general(value, digits = 4) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (value === 0) return `${sign}0`;
  const { digits: kept, exponent } = rounded(value, digits);
  const whole = exponent >= -4 && exponent < digits;
  if (!whole) {
    const power = `e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
    return `${sign}${withoutZeros(`${kept[0]}.${kept.slice(1)}`)}${power}`;
  }
  if (exponent < 0) return `${sign}${withoutZeros(`0.${"0".repeat(-exponent - 1)}${kept}`)}`;
  return `${sign}${withoutZeros(`${kept.slice(0, exponent + 1)}.${kept.slice(exponent + 1)}`)}`;
}

function withoutZeros(/** @type {string} */ text) {
  return text.replace(/0+$/, "").replace(/\.$/, "");
}

/** A non-negative number with a number of decimals, same as Python's "f" format. @param {number} value @param {number} decimals  at least 1 */
export function fixed(value, decimals) {
  const [whole, fraction] = value.toFixed(60).split(".");
  const kept = whole + fraction.slice(0, decimals);
  const rest = fraction.slice(decimals);
  const half = `5${"0".repeat(rest.length - 1)}`;
  const goesUp = rest > half || (rest === half && Number(kept.at(-1)) % 2 === 1);
  const digits = String(BigInt(kept) + (goesUp ? 1n : 0n)).padStart(decimals + 1, "0");
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** A score's value as text, same as Score.text(). @param {number} value @param {string} format  "percent", "nats", "number" or "integer" */
export function scoreText(value, format) {
  if (Number.isNaN(value)) return "unknown";
  if (format === "percent") return `${fixed(100 * value, 1)} %`;
  if (format === "nats" && value > 0 && value < SMALLEST_NATS) return `< ${SMALLEST_NATS}`;
  if (format === "integer") return String(roundHalfEven(value));
  return general(value);
}

/** "needs labels and predictions", or "" if nothing is missing. @param {Record<string, any>} needed  by name */
export function needs(needed) {
  const missing = Object.keys(needed).filter((name) => !needed[name]);
  return missing.length ? `needs ${missing.join(" and ")}` : "";
}

/** The message about rows that are not selected while their classes are hidden; "" for none. @param {number} hidden @param {number} total */
export function hiddenRows(hidden, total) {
  return hidden ? `${fullCount(hidden)} of ${fullCount(total)} rows belong to hidden classes: they are selected once their classes are shown` : "";
}
