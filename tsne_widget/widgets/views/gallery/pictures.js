// The gallery as pictures: tiles that fill the width, under headings.
import { button, twoToneMark } from "../../frontend/controls.js";
import { fullCount } from "../../frontend/classes.js";
import { element } from "../../frontend/elements.js";
import { paint } from "../../frontend/palette.js";
import { makeGrid } from "./grid.js";
import { captionHeight, emptyTile, fillTile } from "./tile.js";

const GAP = 8;
const HEADING = 30;
const MARGIN = 12;
/** Smallest width of a picture by the width of the application, pixels. Names of about ten letters fit below it. */
const LEAST = { plain: 76, wide: 84 };
const WIDE = 1500;
// Sorts whose values are not on the tiles: a name, or what the tile says anyway.
const UNSAID = ["dataset", "class", "prediction", "loss"];

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

/** @param {ViewModel} model @param {() => number} size  chosen width of a picture; 0 for the usual one @returns {import("./sheet.js").Face} */
export function makePictures(model, size) {
  function least(/** @type {HTMLElement} */ root) {
    const width = root.closest(".tsne-widget")?.clientWidth ?? 0;
    return size() || (width >= WIDE ? LEAST.wide : LEAST.plain);
  }

  function groups() {
    const groups = model.get("groups");
    return groups.length ? groups : [["", model.get("count"), "", ""]];
  }

  /** @returns {import("./tile.js").CaptionStyle} */
  function styleOf(/** @type {number} */ group) {
    const [, , label, prediction] = groups()[group];
    const isMistake = model.get("group_by") === "confusion" && Boolean(label && prediction);
    return { names: !isMistake, value: valueName(model, isMistake) };
  }

  return {
    className: "tw-pictures",
    margin: MARGIN,
    grid(width, root) {
      const sized = groups().map((/** @type {any} */ [, count], /** @type {number} */ group) => ({ size: count, caption: captionHeight(styleOf(group)) }));
      return makeGrid(sized, { width, least: least(root), gap: GAP, heading: model.get("groups").length ? HEADING : 0 });
    },
    pixels: (grid) => grid.side,
    make: emptyTile,
    fill: (node, tile, group) => fillTile(node, tile, styleOf(group)),
    heading: (group) => makeHeading(model, group),
  };
}

/** Name of the value on the tiles; "" for none. @param {ViewModel} model @param {boolean} isMistake  the tile says only how sure the model is */
function valueName(model, isMistake) {
  const key = model.get("sorted_by");
  if (model.get("sort_note") || UNSAID.includes(key) || (isMistake && key === "confidence")) return "";
  return model.get("sorts").find((/** @type {{key: string}} */ sort) => sort.key === key)?.name ?? "";
}

function makeHeading(/** @type {ViewModel} */ model, /** @type {number} */ group) {
  const [name, count, label, prediction] = model.get("groups")[group];
  const node = element("div", "tw-heading");
  node.title = name;
  node.setAttribute("aria-hidden", "true"); // each tile names its label and prediction
  if (label || prediction) node.append(twoToneMark(paint(label || prediction), label && paint(prediction)));
  node.append(element("b", "", name), element("span", "tw-muted", fullCount(count)));
  const only = node.appendChild(button("Select only these", () => model.send({ kind: "group", epoch: model.get("epoch"), index: group, mode: "replace" }), "link"));
  only.tabIndex = -1; // by keys: pick a range, then keep it
  return node;
}
