// A button that opens a menu of choices; unavailable choices display the reason.
import { closest, element, textButton } from "./elements.js";

/** @typedef {{name: string, title: string, meaning: string, lacking: string}} Choice */
/** @typedef {(name: string, event: MouseEvent | KeyboardEvent) => void} Choose */

/**
 * @param {string} text  text of the button
 * @param {Choose} choose
 * @returns {{root: HTMLElement, offer: (choices: Choice[]) => void}}
 */
export function makeMenu(text, choose) {
  return new Menu(text, choose);
}

class Menu {
  root = element("div", "tw-menu");
  #button;
  #list = element("div", "tw-choices");
  #choose;

  /** @param {string} text @param {Choose} choose */
  constructor(text, choose) {
    this.#choose = choose;
    this.#button = textButton(text);
    this.#button.setAttribute("aria-haspopup", "menu");
    this.#list.setAttribute("role", "menu");
    this.#list.setAttribute("aria-label", text);
    this.root.append(this.#button, this.#list);
    this.#open(false);
    this.#listen();
  }

  /** Replace the choices. @param {Choice[]} choices */
  offer(choices) {
    const position = this.#position;
    this.#list.replaceChildren(...choices.map(makeItem));
    if (position >= 0) this.#focusAt(position); // a replaced item loses the focus
  }

  #listen() {
    this.#button.addEventListener("click", () => this.#toggle());
    this.#button.addEventListener("keydown", (event) => this.#pressButton(event));
    this.#list.addEventListener("click", (event) => {
      const item = closest(event, ".tw-choice");
      if (item) this.#pick(item, event);
    });
    this.#list.addEventListener("keydown", (event) => this.#pressItem(event));
    this.root.addEventListener("focusout", (event) => {
      if (!this.root.contains(/** @type {Node | null} */ (event.relatedTarget))) this.#open(false);
    });
  }

  get #items() {
    return /** @type {HTMLElement[]} */ ([...this.#list.children]);
  }

  /** Index of the item that has the focus; -1 for none. */
  get #position() {
    return this.#items.findIndex((item) => item === document.activeElement);
  }

  #open(/** @type {boolean} */ isOpen) {
    this.#list.hidden = !isOpen;
    this.#button.setAttribute("aria-expanded", String(isOpen));
  }

  #toggle() {
    this.#open(this.#list.hidden);
    if (!this.#list.hidden) this.#focusAt(0);
  }

  #close() {
    this.#open(false);
    this.#button.focus();
  }

  /** Focus an item; positions wrap around. @param {number} position */
  #focusAt(position) {
    const items = this.#items;
    if (items.length) items[(position + items.length) % items.length].focus();
  }

  #pick(/** @type {HTMLElement} */ item, /** @type {MouseEvent | KeyboardEvent} */ event) {
    if (item.getAttribute("aria-disabled") === "true") return;
    this.#close();
    this.#choose(item.dataset.name ?? "", event);
  }

  #pressButton(/** @type {KeyboardEvent} */ event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    this.#open(true);
    this.#focusAt(event.key === "ArrowDown" ? 0 : -1);
  }

  #pressItem(/** @type {KeyboardEvent} */ event) {
    const position = this.#position;
    if (event.key === "ArrowDown") this.#focusAt(position + 1);
    else if (event.key === "ArrowUp") this.#focusAt(position - 1);
    else if (event.key === "Home") this.#focusAt(0);
    else if (event.key === "End") this.#focusAt(-1);
    else if (event.key === "Enter" || event.key === " ") this.#pick(this.#items[position], event);
    else if (event.key === "Escape") this.#close();
    else return;
    event.preventDefault();
  }
}

/** @param {Choice} choice */
function makeItem({ name, title, meaning, lacking }) {
  const item = element("div", "tw-choice");
  item.setAttribute("role", "menuitem");
  item.setAttribute("aria-disabled", String(Boolean(lacking)));
  item.tabIndex = -1;
  item.dataset.name = name;
  item.append(element("b", "", title), element("span", "", lacking ? lacking.replace(/^needs /, "Requires ") : meaning));
  return item;
}
