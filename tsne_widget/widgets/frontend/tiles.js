// A sample in the page: its picture and what is known of it. Shared by gallery and map.
import { element } from "./elements.js";

/**
 * @typedef {{id: number, label: string | null, prediction: string | null, wrong: boolean,
 *   confidence: number | null, color: string, title: string, mime: string, bytes: number,
 *   width: number, note: string, badge?: string, url?: string}} Tile
 */

const BYTES_AT_A_TIME = 8192; // that become arguments of a call

/**
 * A picture as an address that holds it: drawn in the next frame, and nothing to be let go. One
 * of a blob would be loaded first, which takes a frame more.
 * @param {Tile} tile @param {DataView} data  a message's buffer @param {number} offset  in it
 */
export function pictureUrl(tile, data, offset = 0) {
  if (!tile.bytes) return "";
  const bytes = new Uint8Array(data.buffer, data.byteOffset + offset, tile.bytes);
  let text = "";
  for (let i = 0; i < bytes.length; i += BYTES_AT_A_TIME) text += String.fromCharCode(...bytes.subarray(i, i + BYTES_AT_A_TIME));
  return `data:${tile.mime};base64,${btoa(text)}`;
}

/** The picture, or why there is none. @param {Tile} tile */
export function picture(tile) {
  const node = element("div", "tw-picture");
  if (tile.url) {
    const image = /** @type {HTMLImageElement} */ (node.appendChild(element("img")));
    image.src = tile.url;
    image.alt = summary(tile);
    // A few big pixels stay crisp; a photograph is smoothed.
    if (tile.width < 48) image.className = "tw-pixelated";
  } else {
    node.appendChild(element("div", "tw-reason")).textContent = tile.note || "no picture";
  }
  const badge = tile.badge ?? (tile.wrong ? "wrong" : "");
  if (badge) node.appendChild(element("div", "tw-badge")).textContent = badge;
  return node;
}

/** Two lines: label → prediction; confidence and id. @param {Tile} tile */
export function caption(tile) {
  const node = element("figcaption");
  const names = node.appendChild(element("div"));
  names.appendChild(element("span", "tw-dot")).style.background = tile.color;
  names.append(summary(tile));
  node.appendChild(element("div", "tw-details")).textContent = details(tile);
  return node;
}

/** @param {Tile} tile @returns {string} */
export function summary(tile) {
  if (tile.label === null) return tile.prediction === null ? "unlabelled" : `→ ${tile.prediction}`;
  if (tile.prediction === null || (!tile.wrong && tile.prediction === tile.label)) return tile.label;
  return `${tile.label} → ${tile.prediction}`;
}

/** @param {Tile} tile @returns {string} */
export function details(tile) {
  const percent = tile.confidence === null ? "" : `${Math.round(100 * tile.confidence)} % · `;
  return `${percent}#${tile.id}`;
}
