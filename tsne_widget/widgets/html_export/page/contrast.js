// What sets rows apart from others, the clearest difference first; same as analysis/contrast.py. No DOM.
import { AS_MUCH, FOLLOWS, HUES, MIN_VALUES, NOTABLE, PICTURE_PROPERTIES, MODEL_PROPERTIES, PROPERTY_WORDS, SIGNIFICANT } from "../../frontend/constants.js";
import { roundHalfEven } from "../../frontend/classes.js";
import { adjusted, only, rankTest, shareTest, sum, weightsOf } from "./rank_tests.js";

/**
 * @typedef {import("./rank_tests.js").Sides} Sides
 * @typedef {number | string | null} Value
 * @typedef {{values: number[], known: boolean[], levels: string[]}} Property  numbers, or codes of levels
 * @typedef {{name: string, here: number, there: number, measure: string, level: string, effect: number, p: number, q: number, follows: string, lacking: string}} Contrast
 */

const TRUTH = ["False", "True"];

/** The properties of the pictures and three scores of the model, by name; a value per row. @param {import("./record.js").SharedRecord} record @returns {Map<string, ArrayLike<Value>>} */
export function comparedProperties({ scores }) {
  const width = scores.get("picture_width")?.values;
  const found = new Map();
  for (const name of [...PICTURE_PROPERTIES, ...MODEL_PROPERTIES]) {
    const values = scores.get(name)?.values;
    if (!values) continue;
    const column = name === "picture_hue" ? Array.from(values, hueName) : name.endsWith("duplicate_group") && width ? values.map((value, row) => (Number.isNaN(width[row]) ? NaN : Number(Number.isFinite(value)))) : values;
    if (MODEL_PROPERTIES.includes(name) || column.some(isKnown)) found.set(name, column);
  }
  return found;
}

const isKnown = (/** @type {Value} */ value) => typeof value === "string" || Number.isFinite(value);
const hueName = (/** @type {number} */ degrees) => (Number.isFinite(degrees) ? HUES[roundHalfEven(Math.fround(degrees / 60)) % 6] : null);

/** The values of some rows; numbers that are all 0 or 1 are truth values. @param {ArrayLike<Value>} column @param {ArrayLike<number>} rows @returns {Property} */
export function asProperty(column, rows) {
  const given = Array.from(rows, (row) => column[row]);
  const known = given.map(isKnown);
  if (!ArrayBuffer.isView(column)) {
    const levels = /** @type {string[]} */ ([...new Set(given)].filter((value) => value !== null));
    return { values: given.map((value) => levels.indexOf(/** @type {string} */ (value))), known, levels };
  }
  const numbers = /** @type {number[]} */ (given);
  const isTruth = numbers.every((value, k) => !known[k] || value === 0 || value === 1);
  return isTruth ? { values: numbers.map((value, k) => (known[k] ? value : 0)), known, levels: TRUTH } : { values: numbers, known, levels: [] };
}

export const isNotable = (/** @type {Contrast} */ { q, effect }) => q <= SIGNIFICANT && Math.abs(effect) >= NOTABLE;

/** @param {Map<string, ArrayLike<Value>>} columns @param {Sides} sides @returns {Contrast[]} */
export function contrastOf(columns, sides) {
  const found = [...columns].map(([name, column]) => ({ name, here: NaN, there: NaN, measure: "median", level: "", effect: NaN, p: NaN, q: NaN, follows: "", lacking: "", ...tested(column, sides) }));
  const known = found.filter(({ lacking }) => !lacking);
  adjusted(known.map(({ p }) => p)).forEach((q, k) => { known[k].q = q; });
  known.sort((a, b) => a.p - b.p || Math.abs(b.effect) - Math.abs(a.effect));
  return [...originsFirst(known), ...found.filter(({ lacking }) => lacking)];
}

