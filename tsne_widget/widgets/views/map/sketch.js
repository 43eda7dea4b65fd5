// Lines over the map, in pixels: the lasso, a ring, and lines between samples.
import { svgElement } from "../../frontend/elements.js";

/** @typedef {number[]} Pixel  x and y */

/** @param {HTMLElement} parent */
export function makeSketch(parent) {
  const root = parent.appendChild(svgElement("svg", "tw-lasso"));
  const outline = root.appendChild(svgElement("path"));
  const links = root.appendChild(svgElement("g", "tw-links"));
  const trails = root.appendChild(svgElement("g", "tw-trails"));
  const circle = root.appendChild(svgElement("circle"));

  /** @param {Pixel[]} points  empty for no outline @param {"drawing" | "pending" | "done"} state  pending: the kernel has not answered */
  function drawOutline(points, state) {
    if (points.length) outline.setAttribute("d", points.map(([x, y], i) => `${i ? "L" : "M"}${x} ${y}`).join("") + "Z");
    else outline.removeAttribute("d");
    root.dataset.outline = state;
  }

  /** @param {Pixel | null} pixel */
  function drawRing(pixel) {
    const [cx, cy] = pixel ?? [0, 0];
    for (const [name, value] of Object.entries({ cx, cy, r: pixel ? 7 : 0 })) circle.setAttribute(name, String(value));
  }

  /** Draw lines from one sample to others. @param {Pixel | null} from @param {{to: Pixel, differs: boolean}[]} ends */
  function drawLinks(from, ends) {
    links.replaceChildren();
    if (!from) return;
    for (const { to, differs } of ends) links.appendChild(line(from, to)).toggleAttribute("data-other", differs);
    links.appendChild(svgElement("circle", "", { cx: from[0], cy: from[1], r: 6 }));
  }

  /** @param {[Pixel, Pixel][]} pairs */
  function drawTrails(pairs) {
    trails.replaceChildren(...pairs.map(([from, to]) => line(from, to)));
  }

  drawRing(null);
  return { drawOutline, drawRing, drawLinks, drawTrails };
}

/** @param {Pixel} from @param {Pixel} to */
function line([x1, y1], [x2, y2]) {
  return svgElement("line", "", { x1, y1, x2, y2 });
}
