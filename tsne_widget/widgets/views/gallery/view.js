// The gallery: the selected or all visible samples, as pictures or as a table.
import { emptyState } from "../../frontend/controls.js";
import { closest, element } from "../../frontend/elements.js";
import { changesOf, follow } from "../../frontend/follow.js";
import { followTheme } from "../../frontend/theme.js";
import { HoverSender } from "../../frontend/hover_sender.js";
import { hasModifier } from "../../frontend/keys.js";
import { copyPictures } from "./contact_sheet.js";
import { makeHead } from "./head.js";
import { makePicks } from "./picks.js";
import { makePictures } from "./pictures.js";
import { Requests } from "./requests.js";
import { Sheet } from "./sheet.js";
import { makeTable } from "./table.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {import("../../frontend/commands.js").Commands} Commands */

const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];
const EMPTY = {
  selection: ["Nothing is selected.", "Draw around points on the map to see their pictures here."],
  visible: ["All classes are hidden", "Click a class in the key to see its pictures here."],
};
const NO_PICTURES = "There are no pictures. Pass images= (an array, paths or a dataset) to see them.";

/** @type {(context: {model: ViewModel, el: HTMLElement, commands: Commands}) => () => void} */
function render({ model, el, commands }) {
  const gallery = new Gallery(model, el, commands);
  return () => gallery.release();
}

class Gallery {
  #model;
  #size;
  #sheets;
  #table;
  #head;
  #picks;
  #hover;
  #stage = element("div", "tw-stage");
  #tableBox = element("div", "tw-table");
  #note = element("div", "tw-note tw-caption");
  #empty = element("div", "tw-nothing");
  /** @type {(() => void)[]} */
  #releases = [];

