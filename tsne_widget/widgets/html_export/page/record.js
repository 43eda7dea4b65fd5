// The samples of an exported page, unpacked from its data. No DOM.
import { UNKNOWN, UNKNOWN_COLOR } from "../../frontend/constants.js";
import { printable } from "./text.js";

/**
 * @typedef {{dtype: string, data: string}} Packed  little-endian numbers in base64
 * @typedef {{name: string, title: string, values: Float32Array, highestFirst: boolean, format: string}} Score
 * @typedef {{file: Uint8Array, mime: string, width: number, height: number, note: string}} Picture  without a picture, the file is empty
 * @typedef {{names: string[], codes: number[][], order: number[]}} Units  what the rows of a confusion matrix are
 * @typedef {{k: number, codes: ArrayLike<number>, shares: Float32Array, labelShares: Float32Array}} Probabilities
 *   codes and shares of the k most probable classes of each row, and the probability of its label
 * @typedef {{height: number, width: number, at: Map<number, number>, values: Float32Array, tests: Map<number, any>}} Evidence
 *   maps for one target; at: number of the map of each row that has one
 * @typedef {{n: number, title: string, notes: {sample: string, pictures: string, record: {of: string, text: string}[]}, names: string[],
 *   printableNames: string[], colors: string[], known: number, kind: "label" | "prediction" | "",
 *   codes: ArrayLike<number>, labels: ArrayLike<number> | null, predictions: ArrayLike<number> | null,
 *   wrong: Uint8Array, x: Float32Array, y: Float32Array, order: ArrayLike<number>,
 *   ids: ArrayLike<number | bigint>, paths: string[] | null, scores: Map<string, Score>,
 *   probabilities: Probabilities | null, calibration: {temperature: number, confidence: Float32Array} | null, evidence: Map<string, Evidence>, confusion: {classes: Units, groups: Units, doubt: string}, groups: any, shortcuts: any, hasImages: boolean, picture: (row: number) => Picture}} SharedRecord
 *   names: original names; printableNames: printable names, including the class of unknown labels;
 *   codes: indices into printableNames; order: row of each point, in drawing order
 */

const ARRAYS = {
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, int16: Int16Array, int32: Int32Array,
  int64: BigInt64Array, float32: Float32Array,
};
const MIMES = ["", "image/png", "image/jpeg"];

/** @param {Packed} packed @returns {any} */
export function unpack({ dtype, data }) {
  return new ARRAYS[/** @type {"uint8"} */ (dtype)](bytesOf(data).buffer);
}

/** @param {string} base64 @returns {Uint8Array} */
function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * @param {any} data  what record.py and content.py wrote
 * @param {string} bodies  the encoded pictures, in base64
 * @returns {SharedRecord}
 */
export function readRecord(data, bodies) {
  const labels = data.labels && unpack(data.labels);
  const predictions = data.predictions && unpack(data.predictions);
  const probabilities = data.probabilities && {
    k: data.probabilities.k, codes: unpack(data.probabilities.codes),
    shares: unpack(data.probabilities.shares), labelShares: unpack(data.probabilities.label_shares),
  };
  return {
    n: data.n, title: data.title, notes: data.notes, labels, predictions, probabilities,
    ...classesOf(data, labels, predictions), wrong: wrongRows(data.n, labels, predictions),
    x: unpack(data.x), y: unpack(data.y), order: unpack(data.order), ids: unpack(data.ids), paths: data.paths,
    scores: new Map(data.scores.map((/** @type {any} */ one) => [one.name, scoreOf(one)])),
    calibration: data.calibration && { temperature: data.calibration.temperature, confidence: unpack(data.calibration.confidence) },
    evidence: new Map(Object.entries(data.evidence ?? {}).map(([target, one]) => [target, evidenceOf(one)])),
    confusion: data.confusion, groups: data.groups, shortcuts: data.shortcuts, hasImages: data.has_images, picture: pictureReader(data.pictures, bodies),
  };
}

/** The classes: of the labels if there are any, else of the predictions, else one class of all samples. Unknown comes last. */
function classesOf(/** @type {any} */ data, /** @type {ArrayLike<number> | null} */ labels, /** @type {ArrayLike<number> | null} */ predictions) {
  const kind = /** @type {"label" | "prediction" | ""} */ (labels ? "label" : predictions ? "prediction" : "");
  const names = kind ? [...data.names] : ["all samples"];
  const known = names.length;
  const codes = Uint32Array.from(labels ?? predictions ?? new Uint8Array(data.n), (code) => (code < 0 ? known : code));
  const printableNames = names.map((name) => printable(name));
  const colors = data.colors.slice(0, known);
  if (codes.some((code) => code === known)) {
    printableNames.push(names.includes(UNKNOWN) ? `${UNKNOWN} label` : UNKNOWN);
    colors.push(UNKNOWN_COLOR);
  }
  return { kind, names, known, codes, printableNames, colors };
}

/** 1 for each row whose prediction differs from its known label. */
function wrongRows(/** @type {number} */ n, /** @type {ArrayLike<number> | null} */ labels, /** @type {ArrayLike<number> | null} */ predictions) {
  const wrong = new Uint8Array(n);
  if (labels && predictions) wrong.forEach((_, row) => { wrong[row] = Number(labels[row] >= 0 && labels[row] !== predictions[row]); });
  return wrong;
}

/** @returns {Score} */
function scoreOf(/** @type {any} */ { name, title, values, highest_first: highestFirst, format }) {
  return { name, title: title ?? printable(name), values: unpack(values), highestFirst, format };
}

/** @returns {Evidence} */
function evidenceOf(/** @type {any} */ { height, width, rows, values, tests }) {
  const at = new Map([...unpack(rows)].map((row, number) => [row, number]));
  return { height, width, at, values: unpack(values), tests: new Map(tests) };
}

/** A function that decodes the picture of one row. */
function pictureReader(/** @type {any} */ pictures, /** @type {string} */ bodies) {
  const none = { file: new Uint8Array(0), mime: "", width: 0, height: 0, note: "" };
  if (!pictures) return () => none;
  const heads = pictures.heads.map(unpack);
  const [head, mime, ends, sizes] = ["head", "mime", "ends", "sizes"].map((name) => unpack(pictures[name]));
  return (/** @type {number} */ row) => {
    const note = pictures.notes[row] ?? "";
    if (!mime[row]) return { ...none, note };
    const body = slice(bodies, row ? ends[row - 1] : 0, ends[row]);
    const start = heads[head[row]];
    const file = new Uint8Array(start.length + body.length);
    file.set(start);
    file.set(body, start.length);
    return { file, mime: MIMES[mime[row]], width: sizes[2 * row], height: sizes[2 * row + 1], note };
  };
}

/**
 * Bytes start … end − 1 of a base64 text.
 * @param {string} base64
 * @param {number} start
 * @param {number} end
 */
export function slice(base64, start, end) {
  const first = Math.floor(start / 3);
  const part = bytesOf(base64.slice(4 * first, 4 * Math.ceil(end / 3)));
  return part.slice(start - 3 * first, end - 3 * first);
}
