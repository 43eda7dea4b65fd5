// The scrolling sheet of tiles: only visible tiles and headings exist as elements.
import { element } from "../../frontend/elements.js";
import { inSight, isPicked, makeGrid, movedTo, placeOf, scrolling } from "./grid.js";
import { emptyTile, fillTile } from "./tile.js";

const FRAME_PIXELS = 12; // frame of a tile around its picture, including the gap
const CAPTION_PIXELS = 48; // below the picture, including the gap
const SMALL_CAPTION_PIXELS = 33; // if only the names fit
const SMALL_TILE = 80; // pixels of a picture below which only the names are shown
const HEADING_PIXELS = 26;
const MARGIN = 4; // pixels around the tiles
const LABEL = "Images. Enter: inspect. Space: pick; Shift with Space: pick a range. Escape: clear the picks";

let made = 0; // number of sheets on the page; keeps ids unique

export class Sheet {
  #model;
  #requests;
  #content;
  #prefix = `tw-tile-${(made += 1)}-`;
  /** @type {Map<number, HTMLElement>} */
  #nodes = new Map(); // visible tiles by index
  /** @type {Map<number, HTMLElement>} */
  #headings = new Map(); // visible headings by group
  #frame = 0;

  /** @param {import("../../frontend/kernel.js").ViewModel} model @param {import("./requests.js").Requests} requests */
  constructor(model, requests) {
    this.#model = model;
    this.#requests = requests;
    this.cursor = 0; // index of the tile that keys act on
    this.size = model.get("tile_size");
    this.root = element("div", "tw-scroll");
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "listbox");
    this.root.setAttribute("aria-multiselectable", "true");
    this.root.setAttribute("aria-label", LABEL);
    this.#content = this.root.appendChild(element("div"));
    this.#content.setAttribute("role", "presentation");
    this.#content.style.position = "relative";
    this.root.addEventListener("scroll", () => this.schedule(), { passive: true });
    this.#resized.observe(this.root);
  }

  #resized = new ResizeObserver(() => this.schedule());

  /** Draw the visible tiles in the next frame. */
  schedule() {
    this.#frame ||= requestAnimationFrame(() => this.show());
  }

  /** Draw the visible tiles. */
  show() {
    this.#frame = 0;
    if (!this.root.clientHeight) return; // in a hidden tab; drawn once it has a size
    const { grid, height, shift, first, last, headings, isSmall } = this.#layout();
    this.root.dataset.epoch = this.#model.get("epoch"); // epoch of the displayed order, for tests and inspection
    this.root.toggleAttribute("data-small", isSmall);
    this.#content.style.height = `${height}px`;
    this.#content.style.setProperty("--tw-tile", `${this.size}px`);
    drop(this.#nodes, (index) => index < first || index >= last);
    drop(this.#headings, (group) => !headings.includes(group));
    for (let index = first; index < last; index++) {
      const node = this.#nodes.get(index) ?? this.#makeTile(index, isSmall);
      const { x, y } = placeOf(grid, index);
      node.style.left = `${MARGIN + x}px`;
      node.style.top = `${MARGIN + y + shift}px`;
    }
    for (const group of headings) {
      const node = this.#headings.get(group) ?? this.#makeHeading(group);
      node.style.top = `${MARGIN + grid.tops[group] + shift}px`;
    }
    this.showMarks();
    const screenful = grid.columns * Math.ceil(this.root.clientHeight / grid.tileHeight);
    if (!this.#requests.ask(first, last, this.size)) this.#requests.expect(screenful, this.size);
  }

  /** Draw tiles that have arrived. @param {number[]} indices */
  fill(indices) {
    for (const index of indices) {
      const node = this.#nodes.get(index);
      if (node) fillTile(node, this.#requests.get(index), this.size < SMALL_TILE);
    }
    const { first, last } = this.#layout();
    this.#requests.forget(first, last);
    this.show();
  }

  /** Mark the cursor, the picks and the hovered sample on the visible tiles. */
  showMarks() {
    const [picks, start, hovered] = ["picks", "picks_start", "hovered"].map((name) => this.#model.get(name));
    for (const [index, node] of this.#nodes) {
      node.setAttribute("aria-selected", String(isPicked(picks, start, index)));
      node.toggleAttribute("data-cursor", index === this.cursor);
      node.toggleAttribute("data-hovered", hovered !== null && this.rowAt(index) === hovered);
    }
    if (this.#nodes.has(this.cursor)) this.root.setAttribute("aria-activedescendant", this.#prefix + this.cursor);
    else this.root.removeAttribute("aria-activedescendant");
  }

  /** Row of the sample at an index; null if it is not known yet. @param {number} index @returns {number | null} */
  rowAt(index) {
    return this.#requests.get(index)?.row ?? null;
  }

  /** The order has changed. @param {number} cursor */
  restart(cursor) {
    this.#clear();
    this.root.scrollTop = 0;
    this.cursor = cursor;
    this.show();
    if (cursor) this.reveal(cursor);
  }

  /** @param {number} index */
  moveCursor(index) {
    this.cursor = index;
    this.reveal(index);
    this.showMarks();
  }

  /** Move the cursor as a key does. @param {string} key  as in KeyboardEvent */
  moveBy(key) {
    const { grid } = this.#layout();
    this.moveCursor(movedTo(grid, Math.min(this.cursor, grid.count - 1), key, this.root.clientHeight));
  }

  /** Scroll the shortest distance that makes a tile visible. @param {number} index */
  reveal(index) {
    const { grid, ratio, top } = this.#layout();
    const { y } = placeOf(grid, index);
    const low = y - (y === grid.headingHeight ? grid.headingHeight : 0);
    const high = y + grid.tileHeight + MARGIN - this.root.clientHeight;
    if (top > low) this.root.scrollTop = low / ratio;
    else if (top < high) this.root.scrollTop = high / ratio;
    this.show();
  }

  /** Change the tile size; the first visible tile stays in place. @param {number} pixels */
  resize(pixels) {
    if (pixels === this.size) return;
    const { first, grid } = this.#layout();
    const anchor = this.root.scrollTop > 0 && grid.count ? first : 0;
    this.size = pixels;
    this.#clear();
    const after = this.#layout();
    this.#content.style.height = `${after.height}px`;
    if (grid.count) this.root.scrollTop = placeOf(after.grid, anchor).y / after.ratio;
    this.schedule();
  }

  release() {
    cancelAnimationFrame(this.#frame);
    this.#resized.disconnect();
  }

  #layout() {
    const isSmall = this.size < SMALL_TILE;
    const sizes = this.#model.get("groups").map((/** @type {[string, number]} */ [, count]) => count);
    const grid = makeGrid(this.#model.get("count"), sizes, {
      width: this.root.clientWidth - MARGIN,
      tileWidth: this.size + FRAME_PIXELS,
      tileHeight: this.size + (isSmall ? SMALL_CAPTION_PIXELS : CAPTION_PIXELS),
      headingHeight: HEADING_PIXELS,
    });
    const { scrollTop, clientHeight } = this.root;
    const { height, ratio } = scrolling(grid.height + MARGIN, clientHeight);
    const top = scrollTop * ratio;
    return { grid, height, ratio, top, shift: scrollTop - top, isSmall, ...inSight(grid, top, top + clientHeight) };
  }

  #clear() {
    this.#nodes = new Map();
    this.#headings = new Map();
    this.#content.replaceChildren();
  }

  #makeTile(/** @type {number} */ index, /** @type {boolean} */ isSmall) {
    const node = this.#content.appendChild(emptyTile({ id: this.#prefix + index, index, count: this.#model.get("count") }));
    this.#nodes.set(index, node);
    const tile = this.#requests.get(index);
    if (tile) fillTile(node, tile, isSmall);
    return node;
  }

  #makeHeading(/** @type {number} */ group) {
    const [title, count] = this.#model.get("groups")[group];
    const node = this.#content.appendChild(element("div", "tw-heading", `${title} · ${count.toLocaleString("en")}`));
    node.setAttribute("aria-hidden", "true"); // each tile names its label and prediction
    this.#headings.set(group, node);
    return node;
  }
}

function drop(/** @type {Map<number, HTMLElement>} */ nodes, /** @type {(key: number) => boolean} */ isOut) {
  for (const [key, node] of nodes) {
    if (!isOut(key)) continue;
    node.remove();
    nodes.delete(key);
  }
}
