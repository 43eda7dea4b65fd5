// The buttons for what changes between two maps; each selects the samples that changed.
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
    // Reuse the buttons, so that a button keeps the focus.
    for (const [i, { name, meaning, count }] of changes.entries()) {
      const button = this.#buttons[i] ?? this.#add();
      button.dataset.change = name;
      button.title = `${meaning}. Click selects them. ${MODES_HELP}`;
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
