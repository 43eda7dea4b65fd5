// Draws a square table of counts on a canvas: geometry and colours of its cells. No widgets.
import { percent, shortCount } from "../../frontend/classes.js";

/**
 * @typedef {{cell: number, left: number, top: number, count: number, width: number, height: number}} Grid
 *   in pixels; the cells begin at (left, top), the headings are left of them and above
 * @typedef {{ground: number[], right: number[], wrong: number[], text: string, muted: string, line: string, accent: string, font: string}} Paints
 * @typedef {{values: Float64Array, isShare: boolean, marked: Uint8Array, names: string[], empty: Uint8Array,
 *   at: number[] | null, isFocused: boolean}} Picture
 *   values: c × c; marked: cells that contain selected samples; empty: labels without samples
 */

const MAX_CELL = 64;
const READABLE_CELL = 26; // pixels; a number of three digits fits
const MIN_CELL = 4;
const LARGE_CELL = 15; // pixels; the name of each class fits beside its row
const LINE = 12; // pixels from one name to the next
const FAINTEST = 0.14; // share of the full colour in a cell with few samples

/**
 * The geometry of the matrix. Cells shrink until the matrix fits the available width. They shrink to
 * the available height only if numbers stay readable, because vertical scrolling is easier
 * than horizontal scrolling.
 * @param {{count: number, width: number, height: number, left: number, top: number, isLarge: boolean}} room
 * @returns {Grid}
 */
export function gridIn({ count, width, height, left, top, isLarge }) {
  const wide = (width - left - 2) / count;
  const tall = Math.max(READABLE_CELL, (height - top - 2) / count);
  const cell = Math.max(isLarge ? LARGE_CELL : MIN_CELL, Math.min(MAX_CELL, wide, tall));
  return { cell, left, top, count, width: left + cell * count + 2, height: top + cell * count + 2 };
}

/** Whether the cells are too small for names beside them. @param {Grid} grid */
export function isSmall(grid) {
  return grid.cell < LINE;
}

/**
 * Row and column at a place; −1 for a heading, null for the corner or outside.
 * @param {Grid} grid
 * @param {number} x
 * @param {number} y
 * @returns {[number, number] | null}
 */
export function cellAt({ cell, left, top, count }, x, y) {
  const row = y < top ? -1 : Math.floor((y - top) / cell);
  const column = x < left ? -1 : Math.floor((x - left) / cell);
  if (x < 0 || y < 0 || row >= count || column >= count || (row < 0 && column < 0)) return null;
  return [row, column];
}

/**
 * The box of a cell or heading: left, top, right, bottom, in pixels.
 * @param {Grid} grid
 * @param {number} row
 * @param {number} column
 */
export function boxOf({ cell, left, top }, row, column) {
  const [x0, x1] = column < 0 ? [0, left] : [left + column * cell, left + (column + 1) * cell];
  const [y0, y1] = row < 0 ? [0, top] : [top + row * cell, top + (row + 1) * cell];
  return [x0, y0, x1, y1];
}

/**
 * The strength of each cell's colour, 0 … 1. The diagonal and the mistakes are scaled separately by
 * their maximum, so that few mistakes among many samples remain visible. The square root makes small
 * values more visible.
 * @param {Float64Array} values
 * @param {number} count
 * @returns {Float64Array}
 */
export function fullness(values, count) {
  const most = [0, 0]; // maximum of the mistakes and of the diagonal
  const kind = (/** @type {number} */ k) => Number(k % (count + 1) === 0);
  values.forEach((value, k) => { if (value > most[kind(k)]) most[kind(k)] = value; });
  return values.map((value, k) => (value > 0 ? FAINTEST + (1 - FAINTEST) * Math.sqrt(value / most[kind(k)]) : 0));
}

/**
 * @param {CanvasRenderingContext2D} context  scaled so that one unit is one CSS pixel
 * @param {number} scale  device pixels per CSS pixel
 * @param {Grid} grid
 * @param {Picture} picture
 * @param {Paints} paints
 */
export function drawMatrix(context, scale, grid, picture, paints) {
  const { count } = grid;
  const snap = (/** @type {number} */ value) => Math.round(value * scale) / scale; // keeps edges sharp
  const full = fullness(picture.values, count);
  const gap = grid.cell >= 8 ? 1 : 0;
  context.clearRect(0, 0, grid.width, grid.height);
  context.fillStyle = `rgb(${mix(paints.ground, [128, 128, 128], 0.09)})`;
  context.fillRect(snap(grid.left), snap(grid.top), snap(grid.cell * count), snap(grid.cell * count));
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `${Math.min(13, Math.max(10, grid.cell * 0.36))}px ${paints.font}`;
  for (let k = 0; k < full.length; k++) {
    if (!full[k]) continue;
    const [row, column] = [Math.floor(k / count), k % count];
    const [x0, y0, x1, y1] = boxOf(grid, row, column).map(snap);
    const color = mix(paints.ground, row === column ? paints.right : paints.wrong, full[k]);
    context.fillStyle = `rgb(${color})`;
    context.fillRect(x0, y0, x1 - x0 - gap, y1 - y0 - gap);
    if (grid.cell < 22) continue;
    const text = picture.isShare ? percent(picture.values[k]).slice(0, -2) : shortCount(picture.values[k]);
    if (context.measureText(text).width > grid.cell - 3) continue;
    context.fillStyle = isLight(color) ? "#111" : "#fff";
    context.fillText(text, (x0 + x1 - gap) / 2, (y0 + y1 - gap) / 2 + 0.5);
  }
  drawMarks(context, grid, picture, paints, snap);
  drawNames(context, grid, picture, paints);
  drawPlace(context, grid, picture, paints, snap);
}

