// The legend: class toggles with search, sorting and keyboard control.
import { typedOf, unpackBits } from "../../frontend/bytes.js";
import { fold, fullCount, sortedCodes, typedPosition } from "../../frontend/classes.js";
import { element } from "../../frontend/elements.js";
import { follow } from "../../frontend/follow.js";
import { hasModifier } from "../../frontend/keys.js";
import { makeHeader } from "./header.js";
import { codeOf, Rows } from "./rows.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

const SEARCH_FROM = 20; // classes; with fewer, looking is faster than searching
const TYPING_MS = 700; // a pause of this length ends a word typed in the list
const PAGE_ROWS = 10; // rows per Page Up or Page Down
const HINTS = ["double-click: only this", "Shift-click: a range"];

/** @type {(context: {model: ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const legend = new Legend(model, el);
  return follow(model, [
    ["change:visible change:selected_counts", () => legend.show()],
    ["change:is_key", () => legend.showIsKey()],
    ["change:sorted_by", () => legend.arrange()],
  ]);
}

class Legend {
  #model;
  #names;
  #folded;
  #counts;
  #accuracies;
  #header;
  #rows;
  #root = element("section", "tw-legend"); // inside a section, a header is not the page's banner
  /** @type {number[]} */
  #listed = []; // codes that match the search, in the order of the list
  #current = 0; // code of the row in the tab order
  #anchor = -1; // code of the row toggled last, where a range begins
  #typed = { text: "", time: -Infinity };

  /** @param {ViewModel} model @param {HTMLElement} el */
  constructor(model, el) {
    this.#model = model;
    /** @type {string[]} */
    this.#names = model.get("names");
    this.#folded = this.#names.map(fold);
    this.#counts = model.get("counts");
    this.#accuracies = typedOf(model.get("accuracies"), Float32Array, this.#names.length, NaN);
    const title = model.get("title");
    this.#header = makeHeader(title, {
      canSearch: this.#names.length >= SEARCH_FROM, canSort: this.#names.length > 1, hasAccuracies: this.#accuracies.some(Number.isFinite),
    });
    this.#rows = new Rows({ title, names: this.#names, counts: this.#counts, accuracies: this.#accuracies, colors: model.get("colors") });
    const hint = element("footer");
    hint.append(...HINTS.map((text) => element("span", "", text)));
    this.#root.append(this.#header.root, this.#rows.root, hint);
    el.appendChild(this.#root);
    this.#listen();
    this.showIsKey();
    this.arrange();
    this.show();
  }

  /** Show which classes are visible and selected. */
  show() {
    const selected = typedOf(this.#model.get("selected_counts"), Uint32Array, this.#names.length, 0);
    this.#rows.update(unpackBits(this.#model.get("visible"), this.#names.length), selected);
    this.#root.toggleAttribute("data-selecting", selected.some(Boolean));
    this.#showStatus();
  }

  /** Show colours only if the map is coloured by class. */
  showIsKey() {
    this.#root.toggleAttribute("data-plain", !this.#model.get("is_key"));
  }

  /** List the classes that match the search in the chosen order. */
  arrange() {
    const { search, sort } = this.#header;
    const by = this.#model.get("sorted_by");
    const wanted = fold(search.value.trim());
    const hasFocus = this.#rows.list.contains(document.activeElement);
    const codes = sortedCodes(by, { names: this.#names, counts: this.#counts, accuracies: this.#accuracies });
    this.#listed = codes.filter((code) => this.#folded[code].includes(wanted));
    this.#rows.arrange(this.#listed);
    this.#makeCurrent(this.#listed.includes(this.#current) || !this.#listed.length ? this.#current : this.#listed[0]);
    if (hasFocus) this.#button(this.#current).focus(); // a moved row loses the focus
    sort.value = by;
    this.#header.describe(Boolean(wanted));
    this.#showStatus();
  }

  #listen() {
    const { list } = this.#rows;
    const { actions, search, sort } = this.#header;
    list.addEventListener("click", (event) => this.#click(event));
    list.addEventListener("keydown", (event) => this.#press(event));
    list.addEventListener("keyup", (event) => {
      if (event.key === " ") event.preventDefault(); // Firefox clicks on key release
    });
    list.addEventListener("focusin", (event) => { if (codeOf(event) >= 0) this.#makeCurrent(codeOf(event)); });
    for (const [name, button] of Object.entries(actions)) button.addEventListener("click", () => this.#act(name));
    search.addEventListener("input", () => this.arrange());
    search.addEventListener("keydown", (event) => this.#pressInSearch(event));
    sort.addEventListener("change", () => {
      this.#model.set("sorted_by", sort.value);
      this.#model.save_changes();
    });
  }

  #showStatus() {
    const isSearching = Boolean(this.#header.search.value.trim());
    const part = isSearching ? this.#listed.length : this.#rows.visibleCount;
    const total = part < this.#names.length ? ` / ${fullCount(this.#names.length)}` : "";
    const text = `${fullCount(part)}${total} ${isSearching ? "listed" : "visible"}`;
    const { status } = this.#rows;
    if (status.textContent !== text) status.textContent = text; // screen readers announce each change
  }

  // ---- toggling ----

  #toggle(/** @type {number} */ code, /** @type {boolean} */ isRange) {
    const [from, to] = [this.#listed.indexOf(this.#anchor), this.#listed.indexOf(code)];
    if (!isRange || from < 0) {
      this.#anchor = code;
      this.#model.send({ kind: "toggle", code });
      return;
    }
    // The whole range gets the new state of the clicked row.
    const codes = this.#listed.slice(Math.min(from, to), Math.max(from, to) + 1);
    this.#model.send({ kind: "show", codes, visible: !this.#rows.isVisible(code) });
  }

  #act(/** @type {string} */ name) {
    const [codes, visible] = [this.#listed, name === "all"];
    if (name === "invert") this.#model.send({ kind: "invert", codes });
    else if (codes.length === this.#names.length) this.#model.send({ kind: "all", visible });
    else this.#model.send({ kind: "show", codes, visible });
  }

  #click(/** @type {MouseEvent} */ event) {
    const code = codeOf(event);
    if (code < 0) return;
    this.#makeCurrent(code);
    if (event.shiftKey) this.#toggle(code, true);
    else if (event.detail < 2) this.#toggle(code, false);
    // The first click has already toggled the class; the kernel reverts that.
    else if (event.detail === 2) this.#model.send({ kind: "only", code, second_click: true });
  }

  // ---- keys ----

  #press(/** @type {KeyboardEvent} */ event) {
    const code = codeOf(event);
    if (code < 0) return;
    if (isLetter(event) && !(event.key === " " && !this.#continuesWithSpace())) this.#type(event);
    else if (event.key === " " || event.key === "Enter") this.#pressRow(event, code);
    else if (event.key === "Escape" && this.#header.search.value) this.#clearSearch();
    else if (!this.#move(event, this.#listed.indexOf(code))) return;
    event.preventDefault();
  }

  #pressRow(/** @type {KeyboardEvent} */ event, /** @type {number} */ code) {
    if (event.repeat) return; // a held key would toggle repeatedly
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#model.send({ kind: "only", code });
    else this.#toggle(code, event.shiftKey);
  }

  /** Move the focus if the key does so. @returns {boolean} whether it does */
  #move(/** @type {KeyboardEvent} */ event, /** @type {number} */ position) {
    if (hasModifier(event)) return false;
    const target = {
      ArrowDown: position + 1, ArrowRight: position + 1, ArrowUp: position - 1, ArrowLeft: position - 1,
      PageDown: position + PAGE_ROWS, PageUp: position - PAGE_ROWS, Home: 0, End: this.#listed.length - 1,
    }[event.key];
    if (target === undefined) return false;
    this.#focusAt(target);
    return true;
  }

  #type(/** @type {KeyboardEvent} */ event) {
    const isContinued = event.timeStamp - this.#typed.time < TYPING_MS;
    this.#typed = { text: (isContinued ? this.#typed.text : "") + fold(event.key), time: event.timeStamp };
    const names = this.#listed.map((code) => this.#folded[code]);
    const found = typedPosition(names, this.#listed.indexOf(this.#current), this.#typed.text);
    if (found >= 0) this.#focusAt(found);
  }

  /** Whether a space continues a typed word, because a name contains it there; otherwise it toggles. */
  #continuesWithSpace() {
    const start = `${this.#typed.text} `;
    return performance.now() - this.#typed.time < TYPING_MS && this.#listed.some((code) => this.#folded[code].startsWith(start));
  }

  #pressInSearch(/** @type {KeyboardEvent} */ event) {
    if (event.key === "Escape") this.#clearSearch();
    else if (event.key === "ArrowDown" || event.key === "Enter") this.#focusAt(0);
    else return;
    event.preventDefault();
  }

  #clearSearch() {
    this.#header.search.value = "";
    this.arrange();
    this.#button(this.#current).scrollIntoView({ block: "nearest" });
  }

  #button(/** @type {number} */ code) {
    return this.#rows.rows[code].button;
  }

  #makeCurrent(/** @type {number} */ code) {
    this.#button(this.#current).tabIndex = -1;
    this.#current = code;
    this.#button(code).tabIndex = 0;
  }

  #focusAt(/** @type {number} */ position) {
    const last = this.#listed.length - 1;
    if (last >= 0) this.#button(this.#listed[Math.max(0, Math.min(last, position))]).focus();
  }
}

/** @param {KeyboardEvent} event */
function isLetter(event) {
  return [...event.key].length === 1 && !hasModifier(event) && !event.isComposing;
}

export default render;
