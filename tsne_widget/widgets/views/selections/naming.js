// Fields to name a selection: a form for the current selection, and a field to rename one in the list.
import { fullCount } from "../../frontend/classes.js";
import { element, textButton, textInput } from "../../frontend/elements.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

/** The form that gives the current selection a name. */
export class NamingForm {
  root = element("form");
  #model;
  #field;
  #button = textButton("");

  /** @param {ViewModel} model */
  constructor(model) {
    this.#model = model;
    this.#field = nameField(model, "Name of the selection");
    this.#field.placeholder = "Name the selection";
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
    const name = this.#field.value.trim();
    const exists = this.#model.get("names").includes(name);
    const button = this.#button;
    button.textContent = `${exists ? "Replace" : "Save"} selection${selected ? ` (${fullCount(selected)})` : ""}`;
    button.disabled = !selected || !name;
    if (!selected) button.title = "Select points on the map first";
    else button.title = exists ? "Replace the saved selection of this name by the current one" : "Save the current selection under this name";
  }

  #submit(/** @type {Event} */ event) {
    event.preventDefault();
    const name = this.#field.value.trim();
    if (!name || !this.#model.get("selected")) return;
    this.#model.send({ kind: "name", name });
    this.#field.value = "";
    this.show();
  }
}

/**
 * Replace the first button of a row by a field to rename the selection. Enter renames, Escape cancels.
 * @param {ViewModel} model
 * @param {import("./rows.js").Row} row
 * @param {number} index  of the selection
 */
export function openRename(model, { item, buttons: [pick] }, index) {
  const [name, epoch] = [model.get("names")[index], model.get("epoch")];
  const field = nameField(model, `New name of ${name}`);
  field.value = name;
  let isOpen = true;
  const close = (/** @type {boolean} */ returnsFocus) => {
    if (!isOpen) return; // removing the field blurs it, which calls this again
    isOpen = false;
    field.replaceWith(pick);
    if (returnsFocus) pick.focus();
  };
  field.addEventListener("blur", () => close(false));
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    const typed = field.value.trim();
    close(true);
    if (event.key === "Enter" && typed && typed !== name) model.send({ kind: "rename", epoch, index, name: typed });
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
