// The table of the classes: pictures, precision and recall, of all and of the selection.
import { fullCount, percent } from "../../frontend/classes.js";
import { element, textButton } from "../../frontend/elements.js";
import { MODES_HELP } from "../../frontend/modes.js";

/** @typedef {import("./counts.js").Counts} Counts */
/** @typedef {(place: number[], event: MouseEvent) => void} Select  place: label and −1, for any prediction */

const MAX_LISTED = 100; // classes
const COLUMNS = ["name", "samples", "precision", "recall"];
const TITLES = { name: "class", samples: "pictures" };

export class ClassTable {
  #names;
  #select;
  #table;
  #sorted = { by: "order", isDown: false };
  /** @type {Counts | null} */
  #counts = null;

  root = element("details", "tw-fold");

  /** @param {string[]} names @param {Select} select */
  constructor(names, select) {
    this.#names = names;
    this.#select = select;
    this.root.append(element("summary", "", "Precision and recall of each class"));
    this.#table = makeTable(this.root);
    this.root.addEventListener("toggle", () => { if (this.#counts) this.show(this.#counts); });
  }

  /** @param {Counts} counts */
  show(counts) {
    this.#counts = counts;
    if (!this.root.open) return;
    const isTwofold = counts.chosenReport.length > 0;
    const head = COLUMNS.map((by) => this.#heading(by, isTwofold));
    const rows = this.#order(counts.allReport).slice(0, MAX_LISTED).map((code) => this.#row(code, counts));
    const second = isTwofold ? ["", ...Array(3).fill(["all", "selected"]).flat()] : null;
    fillTable(this.#table, head, rows, second);
    this.#table.table.toggleAttribute("data-two", isTwofold);
    const total = this.#names.length;
    this.#table.empty.textContent = total > MAX_LISTED ? `The first ${MAX_LISTED} of ${fullCount(total)} classes in this order` : "";
  }

  /** Codes in the chosen order. */
  #order(/** @type {Uint32Array} */ report) {
    const { by, isDown } = this.#sorted;
    const value = (/** @type {number} */ code) => {
      if (by === "name") return this.#names[code];
      if (by === "samples") return report[3 * code];
      if (by === "precision") return shareOf(report, code, 1);
      return by === "recall" ? shareOf(report, code, 0) : code;
    };
    return Array.from(this.#names, (_, code) => code).sort((a, b) => compare(value(a), value(b), isDown));
  }

  #heading(/** @type {string} */ by, /** @type {boolean} */ isTwofold) {
    const isSorted = this.#sorted.by === by;
    const { isDown } = this.#sorted;
    const node = heading("", by === "name" ? "name" : "number");
    const text = TITLES[/** @type {"name"} */ (by)] ?? by;
    const button = node.appendChild(textButton(text, () => this.#sort(by)));
    button.title = `Sort by ${text}`;
    button.append(element("i", isSorted ? (isDown ? "tw-down" : "tw-up") : ""));
    node.setAttribute("aria-sort", !isSorted ? "none" : isDown ? "descending" : "ascending");
    if (isTwofold && by !== "name") node.colSpan = 2;
    return node;
  }

  #sort(/** @type {string} */ by) {
    const { by: before, isDown } = this.#sorted;
    this.#sorted = { by, isDown: before === by ? !isDown : by === "samples" };
    if (this.#counts) this.show(this.#counts);
    this.#table.head.querySelectorAll("button")[COLUMNS.indexOf(by)].focus();
  }

  #row(/** @type {number} */ code, /** @type {Counts} */ { allReport, chosenReport }) {
    const button = textButton(this.#names[code], (event) => this.#select([code, -1], event));
    button.title = `Select the samples with label ${this.#names[code]}. ${MODES_HELP}`;
    const reports = chosenReport.length ? [allReport, chosenReport] : [allReport];
    return [
      button,
      ...reports.map((report) => fullCount(report[3 * code])),
      ...reports.map((report) => percent(shareOf(report, code, 1)) || "–"), // precision
      ...reports.map((report) => percent(shareOf(report, code, 0)) || "–"), // recall
    ];
  }
}

/** Share of correct samples among those with the label (column 0) or the prediction (column 1). */
function shareOf(/** @type {Uint32Array} */ report, /** @type {number} */ code, /** @type {number} */ column) {
  return report[3 * code + 2] / report[3 * code + column];
}

function makeTable(/** @type {HTMLElement} */ section) {
  const table = section.appendChild(element("table"));
  const head = table.appendChild(element("thead"));
  const body = table.appendChild(element("tbody"));
  const empty = section.appendChild(element("p", "tw-caption tw-muted"));
  return { table, head, body, empty };
}

function fillTable(
  /** @type {{head: HTMLElement, body: HTMLElement}} */ { head, body }, /** @type {HTMLElement[]} */ headings,
  /** @type {(HTMLElement | string)[][]} */ rows, /** @type {string[] | null} */ second = null,
) {
  const focused = [...body.querySelectorAll("button")].findIndex((button) => button === document.activeElement);
  const row = (/** @type {HTMLElement[]} */ cells) => {
    const node = element("tr");
    node.append(...cells);
    return node;
  };
  head.replaceChildren(row(headings), ...(second ? [row(second.map((text) => heading(text, text && "number")))] : []));
  body.replaceChildren(...rows.map((cells) => row(cells.map((content, k) => {
    const cell = element(k ? "td" : "th", k ? "tw-number" : "");
    if (!k) cell.setAttribute("scope", "row");
    cell.append(content);
    return cell;
  }))));
  if (focused >= 0) body.querySelectorAll("button")[focused]?.focus(); // a replaced row loses the focus
}

function heading(/** @type {string} */ text, /** @type {string} */ kind) {
  const node = /** @type {HTMLTableCellElement} */ (element(text || kind ? "th" : "td", kind && `tw-${kind}`));
  if (node.tagName === "TH") node.scope = "col";
  node.append(text);
  return node;
}

/** Compare values; unknown values come last in both directions. */
function compare(/** @type {any} */ a, /** @type {any} */ b, /** @type {boolean} */ isDown) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  const order = typeof a === "string" ? a.localeCompare(b, undefined, { numeric: true }) : a - b;
  return isDown ? -order : order;
}
