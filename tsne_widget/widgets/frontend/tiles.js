// A sample's picture and caption, for every view of pictures.
import { twoToneMark } from "./controls.js";
import { element } from "./elements.js";
import { paint } from "./palette.js";

/**
 * @typedef {{row: number, id: number, label: string | null, prediction: string | null, wrong: boolean,
 *   confidence: number | null, color: string, prediction_color: string, title: string, mime: string, bytes: number,
 *   width: number, height: number, note: string, map?: number[], value?: string, cells?: string[], badge?: string, url?: string}} Tile
 */

const BYTES_AT_A_TIME = 8192; // passed as arguments of one call

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
  const image = element("img");
  image.src = tile.url ?? "";
  image.alt = alt;
  image.decoding = "sync"; // small pictures appear in the same frame as their caption
  image.draggable = false;
  return image;
}

/** The picture, or the reason why it is missing. @param {Tile} tile */
export function picture(tile) {
  const node = element("div", "tw-picture");
  node.append(tile.url ? sampleImage(tile, summary(tile)) : element("div", "tw-reason", tile.note || "no picture"));
  return node;
}

/** The dot of the label, with a ring of the prediction's colour around a mistake. @param {Tile} tile */
export function markOf(tile) {
  return twoToneMark(paint(tile.color), tile.wrong ? paint(tile.prediction_color) : "");
}

/** Two lines: the label, and the wrong prediction or how sure the model is. @param {Tile} tile */
export function caption(tile) {
  const node = element("figcaption");
  node.append(labelLine(tile), secondLine(tile));
  return node;
}

/** The mark and the label. @param {Tile} tile */
export function labelLine(tile) {
  const line = element("div", "tw-caption-line");
  line.append(markOf(tile), element("span", "", tile.label ?? tile.prediction ?? `#${tile.id}`));
  return line;
}

/** The wrong prediction, or how sure the model is. @param {Tile} tile */
export function secondLine(tile) {
  if (tile.wrong) return element("div", "tw-caption-line tw-is-wrong", `→ ${tile.prediction}`);
  const isNamed = tile.label !== null || tile.prediction !== null;
  return element("div", "tw-caption-line tw-muted", sureness(tile) || (isNamed ? `#${tile.id}` : tile.title));
}

/** How sure the model is, in per cent; "" without logits. @param {Tile} tile */
export function sureness(tile) {
  return tile.confidence === null ? "" : `${Math.round(100 * tile.confidence)}\u202f%`;
}

/** @param {Tile} tile @returns {string} */
export function summary(tile) {
  if (tile.label === null) return tile.prediction === null ? "unlabelled" : `→ ${tile.prediction}`;
  if (tile.prediction === null || (!tile.wrong && tile.prediction === tile.label)) return tile.label;
  return `${tile.label} → ${tile.prediction}`;
}

/** Everything that a tile says, for its title and for screen readers. @param {Tile} tile @param {string} valueName  name of its value */
export function words(tile, valueName = "") {
  const sure = sureness(tile) && `${sureness(tile)} sure`;
  const value = tile.value && valueName ? `${valueName} ${tile.value}` : "";
  return [`#${tile.id}`, summary(tile), tile.badge ?? (tile.wrong ? "wrong" : ""), sure, value, tile.title, tile.note].filter(Boolean);
}
