// A button that opens a menu of choices; choices that are unavailable say why.
import { element, textButton } from "./elements.js";

/**
 * @typedef {{name: string, title: string, meaning: string, lacking: string}} Choice
 */

/**
 * @param {string} text  of the button
 * @param {(name: string, event: MouseEvent | KeyboardEvent) => void} choose
 * @returns {{root: HTMLElement, offer: (choices: Choice[]) => void}}
 */
export function makeMenu(text, choose) {
  const root = element("div", "tw-menu");
  const button = root.appendChild(textButton(text));
  button.setAttribute("aria-haspopup", "menu");
  const list = root.appendChild(element("div", "tw-choices"));
  list.setAttribute("role", "menu");
  list.setAttribute("aria-label", text);
  open(false);

  function items() {
    return /** @type {HTMLElement[]} */ ([...list.children]);
  }

  function open(/** @type {boolean} */ isOpen) {
    list.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
  }

  function focusAt(/** @type {number} */ position) {
    const all = items();
    if (all.length) all[(position + all.length) % all.length].focus();
  }

  function pick(/** @type {HTMLElement} */ item, /** @type {MouseEvent | KeyboardEvent} */ event) {
    if (item.getAttribute("aria-disabled") === "true") return;
    open(false);
    button.focus();
    choose(item.dataset.name ?? "", event);
  }

  function offer(/** @type {Choice[]} */ choices) {
    const position = items().findIndex((item) => item === document.activeElement);
    list.replaceChildren(...choices.map(({ name, title, meaning, lacking }) => {
      const item = element("div", "tw-choice");
      item.setAttribute("role", "menuitem");
      item.setAttribute("aria-disabled", String(Boolean(lacking)));
      item.tabIndex = -1;
      item.dataset.name = name;
      item.appendChild(element("b")).textContent = title;
      item.appendChild(element("span")).textContent = lacking ? lacking.replace(/^needs /, "Requires ") : meaning;
      return item;
    }));
    if (position >= 0) focusAt(position); // an item that is replaced loses the focus
  }

  button.addEventListener("click", () => {
    open(list.hidden);
    if (!list.hidden) focusAt(0);
  });
  button.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    open(true);
    focusAt(event.key === "ArrowDown" ? 0 : -1);
  });
  list.addEventListener("click", (event) => {
    const item = /** @type {HTMLElement} */ (event.target).closest(".tw-choice");
    if (item) pick(/** @type {HTMLElement} */ (item), event);
  });
  list.addEventListener("keydown", (event) => {
    const all = items();
    const position = all.findIndex((item) => item === document.activeElement);
    if (event.key === "ArrowDown") focusAt(position + 1);
    else if (event.key === "ArrowUp") focusAt(position - 1);
    else if (event.key === "Home") focusAt(0);
    else if (event.key === "End") focusAt(-1);
    else if (event.key === "Enter" || event.key === " ") pick(all[position], event);
    else if (event.key === "Escape") {
      open(false);
      button.focus();
    } else return;
    event.preventDefault();
  });
  root.addEventListener("focusout", (event) => {
    if (!root.contains(/** @type {Node | null} */ (event.relatedTarget))) open(false);
  });
  return { root, offer };
}
