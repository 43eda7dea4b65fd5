// What a shared page knows of its samples: unpacked from the data that stand in it. No DOM.

/**
 * @typedef {{dtype: string, data: string}} Packed  little-endian numbers in base64
 * @typedef {{name: string, title: string, values: Float32Array, highestFirst: boolean, format: string}} Score
 * @typedef {{name: string, title: string, meaning: string, score: string, highest: boolean,
 *   only_wrong: boolean, limit: number}} Lens
 * @typedef {{file: Uint8Array, mime: string, width: number, height: number, note: string}} Picture  no bytes: no picture
 * @typedef {{n: number, title: string, notes: {sample: string, pictures: string}, names: string[],
 *   shownNames: string[], colors: string[], known: number, kind: "label" | "prediction" | "",
 *   codes: ArrayLike<number>, labels: ArrayLike<number> | null, predictions: ArrayLike<number> | null,
 *   wrong: Uint8Array, x: Float32Array, y: Float32Array, ids: ArrayLike<number | bigint>,
 *   paths: string[] | null, scores: Map<string, Score>, titles: Record<string, string>,
 *   top: {k: number, codes: ArrayLike<number>, shares: Float32Array} | null, lenses: Lens[],
 *   ramp: string[], unknownColor: string, rightAndWrong: string[], hasImages: boolean,
 *   picture: (row: number) => Picture}} SharedRecord
 *   names are as they were given, shownNames are fit to be seen; codes are classes, names.length for
 *   unknown ones
 */

const ARRAYS = {
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, int16: Int16Array, int32: Int32Array,
  int64: BigInt64Array, float32: Float32Array,
};
const MIMES = ["", "image/png", "image/jpeg"];
const MAX_NAME = 80; // characters of a name that are shown, as in a notebook

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
 * @param {any} data  what shared_record.py has written
 * @param {string} bodies  of the pictures, in base64
 * @returns {SharedRecord}
 */
export function readRecord(data, bodies) {
  const labels = data.labels && unpack(data.labels);
  const predictions = data.predictions && unpack(data.predictions);
  const kind = labels ? "label" : predictions ? "prediction" : "";
  const known = kind ? data.names.length : 1;
  const given = labels ?? predictions ?? new Uint8Array(data.n);
  const codes = Uint32Array.from(given, (/** @type {number} */ code) => (code < 0 ? known : code));
  const names = kind ? [...data.names] : ["all samples"];
  const shownNames = names.map((name) => shownText(name));
  const colors = kind ? [...data.colors] : [data.colors[0]];
  if (codes.some((code) => code === known)) {
    shownNames.push(names.includes("unknown") ? "unknown label" : "unknown");
    colors.push(data.unknown_color);
  }
  const wrong = new Uint8Array(data.n);
  if (labels && predictions) wrong.forEach((_, row) => { wrong[row] = Number(labels[row] >= 0 && labels[row] !== predictions[row]); });
  const scores = new Map(data.scores.map((/** @type {any} */ { name, values, highest_first: highestFirst, format }) =>
    [name, { name, title: data.titles[name] ?? shownText(name), values: unpack(values), highestFirst, format }]));
  return {
    n: data.n, title: data.title, notes: data.notes, names, shownNames, colors, known, kind, codes, labels, predictions, wrong,
    x: unpack(data.x), y: unpack(data.y), ids: unpack(data.ids), paths: data.paths, scores, titles: data.titles,
    top: data.top && { k: data.top.k, codes: unpack(data.top.codes), shares: unpack(data.top.shares) },
    lenses: data.lenses, ramp: data.ramp, unknownColor: data.unknown_color, rightAndWrong: data.right_and_wrong,
    hasImages: data.has_images, picture: pictureReader(data.pictures, bodies),
  };
}

/** Reads single pictures: of the text of all, only what is wanted is decoded. */
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
 * Bytes start … end − 1 of what a text in base64 stands for.
 * @param {string} base64
 * @param {number} start
 * @param {number} end
 */
export function slice(base64, start, end) {
  const first = Math.floor(start / 3);
  const part = bytesOf(base64.slice(4 * first, 4 * Math.ceil(end / 3)));
  return part.slice(start - 3 * first, end - 3 * first);
}

/**
 * One line of visible text, as text.py makes it: controls and bidi marks as escapes, not too long.
 * @param {string} text
 * @param {number} limit  characters
 */
export function shownText(text, limit = MAX_NAME) {
  const plain = [...text].slice(0, limit + 1).join("")
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escaped);
  const letters = [...plain];
  return letters.length <= limit ? plain : `${letters.slice(0, limit - 1).join("")}…`;
}

function escaped(/** @type {string} */ character) {
  const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
  const code = /** @type {number} */ (character.codePointAt(0));
  const [letter, length] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return short ?? `\\${letter}${code.toString(16).padStart(/** @type {number} */ (length), "0")}`;
}

/** Rows in the order of drawing: shuffled, so that no class lies on top of the others. @param {number} n */
export function shuffledRows(n) {
  const rows = Uint32Array.from({ length: n }, (_, row) => row);
  let state = 1; // Lehmer's generator: the same page is always drawn in the same way
  for (let i = n - 1; i > 0; i--) {
    state = (state * 48271) % 2147483647;
    const other = state % (i + 1);
    [rows[i], rows[other]] = [rows[other], rows[i]];
  }
  return rows;
}
