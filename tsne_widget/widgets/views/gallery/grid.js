// Geometry of the tiles: a grid with headings, of which only the visible part is drawn. No DOM.
import { bitAt } from "../../frontend/bytes.js";

/**
 * A group of tiles: how many, and the height of a row of them below the picture, pixels.
 * @typedef {{size: number, caption: number}} Group
 * @typedef {{width: number, least: number, gap: number, heading: number}} Sizes
 *   width: of the grid; least: smallest width of a picture; gap: between tiles; heading: its height, 0 for none
 * A grid of tiles: groups one below the other, each with a heading and rows of tiles.
 * @typedef {{count: number, columns: number, side: number, pitch: number, rowHeights: number[],
 *   heading: number, starts: number[], tops: number[], height: number}} Grid
 *   side: width of a picture; pitch: distance of two tiles; starts: index of each group's first tile, then the count;
 *   tops: top of each group in pixels, then the height
 */

// Browsers clip taller elements: Chromium at 33,554,400 pixels, Firefox at half of that.
const MAX_CONTENT_PIXELS = 8_000_000;
const MAX_GROWTH = 1.6; // of a picture in a grid that is too narrow for another column

/** Pictures grow until they fill the width. @param {Group[]} groups @param {Sizes} sizes @returns {Grid} */
export function makeGrid(groups, { width, least, gap, heading }) {
  const columns = Math.max(1, Math.floor((width + gap) / (least + gap)));
  const side = Math.max(1, Math.min((width - (columns - 1) * gap) / columns, MAX_GROWTH * least));
  const rowHeights = groups.map(({ caption }) => side + caption + gap);
  const starts = [0];
  const tops = [0];
  groups.forEach(({ size }, group) => {
    starts.push(starts[group] + size);
    tops.push(tops[group] + heading + Math.ceil(size / columns) * rowHeights[group]);
  });
  const [count, height] = [starts[groups.length], tops[groups.length]];
  return { count, columns, side, pitch: side + gap, rowHeights, heading, starts, tops, height };
}

/** A grid of one column, for rows of equal height. @param {number} count @param {number} width @param {number} height  of a row @returns {Grid} */
export function makeList(count, width, height) {
  return { count, columns: 1, side: width, pitch: width, rowHeights: [height], heading: 0, starts: [0, count], tops: [0, count * height], height: count * height };
}

/**
 * Position of a tile, pixels.
 * @param {Grid} grid @param {number} index
 */
export function placeOf(grid, index) {
  const group = groupOf(grid.starts, index);
  const within = index - grid.starts[group];
  return {
    group,
    column: within % grid.columns,
    x: (within % grid.columns) * grid.pitch,
    y: grid.tops[group] + grid.heading + Math.floor(within / grid.columns) * grid.rowHeights[group],
  };
}

/**
 * Tiles first … last - 1, and groups whose heading may be visible, between two heights.
 * @param {Grid} grid @param {number} top @param {number} bottom
 */
export function inSight(grid, top, bottom) {
  if (!grid.count) return { first: 0, last: 0, headings: [] };
  const from = groupOf(grid.tops, top);
  const to = groupOf(grid.tops, bottom);
  const tile = (/** @type {number} */ group, /** @type {number} */ row) =>
    Math.min(grid.starts[group] + Math.max(0, row) * grid.columns, grid.starts[group + 1]);
  const row = (/** @type {number} */ group, /** @type {number} */ y) => (y - grid.tops[group] - grid.heading) / grid.rowHeights[group];
  const headings = [];
  if (grid.heading) for (let group = from; group <= to; group++) headings.push(group);
  return { first: tile(from, Math.floor(row(from, top))), last: tile(to, Math.ceil(row(to, bottom))), headings };
}

/**
 * The tile that a key moves to; the same tile if there is none.
 * @param {Grid} grid @param {number} index @param {string} key  as in KeyboardEvent @param {number} page  pixels
 */
export function movedTo(grid, index, key, page) {
  const last = grid.count - 1;
  if (key === "ArrowLeft") return Math.max(0, index - 1);
  if (key === "ArrowRight") return Math.min(last, index + 1);
  if (key === "Home") return 0;
  if (key === "End") return last;
  const { group, column, y } = placeOf(grid, index);
  const isDown = key.endsWith("Down");
  const steps = key.startsWith("Page") ? Math.max(1, Math.floor(page / grid.rowHeights[group])) : 1;
  const height = grid.rowHeights[group];
  const found = tileAt(grid, column, y + (isDown ? steps * height : steps === 1 ? -1 : -steps * height), isDown);
  if (found >= 0) return found;
  if (steps === 1) return index;
  return isDown ? last : tileAt(grid, column, grid.heading, true);
}

/**
 * The tile in a column at a height, or in the next row in that direction; -1 if there is none.
 * @param {Grid} grid @param {number} column @param {number} y @param {boolean} isDown
 */
function tileAt(grid, column, y, isDown) {
  if (y < 0 || y >= grid.height) return -1;
  let group = groupOf(grid.tops, y);
  const row = Math.floor((y - grid.tops[group] - grid.heading) / grid.rowHeights[group]);
  let start = grid.starts[group] + row * grid.columns;
  if (row < 0) {
    // on a heading: the row after it, or the last row of the group before it
    if (!isDown) {
      group -= 1;
      if (group < 0) return -1;
      const size = grid.starts[group + 1] - grid.starts[group];
      start = grid.starts[group] + (Math.ceil(size / grid.columns) - 1) * grid.columns;
    } else {
      start = grid.starts[group];
    }
  }
  return Math.min(start + column, grid.starts[group + 1] - 1);
}

/**
 * How scrolling moves a list that may be taller than an element can be: beyond the limit, the list
 * moves faster than the scroll bar.
 * @param {number} full  height of the list, pixels @param {number} view  visible height, pixels
 */
export function scrolling(full, view) {
  const height = Math.min(full, MAX_CONTENT_PIXELS);
  return { height, ratio: full > height ? (full - view) / Math.max(1, height - view) : 1 };
}

/** The picture size to request: the smallest that fills the pixels. @param {number[]} sizes @param {number} pixels */
export function pictureSize(sizes, pixels) {
  return sizes.find((size) => size >= pixels) ?? sizes[sizes.length - 1];
}

/** Whether a tile is picked. @param {DataView | null} bits @param {number} start @param {number} index */
export function isPicked(bits, start, index) {
  return bits !== null && bitAt(bits, index - start) === 1;
}

/** Last group that begins at or before a value. @param {number[]} begins  ascending, with the end as the last item @param {number} value */
function groupOf(begins, value) {
  let low = 0;
  let high = begins.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (begins[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
