// Writes the names of the classes where their right points lie.
import { element } from "../../frontend/elements.js";
import { medianPlaces } from "../../frontend/geometry.js";

const MAX_LABELS = 60; // more would not be legible
const LINE = 17; // pixels
const MAX_WIDTH = 160; // pixels; the style sheet truncates longer names
const GAP = 6;

/** @typedef {{layer: HTMLElement, find: (plot: Plot, points: import("./points.js").Points) => void,
 *   place: (plot: Plot) => void, shown: () => {name: string, x: number, y: number}[]}} Labels */
/** @typedef {import("./plot.js").Plot} Plot */

/** @param {HTMLElement} root @returns {Labels} */
export function makeLabels(root) {
  const layer = root.appendChild(element("div", "tw-labels"));
  layer.setAttribute("aria-hidden", "true"); // the legend has the same names
  /** @type {{node: HTMLElement, x: number, y: number, width: number}[]} */
  let labels = [];

  /** Find the place of each visible class; the largest classes come first. */
  function find(/** @type {Plot} */ plot, /** @type {import("./points.js").Points} */ points) {
    const { codes, visible, names, wrong } = points;
    const places = medianPlaces(plot.x, plot.y, codes, visible, wrong, names.length).sort((a, b) => b.count - a.count);
    labels = places.slice(0, MAX_LABELS).map(({ code, x, y }) => ({ node: element("span", "", names[code]), x, y, width: 0 }));
    layer.replaceChildren(...labels.map(({ node }) => node));
  }

  /** Move the labels to their places in the viewport; hide a label that would overlap an earlier one. */
  function place(/** @type {Plot} */ plot) {
    const [width, height] = plot.size;
    layer.toggleAttribute("data-large", width > 700);
    for (const label of labels) label.width ||= label.node.offsetWidth;
    /** @type {number[][]} */
    const placed = [];
    for (const { node, x, y, width: own } of labels) {
      const [left, top] = plot.toPixels(x, y);
      const half = Math.min(own || MAX_WIDTH, MAX_WIDTH) / 2;
      const isInside = left >= 0 && left <= width && top >= 0 && top <= height;
      const isFree = isInside && placed.every(([other, level, size]) => Math.abs(top - level) > LINE || Math.abs(left - other) > half + size + GAP);
      node.hidden = !isFree;
      if (!isFree) continue;
      placed.push([left, top, half]);
      // A name at the edge stays whole.
      const inside = Math.max(half, Math.min(width - half, left));
      node.style.transform = `translate(${inside}px, ${top}px) translate(-50%, -50%)`;
    }
  }

  /** Names and places of the labels in sight, in pixels of the map. */
  function shown() {
    const box = layer.getBoundingClientRect();
    return labels.filter(({ node }) => !node.hidden).map(({ node }) => {
      const own = node.getBoundingClientRect();
      return { name: node.textContent ?? "", x: own.left - box.left + own.width / 2, y: own.top - box.top + own.height / 2 };
    });
  }

  return { layer, find, place, shown };
}
