// Fields to name a selection: a form for the current selection, and a field to rename one in the list.
import { fullCount } from "../../frontend/classes.js";
import { button } from "../../frontend/controls.js";
import { element, textInput } from "../../frontend/elements.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

/** The form that keeps the current selection; without a name it gets an automatic one. */
export class NamingForm {
  root = element("form");
  #model;
  #field;
  #button = button("", undefined, "edge");

  /** @param {ViewModel} model */
  constructor(model) {
    this.#model = model;
    this.#field = nameField(model, "Name of the selection");
    this.#button.type = "submit";
    this.root.append(this.#field, this.#button);
    this.root.addEventListener("submit", (event) => this.#submit(event));
    this.#field.addEventListener("input", () => this.show());
  }

  focus() {
    this.#field.focus();
  }

  /** Show what the button would do with the name in the field. */
  show() {
    const selected = this.#model.get("selected");
    const exists = this.#model.get("names").includes(this.#field.value.trim());
    this.#field.placeholder = selected ? "Name" : "Select pictures first";
    this.#button.textContent = `${exists ? "Replace" : "Save"} selection${selected ? ` (${fullCount(selected)})` : ""}`;
    this.#button.disabled = !selected;
    if (!selected) this.#button.title = "Select some pictures first";
    else this.#button.title = exists ? "Replace the saved selection of this name by the current one" : "Save the current selection (K)";
  }

  #submit(/** @type {Event} */ event) {
    event.preventDefault();
    const name = this.#field.value.trim();
    if (!this.#model.get("selected")) return;
    this.#model.send(name ? { kind: "name", name } : { kind: "keep" });
    this.#field.value = "";
    this.show();
  }
}

/**
 * Replace the first button of a row by a field to rename the selection. Enter or leaving the field renames, Escape cancels.
 * @param {ViewModel} model
 * @param {import("./rows.js").Row} row
 * @param {number} index  of the selection
 */
export function openRename(model, { item, buttons: [pick] }, index) {
  if (pick.parentElement !== item) return; // it is open
  const [name, epoch] = [model.get("names")[index], model.get("epoch")];
  const field = nameField(model, `New name of ${name}`);
  field.value = name;
  let isOpen = true;
  const close = (/** @type {boolean} */ isRenaming, /** @type {boolean} */ returnsFocus) => {
    if (!isOpen) return; // removing the field blurs it, which calls this again
    isOpen = false;
    const typed = field.value.trim();
    field.replaceWith(pick);
    if (returnsFocus) pick.focus();
    if (isRenaming && typed && typed !== name) model.send({ kind: "rename", epoch, index, name: typed });
  };
  field.addEventListener("blur", () => { if (field.isConnected) close(true, false); });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    close(event.key === "Enter", true);
  });
  item.replaceChild(field, pick);
  field.select();
  field.focus();
}

/** @param {ViewModel} model @param {string} label */
function nameField(model, label) {
  const field = textInput(label);
  field.maxLength = model.get("max_characters");
  return field;
}
