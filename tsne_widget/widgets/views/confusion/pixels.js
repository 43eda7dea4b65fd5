// The matrix of many classes: a pixel for each pair, with confused classes side by side.
import { element } from "../../frontend/elements.js";
import { followTheme } from "../../frontend/theme.js";
import { describeCell, fullness, valuesOf } from "./counts.js";
import { Picker } from "../../frontend/picker.js";

/** @typedef {import("./counts.js").Counts} Counts */
/** @typedef {import("../../frontend/picker.js").Block} Block */

const LABEL =
  "Confusion matrix, label by prediction, with confused classes side by side. Arrow keys move, with Shift they mark a block; " +
  "Enter selects its pictures.";
const MAX_SIDE = 640; // pixels
const SNAP = 6; // pixels: the pointer takes the nearest mistake within this distance
const FAINTEST = 0.25; // share of the full colour in a cell with few mistakes

export class MatrixPixels {
  root = element("div", "tw-pixels");
  #canvas = element("canvas");
  #names;
  #order;
  #picker;
  #release;
  /** @type {{counts: Counts, isShare: boolean} | null} */
  #shown = null;
  #side = 0; // pixels
  /** @type {number[] | null} */
  #at = null; // row and column pointed at, in the order that is drawn
  /** @type {Block | null} */
  #block = null;
  #pending = 0;

