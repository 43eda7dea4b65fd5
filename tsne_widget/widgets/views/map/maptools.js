// The buttons at the edge of the map, and their keys.
import { element, strokeButton } from "../../frontend/elements.js";

const TOOLS = [
  { name: "lasso", key: "l", title: "Lasso: drag around points (L). Shift adds, Alt subtracts", icon: "M12 4C6 4 3 7 3 10s3 5 7 5 11-1 11-6-4-5-9-5M9 15c-1 3 2 3 1 6" },
  { name: "rectangle", key: "r", title: "Rectangle: drag a box around points (R)", icon: "M4 6h16v12H4z" },
  { name: "pan", key: "p", title: "Pan: drag the map (P). The wheel zooms with every tool", icon: "M12 3v18M3 12h18M12 3l-3 3M12 3l3 3M12 21l-3-3M12 21l3-3M3 12l3-3M3 12l3 3M21 12l-3-3M21 12l-3 3" },
];
const ACTIONS = [
  { name: "zoom-selection", key: "z", title: "Zoom to the selection (Z)", icon: "M10 4a6 6 0 100 12 6 6 0 000-12M15 15l6 6M7 10h6M10 7v6" },
  { name: "labels", key: "n", title: "Names of the classes on the map (N)", icon: "M4 18L9 6l5 12M6 14h6M16 18v-8M16 13a3 3 0 116 0v2a3 3 0 11-6 0" },
  { name: "reset", key: "0", title: "Show the whole map (0)", icon: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5" },
];

/** @param {HTMLElement} parent @param {{use: (tool: string) => void, act: (action: string) => void}} calls */
export function makeTools(parent, { use, act }) {
  const root = parent.appendChild(element("div", "tw-tools"));
  root.setAttribute("role", "toolbar");
  root.setAttribute("aria-label", "Map tools");
  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();

  for (const { name, title, icon } of TOOLS) {
    const button = root.appendChild(strokeButton(title, icon));
    button.dataset.tool = name;
    button.addEventListener("click", () => choose(name));
    buttons.set(name, button);
  }
  root.appendChild(element("span"));
  for (const { name, title, icon } of ACTIONS) {
    const button = root.appendChild(strokeButton(title, icon));
    button.dataset.action = name;
    button.addEventListener("click", () => act(name));
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

  /** @returns {boolean} whether there is a tool or an action of this key */
  function pressKey(/** @type {string} */ key) {
    const tool = TOOLS.find((one) => one.key === key);
    const action = ACTIONS.find((one) => one.key === key);
    if (tool) choose(tool.name);
    else if (action) act(action.name);
    return Boolean(tool ?? action);
  }

  choose(TOOLS[0].name);
  return { root, press, enable, pressKey };
}
