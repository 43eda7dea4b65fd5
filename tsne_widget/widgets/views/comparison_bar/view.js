// The header above compared maps: counts, accuracies, the selection as a pill, notes, undo, and messages.
import { makeMessage } from "../../frontend/bars.js";
import { fullCount, percent } from "../../frontend/classes.js";
import { iconButton } from "../../frontend/controls.js";
import { element } from "../../frontend/elements.js";
import { changesOf, follow } from "../../frontend/follow.js";
import { makeNotes } from "../../frontend/notes.js";
import { makePill } from "../../frontend/pill.js";

/** @typedef {{name: string, accuracy: number | null}} Compared */

/** @type {(context: {model: import("../../frontend/kernel.js").ViewModel, el: HTMLElement, commands: import("../../frontend/commands.js").Commands}) => () => void} */
function render({ model, el, commands }) {
  const root = el.appendChild(element("div", "tw-toolbar tw-comparison"));
  root.setAttribute("role", "toolbar");
  root.setAttribute("aria-label", "Comparison");
  const counts = element("div", "tw-counts");
  counts.setAttribute("role", "status");
  const rates = element("div", "tw-accuracies");
  const busy = element("div", "tw-busy");
  busy.setAttribute("role", "status");
  const pill = makePill(model, commands);
  root.append(counts, rates, pill.root, busy, element("span", "tw-grow"));
  const showNotes = makeNotes(root);
  const undo = iconButton("Undo (Ctrl+Z)", "undo", () => model.send({ kind: "undo" }));
  const redo = iconButton("Redo (Ctrl+Shift+Z)", "redo", () => model.send({ kind: "redo" }));
  redo.classList.add("tw-redo");
  const full = iconButton("Full window (W)", "window", () => commands.run("window"));
  full.classList.add("tw-window");
  root.append(undo, redo, full);
  const showMessage = makeMessage(root);

  function show() {
    const [total, visible] = [model.get("total"), model.get("visible")];
    counts.replaceChildren(element("b", "", fullCount(visible)), visible === total ? " pictures" : ` of ${fullCount(total)} pictures`);
    busy.textContent = model.get("busy") && `${model.get("busy")} …`;
    busy.hidden = !model.get("busy");
    undo.disabled = !model.get("can_undo");
    redo.disabled = !model.get("can_redo");
    pill.show();
    showMessage(model.get("message"));
  }

  rates.replaceChildren(...ratesOf(model.get("records")));
  rates.title = rates.textContent ?? "";
  showNotes(model.get("notes"));
  show();
  const releases = [
    follow(model, [[changesOf("visible", "selected", "hidden", "message", "busy", "can_undo", "can_redo"), show]]),
    commands.add("undo", () => model.send({ kind: "undo" })),
    commands.add("redo", () => model.send({ kind: "redo" })),
    commands.add("back", () => model.send({ kind: "clear" })), // the page may not know of the latest selection yet
    pill.release,
  ];
  return () => {
    for (const release of releases) release();
  };
}

/** Names of the records with their accuracies, in order. @param {Compared[]} records */
function ratesOf(records) {
  const nodes = records.flatMap(({ name, accuracy }, index) => [
    index ? " → " : "", name, accuracy === null ? "" : element("b", "", ` ${percent(accuracy, 1)}`),
  ]);
  return records.some(({ accuracy }) => accuracy !== null) ? [...nodes, element("span", "tw-muted", " right")] : nodes;
}

export default render;
