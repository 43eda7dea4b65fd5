// The matrix in the panel: a canvas with pointer and keyboard control.
import { element } from "../../frontend/elements.js";
import { MODES_HELP } from "../../frontend/modes.js";
import { describeCell } from "./counts.js";
import { boxOf, cellAt, drawMatrix, gridIn, isSmall } from "./matrix.js";
import { paintsOf } from "./paints.js";
import { fillKey, pictureOf, placeTip } from "./picture.js";
import { clamp, stepFrom } from "./steps.js";

/** @typedef {import("./counts.js").Counts} Counts */
/** @typedef {(place: number[], event: MouseEvent | KeyboardEvent) => void} Select  place: row and column; −1 for a heading */

const LABEL_PIXELS = [68, 110]; // minimum and maximum width of the names left of the matrix
const TOP_PIXELS = [32, 84]; // minimum and maximum height of the names above the matrix
const FRAME_LABEL =
  "Confusion matrix, label by prediction. Arrow keys move between cells and headings; Enter selects the samples. " + MODES_HELP;

export class Board {
  #model;
  #root;
  #header;
  #select;
  #counts;
  /** @type {string[]} */
  #names;
  #frame = element("div", "tw-frame");
  #canvas = element("canvas");
  #context;
  #key = element("div", "tw-scale");
  #spoken = element("div", "tw-spoken");
  #tip = element("div", "tw-celltip");
  #resized = new ResizeObserver(() => { if (this.#root.clientWidth !== this.#drawnWidth) this.schedule(); });
  #themed = new MutationObserver(() => this.schedule());
  /** @type {import("./matrix.js").Grid | null} */
  #grid = null;
  /** @type {number[] | null} */
  #hovered = null; // row and column under the pointer
  #place = [0, 0]; // row and column that the keys move from
  #isFocused = false;
  #pending = 0; // id of the requested animation frame
  #drawnWidth = 0; // width of the panel when last drawn

