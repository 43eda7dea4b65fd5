// Geometry of the tiles: a grid with headings, of which only the visible part is drawn. No DOM.
import { bitAt } from "../../frontend/bytes.js";

/**
 * A grid of tiles: groups one below the other, each with a heading and rows of tiles.
 * @typedef {{count: number, columns: number, tileWidth: number, tileHeight: number,
 *   headingHeight: number, starts: number[], tops: number[], height: number}} Grid
 *   starts: index of each group's first tile, then the count; tops: top of each group in pixels, then the height
 */

const MAX_CONTENT_PIXELS = 15_000_000; // Chromium limits an element's height to 33.5 million
const MAX_STRETCH = 1.25; // maximum factor by which columns spread to fill the width

/**
 * @param {number} count  number of tiles
 * @param {number[]} groups  number of tiles per group; [] for one group without a heading
 * @param {{width: number, tileWidth: number, tileHeight: number, headingHeight: number}} sizes
 * @returns {Grid}
 */
export function makeGrid(count, groups, { width, tileWidth, tileHeight, headingHeight }) {
  const columns = Math.max(1, Math.floor(width / tileWidth));
  const pitch = Math.max(tileWidth, Math.min(width / columns, MAX_STRETCH * tileWidth));
  const heading = groups.length ? headingHeight : 0;
  const starts = [0];
  const tops = [0];
  for (const size of groups.length ? groups : [count]) {
    starts.push(starts[starts.length - 1] + size);
    tops.push(tops[tops.length - 1] + heading + Math.ceil(size / columns) * tileHeight);
  }
  return { count, columns, tileWidth: pitch, tileHeight, headingHeight: heading, starts, tops, height: tops[tops.length - 1] };
}

/**
 * Position of a tile, pixels.
 * @param {Grid} grid @param {number} index
 */
export function placeOf(grid, index) {
  const group = groupOf(grid.starts, index);
  const within = index - grid.starts[group];
  return {
    column: within % grid.columns,
    x: (within % grid.columns) * grid.tileWidth,
    y: grid.tops[group] + grid.headingHeight + Math.floor(within / grid.columns) * grid.tileHeight,
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
  const row = (/** @type {number} */ group, /** @type {number} */ y) => (y - grid.tops[group] - grid.headingHeight) / grid.tileHeight;
  const headings = [];
  if (grid.headingHeight) for (let group = from; group <= to; group++) headings.push(group);
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
  const { column, y } = placeOf(grid, index);
  const steps = key.startsWith("Page") ? Math.max(1, Math.floor(page / grid.tileHeight)) : 1;
  const isDown = key.endsWith("Down");
  const found = tileAt(grid, column, y + (isDown ? 1 : -1) * steps * grid.tileHeight, isDown);
  if (found >= 0) return found;
  if (steps === 1) return index;
  return isDown ? last : tileAt(grid, column, grid.headingHeight, true);
}

/**
 * The tile in a column at a height, or in the next row in that direction; -1 if there is none.
 * @param {Grid} grid @param {number} column @param {number} y @param {boolean} isDown
 */
function tileAt(grid, column, y, isDown) {
  if (y < 0 || y >= grid.height) return -1;
  let group = groupOf(grid.tops, y);
  const row = Math.floor((y - grid.tops[group] - grid.headingHeight) / grid.tileHeight);
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
