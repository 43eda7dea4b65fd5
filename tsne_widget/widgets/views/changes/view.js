// What changed between two models: one stacked bar, and a row for each change that selects its pictures.
import { fullCount } from "../../frontend/classes.js";
import { element, textButton } from "../../frontend/elements.js";
import { changesOf, follow } from "../../frontend/follow.js";
import { MODES_HELP, modeOf } from "../../frontend/modes.js";
import { paint } from "../../frontend/palette.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {{name: string, title: string, meaning: string, color: string, count: number, selected: number}} Change */

const QUIET = "still right"; // most of the pictures: left out of the bar

/** @type {(context: {model: ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const root = el.appendChild(element("div", "tw-changes"));
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "What changed");
  const bar = root.appendChild(element("div", "tw-changes-bar"));
  bar.setAttribute("aria-hidden", "true");
  /** @type {{button: HTMLButtonElement, title: HTMLElement, count: HTMLElement, part: HTMLElement}[]} */
  const rows = [];

  function add() {
    const button = root.appendChild(textButton("", (event) => {
      model.send({ kind: "change", name: button.dataset.change, mode: modeOf(event) });
    }));
    button.className = "tw-change";
    button.append(element("i", "tw-dot"));
    const title = button.appendChild(element("span", "tw-change-title"));
    const count = button.appendChild(element("b"));
    const part = bar.appendChild(element("i"));
    rows.push({ button, title, count, part });
    return rows[rows.length - 1];
  }

  function show() {
    /** @type {Change[]} */
    const changes = model.get("changes");
    root.hidden = !changes.length;
    // Buttons are reused, so that the focus stays where it is.
    for (const [index, { name, title, meaning, color, count, selected }] of changes.entries()) {
      const row = rows[index] ?? add();
      row.button.dataset.change = name;
      row.button.style.setProperty("--tw-color", paint(color));
      row.button.title = `${meaning}. Click to select them. ${MODES_HELP}`;
      row.button.disabled = !count;
      row.button.setAttribute("aria-pressed", String(count > 0 && selected === count));
      row.title.textContent = title;
      row.count.textContent = fullCount(count);
      row.part.style.cssText = name === QUIET ? "display: none" : `flex-grow: ${count}; background: ${paint(color)}`;
    }
  }

  show();
  return follow(model, [[changesOf("changes"), show]]);
}

export default render;
