// Named selections: a form to save the current selection, and a list to select saved ones.
import { typedOf } from "../../frontend/bytes.js";
import { button, emptyState } from "../../frontend/controls.js";
import { closest, element } from "../../frontend/elements.js";
import { follow, once } from "../../frontend/follow.js";
import { modeOf } from "../../frontend/modes.js";
import { NamingForm, openRename } from "./naming.js";
import { Rates } from "./rates.js";
import { makeRow, showOverlap } from "./rows.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

const LIST_KEYS =
  "Enter or Space: select; with Shift: add, Alt: take away, Ctrl: keep what is in both. F2: rename. Delete: delete. " +
  "Up and Down arrow keys: move to another selection. Right: open the menu of actions.";
const HINT = "Click: select. Shift adds, Alt takes away, Ctrl keeps what is in both.";

/** @type {(context: {model: ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const selections = new Selections(model, el);
  return follow(model, [
    ["change:epoch change:kept", once(() => selections.show())],
    ["change:selected change:overlaps", () => selections.showSelected()],
  ]);
}

class Selections {
  #model;
  #root = element("section", "tw-content tw-selections tw-scroll");
  #form;
  #list = element("ul");
  #hint = element("p", "tw-caption tw-muted", HINT);
  #empty = emptyState("Nothing kept yet", "Select pictures, then press K or type a name above. They stay here, and in Python:", "explorer.selections");
  #dropped = element("div", "tw-dropped");
  #droppedText = element("span");
  #rates = new Rates((part, event) => {
    const mode = modeOf(event);
    if (part.isClass) this.#model.send({ kind: "class", code: part.index, mode });
    else this.#model.send({ kind: "select", epoch: this.#model.get("epoch"), index: part.index, mode });
  });
  #restore = button("Restore", undefined, "link");
  /** @type {import("./rows.js").Row[]} */
  #rows = [];
  #edited; // the automatic name that was offered for editing, by this view or an earlier one
  #current = { row: 0, column: 0 }; // of the button in the tab order

  /** @param {ViewModel} model @param {HTMLElement} el */
  constructor(model, el) {
    this.#model = model;
    this.#edited = model.get("kept");
    this.#form = new NamingForm(model);
    this.#root.setAttribute("aria-label", "Saved selections");
    this.#list.setAttribute("role", "list"); // Safari drops the role of a list without bullets
    this.#list.setAttribute("aria-label", "Saved selections");
    this.#list.setAttribute("aria-description", LIST_KEYS);
    this.#dropped.setAttribute("role", "status");
    this.#dropped.append(this.#droppedText, this.#restore);
    this.#root.append(this.#form.root, this.#hint, this.#list, this.#empty, this.#dropped, this.#rates.root);
    el.appendChild(this.#root);
    this.#listen();
    this.show();
  }

  /** Show the list of selections and the selection deleted last. */
  show() {
    const hasFocus = this.#list.contains(document.activeElement);
    const listed = this.#listed();
    const rows = this.#rows = listed.map((one, index) => makeRow(one, (action) => this.#act(index, action)));
    this.#list.replaceChildren(...rows.map(({ item }) => item));
    this.#hint.hidden = this.#list.hidden = !rows.length;
    const dropped = this.#model.get("dropped");
    this.#empty.hidden = rows.length > 0;
    this.#droppedText.textContent = `“${dropped}” was deleted`;
    this.#dropped.hidden = !dropped;
    this.#makeCurrent(this.#current.row, this.#current.column);
    if (hasFocus) (rows.length ? rows[this.#current.row].buttons[this.#current.column] : this.#form).focus();
    this.showSelected();
    this.#rates.show(this.#parts(listed), this.#model.get("whole"));
    this.#editKept();
  }

  /** Show how many pictures of each row are currently selected. */
  showSelected() {
    const overlaps = typedOf(this.#model.get("overlaps"), Uint32Array, this.#rows.length, 0);
    const listed = this.#listed();
    if (listed.length !== this.#rows.length) return; // show() is about to run
    this.#rows.forEach((row, index) => showOverlap(row, listed[index], overlaps[index]));
    this.#form.show();
  }

  /** Let the user replace an automatic name at once. */
  #editKept() {
    const kept = this.#model.get("kept");
    const isNew = kept !== this.#edited;
    this.#edited = kept;
    const index = this.#model.get("names").indexOf(kept);
    if (!isNew || index < 0) return;
    this.#makeCurrent(index, 0);
    this.#rows[index].item.scrollIntoView({ block: "nearest" });
    openRename(this.#model, this.#rows[index], index);
  }

  /** Selections, then classes, with their right pictures. @param {import("./rows.js").Listed[]} listed @returns {import("./rates.js").Part[]} */
  #parts(listed) {
    const [judged, classes] = [this.#model.get("judged"), this.#model.get("classes")];
    const counts = typedOf(this.#model.get("class_counts"), Uint32Array, 2 * classes.length, 0);
    return [
      ...listed.map(({ name, color, wrong = 0 }, index) => ({ name, color, samples: judged[index] ?? 0, right: (judged[index] ?? 0) - wrong, index, isClass: false })),
      ...classes.map((/** @type {string} */ name, /** @type {number} */ index) => ({ name, color: "", samples: counts[2 * index], right: counts[2 * index + 1], index, isClass: true })),
    ];
  }

  /** @returns {import("./rows.js").Listed[]} */
  #listed() {
    const [names, colors, counts, wrong] = ["names", "colors", "counts", "wrong"].map((name) => this.#model.get(name));
    return names.map((/** @type {string} */ name, /** @type {number} */ k) => ({ name, color: colors[k], count: counts[k], wrong: wrong[k] }));
  }

  #listen() {
    this.#restore.addEventListener("click", () => {
      this.#form.focus(); // the kernel's answer hides the button
      this.#model.send({ kind: "restore" });
    });
    this.#list.addEventListener("click", (event) => {
      const place = this.#placeOf(event);
      if (!place) return;
      this.#makeCurrent(place.row, place.column);
      if (!place.column) this.#act(place.row, modeOf(event));
    });
    this.#list.addEventListener("keydown", (event) => this.#press(event));
    this.#list.addEventListener("focusin", (event) => {
      const place = this.#placeOf(event);
      if (place) this.#makeCurrent(place.row, place.column);
    });
  }

  #makeCurrent(/** @type {number} */ row, /** @type {number} */ column) {
    this.#current = { row: this.#nearestRow(row), column };
    this.#rows.forEach(({ buttons }, index) => {
      for (const made of buttons) made.tabIndex = index === this.#current.row ? 0 : -1;
    });
  }

  #nearestRow(/** @type {number} */ row) {
    return Math.max(0, Math.min(this.#rows.length - 1, row));
  }

  /** Row and column of the button that an event is about. */
  #placeOf(/** @type {Event} */ event) {
    const made = closest(event, "li button");
    const row = this.#rows.findIndex(({ buttons }) => buttons.includes(/** @type {HTMLButtonElement} */ (made)));
    return row < 0 ? null : { row, column: this.#rows[row].buttons.indexOf(/** @type {HTMLButtonElement} */ (made)) };
  }

  // ---- clicks and keys ----

  /** Rename, delete or select a selection. @param {number} index @param {string} action */
  #act(index, action) {
    const epoch = this.#model.get("epoch");
    if (action === "rename") openRename(this.#model, this.#rows[index], index);
    else if (action === "drop") this.#model.send({ kind: "drop", epoch, index });
    else this.#model.send({ kind: "select", epoch, index, mode: action });
  }

  #press(/** @type {KeyboardEvent} */ event) {
    const place = this.#placeOf(event);
    if (!place) return;
    const { row, column } = place;
    if (event.key === "Delete") this.#act(row, "drop");
    else if (event.key === "F2") this.#act(row, "rename");
    else if (!this.#move(event.key, row, column)) return;
    event.preventDefault();
  }

  /** Move the focus if the key does so. @returns {boolean} whether it does */
  #move(/** @type {string} */ key, /** @type {number} */ row, /** @type {number} */ column) {
    const target = {
      ArrowDown: [row + 1, column], ArrowUp: [row - 1, column], Home: [0, column], End: [this.#rows.length - 1, column],
      ArrowRight: [row, 1], ArrowLeft: [row, 0],
    }[key];
    if (!target) return false;
    this.#rows[this.#nearestRow(target[0])].buttons[target[1]].focus();
    return true;
  }
}

export default render;
