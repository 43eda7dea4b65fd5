// The header: counts, the selection as a pill, search and finders, notes, undo, the menu, and messages.
import { makeMessage } from "../../frontend/bars.js";
import { percent } from "../../frontend/classes.js";
import { iconButton, nameIt } from "../../frontend/controls.js";
import { element, textButton } from "../../frontend/elements.js";
import { changesOf, follow } from "../../frontend/follow.js";
import { makeNotes } from "../../frontend/notes.js";
import { saveFile } from "../../frontend/save.js";
import { makeFind } from "./find.js";
import { makeMore } from "./more.js";
import { makePill } from "../../frontend/pill.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {import("../../frontend/commands.js").Commands} Commands */

const COUNTS = ["total", "visible", "selected", "hidden", "misclassified", "selected_misclassified"];

/** @type {(context: {model: ViewModel, el: HTMLElement, commands: Commands}) => () => void} */
function render({ model, el, commands }) {
  const header = new Header(model, el, commands);
  return () => header.release();
}

class Header {
  #model;
  #counts = element("div", "tw-counts");
  #wrong = textButton("", () => this.#model.send({ kind: "misclassified" }));
  #busy = element("div", "tw-busy");
  #line = element("div", "tw-working");
  /** @type {(() => void)[]} */
  #releases = [];

  /** @param {ViewModel} model @param {HTMLElement} el @param {Commands} commands */
  constructor(model, el, commands) {
    this.#model = model;
    const root = el.appendChild(element("div", "tw-toolbar"));
    root.setAttribute("role", "toolbar");
    root.setAttribute("aria-label", "Explorer");
    this.#counts.setAttribute("role", "status");
    this.#wrong.className = "tw-button tw-wrong-count";
    this.#busy.setAttribute("role", "status");
    const pill = makePill(model, commands);
    const find = makeFind(model, commands);
    const undo = iconButton("Undo (Ctrl+Z)", "undo", () => model.send({ kind: "undo" }));
    const redo = iconButton("Redo (Ctrl+Shift+Z)", "redo", () => model.send({ kind: "redo" }));
    redo.classList.add("tw-redo");
    const more = makeMore(model, commands);
    const full = iconButton("Full window (W)", "window", () => commands.run("window"));
    full.classList.add("tw-window");
    root.append(this.#counts, this.#wrong, pill.root, this.#busy, element("span", "tw-grow"), find.root);
    const showNotes = makeNotes(root);
    root.append(undo, redo, more.root, full, this.#line);
    const showMessage = makeMessage(root);

    const show = () => {
      this.#showCounts();
      this.#showBusy();
      pill.show();
      undo.disabled = !model.get("can_undo");
      redo.disabled = !model.get("can_redo");
      showMessage(model.get("message"));
    };
    const showFinders = () => find.offer(model.get("finders"));
    const save = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => {
      if (content.kind === "file") saveFile(content.name, content.type, buffers[0]);
    };
    const onPending = () => this.#showBusy();
    show();
    showFinders();
    showNotes(model.get("notes"));
    const page = /** @type {HTMLElement} */ (el.closest(".tsne-widget"));
    page?.addEventListener("tw-pending", onPending);
    this.#releases.push(
      follow(model, [
        [changesOf(...COUNTS, "message", "busy", "done", "can_undo", "can_redo"), show],
        [changesOf("finders"), showFinders],
        [changesOf("notes"), () => showNotes(model.get("notes"))],
        ["msg:custom", save],
      ]),
      commands.add("undo", () => model.send({ kind: "undo" })),
      commands.add("redo", () => model.send({ kind: "redo" })),
      commands.add("back", () => model.send({ kind: "clear" })), // the page may not know of the latest selection yet
      () => page?.removeEventListener("tw-pending", onPending),
      pill.release, find.release, more.release,
    );
  }

  release() {
    for (const release of this.#releases) release();
  }

  #showCounts() {
    const [total, visible, wrong] = ["total", "visible", "misclassified"].map((name) => this.#model.get(name));
    const parts = visible === total ? [element("b", "", number(total)), " pictures"] : [element("b", "", number(visible)), ` of ${number(total)} pictures`];
    this.#counts.replaceChildren(...parts);
    this.#wrong.hidden = wrong < 0;
    this.#wrong.disabled = wrong <= 0;
    const share = element("span", "tw-muted", visible ? percent(wrong / visible, 1) : "");
    this.#wrong.replaceChildren(element("b", "tw-is-wrong", number(wrong)), " wrong ", share);
    nameIt(this.#wrong, wrong ? `Select the ${number(wrong)} wrong pictures` : "No visible picture is wrong");
    this.#wrong.removeAttribute("aria-label");
  }

  #showBusy() {
    const isPending = Boolean(this.#line.closest(".tsne-widget")?.hasAttribute("data-pending"));
    const busy = this.#model.get("busy");
    const text = isPending ? "Kernel busy, will follow" : busy && `${busy} …`;
    this.#busy.textContent = text;
    this.#busy.title = isPending ? "The kernel runs a cell. It answers what you did here when the cell is done" : text;
    this.#busy.hidden = this.#line.hidden = !text;
    const done = isPending ? -1 : this.#model.get("done");
    this.#line.toggleAttribute("data-unknown", done < 0);
    this.#line.style.setProperty("--tw-done", `${100 * done}%`);
  }
}

/** @param {number} value */
function number(value) {
  return value.toLocaleString("en");
}

export default render;
