// Saves the map as a PNG: points, lasso, names, and the key to the colours.
import { saveFile } from "../../frontend/save.js";

const KEY_WIDTH = 190;
const PAD = 16;
const ROW = 18;
const MAX_ROWS = 24;

/** @typedef {[color: string, name: string]} Entry */

/** Save the map as a file. @param {import("./view.js").MapView} map */
export async function saveMap(map) {
  const canvas = drawMap(map);
  const blob = canvas && await new Promise((/** @type {(blob: Blob | null) => void} */ resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob) saveFile("map.png", "image/png", blob);
}

/** @param {import("./view.js").MapView} map @returns {HTMLCanvasElement | null}  null without a map */
export function drawMap(map) {
  const points = map.area.querySelector("canvas");
  if (!map.plot || !points) return null;
  const [width, height] = map.plot.size;
  const entries = entriesOf(map);
  const style = getComputedStyle(map.root);
  const colorOf = (/** @type {string} */ name) => resolved(map.root, `var(--tw-${name})`);
  const ratio = Math.max(2, window.devicePixelRatio || 1);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [(width + (entries.length ? KEY_WIDTH : 0)) * ratio, Math.max(height, PAD * 2 + entries.length * ROW) * ratio];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(ratio, ratio);
  context.fillStyle = colorOf("ground");
  context.fillRect(0, 0, canvas.width, canvas.height);
  map.plot.view.extras.webGLRender(); // the graphics card forgets a frame once it is shown
  context.drawImage(points, 0, 0, width, height);
  drawNames(context, map, style, colorOf);
  drawKey(context, entries, width, style, colorOf);
  return canvas;
}

function drawNames(
  /** @type {CanvasRenderingContext2D} */ context, /** @type {import("./view.js").MapView} */ map,
  /** @type {CSSStyleDeclaration} */ style, /** @type {(name: string) => string} */ colorOf,
) {
  if (!map.model.get("show_labels")) return;
  context.font = `600 12px ${style.fontFamily}`;
  [context.textAlign, context.textBaseline, context.lineJoin, context.lineWidth] = ["center", "middle", "round", 4];
  for (const { name, x, y } of map.labels.shown()) {
    context.strokeStyle = colorOf("ground");
    context.strokeText(name, x, y);
    context.fillStyle = colorOf("text");
    context.fillText(name, x, y);
  }
}

function drawKey(
  /** @type {CanvasRenderingContext2D} */ context, /** @type {Entry[]} */ entries, /** @type {number} */ left,
  /** @type {CSSStyleDeclaration} */ style, /** @type {(name: string) => string} */ colorOf,
) {
  context.font = `12px ${style.fontFamily}`;
  [context.textAlign, context.textBaseline] = ["left", "middle"];
  entries.forEach(([color, name], k) => {
    const y = PAD + k * ROW;
    if (color) {
      context.fillStyle = color;
      context.beginPath();
      context.arc(left + 8, y, 4.5, 0, 2 * Math.PI);
      context.fill();
    }
    context.fillStyle = colorOf("text");
    context.fillText(name, left + (color ? 20 : 4), y, KEY_WIDTH - 26);
  });
}

/** The classes or the values of the colours. @param {import("./view.js").MapView} map @returns {Entry[]} */
function entriesOf({ model, points, plot, dress, textureOf }) {
  const { title, entries, low, high } = model.get("key");
  const dressed = dress.of(textureOf());
  if (low) return [["", title], [dressed.colors[0], low], [dressed.colors[dressed.colors.length - 2], high]];
  if (entries?.length) return [["", title], ...entries.map((/** @type {any[]} */ [name, color]) => [dressed.colors[textureOf().indexOf(color)] ?? color, name])];
  const [codes, visible, names] = [points.codes, points.visible, points.names];
  /** @type {Map<number, number>} */
  const texels = new Map(); // of each class
  for (let i = 0; plot && i < codes.length && texels.size < names.length; i++) if (!texels.has(codes[i])) texels.set(codes[i], plot.texelOf(i));
  const listed = names.flatMap((name, code) => (visible[code] && texels.has(code) ? [/** @type {Entry} */ ([dressed.colors[texels.get(code) ?? 0], name])] : []));
  const rest = listed.length - MAX_ROWS;
  return rest > 0 ? [...listed.slice(0, MAX_ROWS), ["", `and ${rest} more`]] : listed;
}

/** A CSS colour as canvas understands it. @param {HTMLElement} parent @param {string} color */
function resolved(parent, color) {
  const probe = parent.appendChild(document.createElement("i"));
  probe.style.color = color;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
