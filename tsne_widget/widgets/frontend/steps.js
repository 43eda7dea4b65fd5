// Keyboard navigation in the matrix.

const PAGE_CELLS = 10; // cells per Page Up or Page Down
const VERTICAL = ["ArrowUp", "ArrowDown", "PageUp", "PageDown"];

/**
 * Row and column that a key moves to, −1 for the headings; null if the key does not move.
 * @param {string} key
 * @param {number[]} place  row and column
 * @param {number} last  row or column
 */
export function stepFrom(key, [row, column], last) {
  /** @type {Record<string, number[]>} */
  const ways = {
    ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
    PageUp: [row - PAGE_CELLS, column], PageDown: [row + PAGE_CELLS, column], Home: [row, 0], End: [row, last],
  };
  const to = ways[key];
  if (!to) return null;
  const least = (/** @type {number} */ other) => (other < 0 ? 0 : -1); // the corner between the headings has no cell
  return VERTICAL.includes(key) ? [clamp(to[0], [least(column), last]), column] : [row, clamp(to[1], [least(row), last])];
}

/** @param {number} value @param {number[]} range  minimum and maximum */
export function clamp(value, [least, most]) {
  return Math.max(least, Math.min(most, value));
}
