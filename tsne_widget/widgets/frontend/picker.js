// Picks cells, headings and blocks of cells of a matrix, with the pointer or with keys.
import { clamp, stepFrom } from "./steps.js";

/**
 * @typedef {{rows: [number, number], columns: [number, number]}} Block  first and last; −1 for all of them
 * @typedef {{
 *   cellAt: (event: MouseEvent) => number[] | null, last: () => number, point: (place: number[] | null) => void,
 *   mark: (block: Block | null) => void, focus: (place: number[]) => void, choose: (block: Block, event: MouseEvent | KeyboardEvent) => void,
 * }} Parts  cellAt: row and column under the pointer; last: the last of them; mark: shows the block that is being made
 */

export class Picker {
  #parts;
  /** Row and column that the keys move from. */
  place = [0, 0];
  /** @type {number[] | null} */
  #anchor = null; // where a block begins
  #isDragging = false;
  #hasDragged = false;

  /** @param {HTMLElement} root @param {Parts} parts */
  constructor(root, parts) {
    this.#parts = parts;
    root.addEventListener("pointerdown", (event) => this.#press(event));
    root.addEventListener("pointermove", (event) => this.#move(event));
    root.addEventListener("pointerleave", () => parts.point(null));
    root.addEventListener("pointerup", (event) => this.#release(root, event));
    root.addEventListener("pointercancel", () => this.#stop());
    root.addEventListener("click", (event) => this.#click(event));
    root.addEventListener("keydown", (event) => this.#key(event));
  }

  #press(/** @type {PointerEvent} */ event) {
    this.#stop();
    this.#hasDragged = false;
    const cell = this.#parts.cellAt(event);
    // A finger scrolls the panel.
    if (event.button || event.pointerType === "touch" || !cell || Math.min(...cell) < 0) return;
    this.#anchor = cell;
    this.#isDragging = true;
  }

  #move(/** @type {PointerEvent} */ event) {
    const cell = this.#parts.cellAt(event);
    this.#parts.point(cell);
    if (!this.#isDragging || !this.#anchor || !cell || Math.min(...cell) < 0) return;
    if (!this.#hasDragged && String(cell) === String(this.#anchor)) return;
    this.#hasDragged = true;
    this.#parts.mark(blockOf(this.#anchor, cell));
  }

  #release(/** @type {HTMLElement} */ root, /** @type {PointerEvent} */ event) {
    const [from, to] = [this.#anchor, this.#parts.cellAt(event)];
    const isBlock = this.#isDragging && this.#hasDragged && from && to && Math.min(...to) >= 0;
    this.#stop();
    if (!isBlock) return;
    // The click that follows is not another gesture.
    root.addEventListener("click", (click) => click.stopPropagation(), { capture: true, once: true });
    setTimeout(() => { this.#hasDragged = false; });
    this.place = to;
    this.#parts.choose(blockOf(from, to), event);
  }

  #stop() {
    this.#isDragging = false;
    this.#anchor = null;
    this.#parts.mark(null);
  }

  #click(/** @type {MouseEvent} */ event) {
    const cell = this.#hasDragged ? null : this.#parts.cellAt(event);
    if (!cell) return;
    this.place = cell;
    this.#parts.choose(blockOf(cell, cell), event);
  }

  #key(/** @type {KeyboardEvent} */ event) {
    const hasControl = event.altKey || event.metaKey || event.ctrlKey;
    const to = hasControl ? null : stepFrom(event.key, this.place, this.#parts.last());
    if (event.key === "Enter" || event.key === " ") {
      if (!event.repeat) this.#parts.choose(blockOf(this.#anchor ?? this.place, this.place), event);
    } else if (event.key === "Escape" && this.#anchor) {
      this.#stop();
      event.stopPropagation();
    } else if (to) {
      this.#step(to, event.shiftKey);
    } else return;
    event.preventDefault();
  }

  /** Move with the keys; with Shift the block grows. @param {number[]} to @param {boolean} isGrowing */
  #step(to, isGrowing) {
    const last = this.#parts.last();
    if (isGrowing && Math.min(...this.place) >= 0) {
      this.#anchor ??= this.place;
      this.place = to.map((index) => clamp(index, [0, last]));
      this.#parts.mark(blockOf(this.#anchor, this.place));
    } else {
      this.#stop();
      this.place = to;
    }
    this.#parts.focus(this.place);
  }
}

/** @param {number[]} from @param {number[]} to @returns {Block} */
function blockOf(from, to) {
  const range = (/** @type {number} */ k) => /** @type {[number, number]} */ ([Math.min(from[k], to[k]), Math.max(from[k], to[k])]);
  return { rows: range(0), columns: range(1) };
}
