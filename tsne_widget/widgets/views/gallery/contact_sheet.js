// Copies the pictures of the gallery as one picture: a contact sheet on the clipboard, or else as a file.
import { MAX_TILES_PER_REPLY, TILE_PIXELS } from "../../frontend/constants.js";
import { saveFile } from "../../frontend/save.js";
import { pictureUrl, summary } from "../../frontend/tiles.js";

const MOST = 200; // pictures on a sheet
const [COLUMNS, SIDE, GAP, CAPTION] = [10, TILE_PIXELS[0], 8, 16];
const PATIENCE_MS = 30_000;
const [GROUND, INK] = ["#fff", "#212121"];

/** @param {import("../../frontend/kernel.js").ViewModel} model */
export async function copyPictures(model) {
  const blob = drawn(model);
  try {
    // The promise goes to the clipboard at once: later it would no longer belong to the click.
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
  } catch {
    saveFile("pictures.png", "image/png", await blob);
  }
}

/** The sheet as a PNG file. @param {import("../../frontend/kernel.js").ViewModel} model @returns {Promise<Blob>} */
async function drawn(model) {
  const count = Math.min(MOST, model.get("count"));
  const columns = Math.max(1, Math.min(COLUMNS, count));
  const canvas = document.createElement("canvas");
  canvas.width = GAP + columns * (SIDE + GAP);
  canvas.height = GAP + Math.ceil(count / columns) * (SIDE + CAPTION + GAP);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = GROUND;
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (const [index, tile] of (await tilesOf(model, count)).entries()) {
    const x = GAP + (index % columns) * (SIDE + GAP);
    const y = GAP + Math.floor(index / columns) * (SIDE + CAPTION + GAP);
    if (tile.url) await drawPicture(context, tile.url, x, y);
    context.fillStyle = INK;
    context.font = "11px system-ui, sans-serif";
    context.fillText(summary(tile), x, y + SIDE + 12, SIDE);
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the browser made no picture"))), "image/png");
  });
}

/** The first tiles with their pictures. @param {import("../../frontend/kernel.js").ViewModel} model @param {number} count @returns {Promise<any[]>} */
async function tilesOf(model, count) {
  /** @type {any[]} */
  const tiles = [];
  const epoch = model.get("epoch");
  while (tiles.length < count && model.get("epoch") === epoch) {
    const [message, data] = await replyTo(model, { epoch, start: tiles.length, stop: Math.min(count, tiles.length + MAX_TILES_PER_REPLY) });
    let offset = 0;
    for (const tile of message.tiles) {
      tiles.push({ ...tile, url: pictureUrl(tile, data, offset) });
      offset += tile.bytes;
    }
  }
  return tiles;
}

/** Ask for tiles and wait for them. @returns {Promise<[any, DataView]>} */
function replyTo(/** @type {import("../../frontend/kernel.js").ViewModel} */ model, /** @type {{epoch: number, start: number, stop: number}} */ wanted) {
  return new Promise((resolve, reject) => {
    const end = () => model.off("msg:custom", receive);
    const timer = setTimeout(() => { end(); reject(new Error("the kernel sent no pictures")); }, PATIENCE_MS);
    function receive(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
      if (message.kind !== "tiles" || message.epoch !== wanted.epoch || message.start !== wanted.start || !message.size) return;
      clearTimeout(timer);
      end();
      resolve([message, buffers[0]]);
    }
    model.on("msg:custom", receive);
    model.send({ kind: "tiles", ...wanted, size: SIDE });
  });
}

async function drawPicture(/** @type {CanvasRenderingContext2D} */ context, /** @type {string} */ url, /** @type {number} */ x, /** @type {number} */ y) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const scale = SIDE / Math.max(image.naturalWidth, image.naturalHeight);
  const [width, height] = [image.naturalWidth * scale, image.naturalHeight * scale];
  context.drawImage(image, x + (SIDE - width) / 2, y + (SIDE - height) / 2, width, height);
}
