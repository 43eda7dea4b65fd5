// The gallery: pictures of the selected or visible samples, and the details of one of them.
import { closest, element } from "../../frontend/elements.js";
import { follow } from "../../frontend/follow.js";
import { hasModifier } from "../../frontend/keys.js";
import { makeHead } from "./arrange.js";
import { makeDetails } from "./details.js";
import { makePicks } from "./picks.js";
import { Requests } from "./requests.js";
import { Sheet } from "./sheet.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];
const NO_PICTURES = "No pictures: pass images= (an array, paths or a dataset) to see them";
const EMPTY = {
  selection: "Nothing selected. Drag around points on the map to see their images here.",
  visible: "All classes are hidden. Click a class in the list to see its images here.",
};

/** @type {(context: {model: ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const gallery = new Gallery(model, el);
  return () => gallery.release();
}

class Gallery {
  #model;
  #requests;
  #sheet;
  #head;
  #picks;
  #details;
  #hover;
  #stage = element("div", "tw-stage");
  #note = element("div", "tw-note");
  #hint = element("div", "tw-hint");

  /** @param {ViewModel} model @param {HTMLElement} el */
  constructor(model, el) {
    this.#model = model;
    this.#requests = new Requests(model);
    this.#sheet = new Sheet(model, this.#requests);
    this.#hover = new HoverSender(model);
    this.#head = makeHead(model, (size) => this.#sheet.resize(size));
    this.#picks = makePicks(model);
    this.#details = makeDetails(model, {
      step: (by) => this.#step(by), toggled: () => this.#cover(), hover: (row) => this.#hover.set(row),
    });
    const root = element("section", "tw-gallery");
    root.setAttribute("aria-label", "Images");
    this.#stage.append(this.#sheet.root, this.#hint);
    root.append(this.#head.root, this.#note, this.#stage, this.#picks.root, this.#details.root);
    el.appendChild(root);
    this.#listen();
    this.unfollow = follow(model, [
      ["change:epoch", () => this.#restart()],
      ["change:focus", () => this.#followFocus()],
      ["change:tile_size", () => this.#sheet.resize(model.get("tile_size"))],
      ["change:picks change:picks_start change:hovered", () => this.#showMarks()],
      ["msg:custom", (message, buffers) => this.#receive(message, buffers)],
    ]);
    this.#showHint();
    this.#sheet.show();
    this.#picks.show();
    this.#followFocus();
  }

  release() {
    this.unfollow();
    for (const part of [this.#sheet, this.#hover, this.#head, this.#details]) part.release();
  }

  #listen() {
    const { root } = this.#sheet;
    root.addEventListener("click", (event) => this.#click(event));
    root.addEventListener("keydown", (event) => this.#press(event));
    root.addEventListener("mousedown", (event) => { if (event.shiftKey) event.preventDefault(); }); // prevents a text selection
    root.addEventListener("pointerover", (event) => this.#hover.set(this.#sheet.rowAt(indexOf(event))));
    for (const kind of ["pointerleave", "blur"]) root.addEventListener(kind, () => this.#hover.set(null));
  }

  #restart() {
    this.#requests.clear();
    this.#hover.set(null);
    this.#showHint();
    this.#sheet.restart(Math.max(0, this.#model.get("focus_index")));
    this.#picks.show();
  }

  #receive(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
    if (message.kind !== "tiles" || message.epoch !== this.#model.get("epoch")) return;
    this.#sheet.fill(this.#requests.receive(message, buffers[0]));
  }

  #showMarks() {
    this.#sheet.showMarks();
    this.#picks.show();
  }

  #showHint() {
    const [count, source, note, hasImages] = ["count", "source", "note", "has_images"].map((name) => this.#model.get(name));
    this.#note.textContent = note || (hasImages ? "" : NO_PICTURES);
    this.#note.hidden = !(this.#note.textContent && count);
    this.#hint.textContent = EMPTY[/** @type {keyof typeof EMPTY} */ (source)];
    this.#hint.hidden = count > 0;
  }

  /** Make the tiles unreachable by keyboard while the details cover them. */
  #cover() {
    const isCovered = !this.#details.root.hidden;
    for (const part of [this.#head.root, this.#stage, this.#picks.root]) part.toggleAttribute("inert", isCovered);
  }

  // ---- opening and picking ----

  #open(/** @type {number} */ index) {
    this.#sheet.moveCursor(index);
    this.#details.takeFocus();
    this.#model.send({ kind: "open", epoch: this.#model.get("epoch"), index });
  }

  /** Open the sample before or after the one in the details. */
  #step(/** @type {number} */ by) {
    const at = this.#model.get("focus_index");
    const next = (at < 0 ? this.#sheet.cursor : at) + by;
    if (next >= 0 && next < this.#model.get("count")) this.#open(next);
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
    else if (event.key === "Escape") this.#model.send({ kind: "picked", do: "clear" });
    else return;
    event.preventDefault();
  }

  #followFocus() {
    const index = this.#model.get("focus_index");
    const hadFocus = this.#details.follow();
    if (index >= 0 && index !== this.#sheet.cursor) this.#sheet.moveCursor(index);
    if (hadFocus) this.#sheet.root.focus({ preventScroll: true });
  }
}

/** Sends the row under the pointer to the kernel, at most once per frame and only if it has changed. */
class HoverSender {
  #model;
  /** @type {number | null} */
  #row = null;
  /** @type {number | null} */
  #sent = null;
  #frame = 0;

  /** @param {ViewModel} model */
  constructor(model) {
    this.#model = model;
  }

  /** @param {number | null} row */
  set(row) {
    this.#row = row;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#row === this.#sent) return;
      this.#sent = this.#row;
      this.#model.send({ kind: "hover", row: this.#row });
    });
  }

  release() {
    cancelAnimationFrame(this.#frame);
  }
}

/** Index of the tile that an event is about; -1 for none. @param {Event} event */
function indexOf(event) {
  return Number(closest(event, "figure")?.dataset.index ?? -1);
}

export default render;
