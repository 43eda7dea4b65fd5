// The card next to the pointer: picture and caption of the sample under it.
import { element } from "../../frontend/elements.js";
import { caption, picture, pictureUrl } from "../../frontend/tiles.js";

const KEEP_CARDS = 200; // number of samples whose pictures are kept

/** @param {HTMLElement} parent  the card stays inside it */
export function makeHoverCard(parent) {
  const root = parent.appendChild(element("figure", "tw-hover"));
  /** @type {Map<number, any>} */
  let tiles = new Map(); // tile of each point, with the picture's URL
  root.hidden = true;

  /** @param {number} point @param {any} tile @param {DataView | undefined} data  the picture */
  function keep(point, tile, data) {
    if (tiles.has(point)) return;
    tile.url = data ? pictureUrl(tile, data) : "";
    tiles.set(point, tile);
    for (const oldest of tiles.keys()) {
      if (tiles.size <= KEEP_CARDS) break;
      tiles.delete(oldest);
    }
  }

  /** @param {number} point @param {number[]} pixel  of the pointer */
  function show(point, pixel) {
    const tile = tiles.get(point);
    root.hidden = !tile;
    if (!tile) return;
    if (root.dataset.point !== String(point)) {
      root.dataset.point = String(point);
      root.replaceChildren(picture(tile), caption(tile));
    }
    // next to the pointer, on the side that has room
    const beside = (/** @type {number} */ at, /** @type {number} */ length, /** @type {number} */ room) =>
      Math.max(4, at + 18 + length < room ? at + 18 : at - 18 - length);
    root.style.left = `${beside(pixel[0] + 6, root.offsetWidth, parent.clientWidth)}px`;
    root.style.top = `${beside(pixel[1] + 6, root.offsetHeight, parent.clientHeight)}px`;
  }

  function hide() {
    root.hidden = true;
  }

  function forget() {
    tiles = new Map();
    delete root.dataset.point;
  }

  return { has: (/** @type {number} */ point) => tiles.has(point), keep, show, hide, forget };
}
