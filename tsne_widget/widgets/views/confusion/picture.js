// The numbers in the matrix, the key to its colours, and the position of its tooltip.
import { fullCount, percent } from "../../frontend/classes.js";
import { element } from "../../frontend/elements.js";
import { boxOf } from "./matrix.js";

/** @typedef {import("./counts.js").Counts} Counts */

/**
 * The numbers and outlines of the cells.
 * @param {Counts} counts
 * @param {string[]} names
 * @param {boolean} isShare  whether numbers are shares of the samples with the label
 */
export function pictureOf({ all, chosen, table, report }, names, isShare) {
  const samplesOf = (/** @type {number} */ k) => report[3 * Math.floor(k / names.length)] || 1; // samples with the cell's label
  return {
    names, isShare,
    values: Float64Array.from(table, (count, k) => (isShare ? count / samplesOf(k) : count)),
    marked: Uint8Array.from(all, (_, k) => Number(chosen[k] > 0)),
    empty: Uint8Array.from(names, (_, code) => Number(!report[3 * code])),
  };
}

/**
 * Fill the key: the maximum of each colour, and the meaning of an outline.
 * @param {HTMLElement} key
 * @param {{values: Float64Array, names: string[], isShare: boolean}} picture
 * @param {boolean} hasSelection
 */
export function fillKey(key, { values, names, isShare }, hasSelection) {
  const most = [0, 0]; // maximum on the diagonal and off it
  values.forEach((value, k) => {
    const kind = Number(k % (names.length + 1) !== 0);
    most[kind] = Math.max(most[kind], value);
  });
  const text = (/** @type {number} */ value) => (isShare ? percent(value) || "0" : fullCount(value));
  key.replaceChildren(...["right", "wrong"].map((name, kind) => {
    const item = element("span", `tw-${name}`);
    item.append(`${name} 0 `, element("i"), ` ${text(most[kind])}`);
    return item;
  }));
  if (!hasSelection) return;
  const outline = key.appendChild(element("span", "tw-outlined"));
  outline.append(element("i"), " contains selected samples");
}

/**
 * Place the tooltip below its cell, or above it if there is no room below.
 * @param {HTMLElement} tip
 * @param {import("./matrix.js").Grid} grid
 * @param {number[]} at  row and column
 * @param {{root: HTMLElement, frame: HTMLElement, canvas: HTMLElement}} parts  the panel, the box that scrolls the canvas, the canvas
 */
export function placeTip(tip, grid, [row, column], { root, frame, canvas }) {
  const [x0, y0, x1, y1] = boxOf(grid, row, column);
  const left = canvas.offsetLeft + frame.offsetLeft - frame.scrollLeft;
  const top = canvas.offsetTop + frame.offsetTop - frame.scrollTop;
  const wanted = left + (column < 0 ? x0 + 8 : (x0 + x1) / 2) - tip.offsetWidth / 2;
  tip.style.left = `${Math.max(4, Math.min(root.clientWidth - tip.offsetWidth - 4, wanted))}px`;
  const below = top + y1 + 6;
  const hasRoom = below + tip.offsetHeight < root.scrollTop + root.clientHeight;
  tip.style.top = `${hasRoom ? below : Math.max(root.scrollTop, top + y0 - tip.offsetHeight - 6)}px`;
}
