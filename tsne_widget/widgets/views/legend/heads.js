// The heads of the list's columns, which sort it, and what it shows of all classes.
import { fullCount } from "../../frontend/classes.js";
import { button } from "../../frontend/controls.js";
import { element, textButton } from "../../frontend/elements.js";
import { icon } from "../../frontend/icons.js";

/** The orders that a click on each head goes through. @type {Record<string, string[]>} */
const ORDERS = { names: ["order", "name", "size"], selected: ["selected"], last: ["accuracy", "best"], gain: ["lost", "gained"] };
/** @type {Record<string, string>} */
const SAID = {
  order: "in the given order", name: "by name", size: "largest first", selected: "most selected first",
  accuracy: "least right first", best: "most right first", smallest: "smallest first",
  lost: "greatest loss first", gained: "greatest gain first",
};

/**
 * @param {{hasAccuracies: boolean, hasGains: boolean, sort: (by: string) => void, showAll: () => void}} options
 */
export function makeHeads({ hasAccuracies, hasGains, sort, showAll }) {
  const root = element("div", "tw-heads tw-caption");
  const status = root.appendChild(element("span", "tw-status"));
  status.setAttribute("role", "status");
  const orders = hasAccuracies ? ORDERS : { ...ORDERS, last: ["size", "smallest"] };
  let current = "order";
  const buttons = Object.entries(orders).map(([name, cycle]) => {
    const made = root.appendChild(textButton("", () => sort(next(cycle))));
    made.className = `tw-head tw-head-${name}`;
    return { name, cycle, made, text: made.appendChild(element("span")), mark: made.appendChild(element("span", "tw-mark-place")) };
  });
  const [names, selected, last, gain] = buttons;
  selected.text.textContent = "sel.";
  last.text.textContent = hasAccuracies ? "right" : "count";
  gain.text.textContent = "±"; // there is no room for the word
  gain.made.setAttribute("aria-label", "change");
  gain.made.hidden = !hasGains;
  const none = element("div", "tw-none-shown tw-caption");
  none.append("No class shown. ", button("All", showAll, "link"));

  /** The order that a click brings; after the last one of a head, the given order. */
  function next(/** @type {string[]} */ cycle) {
    const at = cycle.indexOf(current);
    return at < 0 && current === "order" && cycle[0] === "order" ? cycle[1] : (cycle[at + 1] ?? "order");
  }

  /** Show by what the list is sorted. */
  function showOrder(/** @type {string} */ by) {
    current = by;
    for (const { name, cycle, made, mark } of buttons) {
      const isOn = cycle.includes(by) && by !== "order" && !(by === "size" && name !== (hasAccuracies ? "names" : "last"));
      made.setAttribute("aria-pressed", String(isOn));
      made.title = `Sorted ${SAID[by] ?? SAID.order}. Click: ${SAID[next(cycle)]}`;
      mark.replaceChildren();
      if (isOn && name === "names") mark.textContent = by === "name" ? "a–z" : "size";
      else if (isOn) mark.append(icon(["best", "size", "selected", "gained"].includes(by) ? "down" : "up"));
    }
  }

  /** @param {{total: number, visible: number, listed: number, isSearching: boolean, isSelecting: boolean}} counts */
  function showCounts({ total, visible, listed, isSearching, isSelecting }) {
    const noun = total === 1 ? "class" : "classes";
    const part = isSearching ? `${fullCount(listed)} of ${fullCount(total)} listed` : `${fullCount(visible)} of ${fullCount(total)} shown`;
    const text = !isSearching && visible === total ? `${fullCount(total)} ${noun}` : part;
    names.text.textContent = text;
    if (status.textContent !== text) status.textContent = text; // screen readers announce each change
    selected.made.hidden = !isSelecting;
    none.hidden = visible > 0;
  }

  return { root, none, showOrder, showCounts };
}
