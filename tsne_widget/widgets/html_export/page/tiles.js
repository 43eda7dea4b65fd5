// Tiles and details of single samples; same as models/tiles.py and models/details.py.
import { MAX_PATH, PICTURE_SCORES, UNKNOWN } from "../../frontend/constants.js";
import { asView } from "./counting.js";
import { ending, fileName, printable, scoreText } from "./text.js";

/** @typedef {import("./record.js").SharedRecord} SharedRecord */

/**
 * Functions that return a row's captions, and its tile with the picture.
 * @param {SharedRecord} record
 */
export function makeTiles(record) {
  const { ids, labels, predictions, paths, colors, codes, scores } = record;
  const wordsOf = (/** @type {number} */ row) => ({
    row, id: ids[row], label: className(record, labels, row), prediction: className(record, predictions, row),
    wrong: record.wrong[row] === 1, confidence: scores.get("confidence")?.values[row] ?? null,
    color: colors[codes[row]], prediction_color: predictions && predictions[row] >= 0 ? colors[predictions[row]] : "",
    title: paths ? printable(fileName(paths[row])) : "",
  });
  const tileOf = (/** @type {number} */ row) => {
    const { file, mime, width, height, note } = record.picture(row);
    return { tile: { ...wordsOf(row), mime, bytes: file.length, width, height, note }, picture: file };
  };
  return { wordsOf, tileOf };
}

/** The concatenated bytes of some pictures. @param {{picture: Uint8Array}[]} made */
export function joined(made) {
  const all = new Uint8Array(made.reduce((sum, { picture: bytes }) => sum + bytes.length, 0));
  let offset = 0;
  for (const { picture: bytes } of made) {
    all.set(bytes, offset);
    offset += bytes.length;
  }
  return asView(all);
}

/** Name of a row's class; null if there are no codes. */
function className(/** @type {SharedRecord} */ record, /** @type {ArrayLike<number> | null} */ codes, /** @type {number} */ row) {
  if (!codes) return null;
  return codes[row] < 0 ? UNKNOWN : record.printableNames[codes[row]];
}

/** Names and values of a row's scores. @param {SharedRecord} record @param {number} row @returns {[string, string][]} */
export function detailsOf(record, row) {
  const known = [...record.scores.values()].filter(({ name, values }) => !PICTURE_SCORES.includes(name) || !Number.isNaN(values[row]));
  return known.map(({ name, values, format }) => [printable(name.replaceAll("_", " ")), scoreText(values[row], format)]);
}

/** The printable path of a row's file; "" for none. @param {SharedRecord} record @param {number} row */
export function pathOf(record, row) {
  return record.paths ? ending(record.paths[row], MAX_PATH) : "";
}

/**
 * The columns of the gallery as a table, and the cells of a row; same as models/table.py.
 * @param {SharedRecord} record
 */
export function makeTable(record) {
  const { labels, predictions, ids } = record;
  /** @type {[key: string, name: string, isNumber: boolean, cell: (row: number) => string][]} */
  const columns = [["dataset", "id", true, (row) => String(ids[row])]];
  if (labels) columns.push(["class", "label", false, (row) => className(record, labels, row) ?? ""]);
  if (predictions) columns.push(["prediction", "prediction", false, (row) => className(record, predictions, row) ?? ""]);
  for (const { name, values, format } of record.scores.values()) {
    columns.push([name, printable(name.replaceAll("_", " ")), true, (row) => scoreText(values[row], format)]);
  }
  return {
    columns: columns.map(([key, name, isNumber]) => ({ key, name, is_number: isNumber })),
    cells: (/** @type {number} */ row) => columns.map(([, , , cell]) => cell(row)),
  };
}

/** Probabilities of a row's most probable classes and of its label. @param {SharedRecord} record @param {number} row */
export function probabilitiesOf({ probabilities, labels, printableNames, colors }, row) {
  if (!probabilities) return [];
  const { k, codes, shares, labelShares } = probabilities;
  const label = labels ? labels[row] : -1;
  const top = Array.from({ length: k }, (_, place) => ({ code: codes[row * k + place], share: shares[row * k + place] }));
  if (label >= 0 && !top.some(({ code }) => code === label)) top.push({ code: label, share: labelShares[row] });
  return top.map(({ code, share }) => ({ name: printableNames[code] ?? String(code), share, is_label: code === label, color: colors[code] ?? "" }));
}
