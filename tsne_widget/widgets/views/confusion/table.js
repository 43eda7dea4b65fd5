// The matrix of few classes: a table with a button in each cell.
import { percent } from "../../frontend/classes.js";
import { element, textButton } from "../../frontend/elements.js";
import { describeCell, fullness, tinyCount, valuesOf } from "./counts.js";
import { Picker } from "../../frontend/picker.js";

/** @typedef {import("./counts.js").Counts} Counts */
/** @typedef {import("../../frontend/picker.js").Block} Block */

const LABEL = "Confusion matrix, label by prediction. Arrow keys move, with Shift they mark a block; Enter selects its pictures.";
const MAX_CELL = 56; // pixels
const SHARE = 38; // pixels of the column "right"
const NAME = [34, 132]; // minimum and maximum width of the names of the rows
const PADDING = 9; // around a name

export class MatrixTable {
  root = element("div", "tw-matrix");
  #names;
  #order;
  /** @type {Counts | null} */
  #shown = null;
  /** @type {HTMLButtonElement[][]} */
  #cells = []; // of the rows; the first row and the first button of each are headings
  /** @type {HTMLElement[]} */
  #shares = [];
  #picker;
  #nameWidth;

  /** @param {string[]} names  of the units @param {number[]} order  places of the units in the order to draw @param {{point: (place: number[] | null) => void, choose: (block: Block, event: MouseEvent | KeyboardEvent) => void}} parts */
  constructor(names, order, { point, choose }) {
    this.#names = names;
    this.#order = order.length === names.length ? order : names.map((_, unit) => unit);
    this.#nameWidth = Math.max(NAME[0], Math.min(NAME[1], widest(names) + PADDING));
    this.root.append(this.#makeTable());
    this.#picker = new Picker(this.root, {
      point, choose, last: () => names.length - 1, cellAt: (event) => placeOf(event.target instanceof Element && event.type !== "pointermove" ? event.target : elementUnder(this.root, event)),
      mark: (block) => this.#mark(block), focus: (place) => this.#buttonAt(place).focus(),
    });
    this.root.addEventListener("focusin", (event) => {
      const place = placeOf(/** @type {Element} */ (event.target));
      if (place) this.#makeCurrent(place);
      point(place);
    });
    this.root.addEventListener("focusout", () => point(null));
    this.#makeCurrent([0, 0]);
  }

  /** Width of a cell in a panel of some width. @param {number} width  pixels */
  cellIn(width) {
    return (width - this.#nameWidth - SHARE) / this.#names.length;
  }

  /** @param {number} width  of the panel, in pixels */
  resize(width) {
    const cell = Math.min(MAX_CELL, this.cellIn(width));
    this.root.style.setProperty("--cell", `${cell}px`);
    this.root.style.setProperty("--row", `${Math.round(Math.max(24, Math.min(34, cell * 0.8)))}px`);
    this.root.style.setProperty("--name", `${this.#nameWidth}px`);
  }

  /** @param {Counts} counts @param {boolean} isShare */
  show(counts, isShare) {
    this.#shown = counts;
    const c = this.#names.length;
    const values = valuesOf(counts, c, isShare);
    const full = fullness(values, c);
    for (let row = -1; row < c; row++) {
      for (let column = -1; column < c; column++) {
        if (row < 0 && column < 0) continue;
        const made = this.#buttonAt([row, column]);
        made.setAttribute("aria-label", this.describe([row, column]));
        if (row < 0 || column < 0) continue;
        const k = this.#order[row] * c + this.#order[column];
        made.textContent = !values[k] ? "" : isShare ? percent(values[k]).slice(0, -2) : tinyCount(values[k]);
        made.style.setProperty("--full", full[k].toFixed(3));
        made.toggleAttribute("data-empty", !values[k]);
        const [part, whole] = [counts.chosen[k] ?? 0, counts.all[k]];
        made.dataset.selected = counts.isSelection || !part ? "" : part === whole ? "all" : "some";
      }
      if (row < 0) continue;
      const unit = this.#order[row];
      this.#shares[row].textContent = percent(counts.table[unit * c + unit] / counts.report[3 * unit]) || "–";
    }
  }

  /** Units of a range of rows or columns; −1 for all of them. @param {[number, number]} range */
  unitsIn([first, last]) {
    return first < 0 ? [-1] : this.#order.slice(first, last + 1);
  }

  /** @param {number[]} place */
  describe(place) {
    return this.#shown ? describeCell(this.#shown, this.#names, place.map((at) => (at < 0 ? -1 : this.#order[at]))) : "";
  }

  #makeTable() {
    const table = element("table");
    table.setAttribute("role", "grid");
    table.setAttribute("aria-label", LABEL);
    const head = table.appendChild(element("thead")).appendChild(element("tr"));
    const corner = head.appendChild(element("td", "tw-corner"));
    corner.append(element("span", "", "label ↓"), element("span", "", "predicted →"));
    this.#cells.push([textButton(""), ...this.#order.map((unit, column) => cellIn(head, this.#names[unit], [-1, column]))]);
    const share = head.appendChild(element("th", "tw-share", "right"));
    share.scope = "col";
    const body = table.appendChild(element("tbody"));
    this.#order.forEach((unit, row) => {
      const line = body.appendChild(element("tr"));
      this.#cells.push([cellIn(line, this.#names[unit], [row, -1]), ...this.#order.map((_, column) => cellIn(line, "", [row, column]))]);
      this.#shares.push(line.appendChild(element("td", "tw-share")));
    });
    return table;
  }

  #buttonAt(/** @type {number[]} */ [row, column]) {
    return this.#cells[row + 1][column + 1];
  }

  #makeCurrent(/** @type {number[]} */ place) {
    for (const made of this.root.querySelectorAll("[tabindex='0']")) /** @type {HTMLElement} */ (made).tabIndex = -1;
    this.#buttonAt(place).tabIndex = 0;
    if (this.#picker) this.#picker.place = place;
  }

  #mark(/** @type {Block | null} */ block) {
    const isIn = (/** @type {number} */ at, /** @type {[number, number]} */ [first, last]) => first <= at && at <= last;
    this.#cells.slice(1).forEach((line, row) => line.slice(1).forEach((made, column) => {
      made.toggleAttribute("data-marked", Boolean(block && isIn(row, block.rows) && isIn(column, block.columns)));
    }));
  }
}

