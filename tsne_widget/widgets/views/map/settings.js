// What the menu sets of the points: size, opacity, and pictures.
import { element } from "../../frontend/elements.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

const SLIDERS = [
  { trait: "point_size", title: "Size", least: 0.4, most: 3 },
  { trait: "opacity", title: "Opacity", least: 0.4, most: 1.6 },
];

/** Add the settings of a map to a menu. @param {ViewModel} model @param {HTMLElement} menu */
export function addSettings(model, menu) {
  for (const { trait, title, least, most } of SLIDERS) {
    const row = menu.appendChild(element("label", "tw-setting", title));
    const slider = row.appendChild(element("input"));
    Object.assign(slider, { type: "range", min: String(least), max: String(most), step: "0.1", value: String(model.get(trait)) });
    slider.addEventListener("input", () => model.set(trait, Number(slider.value)));
    slider.addEventListener("change", () => model.save_changes());
  }
  const row = menu.appendChild(element("label", "tw-setting", "Pictures on the map, when few are in sight"));
  const box = row.appendChild(element("input"));
  box.type = "checkbox";
  box.checked = model.get("pictures");
  box.addEventListener("change", () => {
    model.set("pictures", box.checked);
    model.save_changes();
  });
}
