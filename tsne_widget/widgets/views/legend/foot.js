// Below the list: actions on all classes, and how the map draws mistakes.
import { button, segmented } from "../../frontend/controls.js";
import { element, svgElement } from "../../frontend/elements.js";

const HOW = [
  { name: "mark", text: "", title: "Ring the mistakes" },
  { name: "only", text: "Only", title: "Show only the mistakes" },
  { name: "plain", text: "Off", title: "Draw mistakes as all others" },
];
const ACTIONS = { all: "All", none: "None", invert: "Invert" };

/**
 * @param {{hasMistakes: boolean, act: (name: string) => void, draw: (how: string) => void}} options
 */
export function makeFoot({ hasMistakes, act, draw }) {
  const root = element("footer");
  const actions = Object.entries(ACTIONS).map(([name, text]) => [name, button(text, () => act(name), "link")]);
  const line = root.appendChild(element("div", "tw-actions tw-small"));
  line.append(...actions.map(([, made]) => made));
  const mistakes = root.appendChild(element("div", "tw-mistakes tw-small"));
  mistakes.hidden = !hasMistakes;
  const choice = segmented("Mistakes on the map", HOW, draw);
  const mark = /** @type {HTMLElement} */ (choice.buttons.get("mark"));
  mark.append(ringed());
  mark.setAttribute("aria-label", HOW[0].title);
  mistakes.append(element("span", "", "Mistakes"), choice.root);

  /** @param {boolean} isSearching  whether the actions change only the listed classes */
  function describe(isSearching) {
    const which = isSearching ? "the listed classes; the others do not change" : "all classes";
    const says = { all: `Show ${which}`, none: `Hide ${which}`, invert: `Swap shown and hidden in ${which}` };
    for (const [name, made] of actions) /** @type {HTMLElement} */ (made).title = says[/** @type {"all"} */ (name)];
  }

  return { root, describe, show: choice.show };
}

/** A point with a ring, as the map draws a mistake. */
function ringed() {
  const svg = svgElement("svg", "tw-mark", { viewBox: "0 0 12 12", "aria-hidden": true });
  svg.append(svgElement("circle", "tw-ringed", { cx: 6, cy: 6, r: 3.9 }));
  return svg;
}
