// The header of the legend: its title, the order, actions on all classes, and a search.
import { element, textButton, textInput } from "../../frontend/elements.js";

const ORDERS = [["order", "in order"], ["name", "by name"], ["size", "by size"], ["accuracy", "by accuracy"]];

/** @param {string} title @param {{canSearch: boolean, canSort: boolean, hasAccuracies: boolean}} options */
export function makeHeader(title, { canSearch, canSort, hasAccuracies }) {
  const root = element("header");
  const sort = element("select");
  sort.setAttribute("aria-label", "Sort the classes");
  sort.title = "Sort the classes: as given, by name, the largest first, or the least accurate first";
  for (const [value, text] of ORDERS) if (value !== "accuracy" || hasAccuracies) sort.add(new Option(text, value));
  sort.hidden = !canSort;
  const actions = { all: textButton("All"), none: textButton("None"), invert: textButton("Invert") };
  const search = textInput("Find a class", "search");
  search.placeholder = "Find a class";
  search.title = "List only classes with this in their name; Escape clears";
  search.hidden = !canSearch;
  root.append(element("b", "", title), sort, ...Object.values(actions), search);

  /** @param {boolean} isSearching  the actions then change only the classes that are listed */
  function describe(isSearching) {
    const which = isSearching ? "the listed classes; the others stay as they are" : "all classes";
    actions.all.title = `Show ${which}`;
    actions.none.title = `Hide ${which}`;
    actions.invert.title = `Hide visible and show hidden classes, for ${which}`;
  }

  return { root, sort, actions, search, describe };
}
