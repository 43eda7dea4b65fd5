// Sorts and groups the rows of an exported page's gallery. No DOM.
import { MAX_GROUPS, SORT_KEYS, SORT_NAMES, TITLES, UNKNOWN } from "../../frontend/constants.js";
import { fullCount } from "../../frontend/classes.js";
import { needs } from "./text.js";

/**
 * @typedef {import("./record.js").SharedRecord} SharedRecord
 * @typedef {[name: string, size: number, labelColor: string, predictionColor: string]} Group
 * @typedef {{key: string, name: string, lacks: string, descending: boolean, values: ArrayLike<number> | null}} Sort
 */

/**
 * The sorts of the gallery, in the order of models/sorting.py.
 * @param {SharedRecord} record
 * @returns {Sort[]}
 */
export function sortsOf(record) {
  const { scores, labels, predictions } = record;
  const [others, possible] = [
    [...scores.keys()].filter((key) => !SORT_KEYS.includes(key)),
    SORT_KEYS.filter((key) => ["dataset", "class", "prediction"].includes(key) || scores.has(key)),
  ];
  return [...possible, ...others].map((key) => {
    const score = scores.get(key);
    if (score) return { key, name: score.title, lacks: "", descending: score.highestFirst, values: score.values };
    const codes = { class: labels, prediction: predictions }[key] ?? null;
    const lacks = { class: needs({ labels }), prediction: needs({ predictions }) }[key] ?? "";
    const values = codes && Float64Array.from(codes, (code) => (code < 0 ? NaN : code));
    return { key, name: SORT_NAMES[key] ?? TITLES[key], lacks, descending: false, values };
  });
}

/**
 * Rows sorted by value within each group; same as grouped() in models/arrangement.py. Rows with equal
 * values are ascending, and NaN comes last.
 * @param {Uint32Array} rows  ascending
 * @param {Sort} sort
 * @param {boolean} descending
 * @param {string} groupBy  "none", "label", "prediction" or "confusion"
 * @param {SharedRecord} record
 * @returns {{rows: Uint32Array, groups: Group[]}}
 */
export function arrangedRows(rows, sort, descending, groupBy, record) {
  const ordered = sortedRows(rows, sort.values, descending);
  if (groupBy === "none" || !ordered.length) return { rows: ordered, groups: [] };
  const members = membersOf(ordered, groupBy, record);
  const keys = sortedKeys(members, groupBy, record.names.length);
  const groups = keys.map((key) => headOf(key, members.get(key)?.length ?? 0, groupBy, record));
  if (groups.length <= MAX_GROUPS) return { rows: Uint32Array.from(keys.flatMap((key) => members.get(key) ?? [])), groups };
  const rest = keys.slice(MAX_GROUPS - 1);
  const isInRest = new Set(rest.flatMap((key) => members.get(key) ?? []));
  const inOthers = keys.slice(0, MAX_GROUPS - 1).flatMap((key) => members.get(key) ?? []);
  return {
    rows: Uint32Array.from([...inOthers, ...ordered.filter((row) => isInRest.has(row))]),
    groups: [...groups.slice(0, MAX_GROUPS - 1), [`${fullCount(rest.length)} other groups`, isInRest.size, "", ""]],
  };
}

/** @returns {Uint32Array} */
function sortedRows(/** @type {Uint32Array} */ rows, /** @type {ArrayLike<number> | null} */ values, /** @type {boolean} */ descending) {
  if (!values) return descending ? rows.slice().reverse() : rows.slice();
  return rows.slice().sort((a, b) => {
    const [u, v] = [values[a], values[b]];
    if (Number.isNaN(u) || Number.isNaN(v)) return Number(Number.isNaN(u)) - Number(Number.isNaN(v)) || a - b;
    if (u === v) return a - b;
    return u < v === descending ? 1 : -1;
  });
}

/** Sorted rows of each group; the key of a group by confusion is label · (c + 1) + prediction, and (c + 1)² for right rows. */
function membersOf(/** @type {Uint32Array} */ rows, /** @type {string} */ groupBy, /** @type {SharedRecord} */ { names, labels, predictions }) {
  /** @type {Map<number, number[]>} */
  const members = new Map();
  const c = names.length;
  const code = (/** @type {ArrayLike<number> | null} */ codes, /** @type {number} */ row) => (!codes || codes[row] < 0 ? c : codes[row]);
  for (const row of rows) {
    const [label, prediction] = [code(labels, row), code(predictions, row)];
    const pair = label === prediction && label < c ? (c + 1) ** 2 : label * (c + 1) + prediction;
    const key = { label, prediction, confusion: pair }[groupBy] ?? 0;
    const group = members.get(key);
    if (group) group.push(row);
    else members.set(key, [row]);
  }
  return members;
}

/** Sorted keys of the groups. By confusion: mistakes by frequency, then correct ones, then unknown ones. */
function sortedKeys(/** @type {Map<number, number[]>} */ members, /** @type {string} */ groupBy, /** @type {number} */ c) {
  const keys = [...members.keys()].sort((a, b) => a - b);
  if (groupBy !== "confusion") return keys;
  const rank = (/** @type {number} */ key) => {
    if (key === (c + 1) ** 2) return 1;
    return Math.floor(key / (c + 1)) === c || key % (c + 1) === c ? 2 : 0;
  };
  const size = (/** @type {number} */ key) => members.get(key)?.length ?? 0;
  return keys.sort((a, b) => rank(a) - rank(b) || size(b) - size(a) || a - b);
}

/** @returns {Group} */
function headOf(/** @type {number} */ key, /** @type {number} */ size, /** @type {string} */ groupBy, /** @type {SharedRecord} */ { names, printableNames, colors }) {
  const c = names.length;
  const word = (/** @type {number} */ code) => (code < c ? printableNames[code] : UNKNOWN);
  const color = (/** @type {number} */ code) => (code < c ? colors[code] : "");
  if (groupBy === "label") return [word(key), size, color(key), ""];
  if (groupBy === "prediction") return [`→ ${word(key)}`, size, "", color(key)];
  if (key === (c + 1) ** 2) return ["right", size, "", ""];
  const [label, prediction] = [Math.floor(key / (c + 1)), key % (c + 1)];
  return [`${word(label)} → ${word(prediction)}`, size, color(label), color(prediction)];
}

/**
 * A heading for each group of equal pictures; same as same_pictures() in models/arrangement.py.
 * @param {Uint32Array} rows  in their order @param {ArrayLike<number>} numbers  of the rows' groups @param {SharedRecord} record
 * @returns {Group[]}
 */
export function samePictures(rows, numbers, { labels, names, printableNames, colors }) {
  /** @type {number[][]} */
  const groups = [];
  rows.forEach((row, i) => {
    if (i && numbers[row] === numbers[rows[i - 1]]) groups[groups.length - 1].push(row);
    else groups.push([row]);
  });
  if (groups.length > MAX_GROUPS) return [];
  const c = names.length;
  return groups.map((members) => {
    if (!labels) return ["same picture", members.length, "", ""];
    const codes = [...new Set(members.map((row) => (labels[row] < 0 ? c : labels[row])))].sort((a, b) => a - b);
    const text = codes.map((code) => (code < c ? printableNames[code] : UNKNOWN)).join(", ");
    return [text, members.length, codes.length === 1 && codes[0] < c ? colors[codes[0]] : "", ""];
  });
}
