// The search field: a list of finders opens below it, and Enter selects what its text matches.
import { fullCount } from "../../frontend/classes.js";
import { MAX_TEXT } from "../../frontend/constants.js";
import { closest, element, textInput } from "../../frontend/elements.js";
import { follow } from "../../frontend/follow.js";
import { icon } from "../../frontend/icons.js";
import { MODES_HELP, modeOf } from "../../frontend/modes.js";

/** @typedef {{name: string, title: string, meaning: string, lacking: string, count: number | null}} Finder  count: pictures, if known */

let made = 0;

/** @param {import("../../frontend/kernel.js").ViewModel} model @param {import("../../frontend/commands.js").Commands} commands */
export function makeFind(model, commands) {
  const find = new Find(model);
  const releases = [
    commands.add("find", () => find.focus()),
    follow(model, [["change:found change:search_error", () => find.report()]]),
  ];
  const release = () => { for (const one of releases) one(); };
  return { root: find.root, offer: (/** @type {Finder[]} */ finders) => find.offer(finders), release };
}

class Find {
  root = element("div", "tw-find");
  #field = textInput("Find pictures", "search");
  #list = element("div", "tw-pop tw-finders");
  #report = element("div", "tw-pop tw-found tw-small");
  #model;
  /** @type {Finder[]} */
  #finders = [];
  #at = -1; // the option that Enter chooses; -1: the text itself

  /** @param {import("../../frontend/kernel.js").ViewModel} model */
  constructor(model) {
    this.#model = model;
    const id = `tw-finders-${(made += 1)}`;
    const attributes = { role: "combobox", "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list" };
    for (const [name, value] of Object.entries(attributes)) this.#field.setAttribute(name, value);
    this.#field.maxLength = MAX_TEXT;
    this.#field.placeholder = "Find pictures";
    this.#field.title = `A class, an id (#12), a file name, or a condition such as confidence < .5. Enter selects. ${MODES_HELP} (F)`;
    this.#list.id = id;
    this.#list.dataset.align = "right";
    this.#list.setAttribute("role", "listbox");
    this.#list.setAttribute("aria-label", "Finders");
    this.#report.dataset.align = "right";
    this.#report.setAttribute("role", "status");
    this.#report.hidden = true;
    const key = element("kbd", "", "F");
    key.setAttribute("aria-hidden", "true"); // the field's title names it
    this.root.append(icon("find"), this.#field, key, this.#list, this.#report);
    this.#open(false);
    this.#listen();
  }

  focus() {
    this.#field.focus();
    this.#field.select();
  }

  /** Say what the last search has found, or why it has found nothing. */
  report() {
    const error = this.#model.get("search_error");
    const text = error || this.#model.get("found");
    this.#report.textContent = text;
    this.#report.hidden = !text || document.activeElement !== this.#field;
    this.#field.toggleAttribute("aria-invalid", Boolean(error));
  }

  /** @param {Finder[]} finders */
  offer(finders) {
    this.#finders = finders;
    this.#fill();
  }

  #listen() {
    this.root.addEventListener("pointerdown", (event) => {
      if (closest(event, ".tw-finder")) event.preventDefault(); // the field keeps the focus
      else if (event.target !== this.#field) setTimeout(() => this.focus());
    });
    this.#field.addEventListener("focus", () => this.#open(true));
    this.#field.addEventListener("click", () => this.#open(true));
    this.#field.addEventListener("blur", () => {
      this.#report.hidden = true;
      this.#open(false);
    });
    this.#field.addEventListener("input", () => {
      this.#report.hidden = true;
      this.#at = -1;
      this.#open(true);
    });
    this.#field.addEventListener("keydown", (event) => this.#press(event));
    this.#list.addEventListener("click", (event) => {
      const item = closest(event, ".tw-finder");
      if (item) this.#choose(item.dataset.name ?? "", event);
    });
  }

  get #offered() {
    const text = this.#field.value.trim().toLowerCase();
    return this.#finders.filter(({ title, meaning }) => `${title} ${meaning}`.toLowerCase().includes(text));
  }

  #open(/** @type {boolean} */ isOpen) {
    if (isOpen) this.#fill();
    this.#list.hidden = !isOpen || !this.#list.childElementCount;
    this.#field.setAttribute("aria-expanded", String(!this.#list.hidden));
    if (!isOpen) this.#move(-1);
  }

  #fill() {
    this.#list.replaceChildren(...this.#offered.map((finder, index) => makeItem(finder, `${this.#list.id}-${index}`)));
    this.#move(Math.min(this.#at, this.#list.childElementCount - 1));
  }

  #move(/** @type {number} */ at) {
    this.#at = at;
    const items = [...this.#list.children];
    for (const [index, item] of items.entries()) item.setAttribute("aria-selected", String(index === at));
    if (at >= 0) {
      this.#field.setAttribute("aria-activedescendant", items[at].id);
      items[at].scrollIntoView({ block: "nearest" });
    } else this.#field.removeAttribute("aria-activedescendant");
  }

  #press(/** @type {KeyboardEvent} */ event) {
    const count = this.#list.childElementCount;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (this.#list.hidden) this.#open(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (count) this.#move(((this.#at + step + count + 1 + 1) % (count + 1)) - 1);
    } else if (event.key === "Escape") {
      if (!this.#field.value && this.#list.hidden) return;
      this.#field.value = "";
      this.#open(false);
    } else if (event.key === "Enter" && !event.isComposing) this.#enter(event);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #enter(/** @type {KeyboardEvent} */ event) {
    const finder = this.#offered[this.#at];
    if (finder) this.#choose(finder.name, event);
    else if (this.#field.value.trim()) {
      this.#model.send({ kind: "search", text: this.#field.value, mode: modeOf(event) });
      this.#open(false);
      this.report(); // the same search has the same answer
    }
  }

  #choose(/** @type {string} */ name, /** @type {MouseEvent | KeyboardEvent} */ event) {
    const finder = this.#finders.find((one) => one.name === name);
    if (!finder || finder.lacking) return;
    this.#model.send({ kind: "finder", name, mode: modeOf(event) });
    this.#field.value = "";
    this.#open(false);
  }
}

/** @param {Finder} finder @param {string} id */
function makeItem({ name, title, meaning, lacking, count }, id) {
  const item = element("div", "tw-finder");
  item.id = id;
  item.dataset.name = name;
  item.setAttribute("role", "option");
  item.setAttribute("aria-disabled", String(Boolean(lacking)));
  const head = element("b", "", title);
  if (count !== null) head.append(element("span", "tw-found-count", fullCount(count)));
  item.append(head, element("span", "", lacking ? lacking.replace(/^needs /, "Requires ") : meaning));
  return item;
}
