// The gallery's head: which pictures, their order and headings, their size, and the table.
import { MAX_TILE, MIN_TILE } from "../../frontend/constants.js";
import { fullCount } from "../../frontend/classes.js";
import { button, iconButton, popover, segmented } from "../../frontend/controls.js";
import { element, textButton } from "../../frontend/elements.js";
import { changesOf, follow } from "../../frontend/follow.js";
import { icon } from "../../frontend/icons.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {{key: string, name: string, lacks: string}} Sort */
/** @typedef {{key: string, lacks: string}} Grouping */

const SOURCE_WORDS = { selection: "Selected", visible: "All" };
const GROUP_WORDS = /** @type {Record<string, string>} */ ({ none: "No groups", label: "By label", prediction: "By prediction", confusion: "By mistake" });
/** Words for the orders that people choose most, ascending and descending. @type {Record<string, [string, string]>} */
const ORDER_WORDS = {
  dataset: ["In order", "Last first"],
  loss: ["Least wrong first", "Most wrong first"],
  confidence: ["Least sure first", "Most sure first"],
  suspicion: ["Least suspect first", "Most suspect first"],
  distance: ["Most similar first", "Least similar first"],
  distance_to_picture: ["Most similar first", "Least similar first"],
};
const SIZES = { min: MIN_TILE, max: MAX_TILE, step: 4 };

/**
 * @param {ViewModel} model
 * @param {(size: number) => void} resize  called while the slider moves
 * @param {import("../../frontend/commands.js").Commands} commands
 */
export function makeHead(model, resize, commands) {
  return new Head(model, resize, commands);
}

class Head {
  root = element("div", "tw-gallery-head");
  #model;
  #sources;
  #sort = menuButton("Order of the pictures (S)");
  #group = menuButton("Headings (G)", "group");
  #slider = Object.assign(element("input"), { type: "range", ...SIZES });
  #maps = mapsChoice();
  #table;
  #size;

  /** @param {ViewModel} model @param {(size: number) => void} resize @param {import("../../frontend/commands.js").Commands} commands */
  constructor(model, resize, commands) {
    this.#model = model;
    this.#sources = segmented("Pictures to show", Object.entries(SOURCE_WORDS).map(([name, text]) => ({ name, text })), (source) => this.#arrange({ source }));
    this.#table = iconButton("Table", "table", () => this.#arrange({ table: !model.get("is_table") }));
    const slider = element("label", "tw-size");
    slider.append("Size", this.#slider);
    const look = element("div");
    look.append(slider, this.#maps.root);
    this.#size = popover(iconButton("Size of the pictures", "tiles"), look);
    this.#maps.box.addEventListener("change", () => this.#arrange({ maps: this.#maps.box.checked }));
    this.root.append(this.#sources.root, element("span", "tw-grow"), this.#sort.root, this.#group.root, this.#size.root, this.#table);
    this.#slider.setAttribute("aria-label", "Size of the pictures in pixels");
    this.#slider.addEventListener("input", () => resize(Number(this.#slider.value)));
    this.#slider.addEventListener("change", () => this.#arrange({ size: Number(this.#slider.value) }));
    const shows = /** @type {[string, () => void][]} */ ([
      [changesOf("sorts", "sorted_by", "sort_note", "descending"), () => this.#showSort()],
      [changesOf("groupings", "group_by"), () => this.#showGroup()],
      [changesOf("source", "source_counts"), () => this.#showSources()],
      [changesOf("is_table", "has_images"), () => this.#showMode()],
      [changesOf("has_maps", "shows_maps"), () => this.#showMaps()],
    ]);
    const unfollow = follow(model, shows);
    for (const [, show] of shows) show();
    const removals = [commands.add("sort", () => this.#sort.open()), commands.add("headings", () => this.#group.open())];
    this.release = () => {
      unfollow();
      for (const remove of removals) remove();
    };
  }

  /** Show the width of the pictures. @param {number} pixels */
  showSize(pixels) {
    this.#slider.value = String(Math.round(pixels));
  }

  #arrange(/** @type {object} */ wanted) {
    this.#model.send({ kind: "arrange", ...wanted });
  }

  #showSort() {
    /** @type {[Sort[], string, boolean, string]} */
    const [sorts, by, isDescending, note] = [this.#model.get("sorts"), this.#model.get("sorted_by"), this.#model.get("descending"), this.#model.get("sort_note")];
    const chosen = sorts.find(({ key }) => key === by);
    this.#sort.show(chosen ? orderWords(chosen, isDescending) : "", note);
    this.#sort.offer(sorts.map((sort) => ({
      text: sort.key === by ? orderWords(sort, isDescending) : capital(sort.name),
      key: sort.key, lacks: sort.lacks, isChosen: sort.key === by,
      choose: () => this.#arrange({ sort: sort.key }),
    })), chosen && !chosen.lacks ? { key: "", text: orderWords(chosen, !isDescending), choose: () => this.#arrange({ descending: !isDescending }) } : null);
  }

  #showGroup() {
    const by = this.#model.get("group_by");
    this.#group.show(GROUP_WORDS[by]);
    this.#group.offer(this.#model.get("groupings").map((/** @type {Grouping} */ { key, lacks }) => ({
      key, text: GROUP_WORDS[key], lacks, isChosen: key === by, choose: () => this.#arrange({ group: key }),
    })), null);
  }

  #showSources() {
    const counts = this.#model.get("source_counts");
    this.#sources.show(this.#model.get("source"));
    [...this.#sources.buttons].forEach(([source, one], i) => {
      one.dataset.source = source;
      one.disabled = source === "selection" && !counts[i];
      const text = element("span", "", SOURCE_WORDS[/** @type {keyof typeof SOURCE_WORDS} */ (source)]);
      if (counts[i] || source === "visible") text.append(element("span", "tw-count-of", ` ${fullCount(counts[i] ?? 0)}`));
      one.replaceChildren(text);
    });
  }

