// What the colours of the map say: a menu of what they can say, and the key to them.
import { element } from "../../frontend/elements.js";

/** @type {(model: any, signal: AbortSignal) => {menu: HTMLElement, key: HTMLElement, show: () => void}} */
export function makeKey(model, signal) {
  const menu = element("label", "tw-color-menu");
  menu.append("Colour ");
  const select = /** @type {HTMLSelectElement} */ (menu.appendChild(element("select")));
  select.title = "What the colours of the points say";
  select.addEventListener("change", () => model.send({ kind: "color", name: select.value }), { signal });
  // JupyterLab listens before the page's elements do, so that to stop an event is too late.
  menu.dataset.lmSuppressShortcuts = "true";
  select.addEventListener("keydown", (event) => event.stopPropagation(), { signal });
  const key = element("div", "tw-key");
  key.setAttribute("role", "group");
  key.tabIndex = 0; // a long key scrolls

  function show() {
    const choices = model.get("color_choices");
    const name = model.get("color_by");
    // Not while it is open: a browser closes a menu whose options are replaced.
    if (select.dataset.choices !== JSON.stringify(choices)) {
      select.dataset.choices = JSON.stringify(choices);
      select.replaceChildren(...choices.map(([value, title, lacking]) => {
        const option = /** @type {HTMLOptionElement} */ (element("option"));
        option.value = value;
        option.disabled = Boolean(lacking);
        option.textContent = lacking ? `${title} (${lacking})` : title;
        return option;
      }));
    }
    menu.hidden = !name;
    select.value = name;
    showKey();
  }

  function showKey() {
    const { title, entries, more, low, high, ramp, unknown, unknown_name } = model.get("key");
    key.hidden = !(low || entries?.length);
    if (key.hidden) return;
    key.setAttribute("aria-label", `Key to the colours: ${title}`);
    const parts = [text("div", title, "tw-key-title")];
    if (low) {
      const bar = element("div", "tw-ramp");
      bar.style.background = `linear-gradient(to right, ${ramp.join(", ")})`;
      const ends = element("div", "tw-ends");
      ends.append(text("span", low), text("span", high));
      parts.push(bar, ends);
    }
    for (const [name, color, count] of entries) {
      const entry = element("div", "tw-entry");
      entry.appendChild(element("span", "tw-dot")).style.background = color;
      const label = entry.appendChild(text("span", name));
      label.title = name;
      entry.appendChild(text("span", count.toLocaleString("en"), "tw-count"));
      parts.push(entry);
    }
    if (more) parts.push(text("div", `and ${more.toLocaleString("en")} more`, "tw-more"));
    if (unknown) parts.push(text("div", `${unknown.toLocaleString("en")} ${unknown_name}, grey`, "tw-more"));
    key.replaceChildren(...parts);
  }

  return { menu, key, show };
}

/** @param {string} tag @param {string} words @param {string} name @returns {HTMLElement} */
function text(tag, words, name = "") {
  const node = element(tag, name);
  node.textContent = words;
  return node;
}
