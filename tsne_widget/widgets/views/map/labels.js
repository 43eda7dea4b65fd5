// Writes the names of the classes where their right points lie.
import { element } from "../../frontend/elements.js";
import { leastCovered, medianPlaces } from "../../frontend/geometry.js";

const MAX_LABELS = 60; // more would not be legible
const LINE = 17; // pixels
const MAX_WIDTH = 160; // pixels; the style sheet truncates longer names
const GAP = 6;
const EDGE = 4; // between a name and the edge of the map
const FEW_POINTS = 400; // a name steps aside from single points; among more it lies on a cloud
const STEPS = [0, -14, 14, -26, 26, -38, 38]; // pixels up or down, the preferred first
const [LETTERS, RADIUS] = [12, 3]; // height of the letters, and of half a point

/** @typedef {{layer: HTMLElement, find: (plot: Plot, points: import("./points.js").Points) => void,
 *   place: (plot: Plot) => void, shown: () => {name: string, x: number, y: number}[]}} Labels */
/** @typedef {import("./plot.js").Plot} Plot */

/** @param {HTMLElement} root @returns {Labels} */
export function makeLabels(root) {
  const layer = root.appendChild(element("div", "tw-labels"));
  layer.setAttribute("aria-hidden", "true"); // the legend has the same names
  /** @type {{code: number, node: HTMLElement, x: number, y: number, width: number}[]} */
  let all = []; // of every class, the largest first
  /** @type {typeof all} */
  let labels = []; // of the visible classes
  /** @type {unknown[]} */
  let found = []; // the places and classes that `all` belongs to

  /** Show the names of the visible classes; the largest come first. */
  function find(/** @type {Plot} */ plot, /** @type {import("./points.js").Points} */ points) {
    const { codes, visible, names, wrong } = points;
    const data = [plot.x, plot.y, ...points.sources];
    if (data.some((one, k) => one !== found[k])) {
      found = data;
      const places = medianPlaces(plot.x, plot.y, codes, new Uint8Array(names.length).fill(1), wrong, names.length);
      all = places.sort((a, b) => b.count - a.count).map(({ code, x, y }) => ({ code, node: element("span", "", names[code]), x, y, width: 0 }));
      layer.replaceChildren();
    }
    labels = all.filter(({ code }) => visible[code]).slice(0, MAX_LABELS);
    for (const label of all) if (!labels.includes(label)) label.node.remove();
    for (const { node } of labels) if (!node.isConnected) layer.append(node);
  }

  /** Move the labels to their places in the viewport; hide a label that would overlap an earlier one. */
  function place(/** @type {Plot} */ plot) {
    const [width, height] = plot.size;
    const isLarge = width > 700;
    if (layer.hasAttribute("data-large") !== isLarge) for (const label of all) label.width = 0;
    layer.toggleAttribute("data-large", isLarge);
    for (const label of labels) label.width ||= label.node.offsetWidth;
    /** @type {number[][]} */
    const placed = [];
    const points = fewPoints(plot);
    for (const { node, x, y, width: own } of labels) {
      const [midX, midY] = plot.toPixels(x, y);
      const isInside = midX >= 0 && midX <= width && midY >= 0 && midY <= height;
      const half = Math.min(own || MAX_WIDTH, MAX_WIDTH) / 2;
      // A name at the edge stays whole.
      const left = between(midX, half + EDGE, width - half - EDGE);
      const tops = (points.length ? STEPS : [0]).map((step) => between(midY + step, LINE / 2, height - LINE / 2));
      const free = tops.filter((top) => placed.every(([other, level, size]) => Math.abs(top - level) > LINE || Math.abs(left - other) > half + size + GAP));
      node.hidden = !isInside || !free.length;
      if (node.hidden) continue;
      const top = leastCovered(points, left, free, half + RADIUS, LETTERS / 2 + RADIUS);
      placed.push([left, top, half]);
      node.style.transform = `translate(${left}px, ${top}px) translate(-50%, -50%)`;
    }
  }

  /** The places of the points in pixels, if there are so few that a name may hide some. @returns {number[][]} */
  function fewPoints(/** @type {Plot} */ plot) {
    return plot.x.length > FEW_POINTS ? [] : Array.from(plot.x, (x, i) => plot.toPixels(x, plot.y[i]));
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

function between(/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ high) {
  return Math.max(low, Math.min(high, value));
}
