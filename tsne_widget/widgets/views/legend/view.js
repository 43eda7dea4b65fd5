// The key: what the colours mean, and class toggles with search, sorting and keyboard control.
import { typedOf, unpackBits } from "../../frontend/bytes.js";
import { fold, sortedCodes, typedPosition } from "../../frontend/classes.js";
import { MANY_CLASSES, MISTAKES } from "../../frontend/constants.js";
import { element, textInput } from "../../frontend/elements.js";
import { follow, once } from "../../frontend/follow.js";
import { icon } from "../../frontend/icons.js";
import { hasModifier } from "../../frontend/keys.js";
import { makeColors } from "./colors.js";
import { makeFoot } from "./foot.js";
import { makeHeads } from "./heads.js";
import { codeOf, Rows } from "./rows.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {import("../../frontend/commands.js").Commands} Commands */

const TYPING_MS = 700; // a pause of this length ends a word typed in the list
const PAGE_ROWS = 10; // rows per Page Up or Page Down
const POINT_MS = 80; // the pointer rests on a row this long before the map lights up its points

/** @type {(context: {model: ViewModel, el: HTMLElement, commands: Commands}) => () => void} */
function render({ model, el, commands }) {
  const legend = new Legend(model, el, commands);
  const releases = [
    follow(model, [
      ["change:visible change:selected_counts", () => legend.show()],
      ["change:is_key", () => legend.showIsKey()],
      ["change:sorted_by", () => legend.arrange()],
      ["change:color_by change:color_choices", () => legend.colors.show()],
      ["change:key change:color_by", () => legend.colors.showKey()],
      ["change:bins change:bin_counts", once(() => legend.colors.showBins())],
      ["change:mistakes", () => legend.showMistakes()],
    ]),
    commands.add("colour", () => legend.colors.focus()),
    commands.add("mistakes", () => legend.nextMistakes()),
  ];
  return () => {
    for (const release of releases) release();
    legend.release();
  };
}

class Legend {
  #model;
  #commands;
  #names;
  #folded;
  #counts;
  #accuracies;
  #gains;
  #heads;
  #foot;
  #rows;
  #search = textInput("Find a class", "search");
  #root = element("section", "tw-legend"); // inside a section, a footer is not the page's
  /** @type {number[]} */
  #listed = []; // codes that match the search, in the order of the list
  #current = 0; // code of the row in the tab order
  #anchor = -1; // code of the row toggled last, where a range begins
  #pointed = -1; // code of the class that the map lights up
  #timer = 0;
  #typed = { text: "", time: -Infinity };