  /**
   * @param {string[]} names @param {number[]} order  codes in the order to draw
   * @param {{point: (place: number[] | null) => void, choose: (block: Block, event: MouseEvent | KeyboardEvent) => void}} parts
   *   places are positions in that order
   */
  constructor(names, order, { point, choose }) {
    this.#names = names;
    this.#order = order.length === names.length ? order : names.map((_, code) => code);
    const root = this.root;
    root.tabIndex = 0;
    root.setAttribute("role", "application");
    root.setAttribute("aria-roledescription", "confusion matrix");
    root.setAttribute("aria-label", LABEL);
    root.append(this.#canvas);
    const show = (/** @type {number[] | null} */ place) => {
      if (String(place) === String(this.#at)) return;
      this.#at = place;
      this.#schedule();
      point(place);
    };
    this.#picker = new Picker(root, {
      point: show, choose, last: () => names.length - 1, cellAt: (event) => this.#cellAt(event), focus: show,
      mark: (block) => {
        this.#block = block;
        this.#schedule();
      },
    });
    root.addEventListener("focus", () => { if (root.matches(":focus-visible")) show(this.#picker.place); });
    root.addEventListener("blur", () => show(null));
    this.#release = followTheme(root, () => this.#schedule());
  }

  release() {
    this.#release();
    cancelAnimationFrame(this.#pending);
  }

  /** @param {number} width  of the panel, in pixels */
  resize(width) {
    this.#side = Math.min(MAX_SIDE, Math.floor(width));
    this.#schedule();
  }

  /** @param {Counts} counts @param {boolean} isShare */
  show(counts, isShare) {
    this.#shown = { counts, isShare };
    this.#schedule();
  }

  /** Codes of the classes at a place. @param {number[]} place */
  codesAt(place) {
    return place.map((at) => (at < 0 ? -1 : this.#order[at]));
  }

  /** Units of a range of rows or columns; −1 for all of them. @param {[number, number]} range */
  unitsIn([first, last]) {
    return first < 0 ? [-1] : this.#order.slice(first, last + 1);
  }

  /** @param {number[]} place */
  describe(place) {
    return this.#shown ? describeCell(this.#shown.counts, this.#names, this.codesAt(place)) : "";
  }

  #cellAt(/** @type {MouseEvent} */ event) {
    const box = this.#canvas.getBoundingClientRect();
    const size = this.#side / this.#names.length;
    const [x, y] = [(event.clientX - box.left) / size, (event.clientY - box.top) / size];
    const inside = (/** @type {number} */ at) => at >= 0 && at < this.#names.length;
    if (!inside(x) || !inside(y)) return null;
    return (this.#block ? null : this.#nearest(x, y, SNAP / size)) ?? [Math.floor(y), Math.floor(x)];
  }

  /** The nearest cell with mistakes. @param {number} x @param {number} y  in cells @param {number} reach  in cells */
  #nearest(x, y, reach) {
    const c = this.#names.length;
    let found = null;
    let least = reach ** 2;
    const around = (/** @type {number} */ at) => [Math.max(0, Math.floor(at - reach)), Math.min(c - 1, Math.floor(at + reach))];
    const [[top, bottom], [left, right]] = [around(y), around(x)];
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const distance = (row + 0.5 - y) ** 2 + (column + 0.5 - x) ** 2;
        const [label, prediction] = this.codesAt([row, column]);
        if (label === prediction || distance >= least || !this.#shown?.counts.table[label * c + prediction]) continue;
        [found, least] = [[row, column], distance];
      }
    }
    return found;
  }

  #schedule() {
    this.#pending ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#pending = 0;
    if (!this.#shown || !this.#side || !this.root.isConnected) return;
    const canvas = this.#canvas;
    const scale = window.devicePixelRatio || 1;
    const pixels = Math.round(this.#side * scale);
    if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
    canvas.style.width = canvas.style.height = `${this.#side}px`;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.clearRect(0, 0, pixels, pixels);
    const size = pixels / this.#names.length;
    this.#drawCells(context, size, this.#shown);
    this.#drawFrames(context, size, this.#shown.counts, scale);
  }

  #drawCells(/** @type {CanvasRenderingContext2D} */ context, /** @type {number} */ size, /** @type {{counts: Counts, isShare: boolean}} */ { counts, isShare }) {
    const c = this.#names.length;
    const color = (/** @type {string} */ name) => getComputedStyle(this.root).getPropertyValue(name);
    const [ground, right, wrong] = ["--tw-hover", "--tw-edge", "--tw-wrong"].map(color);
    const values = valuesOf(counts, c, isShare);
    const full = fullness(values, c);
    context.fillStyle = ground;
    context.fillRect(0, 0, size * c, size * c);
    this.#order.forEach((label, row) => this.#order.forEach((prediction, column) => {
      const k = label * c + prediction;
      if (!values[k]) return;
      context.globalAlpha = label === prediction ? 1 : FAINTEST + (1 - FAINTEST) * full[k];
      context.fillStyle = label === prediction ? right : wrong;
      const [x, y] = [Math.round(column * size), Math.round(row * size)];
      context.fillRect(x, y, Math.round((column + 1) * size) - x, Math.round((row + 1) * size) - y);
    }));
    context.globalAlpha = 1;
  }

  /** Outline the cells with selected pictures, the block, and the cell pointed at. */
  #drawFrames(/** @type {CanvasRenderingContext2D} */ context, /** @type {number} */ size, /** @type {Counts} */ counts, /** @type {number} */ scale) {
    const c = this.#names.length;
    const styles = getComputedStyle(this.root);
    const frame = (/** @type {number[]} */ [row, column], /** @type {number[]} */ [lastRow, lastColumn], /** @type {number} */ room) => {
      context.strokeRect(column * size - room, row * size - room, (lastColumn - column + 1) * size + 2 * room, (lastRow - row + 1) * size + 2 * room);
    };
    context.lineWidth = scale;
    context.strokeStyle = styles.getPropertyValue("--tw-accent");
    if (!counts.isSelection && counts.chosen.length) {
      this.#order.forEach((label, row) => this.#order.forEach((prediction, column) => {
        if (label !== prediction && counts.chosen[label * c + prediction]) frame([row, column], [row, column], scale);
      }));
    }
    context.lineWidth = 2 * scale;
    if (this.#block) frame([this.#block.rows[0], this.#block.columns[0]], [this.#block.rows[1], this.#block.columns[1]], scale);
    if (!this.#at) return;
    const [row, column] = this.#at;
    context.strokeStyle = styles.getPropertyValue("--tw-ink");
    frame([Math.max(0, row), Math.max(0, column)], [row < 0 ? c - 1 : row, column < 0 ? c - 1 : column], 1.5 * scale);
  }
}