  /** @param {ViewModel} model @param {HTMLElement} el @param {Commands} commands */
  constructor(model, el, commands) {
    this.#model = model;
    this.#size = model.get("tile_size");
    this.#table = makeTable(model);
    const requests = {
      pictures: new Requests(model, () => this.#sheets.pictures.sheet.show()),
      table: new Requests(model, () => this.#sheets.table.sheet.show()),
    };
    this.#sheets = {
      pictures: { requests: requests.pictures, sheet: new Sheet(model, requests.pictures, makePictures(model, () => this.#size)) },
      table: { requests: requests.table, sheet: new Sheet(model, requests.table, this.#table.face) },
    };
    this.#hover = new HoverSender(model);
    this.#head = makeHead(model, (size) => this.#resize(size), commands);
    this.#picks = makePicks(model);
    const root = element("section", "tw-gallery");
    root.setAttribute("aria-label", "Images");
    this.#tableBox.append(this.#table.head, this.#sheets.table.sheet.root);
    this.#stage.append(this.#sheets.pictures.sheet.root, this.#tableBox, this.#empty);
    root.append(this.#head.root, this.#stage, this.#note, this.#picks.root);
    el.appendChild(root);
    for (const { sheet } of Object.values(this.#sheets)) this.#listen(sheet);
    this.#releases.push(
      follow(model, [
        ["change:epoch", () => this.#restart()],
        ["change:focus_index", () => this.#followFocus()],
        ["change:tile_size", () => this.#resize(model.get("tile_size"))],
        ["change:is_table", () => this.#showMode()],
        [changesOf("columns", "sorted_by", "descending"), () => this.#fitTable()],
        ["change:picks change:picks_start change:hovered", () => this.#showMarks()],
        ["msg:custom", (message, buffers) => this.#receive(message, buffers)],
      ]),
      commands.add("copy-pictures", () => copyPictures(model)),
      followTheme(root, () => { if (model.get("shows_maps")) this.#sheets.pictures.sheet.redraw(); }),
    );
    this.#showMode();
    this.#followFocus();
  }

  release() {
    for (const release of this.#releases) release();
    for (const { requests, sheet } of Object.values(this.#sheets)) {
      requests.release();
      sheet.release();
    }
    this.#hover.release();
    this.#head.release();
  }

  get #sheet() {
    return this.#sheets[this.#model.get("is_table") ? "table" : "pictures"].sheet;
  }

  #listen(/** @type {Sheet} */ sheet) {
    const { root } = sheet;
    root.addEventListener("click", (event) => this.#click(event));
    root.addEventListener("keydown", (event) => this.#press(event));
    root.addEventListener("mousedown", (event) => { if (event.shiftKey) event.preventDefault(); }); // prevents a text selection
    root.addEventListener("pointerover", (event) => this.#hover.set(sheet.rowAt(indexOf(event))));
    for (const kind of ["pointerleave", "blur"]) root.addEventListener(kind, () => this.#hover.set(null));
  }

  #showMode() {
    const isTable = this.#model.get("is_table");
    this.#sheets.pictures.sheet.root.hidden = isTable;
    this.#tableBox.hidden = !isTable;
    this.#draw();
  }

  #restart() {
    for (const { requests } of Object.values(this.#sheets)) requests.clear();
    this.#draw();
  }

  #draw() {
    this.#hover.set(null);
    this.#showEmpty();
    this.#fitTable();
    this.#sheet.restart(Math.max(0, this.#model.get("focus_index")));
    this.#head.showSize(this.#size || 68);
    this.#picks.show();
  }

  /** Make room for the table's columns anew, after they or the sorted one have changed. */
  #fitTable() {
    if (!this.#model.get("is_table")) return;
    const { sheet } = this.#sheets.table;
    if (this.#table.fit(sheet.root.clientWidth)) sheet.relayout(() => {});
  }

  #receive(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
    if (message.kind === "refresh") this.#askAgain();
    if (message.kind !== "tiles" || message.epoch !== this.#model.get("epoch")) return;
    const { requests, sheet } = this.#sheets[message.size ? "pictures" : "table"];
    sheet.fill(requests.receive(message, buffers[0]));
  }

  /** Ask for the tiles in sight again: they have other maps of evidence. */
  #askAgain() {
    this.#sheets.pictures.requests.forgetAll();
    this.#sheets.pictures.sheet.show();
  }

  #resize(/** @type {number} */ size) {
    if (size === this.#size) return;
    this.#sheets.pictures.sheet.relayout(() => { this.#size = size; });
    this.#head.showSize(size || 68);
  }

  #showMarks() {
    this.#sheet.showMarks();
    this.#picks.show();
  }

  #showEmpty() {
    const [count, source, note, hasImages] = ["count", "source", "note", "has_images"].map((name) => this.#model.get(name));
    this.#note.textContent = note || (hasImages ? "" : NO_PICTURES);
    this.#note.title = this.#note.textContent ?? "";
    this.#note.hidden = !(this.#note.textContent && count);
    this.#empty.hidden = count > 0;
    const [title, sentence] = EMPTY[/** @type {keyof typeof EMPTY} */ (source)];
    if (!count) this.#empty.replaceChildren(emptyState(title, sentence));
  }

  // ---- opening and picking ----

  #open(/** @type {number} */ index) {
    this.#sheet.moveCursor(index);
    this.#model.send({ kind: "open", epoch: this.#model.get("epoch"), index });
  }

  #pick(/** @type {number} */ index, /** @type {boolean} */ isRange) {
    this.#sheet.moveCursor(index);
    this.#model.send({ kind: "pick", epoch: this.#model.get("epoch"), index, range: isRange });
  }

  #click(/** @type {MouseEvent} */ event) {
    const index = indexOf(event);
    if (index < 0) return;
    this.#sheet.root.focus({ preventScroll: true });
    if (event.shiftKey || event.ctrlKey || event.metaKey) this.#pick(index, event.shiftKey);
    else this.#open(index);
  }

  #press(/** @type {KeyboardEvent} */ event) {
    if (hasModifier(event) || !this.#model.get("count")) return;
    const sheet = this.#sheet;
    if (KEYS.includes(event.key)) {
      sheet.moveBy(event.key);
      this.#hover.set(sheet.rowAt(sheet.cursor));
    } else if (event.key === "Enter") this.#open(sheet.cursor);
    else if (event.key === " ") this.#pick(sheet.cursor, event.shiftKey);
    else if (event.key === "Escape" && this.#model.get("picked")) this.#model.send({ kind: "picked", do: "clear" });
    else return;
    event.preventDefault();
  }

  #followFocus() {
    const index = this.#model.get("focus_index");
    if (index >= 0 && index !== this.#sheet.cursor) this.#sheet.moveCursor(index);
  }
}

/** Index of the tile or row that an event is about; -1 for none. @param {Event} event */
function indexOf(event) {
  return Number(closest(event, "[data-index]")?.dataset.index ?? -1);
}

export default render;