  /** @param {ViewModel} model @param {HTMLElement} el @param {Commands} commands */
  constructor(model, el, commands) {
    this.#model = model;
    this.#commands = commands;
    /** @type {string[]} */
    this.#names = model.get("names");
    this.#folded = this.#names.map(fold);
    this.#counts = model.get("counts");
    this.#accuracies = typedOf(model.get("accuracies"), Float32Array, this.#names.length, NaN);
    this.#gains = typedOf(model.get("gains"), Float32Array, this.#names.length, NaN);
    const [hasAccuracies, hasGains] = [this.#accuracies, this.#gains].map((values) => values.some(Number.isFinite));
    this.colors = makeColors(model, hasGains);
    this.#heads = makeHeads({ hasAccuracies, hasGains, sort: (by) => this.#sortBy(by), showAll: () => model.send({ kind: "all", visible: true }) });
    this.#foot = makeFoot({ hasMistakes: hasAccuracies, act: (name) => this.#act(name), draw: (how) => this.#draw(how) });
    const title = model.get("title");
    this.#rows = new Rows({ title, names: this.#names, counts: this.#counts, accuracies: this.#accuracies, gains: this.#gains, colors: model.get("colors") });
    this.#root.setAttribute("aria-label", "Key");
    this.#root.toggleAttribute("data-many", this.isMany);
    this.#root.append(this.colors.root, this.colors.key, ...(title ? this.#classParts() : [oneClass(this.#counts)]));
    el.appendChild(this.#root);
    this.#listen();
    this.showIsKey();
    this.showMistakes();
    this.arrange();
    this.show();
  }

  /** Whether there are so many classes that searching is faster than looking. */
  get isMany() {
    return this.#names.length >= MANY_CLASSES;
  }

  /** Show which classes are visible and selected. */
  show() {
    const selected = typedOf(this.#model.get("selected_counts"), Uint32Array, this.#names.length, 0);
    this.#rows.update(unpackBits(this.#model.get("visible"), this.#names.length), selected);
    this.#root.toggleAttribute("data-selecting", selected.some(Boolean));
    if (this.#model.get("sorted_by") === "selected") this.arrange();
    else this.#showCounts();
    if (this.#pointed >= 0 && !this.#rows.isVisible(this.#pointed)) this.#point(-1);
  }

  /** Show colours only if the map is coloured by class. */
  showIsKey() {
    this.#root.toggleAttribute("data-plain", !this.#model.get("is_key"));
  }

  showMistakes() {
    this.#foot.show(this.#model.get("mistakes"));
  }

  /** Draw mistakes in the next way. */
  nextMistakes() {
    this.#draw(MISTAKES[(MISTAKES.indexOf(this.#model.get("mistakes")) + 1) % MISTAKES.length]);
  }

  /** List the classes that match the search in the chosen order. */
  arrange() {
    const by = this.#model.get("sorted_by");
    const wanted = fold(this.#search.value.trim());
    const hasFocus = this.#rows.list.contains(document.activeElement);
    const codes = sortedCodes(by, { names: this.#names, counts: this.#counts, accuracies: this.#accuracies, selected: this.#rows.selected, gains: this.#gains });
    this.#listed = codes.filter((code) => this.#folded[code].includes(wanted));
    this.#rows.arrange(this.#listed);
    this.#makeCurrent(this.#listed.includes(this.#current) || !this.#listed.length ? this.#current : this.#listed[0]);
    if (hasFocus) this.#button(this.#current).focus(); // a moved row loses the focus
    this.#heads.showOrder(by);
    this.#foot.describe(Boolean(wanted));
    this.#showCounts();
  }

  release() {
    clearTimeout(this.#timer);
  }

  #classParts() {
    const search = element("label", "tw-class-search");
    search.append(icon("find"), this.#search);
    search.hidden = !this.isMany;
    this.#search.placeholder = "Find a class";
    this.#search.title = "List only classes whose name contains this text; Escape clears it";
    return [search, this.#heads.root, this.#heads.none, this.#rows.list, this.#rows.none, this.#foot.root];
  }

  #listen() {
    const { list } = this.#rows;
    list.addEventListener("click", (event) => this.#click(event));
    list.addEventListener("keydown", (event) => this.#press(event));
    list.addEventListener("keyup", (event) => {
      if (event.key === " ") event.preventDefault(); // Firefox clicks on key release
    });
    list.addEventListener("focusin", (event) => { if (codeOf(event) >= 0) this.#makeCurrent(codeOf(event)); });
    list.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") this.#point(codeOf(event)); });
    list.addEventListener("pointerleave", () => this.#point(-1));
    this.#search.addEventListener("input", () => this.arrange());
    this.#search.addEventListener("keydown", (event) => this.#pressInSearch(event));
  }

  #showCounts() {
    this.#heads.showCounts({
      total: this.#names.length, visible: this.#rows.visibleCount, listed: this.#listed.length,
      isSearching: Boolean(this.#search.value.trim()), isSelecting: this.#root.hasAttribute("data-selecting"),
    });
  }

  #sortBy(/** @type {string} */ by) {
    this.#model.set("sorted_by", by);
    this.#model.save_changes();
  }

  #draw(/** @type {string} */ how) {
    this.#model.send({ kind: "mistakes", how });
  }

  /** Light up the points of a class on the map; a hidden class and -1 for none. */
  #point(/** @type {number} */ wanted) {
    const code = wanted >= 0 && this.#rows.isVisible(wanted) ? wanted : -1;
    if (code === this.#pointed) return;
    this.#pointed = code;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#commands.run("highlight", code), POINT_MS);
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
    if (this.isMany && isLetter(event) && !(event.key === " " && !this.#continuesWithSpace())) this.#type(event);
    else if (event.key === " " || event.key === "Enter") this.#pressRow(event, code);
    else if (event.key === "Escape" && this.#search.value) this.#clearSearch();
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
    this.#search.value = "";
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

/** What stands in place of the list where there are no classes. */
function oneClass(/** @type {number[]} */ counts) {
  const root = element("p", "tw-one-class tw-small");
  root.textContent = counts[0] ? "No labels, so no classes to switch on and off." : "";
  return root;
}

/** @param {KeyboardEvent} event */
function isLetter(event) {
  return [...event.key].length === 1 && !hasModifier(event) && !event.isComposing;
}

export default render;
