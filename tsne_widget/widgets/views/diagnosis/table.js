// The table of findings: the numbers, and whether they point to the label, the model or the map.
import { element } from "../../frontend/elements.js";

/**
 * @typedef {{
 *   title: string, selected: string, whole: string, points_to: string, meaning: string, lacking: string,
 * }} Finding  numbers are formatted; `lacking` is the reason if there are none
 */

/** @param {string} text */
export function makeCaption(text) {
  return element("caption", "", text);
}

/** @param {boolean} hasSelection  whether there is a column for the selected samples */
export function makeHead(hasSelection) {
  const row = element("tr");
  for (const [text, name] of [["", ""], ...(hasSelection ? [["selected", "tw-number"]] : []), ["visible", "tw-number"], ["points to", ""]]) {
    const cell = row.appendChild(element(text ? "th" : "td", name, text));
    if (text) cell.setAttribute("scope", "col");
  }
  const head = element("thead");
  head.appendChild(row);
  return head;
}

/** @param {Finding[]} findings @param {boolean} hasSelection */
export function makeBody(findings, hasSelection) {
  const body = element("tbody");
  body.append(...findings.map((finding) => makeRow(finding, hasSelection)));
  return body;
}

/** @param {Finding} finding @param {boolean} hasSelection */
function makeRow({ title, selected, whole, points_to, meaning, lacking }, hasSelection) {
  const row = element("tr");
  const name = row.appendChild(element("th", "", title));
  name.setAttribute("scope", "row");
  const numbers = lacking ? [] : hasSelection ? [selected, whole] : [whole];
  row.append(...numbers.map((text) => element("td", "tw-number", text)));
  const last = row.appendChild(element("td"));
  if (lacking) last.setAttribute("colspan", hasSelection ? "3" : "2");
  else last.appendChild(element("b", "", points_to));
  last.appendChild(element("span", "", lacking || meaning));
  return row;
}
