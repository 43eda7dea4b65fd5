// Search by id, path and class; same as analysis/text_search.py. No DOM.
import { fold } from "../../frontend/classes.js";
import { CONDITION } from "../../frontend/constants.js";
import { printable } from "./text.js";

/**
 * @typedef {import("./record.js").SharedRecord} SharedRecord
 * @typedef {{rows: Uint32Array, what: string}} Found  rows, and what they have in common
 */

/** Whether a text is a condition on columns, which needs pandas. @param {SharedRecord} record @param {string} text */
export function isCondition({ names }, text) {
  return new RegExp(CONDITION).test(text) && !names.includes(text.trim());
}

/** Rows that a text names: by a class, an id, or a part of the path or the label. @param {SharedRecord} record @param {string} text @returns {Found} */
export function foundByText(record, text) {
  const wanted = text.trim();
  const [, hash, digits] = /^(#?)(\d{1,18})$/.exec(wanted) ?? [];
  const id = digits?.replace(/^0+(?=\d)/, "");
  if (hash) return { rows: rowsWhere(record, (row) => String(record.ids[row]) === id), what: `with id ${id}` };
  const kind = record.labels ? "label" : "prediction";
  const ofClass = /^(label|prediction):\s*(\S[^]*)$/i.exec(wanted);
  const named = withClass(record, kind, wanted, true);
  if (named) return named;
  if (!ofClass) return containing(record, kind, wanted, id);
  const [, given, name] = ofClass;
  const other = given.toLowerCase();
  return withClass(record, other, name, true) ?? withClass(record, other, name, false) ?? containing(record, other, wanted, id);
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

/** Rows whose path or class contains a text, or that have this id. */
function containing(/** @type {SharedRecord} */ record, /** @type {string} */ kind, /** @type {string} */ text, /** @type {string | undefined} */ id) {
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
  return { rows, what: `with “${printable(text)}” in ${places.join(" or ") || "id"}` };
}

function rowsWhere(/** @type {SharedRecord} */ { n }, /** @type {(row: number) => boolean} */ holds) {
  return Uint32Array.from({ length: n }, (_, row) => row).filter(holds);
}