/** A cell with a button; a name makes it a heading. @param {HTMLElement} line @param {string} name @param {number[]} place */
function cellIn(line, name, [row, column]) {
  const isHeading = row < 0 || column < 0;
  const cell = line.appendChild(element(isHeading ? "th" : "td"));
  if (isHeading) cell.setAttribute("scope", row < 0 ? "col" : "row");
  const made = cell.appendChild(textButton(""));
  if (isHeading) made.append(element("span", "", name));
  else if (row === column) made.dataset.right = "";
  made.dataset.place = `${row} ${column}`;
  made.tabIndex = -1;
  return made;
}

/** @param {Element | null} target @returns {number[] | null} */
function placeOf(target) {
  const place = /** @type {HTMLElement | null} */ (target?.closest("[data-place]"))?.dataset.place;
  return place === undefined ? null : place.split(" ").map(Number);
}

function elementUnder(/** @type {HTMLElement} */ root, /** @type {MouseEvent} */ { clientX, clientY }) {
  const page = /** @type {Document | ShadowRoot} */ (root.getRootNode());
  return page.elementFromPoint(clientX, clientY);
}

/** Width of the longest name, in pixels. @param {string[]} names */
function widest(names) {
  const context = /** @type {CanvasRenderingContext2D} */ (element("canvas").getContext("2d"));
  context.font = "11px system-ui, sans-serif";
  return Math.ceil(names.reduce((most, name) => Math.max(most, context.measureText(name).width), 0));
}
