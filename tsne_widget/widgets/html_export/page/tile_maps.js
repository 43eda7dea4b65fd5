// The map of evidence of a sample on its tile; same as models/tile_maps.py.

const MOST_PLACES = 16;
const LARGEST = 127;

/** Height, width and the values of a row's map; [] if it has none. @param {import("./record.js").SharedRecord} record @param {number} row @returns {number[]} */
export function tileMap(record, row) {
  const known = ["difference", "prediction"].map((target) => record.evidence.get(target)).find((one) => one?.at.has(row));
  if (!known) return [];
  const [ys, xs] = [partsOf(known.height), partsOf(known.width)];
  const start = (known.at.get(row) ?? 0) * known.height * known.width;
  const small = ys.flatMap(([top, bottom]) => xs.map(([left, right]) => {
    let total = 0;
    for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) total += known.values[start + y * known.width + x];
    return total / ((bottom - top) * (right - left));
  }));
  const largest = small.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  return [ys.length, xs.length, ...small.map((value) => Math.floor((LARGEST * value) / largest + 0.5))];
}

/** Start and stop of each part of a side; the first parts may be larger by one. @param {number} count @returns {[number, number][]} */
function partsOf(count) {
  const parts = Math.min(count, MOST_PLACES);
  const [size, more] = [Math.floor(count / parts), count % parts];
  return Array.from({ length: parts }, (_, k) => [k * size + Math.min(k, more), (k + 1) * size + Math.min(k + 1, more)]);
}
