// Named selections: a form to save the current selection, and a list to select saved ones.
import { typedOf } from "../../frontend/bytes.js";
import { closest, element, textButton } from "../../frontend/elements.js";
import { follow } from "../../frontend/follow.js";
import { modeOf } from "../../frontend/modes.js";
import { NamingForm, openRename } from "./naming.js";
import { makeRow, showOverlap } from "./rows.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

const LIST_KEYS =
  "Enter or Space: select; with Shift: add, Alt: subtract, Ctrl: intersect. F2: rename. Delete: delete. " +
  "Up and Down arrow keys: move to another selection. Left and Right: choose an action.";
const HINTS = ["click: select", "Shift: add", "Alt: subtract", "Ctrl: intersect"];
const UNNAMED = "No saved selections yet. Select points on the map, type a name above and press Enter.";
const HEADINGS = [["tw-name", ""], ["tw-overlap", "selected"], ["tw-count", "all"], ["tw-gap", ""]];

/** @type {(context: {model: ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const selections = new Selections(model, el);
  return follow(model, [
    ["change:epoch", () => selections.show()],
    ["change:selected change:overlaps", () => selections.showSelected()],
  ]);
}

class Selections {
  #model;
  #form;
  #list = element("ul");
  #scroll = element("div", "tw-list");
  #hint = element("div", "tw-unnamed", UNNAMED);
  #dropped = element("div", "tw-dropped");
  #droppedText = element("span");
  #restore = textButton("Restore");
  #footer = element("footer");
  /** @type {import("./rows.js").Row[]} */
  #rows = [];
  #current = { row: 0, column: 0 }; // of the button in the tab order

  /** @param {ViewModel} model @param {HTMLElement} el */
  constructor(model, el) {
    this.#model = model;
    this.#form = new NamingForm(model);
    const top = element("div", "tw-top");
    top.setAttribute("aria-hidden", "true"); // the label of each row has the same text
    top.append(...HEADINGS.map(([name, text]) => element("span", name, text)));
    this.#list.setAttribute("role", "list"); // Safari drops the role of a list without bullets
    this.#list.setAttribute("aria-label", "Named selections");
    this.#list.setAttribute("aria-description", LIST_KEYS);
    this.#scroll.append(top, this.#list);
    this.#dropped.setAttribute("role", "status");
    this.#dropped.append(this.#droppedText, this.#restore);
    this.#footer.append(...HINTS.map((text) => element("span", "", text)));
    const root = element("section", "tw-selections");
    root.append(this.#form.root, this.#scroll, this.#hint, this.#dropped, this.#footer);
    el.appendChild(root);
    this.#listen();
    this.show();
  }

  /** Show the list of selections and the selection deleted last. */
  show() {
    const hasFocus = this.#list.contains(document.activeElement);
    const [names, colors, counts, dropped] = ["names", "colors", "counts", "dropped"].map((name) => this.#model.get(name));
    const rows = names.map((/** @type {string} */ name, /** @type {number} */ index) => makeRow(name, colors[index], counts[index]));
    this.#rows = rows;
    this.#list.replaceChildren(...this.#rows.map(({ item }) => item));
    this.#scroll.hidden = this.#footer.hidden = !rows.length;
    this.#hint.hidden = rows.length > 0;
    this.#droppedText.textContent = `“${dropped}” was deleted`;
    this.#dropped.hidden = !dropped;
    this.#makeCurrent(this.#current.row, this.#current.column);
    if (hasFocus) (rows.length ? rows[this.#current.row].buttons[this.#current.column] : this.#form).focus();
    this.showSelected();
  }

  /** Show how many samples of each row are currently selected. */
  showSelected() {
    const overlaps = typedOf(this.#model.get("overlaps"), Uint32Array, this.#rows.length, 0);
    const [names, counts] = [this.#model.get("names"), this.#model.get("counts")];
    this.#rows.forEach((row, index) => showOverlap(row, names[index], counts[index], overlaps[index]));
    this.#form.show();
  }

  #listen() {
    this.#restore.addEventListener("click", () => {
      this.#form.focus(); // the kernel's answer hides the button
      this.#model.send({ kind: "restore" });
    });
    this.#list.addEventListener("click", (event) => this.#click(event));
    this.#list.addEventListener("keydown", (event) => this.#press(event));
    this.#list.addEventListener("focusin", (event) => {
      const place = this.#placeOf(event);
      if (place) this.#makeCurrent(place.row, place.column);
    });
  }

  #makeCurrent(/** @type {number} */ row, /** @type {number} */ column) {
    this.#current = { row: this.#nearestRow(row), column };
    this.#rows.forEach(({ buttons }, index) => {
      for (const button of buttons) button.tabIndex = index === this.#current.row ? 0 : -1;
    });
  }

  #nearestRow(/** @type {number} */ row) {
    return Math.max(0, Math.min(this.#rows.length - 1, row));
  }

  /** Row and column of the button that an event is about. */
  #placeOf(/** @type {Event} */ event) {
    const button = closest(event, "li button");
    const row = this.#rows.findIndex(({ item }) => item.contains(button));
    return row < 0 || !button ? null : { row, column: this.#rows[row].buttons.indexOf(/** @type {HTMLButtonElement} */ (button)) };
  }

  // ---- clicks and keys ----

  /** Rename, delete or select a selection. @param {number} index @param {string} action */
  #act(index, action) {
    const epoch = this.#model.get("epoch");
    if (action === "rename") openRename(this.#model, this.#rows[index], index);
    else if (action === "drop") this.#model.send({ kind: "drop", epoch, index });
    else this.#model.send({ kind: "select", epoch, index, mode: action });
  }

  #click(/** @type {MouseEvent} */ event) {
    const place = this.#placeOf(event);
    if (!place) return;
    this.#makeCurrent(place.row, place.column);
    const action = this.#rows[place.row].buttons[place.column].dataset.action || "";
    this.#act(place.row, action === "replace" ? modeOf(event) : action);
  }

  #press(/** @type {KeyboardEvent} */ event) {
    const place = this.#placeOf(event);
    if (!place) return;
    const { row, column } = place;
    if (event.key === "Delete") this.#act(row, "drop");
    else if (event.key === "F2") this.#act(row, "rename");
    else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) this.#model.send({ kind: event.shiftKey ? "redo" : "undo" });
    else if (!this.#move(event.key, row, column)) return;
    event.preventDefault();
  }

  /** Move the focus if the key does so. @returns {boolean} whether it does */
  #move(/** @type {string} */ key, /** @type {number} */ row, /** @type {number} */ column) {
    const target = {
      ArrowDown: [row + 1, column], ArrowUp: [row - 1, column], Home: [0, column], End: [this.#rows.length - 1, column],
      ArrowRight: [row, column + 1], ArrowLeft: [row, column - 1],
    }[key];
    if (!target) return false;
    const { buttons } = this.#rows[this.#nearestRow(target[0])];
    buttons[Math.max(0, Math.min(buttons.length - 1, target[1]))].focus();
    return true;
  }
}

export default render;
