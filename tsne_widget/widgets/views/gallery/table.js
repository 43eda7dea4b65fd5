// The gallery as a table: one row per sample, and headings that sort.
import { element, textButton } from "../../frontend/elements.js";
import { icon } from "../../frontend/icons.js";
import { button, popover } from "../../frontend/controls.js";
import { markOf, words } from "../../frontend/tiles.js";
import { makeList } from "./grid.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {{key: string, name: string, is_number: boolean}} Column */

const ROW = 28;
const [NUMBER_WIDTH, NAME_WIDTH, ID_WIDTH, MORE_WIDTH] = [70, 82, 52, 36]; // smallest
const PADDING = 12;

/**
 * @param {ViewModel} model
 * @param {() => void} redraw  fills the rows in sight anew, after another width has changed the columns
 * @returns {{face: import("./sheet.js").Face, head: HTMLElement, show: () => void, fit: (width: number) => boolean}}
 */
export function makeTable(model, redraw) {
  const head = element("div", "tw-table-head");
  const more = button("");
  const hidden = element("div", "tw-menu");
  const menu = popover(more, hidden);
  more.title = "Columns without room; choose one to sort by it";
  /** @type {number[]} indices of the visible columns */
  let shown = [];
  let width = 0;

  /** Show as many columns as there is room for, with the sorted one. @returns {boolean} whether others are visible now */
  function fit(/** @type {number} */ room) {
    width = room;
    const before = shown.join();
    shown = fitting(model.get("columns"), model.get("sorted_by"), room - 2 * PADDING);
    const widths = shown.map((index) => `minmax(0, ${widthOf(model.get("columns")[index])}fr)`);
    head.parentElement?.style.setProperty("--tw-columns", widths.join(" "));
    head.parentElement?.style.setProperty("--tw-more", `${shown.length < model.get("columns").length ? MORE_WIDTH : 0}px`);
    show();
    return shown.join() !== before;
  }

  function show() {
    /** @type {Column[]} */
    const columns = model.get("columns");
    const cells = shown.filter((index) => index < columns.length).map((index) => headingOf(model, columns[index]));
    const others = columns.filter((_, index) => !shown.includes(index));
    more.textContent = `+${others.length}`;
    more.setAttribute("aria-label", `${others.length} more columns`);
    menu.root.hidden = !others.length;
    hidden.replaceChildren(...others.map((column) => {
      const item = textButton(column.name, () => {
        menu.open(false);
        sortBy(model, column.key);
      });
      item.className = "tw-item";
      return item;
    }));
    const row = element("div", "tw-table-row");
    row.append(...cells);
    head.replaceChildren(row, menu.root);
  }

  /** @type {import("./sheet.js").Face} */
  const face = {
    className: "tw-table-rows",
    margin: 0,
    grid: (room) => {
      if (room !== width && fit(room)) queueMicrotask(redraw);
      return makeList(model.get("count"), room, ROW);
    },
    pixels: () => 0,
    make({ id, index, count }) {
      const node = element("div", "tw-table-row tw-record");
      const attributes = { id, role: "option", "aria-posinset": index + 1, "aria-setsize": count, "aria-label": "loading" };
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
      node.dataset.index = String(index);
      return node;
    },
    fill(node, tile) {
      /** @type {Column[]} */
      const columns = model.get("columns");
      node.setAttribute("aria-label", [...words(tile), ...columns.slice(3).map(({ name }, at) => `${name} ${tile.cells[at + 3]}`)].join(", "));
      node.dataset.id = String(tile.id);
      node.replaceChildren(...shown.map((index) => cellOf(tile, columns[index], tile.cells[index] ?? "")));
    },
    heading: () => element("div"),
  };
  return { face, head, show, fit };
}

/** @param {any} tile @param {Column} column @param {string} text */
function cellOf(tile, column, text) {
  const cell = element("span", isRight(column) ? "tw-cell-number" : "");
  if (column.key === "class") cell.append(markOf(tile));
  if (column.key === "prediction" && tile.wrong) cell.classList.add("tw-is-wrong");
  cell.append(element("span", "", text));
  cell.title = text;
  return cell;
}

/** Whether the column is aligned at the right. @param {Column} column */
function isRight({ key, is_number: isNumber }) {
  return isNumber && key !== "dataset";
}

function headingOf(/** @type {ViewModel} */ model, /** @type {Column} */ column) {
  const { key, name } = column;
  const isSorted = model.get("sorted_by") === key;
  const isDescending = isSorted && model.get("descending");
  const heading = textButton("", () => sortBy(model, key));
  heading.className = isRight(column) ? "tw-cell-number" : "";
  heading.dataset.key = key;
  heading.setAttribute("aria-pressed", String(isSorted));
  heading.title = `Sort by ${name}${isSorted ? `, now ${isDescending ? "highest" : "lowest"} first` : ""}`;
  heading.append(element("span", "", name));
  if (isSorted) heading.append(icon(isDescending ? "down" : "up"));
  return heading;
}

/** Sort by a column; the other way round, if it is the sorted one. */
function sortBy(/** @type {ViewModel} */ model, /** @type {string} */ key) {
  const isSorted = model.get("sorted_by") === key;
  model.send({ kind: "arrange", sort: key, ...(isSorted ? { descending: !model.get("descending") } : {}) });
}

/** Pixels that a column takes. @param {Column} column */
function widthOf({ key, is_number: isNumber }) {
  if (key === "dataset") return ID_WIDTH;
  return isNumber ? NUMBER_WIDTH : NAME_WIDTH;
}

/**
 * Indices of the columns that fit: the first ones, and the sorted one in any case.
 * @param {Column[]} columns @param {string} sortedBy @param {number} room  pixels
 */
function fitting(columns, sortedBy, room) {
  const total = columns.reduce((sum, column) => sum + widthOf(column), 0);
  let left = total <= room ? room : room - MORE_WIDTH;
  const sorted = columns.findIndex(({ key }) => key === sortedBy);
  if (sorted >= 0) left -= widthOf(columns[sorted]);
  return columns.flatMap((column, index) => {
    if (index === sorted) return [index];
    left -= widthOf(column); // below zero from the first column without room on
    return left >= 0 ? [index] : [];
  });
}
