// Writes the names of the classes where their points are densest.
import { element } from "../../frontend/elements.js";
import { densestPlaces } from "../../frontend/geometry.js";

const MAX_LABELS = 60; // more would not be legible
const LABEL_HEIGHT = 18; // pixels
const CHARACTER_WIDTH = 7; // pixels, approximate
const MAX_CHARACTERS = 24; // the style sheet truncates longer names

/** @typedef {{layer: HTMLElement, find: (plot: Plot, points: import("./points.js").Points) => void,
 *   place: (plot: Plot, width: number, height: number) => void}} Labels */
/** @typedef {import("./plot.js").Plot} Plot */

/** @param {HTMLElement} root @returns {Labels} */
export function makeLabels(root) {
  const layer = root.appendChild(element("div", "tw-labels"));
  layer.setAttribute("aria-hidden", "true"); // the legend has the same names
  /** @type {{node: HTMLElement, x: number, y: number}[]} */
  let labels = [];

  /** Find the densest place of each visible class; the largest classes come first. */
  function find(/** @type {Plot} */ plot, /** @type {import("./points.js").Points} */ points) {
    const { codes, visible, names } = points;
    const places = densestPlaces(plot.x, plot.y, codes, visible, names.length).sort((a, b) => b.count - a.count);
    labels = places.slice(0, MAX_LABELS).map(({ code, x, y }) => ({ node: element("span", "", names[code]), x, y }));
    layer.replaceChildren(...labels.map(({ node }) => node));
  }

  /** Move the labels to their places in the viewport; hide a label that would overlap an earlier one. */
  function place(/** @type {Plot} */ plot, /** @type {number} */ width, /** @type {number} */ height) {
    /** @type {number[][]} */
    const placed = [];
    for (const { node, x, y } of labels) {
      const [left, top] = plot.toPixels(x, y);
      const half = (Math.min((node.textContent ?? "").length, MAX_CHARACTERS) * CHARACTER_WIDTH) / 2;
      const isInside = left >= 0 && left <= width && top >= 0 && top <= height;
      const isFree = isInside && placed.every(
        ([other, level, size]) => Math.abs(top - level) > LABEL_HEIGHT || Math.abs(left - other) > half + size,
      );
      node.hidden = !isFree;
      if (!isFree) continue;
      placed.push([left, top, half]);
      node.style.transform = `translate(${left}px, ${top}px) translate(-50%, -50%)`;
    }
  }

  return { layer, find, place };
}
