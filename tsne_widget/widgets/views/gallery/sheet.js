// The scrolling sheet of tiles or of rows: only visible ones exist as elements.
import { element } from "../../frontend/elements.js";
import { inSight, isPicked, movedTo, placeOf, scrolling } from "./grid.js";

const LABEL = "Pictures. Enter: close look. Space: pick; Shift with Space: pick a range. Escape: clear the picks";
const BELOW = 8; // pixels below the last tile

let made = 0; // number of sheets on the page; keeps ids unique

/**
 * How a sheet looks: where its tiles are, and what is in them.
 * @typedef {{className: string, margin: number,
 *   grid: (width: number, root: HTMLElement) => import("./grid.js").Grid,
 *   pixels: (grid: import("./grid.js").Grid) => number,
 *   make: (place: {id: string, index: number, count: number}) => HTMLElement,
 *   fill: (node: HTMLElement, tile: any, group: number) => void,
 *   heading: (group: number) => HTMLElement}} Face
 *   margin: at the left and right, pixels; pixels: size of the pictures to request
 */

export class Sheet {
  #model;
  #requests;
  #face;
  #content;
  #prefix = `tw-tile-${(made += 1)}-`;
  /** @type {Map<number, HTMLElement>} */
  #nodes = new Map(); // visible tiles by index
  /** @type {Map<number, HTMLElement>} */
  #headings = new Map(); // visible headings by group
  #frame = 0;
  #resized = new ResizeObserver(() => this.schedule());

  /** @param {import("../../frontend/kernel.js").ViewModel} model @param {import("./requests.js").Requests} requests @param {Face} face */
  constructor(model, requests, face) {
    this.#model = model;
    this.#requests = requests;
    this.#face = face;
    this.cursor = 0; // index of the tile that keys act on
    this.root = element("div", `tw-scroll tw-sheet ${face.className}`);
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "listbox");
    this.root.setAttribute("aria-multiselectable", "true");
    this.root.setAttribute("aria-label", LABEL);
    this.#content = this.root.appendChild(element("div", "tw-sheet-content"));
    this.#content.setAttribute("role", "presentation");
    this.root.addEventListener("scroll", () => this.schedule(), { passive: true });
    this.#resized.observe(this.root);
  }

  /** Draw the visible tiles in the next frame. */
  schedule() {
    this.#frame ||= requestAnimationFrame(() => this.show());
  }

  /** Draw the visible tiles. */
  show() {
    this.#frame = 0;
    if (!this.root.clientHeight) return; // hidden; drawn once it has a size
    const { grid, height, shift, top, first, last, headings } = this.#layout();
    this.root.dataset.epoch = this.#model.get("epoch"); // epoch of the displayed order, for tests and inspection
    this.#content.style.height = `${height}px`;
    this.#content.style.setProperty("--tw-tile", `${grid.side}px`);
    drop(this.#nodes, (index) => index < first || index >= last);
    drop(this.#headings, (group) => !headings.includes(group));
    for (let index = first; index < last; index++) {
      const node = this.#nodes.get(index) ?? this.#makeTile(grid, index);
      const { x, y } = placeOf(grid, index);
      node.style.left = `${this.#face.margin + x}px`;
      node.style.top = `${y + shift}px`;
    }
    for (const group of headings) {
      const node = this.#headings.get(group) ?? this.#makeHeading(group);
      // stays in sight while its tiles are
      const y = Math.max(grid.tops[group], Math.min(top, grid.tops[group + 1] - grid.heading));
      node.style.top = `${y + shift}px`;
    }
    this.showMarks();
    const screenful = grid.columns * Math.ceil(this.root.clientHeight / Math.min(...grid.rowHeights));
    const pixels = this.#face.pixels(grid);
    if (!this.#requests.ask(first, last, pixels) && pixels) this.#requests.expect(screenful, pixels);
  }

  /** Draw tiles that have arrived. @param {number[]} indices */
  fill(indices) {
    const { grid, first, last } = this.#layout();
    for (const index of indices) {
      const node = this.#nodes.get(index);
      if (node) this.#face.fill(node, this.#requests.get(index), placeOf(grid, index).group);
    }
    this.#requests.forget(first, last);
    this.show();
  }

  /** Draw the tiles in sight anew, for example in the colours of another theme. */
  redraw() {
    this.fill([...this.#nodes.keys()].filter((index) => this.#requests.get(index)));
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

  /** The order or the look has changed. @param {number} cursor */
  restart(cursor) {
    this.#clear();
    this.root.scrollTop = 0;
    this.cursor = cursor;
    if (this.#requests.areComing && !cursor) return this.schedule(); // drawn once, with the pictures
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
    if (!this.root.clientHeight) return;
    const { grid, ratio, top } = this.#layout();
    const { group, y } = placeOf(grid, index);
    const low = y - grid.heading;
    const high = y + grid.rowHeights[group] + BELOW - this.root.clientHeight;
    if (top > low) this.root.scrollTop = low / ratio;
    else if (top < high) this.root.scrollTop = high / ratio;
    this.show();
  }

  /** Draw anew after a change of the tiles' size; the first visible tile stays in place. @param {() => void} change */
  relayout(change) {
    const { first, grid } = this.#layout();
    const anchor = this.root.scrollTop > 0 && grid.count ? first : 0;
    change();
    this.#clear();
    const after = this.#layout();
    this.#content.style.height = `${after.height}px`;
    if (grid.count) this.root.scrollTop = (placeOf(after.grid, anchor).y - after.grid.heading) / after.ratio;
    this.schedule();
  }

  release() {
    cancelAnimationFrame(this.#frame);
    this.#resized.disconnect();
  }

  #layout() {
    const { scrollTop, clientHeight, clientWidth } = this.root;
    const grid = this.#face.grid(clientWidth - 2 * this.#face.margin, this.root);
    const { height, ratio } = scrolling(grid.height + BELOW, clientHeight);
    const top = scrollTop * ratio;
    return { grid, height, ratio, top, shift: scrollTop - top, ...inSight(grid, top, top + clientHeight) };
  }

  #clear() {
    this.#nodes = new Map();
    this.#headings = new Map();
    this.#content.replaceChildren();
  }

  #makeTile(/** @type {import("./grid.js").Grid} */ grid, /** @type {number} */ index) {
    const node = this.#content.appendChild(this.#face.make({ id: this.#prefix + index, index, count: this.#model.get("count") }));
    this.#nodes.set(index, node);
    const tile = this.#requests.get(index);
    if (tile) this.#face.fill(node, tile, placeOf(grid, index).group);
    return node;
  }

  #makeHeading(/** @type {number} */ group) {
    const node = this.#content.appendChild(this.#face.heading(group));
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
