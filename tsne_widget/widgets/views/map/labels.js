// Names of the classes, written where their points are densest.
import { element } from "../../frontend/elements.js";
import { densestPlaces } from "../../frontend/geometry.js";

const MAX_LABELS = 60; // more cannot be read
const LABEL_HEIGHT = 18; // pixels
const CHARACTER_WIDTH = 7; // pixels, about

/** @type {(root: HTMLElement) => {layer: HTMLElement, find: Function, place: Function}} */
export function makeLabels(root) {
  const layer = root.appendChild(element("div", "tw-labels"));
  layer.setAttribute("aria-hidden", "true"); // the legend names them
  /** @type {{node: HTMLElement, x: number, y: number}[]} */
  let labels = [];

  /** Find the places of the classes that are shown; the largest come first. */
  function find(/** @type {any} */ x, /** @type {any} */ y, /** @type {any} */ codes, /** @type {Uint8Array} */ visible, /** @type {string[]} */ names) {
    const places = densestPlaces(x, y, codes, visible, names.length).sort((a, b) => b.count - a.count);
    labels = places.slice(0, MAX_LABELS).map(({ code, x: px, y: py }) => {
      const node = element("span");
      node.textContent = names[code];
      return { node, x: px, y: py };
    });
    layer.replaceChildren(...labels.map(({ node }) => node));
  }

  /** Put the labels where a viewport shows their places; of those that would overlap, the first. */
  function place(/** @type {(x: number, y: number) => number[]} */ toPixels, /** @type {number} */ width, /** @type {number} */ height) {
    /** @type {number[][]} */
    const taken = [];
    for (const { node, x, y } of labels) {
      const [left, top] = toPixels(x, y);
      const half = (Math.min(node.textContent.length, 24) * CHARACTER_WIDTH) / 2;
      const free = left >= 0 && left <= width && top >= 0 && top <= height && taken.every(
        ([other, level, size]) => Math.abs(top - level) > LABEL_HEIGHT || Math.abs(left - other) > half + size,
      );
      node.hidden = !free;
      if (!free) continue;
      taken.push([left, top, half]);
      node.style.transform = `translate(${left}px, ${top}px) translate(-50%, -50%)`;
    }
  }

  return { layer, find, place };
}
