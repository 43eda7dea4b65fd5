// The header of the legend: its title, the order, actions on all classes, and a search.
import { element, textButton, textInput } from "../../frontend/elements.js";

const ORDERS = [["order", "given order"], ["name", "by name"], ["size", "by size"], ["accuracy", "by accuracy"]];

/** @param {string} title @param {{canSearch: boolean, canSort: boolean, hasAccuracies: boolean}} options */
export function makeHeader(title, { canSearch, canSort, hasAccuracies }) {
  const root = element("header");
  const sort = element("select");
  sort.setAttribute("aria-label", "Sort the classes");
  sort.title = "Sort the classes: in the given order, by name, largest first, or least accurate first";
  for (const [value, text] of ORDERS) if (value !== "accuracy" || hasAccuracies) sort.add(new Option(text, value));
  sort.hidden = !canSort;
  const actions = { all: textButton("All"), none: textButton("None"), invert: textButton("Invert") };
  const search = textInput("Find a class", "search");
  search.placeholder = "Find a class";
  search.title = "List only classes whose name contains this text; Escape clears it";
  search.hidden = !canSearch;
  root.append(element("b", "", title), sort, ...Object.values(actions), search);

  /** @param {boolean} isSearching  whether the actions change only the listed classes */
  function describe(isSearching) {
    const which = isSearching ? "the listed classes; the others do not change" : "all classes";
    actions.all.title = `Show ${which}`;
    actions.none.title = `Hide ${which}`;
    actions.invert.title = `Swap visible and hidden in ${which}`;
  }

  return { root, sort, actions, search, describe };
}
