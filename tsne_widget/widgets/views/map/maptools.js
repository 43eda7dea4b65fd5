// The row of tools above the map.
import { iconButton } from "../../frontend/controls.js";
import { element } from "../../frontend/elements.js";

/** @typedef {import("../../frontend/icons.js").IconName} IconName */
/** @typedef {{name: string, title: string, icon: IconName}} Tool */

/** @type {Tool[]} */
const TOOLS = [
  { name: "lasso", title: "Lasso (L): drag around points. Shift adds, Alt takes away, Ctrl keeps what is in both", icon: "lasso" },
  { name: "rectangle", title: "Box (B): drag a box around points", icon: "box" },
  { name: "pan", title: "Move the map (P). Once the map is clicked, or with Ctrl, the wheel zooms with every tool", icon: "move" },
];
/** @type {Tool[]} */
const ACTIONS = [
  { name: "labels", title: "Names of the classes (N)", icon: "names" },
  { name: "zoom-selection", title: "Zoom to the selection (Z)", icon: "zoom" },
  { name: "reset", title: "Show the whole map (0)", icon: "whole" },
];

/** @param {HTMLElement} parent @param {{use: (tool: string) => void, act: (action: string) => void}} calls */
export function makeTools(parent, { use, act }) {
  const root = parent.appendChild(element("div", "tw-tools"));
  root.setAttribute("role", "toolbar");
  root.setAttribute("aria-label", "Map tools");
  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();

  for (const { name, title, icon } of TOOLS) {
    const button = root.appendChild(iconButton(title, icon, () => choose(name)));
    button.dataset.tool = name;
    buttons.set(name, button);
  }
  const note = root.appendChild(element("span", "tw-shown tw-caption"));
  for (const { name, title, icon } of ACTIONS) {
    const button = root.appendChild(iconButton(title, icon, () => act(name)));
    button.dataset.action = name;
    buttons.set(name, button);
  }

  function choose(/** @type {string} */ tool) {
    for (const { name } of TOOLS) press(name, name === tool);
    use(tool);
  }

  function press(/** @type {string} */ name, /** @type {boolean} */ isOn) {
    buttons.get(name)?.setAttribute("aria-pressed", String(isOn));
  }

  function enable(/** @type {string} */ name, /** @type {boolean} */ isOn) {
    const button = buttons.get(name);
    if (button) button.disabled = !isOn;
  }

  /** Say what is not drawn. @param {string} text */
  function showNote(text) {
    note.textContent = text;
    note.title = text;
  }

  /**
   * Let keys and menus use the tools.
   * @param {import("../../frontend/commands.js").Commands} commands @returns {() => void} ends it
   */
  function join(commands) {
    const releases = [
      ...TOOLS.map(({ name }) => commands.add(name, () => choose(name))),
      ...ACTIONS.map(({ name }) => commands.add(name, () => { if (!buttons.get(name)?.disabled) act(name); })),
    ];
    return () => { for (const release of releases) release(); };
  }

  choose(TOOLS[0].name);
  return { root, press, enable, showNote, join };
}
