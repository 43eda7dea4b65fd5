// Requests visible tiles from the kernel and keeps the received ones.
import { MAX_TILES_PER_REPLY, MAX_UNASKED, TILE_PIXELS } from "../../frontend/constants.js";
import { pictureUrl } from "../../frontend/tiles.js";
import { pictureSize } from "./grid.js";

const PATIENCE_MS = 5_000; // an unanswered request is repeated after this time, and again after twice as long
const MAX_KEPT = 600; // tiles with their pictures

export class Requests {
  #model;
  #askAgain;
  /** @type {Map<number, any>} */
  #tiles = new Map(); // by index, with the picture's URL
  #expected = ""; // what the last message asked for in advance
  #orders = 0; // since that message
  #overdue = 0; // timer while tiles are awaited: one request at a time, because scrolling makes queued ones useless
  #patience = PATIENCE_MS;

  /**
   * @param {import("../../frontend/kernel.js").ViewModel} model
   * @param {() => void} askAgain  called if no tiles arrive: asks for those in sight
   */
  constructor(model, askAgain) {
    this.#model = model;
    this.#askAgain = askAgain;
  }

  release() {
    clearTimeout(this.#overdue);
  }

  /** The tile at an index, if it has arrived. @param {number} index */
  get(index) {
    return this.#tiles.get(index);
  }

  /** Whether the first tiles of the order arrive without a request. */
  get areComing() {
    return this.#model.get("coming") === this.#model.get("epoch");
  }

  /** Forget all tiles, because the order has changed. */
  clear() {
    this.forgetAll();
    this.#orders += 1;
    if (this.areComing) this.#await();
  }

  /** Forget all tiles and what was asked, because the tiles of the same order have changed. */
  forgetAll() {
    this.#tiles = new Map();
    this.#settle();
  }

  /**
   * Request missing tiles.
   * @param {number} first @param {number} last  exclusive @param {number} size  pixels of a tile; 0 for rows of a table
   * @returns {boolean} whether a request is open
   */
  ask(first, last, size) {
    if (this.#overdue) return true;
    const pixels = pixelsOf(size);
    let start = first;
    while (start < last && this.#has(start, pixels)) start++;
    let stop = start;
    while (stop < last && stop - start < MAX_TILES_PER_REPLY && !this.#has(stop, pixels)) stop++;
    if (stop <= start) return false;
    this.#await();
    this.#model.send({ kind: "tiles", epoch: this.#model.get("epoch"), start, stop, size: pixels });
    return true;
  }

  /** Let the kernel send the first tiles of the next orders in advance. @param {number} count @param {number} size  pixels of a tile */
  expect(count, size) {
    const wanted = { count: Math.min(MAX_TILES_PER_REPLY, count), size: pixelsOf(size) };
    const text = JSON.stringify(wanted);
    if (this.#expected === text && this.#orders < MAX_UNASKED / 2) return;
    [this.#expected, this.#orders] = [text, 0];
    this.#model.send({ kind: "expect", epoch: this.#model.get("epoch"), ...wanted });
  }

  /**
   * Keep tiles from the kernel.
   * @param {any} message @param {DataView} data  pictures of the tiles
   * @returns {number[]}  indices of the new tiles
   */
  receive(message, data) {
    this.#settle();
    let offset = 0;
    const added = message.tiles.flatMap((/** @type {any} */ tile, /** @type {number} */ k) => {
      const index = message.start + k;
      const at = offset;
      offset += tile.bytes;
      if (this.get(index)?.size >= message.size && message.size) return []; // another view has requested it too
      tile.url = pictureUrl(tile, data, at);
      tile.size = message.size;
      this.#tiles.set(index, tile);
      return [index];
    });
    return added;
  }

  /** Drop the tiles farthest from the visible ones. @param {number} first @param {number} last */
  forget(first, last) {
    if (this.#tiles.size <= MAX_KEPT) return;
    const away = (/** @type {number} */ index) => Math.max(first - index, index - last, 0);
    const farthest = [...this.#tiles.keys()].sort((a, b) => away(b) - away(a)).slice(0, this.#tiles.size - MAX_KEPT);
    for (const index of farthest) if (away(index) > 0) this.#tiles.delete(index);
  }

  /** Ask again if no tiles arrive: the kernel is busy, or a message is lost. */
  #await() {
    this.#overdue = window.setTimeout(() => {
      this.#overdue = 0;
      this.#patience *= 2;
      this.#askAgain();
    }, this.#patience);
  }

  #settle() {
    clearTimeout(this.#overdue);
    this.#overdue = 0;
    this.#patience = PATIENCE_MS;
  }

  /** Whether a tile has a picture of at least this size, or of the largest size. */
  #has(/** @type {number} */ index, /** @type {number} */ pixels) {
    const tile = this.get(index);
    return tile && (tile.size >= pixels || !pixels || Math.max(tile.width, tile.height) < tile.size);
  }
}

/** Size of the pictures to request, pixels. @param {number} size  pixels of a tile */
function pixelsOf(size) {
  return size && pictureSize(TILE_PIXELS, size * Math.min(2, window.devicePixelRatio));
}
