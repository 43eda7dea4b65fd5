// The icons: strokes in a box of 16 × 16, in the colour of the text.
import { svgElement } from "./elements.js";

const STROKES = {
  lasso: "M8 3C4.8 3 2.5 4.5 2.5 6.5S4.6 10 7.6 10s5.9-1.3 5.9-3.6S11.2 3 8 3M6 10c-.6 1.6 1 1.9.6 3.5",
  box: "M3 4h10v8H3z",
  move: "M8 2v12M2 8h12M6.5 3.5 8 2l1.5 1.5M6.5 12.5 8 14l1.5-1.5M3.5 6.5 2 8l1.5 1.5M12.5 6.5 14 8l-1.5 1.5",
  zoom: "M7 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8M10 10l3.5 3.5M5.2 7h3.6M7 5.2v3.6",
  names: "M2 12l3-8 3 8M3.2 9.2h3.6M13.5 12V7.2M13.5 9.6a2 2.2 0 1 1-4 0 2 2.2 0 0 1 4 0",
  whole: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  paint: "M8 2.5C10.6 5.5 12 7.6 12 9.3a4 4 0 0 1-8 0C4 7.6 5.4 5.5 8 2.5z",
  find: "M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4M10.2 10.2l3.2 3.2",
  undo: "M6 3 3 6l3 3M3 6h6a3.5 3.5 0 0 1 0 7H6",
  redo: "M10 3l3 3-3 3M13 6H7a3.5 3.5 0 0 0 0 7h3",
  more: "M3.1 8a.4.4 0 1 0 .8 0 .4.4 0 1 0-.8 0M7.6 8a.4.4 0 1 0 .8 0 .4.4 0 1 0-.8 0M12.1 8a.4.4 0 1 0 .8 0 .4.4 0 1 0-.8 0",
  window: "M9.5 2.5h4v4M13 3 9.5 6.5M6.5 13.5h-4v-4M3 13l3.5-3.5",
  close: "M4 4l8 8M12 4l-8 8",
  down: "M4 6l4 4 4-4",
  up: "M4 10l4-4 4 4",
  left: "M10 3.5 5.5 8l4.5 4.5",
  right: "M6 3.5 10.5 8 6 12.5",
  keep: "M4 2.5h8v11L8 10.5l-4 3z",
  check: "M3 8.5 6.2 11.7 13 4.5",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  stop: "M4 4h8v8H4z",
  run: "M5 3.2 12.5 8 5 12.8z",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  edit: "M3 13l.6-3L10.8 2.8l2.4 2.4L6 12.4zM9.2 4.4l2.4 2.4",
  trash: "M3 4.5h10M6.2 4.5V3h3.6v1.5M4.5 4.5l.6 9h5.8l.6-9",
  table: "M2.5 3.5h11v9h-11zM2.5 6.5h11M2.5 9.5h11M6.5 3.5v9",
  tiles: "M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z",
  group: "M2.5 3.5h11M4.5 7h9M4.5 9.5h9M2.5 13h11",
  file: "M4 2.5h5l3 3v8H4zM9 2.5v3h3",
  save: "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.5h10",
  moon: "M13 9.6A5.5 5.5 0 1 1 6.4 3 4.4 4.4 0 0 0 13 9.6z",
  sun: "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M12.6 3.4l-.7.7M4.1 11.9l-.7.7",
  keys: "M2 4.5h12v7.5H2zM4.5 7h.01M7 7h.01M9.5 7h.01M12 7h.01M5 9.7h6",
};

/** @typedef {keyof typeof STROKES} IconName */

/** @param {IconName} name @returns {SVGElement} */
export function icon(name) {
  const svg = svgElement("svg", "tw-icon", { viewBox: "0 0 16 16", "aria-hidden": true });
  svg.appendChild(svgElement("path", "", { d: STROKES[name] }));
  return svg;
}
