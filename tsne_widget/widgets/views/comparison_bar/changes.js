// Buttons for the changes between two maps; each selects the samples with that change.
import { fullCount } from "../../frontend/classes.js";
import { element, textButton } from "../../frontend/elements.js";
import { MODES_HELP, modeOf } from "../../frontend/modes.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {{name: string, meaning: string, count: number}} Change */

export class Changes {
  root = element("div", "tw-changes");
  #model;
  /** @type {HTMLButtonElement[]} */
  #buttons = [];

  /** @param {ViewModel} model */
  constructor(model) {
    this.#model = model;
    this.root.setAttribute("role", "group");
  }

  show() {
    /** @type {Change[]} */
    const changes = this.#model.get("changes");
    // Buttons are reused, so that the focus stays where it is.
    for (const [i, { name, meaning, count }] of changes.entries()) {
      const button = this.#buttons[i] ?? this.#add();
      button.dataset.change = name;
      button.title = `${meaning}. Click to select them. ${MODES_HELP}`;
      button.textContent = `${name[0].toUpperCase()}${name.slice(1)} `;
      button.appendChild(element("b", "", fullCount(count)));
      button.disabled = !count;
    }
    this.root.hidden = !this.#buttons.length;
  }

  #add() {
    const button = textButton("", (event) => {
      this.#model.send({ kind: "change", name: button.dataset.change, mode: modeOf(event) });
    });
    this.#buttons.push(button);
    return this.root.appendChild(button);
  }
}
