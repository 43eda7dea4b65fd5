// The element of a tile: few nodes per tile, so that many tiles are cheap.
import { element } from "../../frontend/elements.js";
import { details, sampleImage, summary } from "../../frontend/tiles.js";

const HELP = "Click: inspect. Ctrl-click: pick. Shift-click: pick a range";

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
  node.appendChild(element("div", "tw-reason"));
  return node;
}

/** Show a sample in a tile. @param {HTMLElement} node @param {any} tile @param {boolean} isSmall  without details */
export function fillTile(node, tile, isSmall) {
  const badge = tile.badge ?? "wrong"; // in a comparison, the change
  node.toggleAttribute("data-wrong", tile.wrong);
  node.dataset.badge = badge;
  node.style.setProperty("--tw-dot", tile.color);
  const words = [summary(tile), details(tile), tile.title, tile.note].filter(Boolean);
  node.title = [...words, HELP].join("\n");
  node.setAttribute("aria-label", [...words, tile.wrong ? badge : ""].filter(Boolean).join(", "));
  node.replaceChildren(pictureOf(tile), element("figcaption", "", summary(tile)));
  if (!isSmall) node.append(element("small", "", details(tile)));
}

/** The picture, or the reason why it is missing. @param {any} tile */
export function pictureOf(tile) {
  if (!tile.url) return element("div", "tw-reason", tile.note || "no picture");
  const image = sampleImage(tile);
  image.decoding = "sync"; // small pictures appear in the same frame as their caption
  image.draggable = false;
  return image;
}
