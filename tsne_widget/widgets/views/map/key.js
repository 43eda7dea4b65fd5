// The colours of the map: a menu to choose them, and the key that explains them.
import { element } from "../../frontend/elements.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

/** @type {(model: ViewModel, signal: AbortSignal) => {menu: HTMLElement, key: HTMLElement, show: () => void}} */
export function makeKey(model, signal) {
  const menu = element("label", "tw-color-menu");
  menu.append("Colour ");
  const select = menu.appendChild(element("select"));
  select.title = "Meaning of the points' colours";
  select.addEventListener("change", () => model.send({ kind: "color", name: select.value }), { signal });
  const key = element("div", "tw-key");
  key.setAttribute("role", "group");
  key.tabIndex = 0; // lets keys scroll a long key

  function show() {
    showOptions(select, model.get("color_choices"));
    select.value = model.get("color_by");
    menu.hidden = !select.value;
    const { title, entries, low } = model.get("key");
    key.hidden = !(low || entries?.length);
    if (key.hidden) return;
    key.setAttribute("aria-label", `Key to the colours: ${title}`);
    key.replaceChildren(...contentOf(model.get("key")));
  }

  return { menu, key, show };
}

/** Replace the options only if they have changed, because a browser would close the open menu. */
function showOptions(/** @type {HTMLSelectElement} */ select, /** @type {[string, string, string][]} */ choices) {
  const text = JSON.stringify(choices);
  if (select.dataset.choices === text) return;
  select.dataset.choices = text;
  select.replaceChildren(...choices.map(([value, title, lacking]) => {
    const option = element("option", "", lacking ? `${title} (${lacking})` : title);
    option.value = value;
    option.disabled = Boolean(lacking);
    return option;
  }));
}

/** @param {any} key  the trait @returns {HTMLElement[]} */
function contentOf({ title, entries, more, low, high, ramp, unknown, unknown_name: unknownName }) {
  const parts = [element("div", "tw-key-title", title)];
  if (low) parts.push(...rampOf(ramp, low, high));
  for (const [name, color, count] of entries) parts.push(entryOf(name, color, count));
  if (more) parts.push(element("div", "tw-more", `and ${more.toLocaleString("en")} more`));
  if (unknown) parts.push(element("div", "tw-more", `${unknown.toLocaleString("en")} ${unknownName}, grey`));
  return parts;
}

/** @param {string[]} colors @param {string} low @param {string} high */
function rampOf(colors, low, high) {
  const ramp = element("div", "tw-ramp");
  ramp.style.background = `linear-gradient(to right, ${colors.join(", ")})`;
  const ends = element("div", "tw-ends");
  ends.append(element("span", "", low), element("span", "", high));
  return [ramp, ends];
}

/** @param {string} name @param {string} color @param {number} count */
function entryOf(name, color, count) {
  const entry = element("div", "tw-entry");
  entry.appendChild(element("span", "tw-dot")).style.background = color;
  entry.appendChild(element("span", "", name)).title = name;
  entry.append(element("span", "tw-count", count.toLocaleString("en")));
  return entry;
}
