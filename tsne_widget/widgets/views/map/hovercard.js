// The card next to a point: picture, label and prediction of its sample.
import { element } from "../../frontend/elements.js";
import { markOf, pictureUrl, sampleImage, summary } from "../../frontend/tiles.js";

const KEEP_CARDS = 200; // number of samples whose pictures are kept
const BESIDE = 14; // pixels between the point and the card

/** @param {HTMLElement} parent  the card stays inside it */
export function makeHoverCard(parent) {
  const root = parent.appendChild(element("figure", "tw-hover"));
  root.setAttribute("role", "status"); // keys move from point to point
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
      root.replaceChildren(...contentOf(tile));
    }
    // next to the pointer, on the side that has room
    const beside = (/** @type {number} */ at, /** @type {number} */ length, /** @type {number} */ room) =>
      Math.max(4, at + BESIDE + length < room ? at + BESIDE : at - BESIDE - length);
    root.style.left = `${beside(pixel[0], root.offsetWidth, parent.clientWidth)}px`;
    root.style.top = `${beside(pixel[1], root.offsetHeight, parent.clientHeight)}px`;
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

/** @param {any} tile @returns {HTMLElement[]} */
function contentOf(tile) {
  const text = element("figcaption");
  const names = text.appendChild(element("div", "tw-hover-names"));
  names.append(markOf(tile), element("b", "", summary(tile)));
  if (tile.confidence !== null) text.append(element("div", "", `${Math.round(100 * tile.confidence)}\u00a0% sure`));
  if (tile.badge) text.append(element("div", "", tile.badge));
  text.append(element("div", "", `#${tile.id}`));
  if (tile.url) return [sampleImage(tile), text];
  return tile.note ? [element("div", "tw-reason", tile.note), text] : [text];
}
