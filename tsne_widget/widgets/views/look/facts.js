// The facts of one sample: probabilities as bars, values in two columns, its file.
import { TITLES } from "../../frontend/constants.js";
import { iconButton } from "../../frontend/controls.js";
import { element } from "../../frontend/elements.js";
import { paint } from "../../frontend/palette.js";

/** Bars of class probabilities; the label is bold. @param {{name: string, share: number, is_label: boolean, color: string}[]} classes */
export function barsOf(classes) {
  const list = element("ul", "tw-bars");
  list.setAttribute("aria-label", "Most probable classes");
  for (const { name, share, is_label: isLabel, color } of classes) {
    const item = list.appendChild(element("li"));
    const dot = item.appendChild(element("span", "tw-dot"));
    dot.style.background = paint(color);
    const named = item.appendChild(element(isLabel ? "b" : "span", "tw-class-name", name));
    named.title = isLabel ? `${name}, the label` : name;
    const track = item.appendChild(element("span", "tw-track"));
    const bar = track.appendChild(element("span"));
    bar.style.width = `${100 * share}%`;
    bar.style.background = paint(color);
    item.append(element("span", "tw-class-share", `${share > 0 && share < 0.001 ? "<\u202f0.1" : percentOf(share)}\u202f%`));
  }
  return list;
}

/** With one decimal, which 100 does not need. */
function percentOf(/** @type {number} */ share) {
  const text = (100 * share).toFixed(1);
  return text === "100.0" ? "100" : text;
}

/** Names and values. A score is shown by its title instead of its name in Python. @param {[name: string, value: string][]} details */
export function factsOf(details) {
  return details.map(([name, value]) => {
    const pair = element("div");
    const key = name.replaceAll(" ", "_");
    pair.append(element("dt", "", /** @type {Record<string, string>} */ (TITLES)[key] ?? name), element("dd", "", value));
    pair.title = `${key}: ${value}`;
    return pair;
  });
}

/** The last part of a path, and a button that copies it whole. @param {string} path */
export function pathOf(path) {
  if (!path) return [];
  const name = element("span", "", path.split(/[/\\]/).pop() || path);
  name.title = path;
  return [name, iconButton("Copy the path", "copy", () => { void navigator.clipboard?.writeText(path); })];
}
