// The element of a tile: few nodes per tile, so that many tiles are cheap.
import { element } from "../../frontend/elements.js";
import { drawEvidence, mapOf } from "../../frontend/evidence.js";
import { labelLine, picture, secondLine, sureness, words } from "../../frontend/tiles.js";

const HELP = "Click: close look. Ctrl-click: pick. Shift-click: pick a range";
export const LINE_PIXELS = 15; // height of a line of a caption
const MAP_PIXELS = 40; // longest side of a map of evidence, which is stretched over the picture
export const ABOVE_PIXELS = 3; // between the picture and its caption

/**
 * What the caption of a tile says.
 * @typedef {{names: boolean, value: string}} CaptionStyle
 *   names: label and prediction, not only how sure the model is; value: name of the value that the order follows, "" to omit it
 */

/** Height of a caption, pixels. @param {CaptionStyle} style */
export function captionHeight({ names, value }) {
  return ABOVE_PIXELS + LINE_PIXELS * ((names ? 2 : 1) + (value ? 1 : 0));
}

/**
 * An empty tile.
 * @param {{id: string, index: number, count: number}} place
 */
export function emptyTile({ id, index, count }) {
  const node = element("figure");
  node.id = id;
  node.dataset.index = String(index);
  node.setAttribute("role", "option");
  node.setAttribute("aria-posinset", String(index + 1));
  node.setAttribute("aria-setsize", String(count)); // only visible tiles exist
  node.setAttribute("aria-label", "loading");
  node.appendChild(element("div", "tw-picture"));
  return node;
}

/** Show a sample in a tile. @param {HTMLElement} node @param {import("../../frontend/tiles.js").Tile} tile @param {CaptionStyle} style */
export function fillTile(node, tile, style) {
  const said = words(tile, style.value);
  node.title = [...said, HELP].join("\n");
  node.setAttribute("aria-label", said.join(", "));
  node.dataset.id = String(tile.id);
  const shown = picture(tile);
  shown.firstElementChild?.setAttribute("alt", "");
  const lines = style.names ? [labelLine(tile), secondLine(tile)] : [element("div", "tw-caption-line tw-muted", sureness(tile))];
  if (style.value) lines.push(element("div", "tw-caption-line tw-value", tile.value ?? ""));
  node.replaceChildren(shown, ...lines);
  if (tile.map && tile.url) layMap(shown, tile);
}

/** Lay the map of evidence over the grey picture. @param {HTMLElement} shown @param {import("../../frontend/tiles.js").Tile} tile */
function layMap(shown, { map, width, height }) {
  const canvas = shown.appendChild(element("canvas", "tw-evidence-map"));
  shown.classList.add("tw-is-grey");
  drawEvidence(canvas, mapOf(map ?? []), { shape: width / (height || width || 1), outline: false, side: MAP_PIXELS });
}