/** @param {ArrayLike<Value>} column @param {Sides} sides */
function tested(column, sides) {
  const { values, known, levels } = asProperty(column, sides.rows);
  const part = only(sides, known);
  const at = part === sides ? null : new Map(sides.rows.map((row, k) => [row, k]));
  const numbers = at ? part.rows.map((row) => values[at.get(row) ?? 0]) : values;
  const counts = [sum(part.m), sum(part.n)];
  if (Math.min(...counts) < MIN_VALUES) {
    const few = counts[0] < MIN_VALUES ? `${counts[0]} known values here` : `${counts[1]} known values to compare with`;
    return { lacking: `too few: ${few}, ${MIN_VALUES} are needed` };
  }
  if (levels.length) {
    let { level, effect, p } = shareTest(numbers, levels.length, part);
    if (levels === TRUTH && !level) [level, effect] = [1, 0 - effect];
    const [here, there] = meansOf(numbers.map((code) => Number(code === level)), part);
    return { here, there, measure: "share", level: levels === TRUTH ? "" : levels[level], effect, p };
  }
  const order = orderOf(column, part.rows);
  const { effect, p } = rankTest(numbers, order, part);
  const [here, there] = mediansOf(numbers, order, part);
  if (here !== there || !effect) return { here, there, effect, p };
  const [mean, other] = meansOf(numbers, part);
  return { here: mean, there: other, measure: "mean", effect, p };
}

/** @param {number[]} values @param {Sides} sides */
function meansOf(values, sides) {
  const weights = weightsOf(sides);
  return [true, false].map((side) => {
    const mine = weights.map((weight, k) => (sides.here[k] === side ? weight : 0));
    return sum(mine.map((weight, k) => weight * values[k])) / sum(mine);
  });
}

/** @type {WeakMap<object, Uint32Array>} */
const SORTED = new WeakMap();

/** Places of some rows, the lowest value first. A column is sorted once. @param {ArrayLike<Value>} column  numbers @param {number[]} rows */
function orderOf(column, rows) {
  const values = /** @type {Float32Array} */ (column);
  const sorted = SORTED.get(values) ?? Uint32Array.from(values.keys()).sort((a, b) => values[a] - values[b] || (Number.isNaN(values[a]) ? 1 : 0) - (Number.isNaN(values[b]) ? 1 : 0));
  SORTED.set(values, sorted);
  const place = new Int32Array(values.length).fill(-1);
  rows.forEach((row, k) => { place[row] = k; });
  return Array.from(sorted.filter((row) => place[row] >= 0), (row) => place[row]);
}

/** @param {number[]} values @param {number[]} sorted  their places, the lowest value first @param {Sides} sides */
function mediansOf(values, sorted, sides) {
  const weights = weightsOf(sides);
  return [true, false].map((side) => {
    const order = sorted.filter((k) => sides.here[k] === side);
    const isWeighted = !side && sides.m.length > 1;
    const total = sum(order.map((k) => (isWeighted ? weights[k] : 1)));
    let [at, passed] = [-1, 0];
    while (passed < total / 2 && at + 1 < order.length) passed += isWeighted ? weights[order[++at]] : Number(++at >= 0);
    const isTie = Math.abs(passed - total / 2) <= 1e-9 * Math.max(passed, total / 2) && at + 1 < order.length;
    return Math.fround(isTie ? (values[order[at]] + values[order[at + 1]]) / 2 : values[order[at]]);
  });
}

const plainName = (/** @type {string} */ name) => (name === "picture_entropy" ? name : name.replace(/^picture_/, ""));

/** Put properties that follow from others after these, where those differ about as much. @param {Contrast[]} found */
function originsFirst(found) {
  const byName = new Map(found.filter(isNotable).map((one) => [plainName(one.name), one]));
  const ordered = /** @type {Set<Contrast>} */ (new Set());
  for (const one of found) {
    const names = [];
    for (let name = FOLLOWS[plainName(one.name)]; name; name = FOLLOWS[name]) names.unshift(name);
    for (const origin of names.map((name) => byName.get(name))) {
      if (!origin || origin.effect * one.effect < AS_MUCH * one.effect ** 2) continue;
      ordered.add(origin);
      one.follows ||= origin.name;
    }
    ordered.add(one);
  }
  return [...ordered];
}

/** A difference in words: "darker". @param {Contrast} one */
export function wordsOf({ name, effect, level, measure }) {
  const often = `${effect > 0 ? "more" : "less"} often`;
  const plain = plainName(name);
  if (level) return `${often} ${level}`; // only a hue has levels
  if (PROPERTY_WORDS[plain]) return PROPERTY_WORDS[plain][Number(effect > 0)];
  return measure === "share" ? `${often} ${name}` : `${effect > 0 ? "higher" : "lower"} ${name}`;
}
