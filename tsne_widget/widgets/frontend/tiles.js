// A sample's picture and caption, for the gallery and the map.
import { element } from "./elements.js";

/**
 * @typedef {{id: number, label: string | null, prediction: string | null, wrong: boolean,
 *   confidence: number | null, color: string, title: string, mime: string, bytes: number,
 *   width: number, note: string, badge?: string, url?: string}} Tile
 */

const BYTES_AT_A_TIME = 8192; // passed as arguments of one call
const FEW_PIXELS = 48; // narrower pictures are enlarged without smoothing

/**
 * A picture as a data URL, which is drawn in the next frame and needs no release. A blob's URL is
 * drawn one frame later.
 * @param {Tile} tile @param {DataView} data  buffer of a message @param {number} offset  bytes
 */
export function pictureUrl(tile, data, offset = 0) {
  if (!tile.bytes) return "";
  const bytes = new Uint8Array(data.buffer, data.byteOffset + offset, tile.bytes);
  let text = "";
  for (let i = 0; i < bytes.length; i += BYTES_AT_A_TIME) text += String.fromCharCode(...bytes.subarray(i, i + BYTES_AT_A_TIME));
  return `data:${tile.mime};base64,${btoa(text)}`;
}

/** The image of a sample that has a URL. @param {Tile} tile @param {string} alt */
export function sampleImage(tile, alt = "") {
  const image = element("img", tile.width < FEW_PIXELS ? "tw-pixelated" : "");
  image.src = tile.url ?? "";
  image.alt = alt;
  return image;
}

/** The picture, or the reason why it is missing. @param {Tile} tile */
export function picture(tile) {
  const node = element("div", "tw-picture");
  node.append(tile.url ? sampleImage(tile, summary(tile)) : element("div", "tw-reason", tile.note || "no picture"));
  const badge = tile.badge ?? (tile.wrong ? "wrong" : "");
  if (badge) node.append(element("div", "tw-badge", badge));
  return node;
}

/** Two lines: label → prediction; confidence and id. @param {Tile} tile */
export function caption(tile) {
  const node = element("figcaption");
  const names = node.appendChild(element("div"));
  names.appendChild(element("span", "tw-dot")).style.background = tile.color;
  names.append(summary(tile));
  node.append(element("div", "tw-details", details(tile)));
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
