// Search by id, path and class; same as analysis/text_search.py. No DOM.
import { fold } from "../../frontend/classes.js";
import { CONDITION, MAX_TYPOS } from "../../frontend/constants.js";
import { printable } from "./text.js";

/**
 * @typedef {import("./record.js").SharedRecord} SharedRecord
 * @typedef {{rows: Uint32Array, what: string}} Found  rows, and what they have in common
 */

/** Whether a text is a condition on columns, which needs pandas. @param {SharedRecord} record @param {string} text */
export function isCondition({ names }, text) {
  return new RegExp(CONDITION).test(text) && !names.includes(text.trim());
}

/** Rows that a text names, and what they have in common; if there are none, the nearest class. @param {SharedRecord} record @param {string} text @returns {Found} */
export function foundByText(record, text) {
  const wanted = text.trim();
  const [, hash, digits] = /^(#?)(\d{1,18})$/.exec(wanted) ?? [];
  const id = digits?.replace(/^0+(?=\d)/, "");
  if (hash) return { rows: rowsWhere(record, (row) => String(record.ids[row]) === id), what: `with id ${id}` };
  const kind = record.labels ? "label" : "prediction";
  const ofClass = /^(label|prediction):\s*(\S[^]*)$/i.exec(wanted);
  const named = withClass(record, kind, wanted, true);
  if (named) return named;
  if (!ofClass) return containing(record, kind, wanted, id, wanted);
  const [, given, name] = ofClass;
  const other = given.toLowerCase();
  return withClass(record, other, name, true) ?? withClass(record, other, name, false) ?? containing(record, other, wanted, id, name);
}

/** Rows whose label or prediction has this name, or contains it; null if no class does. */
function withClass(/** @type {SharedRecord} */ record, /** @type {string} */ kind, /** @type {string} */ name, /** @type {boolean} */ isWhole) {
  const codes = kind === "label" ? record.labels : record.predictions;
  const folded = fold(name);
  if (!codes || !folded) return null;
  const matches = record.names.map((known) => (isWhole ? fold(known) === folded : fold(known).includes(folded)));
  const first = matches.indexOf(true);
  if (first < 0) return null;
  const what = isWhole ? `with ${kind} ${printable(record.names[first])}` : `with “${printable(name)}” in ${kind}`;
  return { rows: rowsWhere(record, (row) => codes[row] >= 0 && matches[codes[row]]), what };
}

/** Rows whose path or class contains a text, or that have this id; if there are none, the class nearest to a name. */
function containing(
  /** @type {SharedRecord} */ record, /** @type {string} */ kind, /** @type {string} */ text, /** @type {string | undefined} */ id, /** @type {string} */ name,
) {
  const { paths, ids, names } = record;
  const codes = kind === "label" ? record.labels : record.predictions;
  const folded = fold(text);
  const isNamed = names.map((name) => folded !== "" && fold(name).includes(folded));
  const places = [paths && "path", codes && kind, id !== undefined && "id"].filter(Boolean);
  const rows = rowsWhere(record, (row) => (
    (id !== undefined && String(ids[row]) === id)
    || Boolean(codes && codes[row] >= 0 && isNamed[codes[row]])
    || Boolean(folded && paths && fold(paths[row]).includes(folded))
  ));
  const near = rows.length || id !== undefined ? "" : nearestName(fold(name), names);
  const hint = near ? `; did you mean ${printable(near)}?` : "";
  return { rows, what: `with “${printable(text)}” in ${places.join(" or ") || "id"}${hint}` };
}

/** The first of the names that are nearest to a misspelt one; "" if none is near. */
function nearestName(/** @type {string} */ folded, /** @type {string[]} */ names) {
  const text = [...folded];
  if (!text.length) return "";
  let limit = Math.min(MAX_TYPOS, Math.max(1, Math.floor(text.length / 3)));
  let nearest = "";
  for (const name of names) {
    const typos = typosOf(text, [...fold(name)], limit);
    if (typos < limit || (typos === limit && !nearest)) [limit, nearest] = [typos, name];
  }
  return nearest;
}

/** Letters added, left out, replaced or swapped with the next one; beyond the limit, any more. */
function typosOf(/** @type {string[]} */ text, /** @type {string[]} */ other, /** @type {number} */ limit) {
  if (Math.abs(text.length - other.length) > limit) return limit + 1;
  /** @type {number[][]} */
  const rows = [[...other.keys(), other.length]];
  text.forEach((letter, i) => {
    const row = [i + 1];
    other.forEach((others, j) => {
      row.push(Math.min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + Number(letter !== others)));
      if (i && j && letter === other[j - 1] && text[i - 1] === others) row[j + 1] = Math.min(row[j + 1], rows[i - 1][j - 1] + 1);
    });
    rows.push(row);
  });
  return rows[text.length][other.length];
}

function rowsWhere(/** @type {SharedRecord} */ { n }, /** @type {(row: number) => boolean} */ holds) {
  return Uint32Array.from({ length: n }, (_, row) => row).filter(holds);
}
