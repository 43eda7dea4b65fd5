// Colours of the points: a texel per row, and the key. Same as models/coloring.py. No DOM.
import {
  COLOR_GROUPS, MAX_ENTRIES, PICTURE_SCORES, RAMP, RAMP_COLORS, RIGHT_COLOR, TAIL, TEXELS, TITLES, UNKNOWN_COLOR, WRONG_COLOR,
} from "../../frontend/constants.js";
import { countedCodes } from "./counting.js";
import { roundHalfEven } from "../../frontend/classes.js";
import { general, needs, printable } from "./text.js";

const UNKNOWN_TEXEL = TEXELS - 1;

/**
 * @typedef {{texels: Uint8Array, texture: string[], key: any}} Coloring
 *   texels: index of each row's colour in the texture
 * @typedef {{name: string, color: string, rows: ArrayLike<number>}} Selection
 */

/** @type {WeakMap<object, {by: string, selections: Selection[], coloring: Coloring}>} */
const LAST = new WeakMap();

/** The current colours, computed once for the map and the legend. @param {import("./exploration.js").Exploration} exploration */
export function currentColoring({ record, state: { colorBy: by, selections } }) {
  let last = LAST.get(record);
  if (last?.by !== by || (by === "selection" && last.selections !== selections)) {
    last = { by, selections, coloring: coloringOf(record, by, selections) };
    LAST.set(record, last);
  }
  return last.coloring;
}

/**
 * Name, title, missing inputs and group of each colouring.
 * @param {import("./record.js").SharedRecord} record
 * @param {number} selections  number of named selections
 * @returns {[string, string, string, string][]}
 */
export function colorChoices({ kind, labels, predictions, scores }, selections) {
  /** @type {[string, string, string, string][]} */
  const plain = kind ? [] : [["", "one colour", "", COLOR_GROUPS[0]]];
  return [
    ...plain,
    ["label", TITLES.label, needs({ labels }), COLOR_GROUPS[0]],
    ["prediction", TITLES.prediction, needs({ predictions }), COLOR_GROUPS[0]],
    ["correct", TITLES.correct, needs({ labels, predictions }), COLOR_GROUPS[0]],
    ["selection", TITLES.selection, selections ? "" : "needs a named selection", COLOR_GROUPS[0]],
    ...[...scores.values()].map(({ name, title }) => /** @type {[string, string, string, string]} */ ([
      name, title, "", COLOR_GROUPS[PICTURE_SCORES.includes(name) ? 3 : name in TITLES ? 1 : 2],
    ])),
  ];
}

/**
 * @param {import("./record.js").SharedRecord} record
 * @param {string} name  one of the choices; "" if there are no classes
 * @param {Selection[]} selections
 * @returns {Coloring}
 */
export function coloringOf(record, name, selections) {
  const score = record.scores.get(name);
  const title = score?.title ?? TITLES[name] ?? name;
  if (score) return ofAmounts(score.values, title);
  if (name === "correct") return ofCodes(judged(record), ["right", "wrong"], [RIGHT_COLOR, WRONG_COLOR], { title });
  if (name === "selection") {
    const [names, colors] = [selections.map((one) => printable(one.name)), selections.map((one) => one.color)];
    return ofCodes(selectionCodes(record.n, selections), names, colors, { title, unknown_name: "in none" });
  }
  const { known, printableNames, colors } = record;
  const codes = name === "prediction" && record.predictions ? record.predictions : record.codes;
  const coloring = ofCodes(Int32Array.from(codes, (code) => (code < 0 ? known : code)), printableNames.slice(0, known), colors.slice(0, known), { title });
  return { ...coloring, key: { ...coloring.key, entries: [] } }; // the legend displays these entries
}

/** 0 for right, 1 for wrong, 2 for unknown. */
function judged(/** @type {import("./record.js").SharedRecord} */ { labels, predictions, wrong }) {
  return Int32Array.from(wrong, (flag, row) => (labels && predictions && labels[row] >= 0 && predictions[row] >= 0 ? flag : 2));
}

/** Index of the first selection that contains each row; the number of selections if none does. */
function selectionCodes(/** @type {number} */ n, /** @type {Selection[]} */ selections) {
  const codes = new Int32Array(n).fill(selections.length);
  for (let k = selections.length - 1; k >= 0; k--) for (const row of Array.from(selections[k].rows)) codes[row] = k;
  return codes;
}

/**
 * Colours of categories; codes of names.length or more are unknown. Colours repeat if the texture is shorter.
 * @param {Int32Array} codes @param {string[]} names @param {string[]} palette @param {any} key
 * @returns {Coloring}
 */
function ofCodes(codes, names, palette, key) {
  const texels = Uint8Array.from(codes, (code) => (code < names.length ? code % UNKNOWN_TEXEL : UNKNOWN_TEXEL));
  const texture = Array.from({ length: TEXELS }, (_, k) => (k < UNKNOWN_TEXEL && palette[k]) || UNKNOWN_COLOR);
  const counts = countedCodes(codes, null, names.length + 1);
  const listed = names.map((name, k) => [name, palette[k], counts[k]]).filter(([, , count]) => count);
  const more = Math.max(0, listed.length - MAX_ENTRIES);
  return { texels, texture, key: keyOf({ ...key, entries: listed.slice(0, MAX_ENTRIES), more, unknown: counts[names.length] }) };
}

/** @returns {Coloring} */
function ofAmounts(/** @type {Float32Array} */ values, /** @type {string} */ title) {
  const texture = [...RAMP_COLORS, UNKNOWN_COLOR];
  const inside = values.filter(Number.isFinite).sort();
  const texels = new Uint8Array(values.length).fill(UNKNOWN_TEXEL);
  const unknown = values.length - inside.length;
  if (!inside.length) return { texels, texture, key: keyOf({ title, low: "–", high: "–", unknown }) };
  const [least, most] = [inside[0], inside[inside.length - 1]];
  let [low, high] = [TAIL, 1 - TAIL].map((share) => inside[roundHalfEven(share * (inside.length - 1))]);
  if (low === high) [low, high] = [least, most];
  values.forEach((value, row) => {
    if (!Number.isFinite(value)) return;
    const share = (Math.min(high, Math.max(low, value)) - low) / (high - low || 1);
    texels[row] = roundHalfEven(Math.fround(share * (UNKNOWN_TEXEL - 1)));
  });
  const ends = { low: `${least < low ? "≤ " : ""}${general(low)}`, high: `${most > high ? "≥ " : ""}${general(high)}` };
  return { texels, texture, key: keyOf({ title, unknown, ...ends }) };
}

function keyOf(/** @type {any} */ known) {
  return { title: "", entries: [], more: 0, low: "", high: "", ramp: RAMP, unknown: 0, unknown_name: "unknown", ...known };
}
