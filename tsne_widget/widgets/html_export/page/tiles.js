// Tiles and details of single samples; same as models/tiles.py and models/details.py.
import { MAX_PATH, UNKNOWN } from "../../frontend/constants.js";
import { ending, fileName, printable, scoreText } from "./text.js";

/** @typedef {import("./record.js").SharedRecord} SharedRecord */

/**
 * A function that returns a row's tile and picture.
 * @param {SharedRecord} record
 */
export function makeTiles(record) {
  return (/** @type {number} */ row) => {
    const { file, mime, width, height, note } = record.picture(row);
    const tile = {
      row, id: record.ids[row], label: className(record, record.labels, row), prediction: className(record, record.predictions, row),
      wrong: record.wrong[row] === 1, confidence: record.scores.get("confidence")?.values[row] ?? null,
      color: record.colors[record.codes[row]], title: record.paths ? printable(fileName(record.paths[row])) : "",
      mime, bytes: file.length, width, height, note,
    };
    return { tile, picture: file };
  };
}

/** Name of a row's class; null if there are no codes. */
function className(/** @type {SharedRecord} */ record, /** @type {ArrayLike<number> | null} */ codes, /** @type {number} */ row) {
  if (!codes) return null;
  return codes[row] < 0 ? UNKNOWN : record.printableNames[codes[row]];
}

/** Names and values of a row's fields. @param {SharedRecord} record @param {number} row @returns {[string, string][]} */
export function detailsOf(record, row) {
  /** @type {[string, string][]} */
  const found = [["id", String(record.ids[row])]];
  if (record.paths) found.push(["path", ending(record.paths[row], MAX_PATH)]);
  for (const [name, codes] of /** @type {const} */ ([["label", record.labels], ["prediction", record.predictions]])) {
    const word = className(record, codes, row);
    if (word !== null) found.push([name, word]);
  }
  for (const { name, values, format } of record.scores.values()) {
    found.push([printable(name.replaceAll("_", " ")), scoreText(values[row], format)]);
  }
  return found;
}

/** Probabilities of a row's most probable classes and of its label. @param {SharedRecord} record @param {number} row */
export function probabilitiesOf({ probabilities, labels, printableNames }, row) {
  if (!probabilities) return [];
  const { k, codes, shares, labelShares } = probabilities;
  const label = labels ? labels[row] : -1;
  const top = Array.from({ length: k }, (_, place) => ({ code: codes[row * k + place], share: shares[row * k + place] }));
  if (label >= 0 && !top.some(({ code }) => code === label)) top.push({ code: label, share: labelShares[row] });
  return top.map(({ code, share }) => ({ name: printableNames[code] ?? String(code), share, is_label: code === label }));
}