  /**
   * @param {import("../../frontend/kernel.js").ViewModel} model
   * @param {HTMLElement} root  the scrolling panel
   * @param {{header: import("./header.js").Header, counts: Counts, select: Select}} parts
   */
  constructor(model, root, { header, counts, select }) {
    this.#model = model;
    this.#root = root;
    this.#header = header;
    this.#counts = counts;
    this.#select = select;
    this.#names = model.get("names");
    this.#context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d"));
    this.#frame.tabIndex = 0;
    this.#frame.setAttribute("role", "application");
    this.#frame.setAttribute("aria-roledescription", "confusion matrix");
    this.#frame.setAttribute("aria-label", FRAME_LABEL);
    this.#frame.appendChild(this.#canvas);
    this.#spoken.setAttribute("role", "status");
    this.#tip.setAttribute("aria-hidden", "true"); // the status has the same text
    this.#tip.hidden = true;
    root.append(this.#frame, this.#key, this.#spoken, this.#tip);
    this.#listenToPointer();
    this.#listenToKeys();
    this.#listenToPage();
  }

  /** @param {Counts} counts */
  show(counts) {
    this.#counts = counts;
    if (this.#isFocused) this.#spoken.textContent = this.#describe(this.#place);
    this.schedule();
  }

  /** Draw in the next frame, once however often this is called. */
  schedule() {
    this.#pending ||= requestAnimationFrame(() => this.#draw());
  }

  release() {
    this.#resized.disconnect();
    this.#themed.disconnect();
    cancelAnimationFrame(this.#pending);
  }

  #listenToPointer() {
    const canvas = this.#canvas;
    canvas.addEventListener("pointermove", (event) => {
      const under = this.#cellUnder(event);
      if (String(under) === String(this.#hovered)) return;
      canvas.style.cursor = under ? "pointer" : "";
      this.#hover(under);
    });
    canvas.addEventListener("pointerleave", () => this.#hover(null));
    canvas.addEventListener("click", (event) => {
      const under = this.#cellUnder(event);
      if (!under) return;
      this.#place = under;
      this.#select(under, event);
    });
  }

  #listenToKeys() {
    const frame = this.#frame;
    frame.addEventListener("focus", () => {
      this.#isFocused = frame.matches(":focus-visible");
      if (this.#isFocused) this.#moveTo(this.#place);
      this.schedule();
    });
    frame.addEventListener("blur", () => {
      this.#isFocused = false;
      this.schedule();
    });
    frame.addEventListener("keydown", (event) => this.#press(event));
  }

  #listenToPage() {
    const redrawTip = () => { if (!this.#tip.hidden) this.schedule(); };
    this.#frame.addEventListener("scroll", redrawTip, { passive: true });
    this.#root.addEventListener("scroll", () => {
      this.#hovered = null;
      redrawTip();
    }, { passive: true });
    this.#resized.observe(this.#root);
    // JupyterLab stores the name of its theme in attributes of the body.
    this.#themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] });
  }

  // ---- drawing ----

  #draw() {
    this.#pending = 0;
    this.#drawnWidth = this.#root.clientWidth;
    const hasMatrix = this.#counts.all.length > 0;
    this.#frame.hidden = this.#key.hidden = !hasMatrix;
    this.#header.showUnit(hasMatrix);
    if (!hasMatrix || !this.#drawnWidth) {
      this.#header.showEnlarge(false);
      return;
    }
    const paints = paintsOf(this.#root);
    const grid = this.#grid = this.#measure(paints.font);
    const scale = this.#resizeCanvas(grid);
    const picture = pictureOf(this.#counts, this.#names, this.#model.get("shows_shares"));
    const at = this.#hovered ?? (this.#isFocused ? this.#place : null);
    drawMatrix(this.#context, scale, grid, { ...picture, at, isFocused: this.#isFocused && !this.#hovered }, paints);
    this.#canvas.dataset.grid = [grid.cell, grid.left, grid.top].join(" "); // for tests
    fillKey(this.#key, picture, this.#counts.chosenReport.length > 0);
    this.#showTip(at);
  }

  /** The grid that fits in the panel. @param {string} font */
  #measure(font) {
    const context = this.#context;
    context.font = `600 11px ${font}`;
    const widest = this.#names.reduce((most, name) => Math.max(most, context.measureText(name).width), 0) + 12;
    const room = {
      count: this.#names.length, width: this.#frame.clientWidth, height: this.#root.clientHeight - this.#frame.offsetTop - 30,
      left: clamp(widest, LABEL_PIXELS), top: clamp(widest, TOP_PIXELS),
    };
    this.#header.showEnlarge(isSmall(gridIn({ ...room, isLarge: false })));
    return gridIn({ ...room, isLarge: this.#header.isLarge });
  }

  /** Make the canvas as large as the grid. @param {import("./matrix.js").Grid} grid @returns {number} device pixels per CSS pixel */
  #resizeCanvas(grid) {
    const canvas = this.#canvas;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [Math.ceil(grid.width * scale), Math.ceil(grid.height * scale)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    canvas.style.width = `${grid.width}px`;
    canvas.style.height = `${grid.height}px`;
    this.#context.setTransform(scale, 0, 0, scale, 0, 0);
    return scale;
  }

  #showTip(/** @type {number[] | null} */ at) {
    this.#tip.hidden = !at || !this.#grid;
    if (!at || !this.#grid) return;
    this.#tip.textContent = this.#describe(at);
    placeTip(this.#tip, this.#grid, at, { root: this.#root, frame: this.#frame, canvas: this.#canvas });
  }

  #describe(/** @type {number[]} */ place) {
    return describeCell(this.#counts, this.#names, place);
  }

  // ---- pointer and keys ----

  #cellUnder(/** @type {MouseEvent} */ event) {
    const box = this.#canvas.getBoundingClientRect();
    return this.#grid && cellAt(this.#grid, event.clientX - box.left, event.clientY - box.top);
  }

  #hover(/** @type {number[] | null} */ under) {
    this.#hovered = under;
    this.schedule();
  }

  #press(/** @type {KeyboardEvent} */ event) {
    const hasControl = event.altKey || event.metaKey || event.ctrlKey;
    const to = hasControl ? null : stepFrom(event.key, this.#place, this.#names.length - 1);
    if (event.key === "Enter" || event.key === " ") {
      if (!event.repeat) this.#select(this.#place, event);
    } else if (to) {
      this.#isFocused = true;
      this.#hovered = null;
      this.#moveTo(to);
    } else return;
    event.preventDefault();
  }

  /** Describe a cell and scroll to it. @param {number[]} to  row and column */
  #moveTo(to) {
    this.#place = to;
    this.#spoken.textContent = this.#describe(to);
    this.schedule();
    if (!this.#grid) return;
    const [frame, root, { left, top }] = [this.#frame, this.#root, this.#grid];
    const [x0, y0, x1, y1] = boxOf(this.#grid, to[0], to[1]);
    // Keep the names in view if there is room.
    frame.scrollLeft = clamp(frame.scrollLeft, [x1 - frame.clientWidth + 4, Math.max(0, x0 - left)]);
    const [highest, lowest] = [frame.offsetTop + y0 - top - 4, frame.offsetTop + y1 + 50];
    root.scrollTop = clamp(root.scrollTop, [lowest - root.clientHeight, Math.max(0, highest)]);
  }
}