  #showMaps() {
    this.#maps.root.hidden = !this.#model.get("has_maps");
    this.#maps.box.checked = this.#model.get("shows_maps");
  }

  #showMode() {
    const isTable = this.#model.get("is_table");
    this.#table.setAttribute("aria-pressed", String(isTable));
    this.#group.root.hidden = isTable;
    this.#size.root.hidden = isTable;
  }
}

/** The choice whether maps of evidence lie over the pictures. */
function mapsChoice() {
  const root = element("label", "tw-size");
  const box = Object.assign(element("input"), { type: "checkbox" });
  root.title = "Orange speaks for the predicted class, blue against it; only pictures whose evidence is computed have it";
  root.append(box, "Evidence over the pictures");
  return { root, box };
}

/** @typedef {{key: string, text: string, lacks?: string, isChosen?: boolean, choose: () => void}} Item */

/**
 * A button with a menu; a narrow head shows its icon instead of its text.
 * @param {string} title @param {import("../../frontend/icons.js").IconName} [iconName]
 */
function menuButton(title, iconName) {
  const opener = button("");
  opener.title = title;
  opener.classList.add("tw-choice");
  const text = element("span", "tw-choice-text");
  if (iconName) {
    opener.dataset.icon = "";
    opener.append(icon(iconName));
  }
  opener.append(text, icon("down"));
  const list = element("div", "tw-menu");
  const { root, open } = popover(opener, list);
  root.dataset.menu = iconName ?? "sort";
  root.addEventListener("keydown", (event) => moveInMenu(event, list));

  function show(/** @type {string} */ words, note = "") {
    text.textContent = words;
    opener.title = note ? `${title}: ${note}` : title;
    opener.setAttribute("aria-label", [title, words, note].filter(Boolean).join(": "));
    opener.toggleAttribute("data-waiting", Boolean(note));
  }

  /** @param {Item[]} items @param {Item | null} other  the opposite direction */
  function offer(items, other) {
    if (list.contains(document.activeElement)) opener.focus();
    const make = (/** @type {Item} */ item) => makeItem(item, () => {
      open(false);
      opener.focus();
      item.choose();
    });
    const nodes = items.map(make);
    if (other) nodes.unshift(make(other));
    if (other) nodes[0].dataset.other = "";
    list.replaceChildren(...nodes);
  }

  function openMenu() {
    opener.focus();
    open(true);
    list.querySelector("button")?.focus();
  }

  return { root, show, offer, open: openMenu };
}

function makeItem(/** @type {Item} */ { key, text, lacks = "", isChosen = false }, /** @type {() => void} */ act) {
  const item = textButton("", act);
  item.className = "tw-item";
  item.dataset.key = key;
  item.disabled = Boolean(lacks);
  item.setAttribute("aria-pressed", String(isChosen));
  const mark = item.appendChild(element("span", "tw-check"));
  if (isChosen) mark.append(icon("check"));
  item.append(element("span", "", text));
  if (lacks) item.append(element("span", "tw-muted", lacks));
  return item;
}

/** Move the focus with the arrow keys. */
function moveInMenu(/** @type {KeyboardEvent} */ event, /** @type {HTMLElement} */ list) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const items = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("button:not(:disabled)")]);
  if (!by || list.closest("[hidden]") || !items.length) return;
  event.preventDefault();
  const at = items.findIndex((item) => item === document.activeElement);
  items[(at + by + items.length) % items.length].focus();
}

/** @param {Sort} sort @param {boolean} isDescending */
function orderWords({ key, name }, isDescending) {
  const words = ORDER_WORDS[key];
  if (words && key !== "distance") return words[Number(isDescending)];
  return words && !isDescending ? words[0] : `${capital(name)} ${isDescending ? "↓" : "↑"}`;
}

function capital(/** @type {string} */ text) {
  return text.replace(/^\p{L}/u, (letter) => letter.toUpperCase());
}