/** Draw outlines around cells that contain selected samples. */
function drawMarks(
  /** @type {CanvasRenderingContext2D} */ context, /** @type {Grid} */ grid, /** @type {Picture} */ picture,
  /** @type {Paints} */ paints, /** @type {(value: number) => number} */ snap,
) {
  const thickness = grid.cell >= 16 ? 2 : 1;
  context.strokeStyle = paints.text;
  context.lineWidth = thickness;
  picture.marked.forEach((isMarked, k) => {
    if (!isMarked) return;
    const [x0, y0, x1, y1] = boxOf(grid, Math.floor(k / grid.count), k % grid.count).map(snap);
    context.strokeRect(x0 + thickness / 2, y0 + thickness / 2, x1 - x0 - thickness, y1 - y0 - thickness);
  });
}

function drawNames(
  /** @type {CanvasRenderingContext2D} */ context, /** @type {Grid} */ grid, /** @type {Picture} */ picture,
  /** @type {Paints} */ paints,
) {
  const step = Math.max(1, Math.ceil(LINE / grid.cell)); // if there are many classes, only every step-th is named
  const [row, column] = picture.at ?? [-2, -2];
  const draw = (/** @type {number} */ code, /** @type {boolean} */ isRow, /** @type {boolean} */ isHere) => {
    context.font = `${isHere ? "600 " : ""}11px ${paints.font}`;
    context.fillStyle = picture.empty[code] && isRow ? paints.muted : paints.text;
    const middle = (code + 0.5) * grid.cell;
    const text = fitted(context, picture.names[code], (isRow ? grid.left : grid.top) - 8);
    context.save();
    if (isRow) context.translate(grid.left - 5, grid.top + middle);
    else context.translate(grid.left + middle, grid.top - 5);
    if (!isRow) context.rotate(-Math.PI / 2);
    context.textAlign = isRow ? "right" : "left";
    context.fillText(text, 0, 0.5);
    context.restore();
  };
  context.font = `10px ${paints.font}`;
  context.fillStyle = paints.muted;
  context.textAlign = "right";
  context.fillText("predicted →", grid.left - 5, grid.top - 20);
  context.fillText("label ↓", grid.left - 5, grid.top - 8);
  for (const isRow of [true, false]) {
    const here = isRow ? row : column;
    for (let code = 0; code < grid.count; code += step) {
      // The name at the pointer covers the names next to it.
      if (here < 0 || code === here || Math.abs(code - here) * grid.cell >= LINE) draw(code, isRow, code === here);
    }
    if (here >= 0 && here % step) draw(here, isRow, true);
  }
}

function drawPlace(
  /** @type {CanvasRenderingContext2D} */ context, /** @type {Grid} */ grid, /** @type {Picture} */ picture,
  /** @type {Paints} */ paints, /** @type {(value: number) => number} */ snap,
) {
  if (!picture.at) return;
  const [x0, y0, x1, y1] = boxOf(grid, picture.at[0], picture.at[1]).map(snap);
  context.strokeStyle = paints.accent;
  context.lineWidth = picture.isFocused ? 3 : 2;
  context.strokeRect(x0, y0, x1 - x0, y1 - y0);
}

function fitted(/** @type {CanvasRenderingContext2D} */ context, /** @type {string} */ text, /** @type {number} */ room) {
  if (context.measureText(text).width <= room) return text;
  const letters = [...text];
  let kept = Math.min(letters.length, Math.ceil(room / 3));
  while (kept > 1 && context.measureText(`${letters.slice(0, kept).join("")}…`).width > room) kept--;
  return `${letters.slice(0, kept).join("")}…`;
}

function mix(/** @type {number[]} */ from, /** @type {number[]} */ to, /** @type {number} */ share) {
  return from.map((value, k) => Math.round(value + (to[k] - value) * share));
}

/** Whether dark text is easier to read on a colour than light text (WCAG relative luminance). */
function isLight(/** @type {number[]} */ color) {
  const [r, g, b] = color.map((value) => (value / 255 <= 0.04 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18;
}
