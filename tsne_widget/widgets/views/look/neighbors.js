// The nearest neighbours of a sample in feature space, as a grid of pictures.
import { button } from "../../frontend/controls.js";
import { closest, element, textButton } from "../../frontend/elements.js";
import { labelLine, picture, pictureUrl, words } from "../../frontend/tiles.js";

/**
 * @param {import("../../frontend/kernel.js").ViewModel} model
 * @param {{hover: (row: number | null) => void, open: (row: number) => void}} calls
 */
export function makeNeighbors(model, { hover, open }) {
  const root = element("div", "tw-near");
  const head = root.appendChild(element("div", "tw-near-head"));
  const text = element("span", "tw-small tw-muted");
  const select = button("Select them", () => model.send({ kind: "neighbors", row: model.get("focus") }), "link");
  head.append(element("b", "tw-small", "Closest pictures"), text, select);
  const strip = root.appendChild(element("ul"));
  strip.setAttribute("aria-label", "Nearest pictures in feature space, nearest first");
  strip.addEventListener("pointerover", (event) => hover(rowOf(event)));
  strip.addEventListener("pointerleave", () => hover(null));
  strip.addEventListener("focusin", (event) => hover(rowOf(event)));
  strip.addEventListener("focusout", () => hover(null));

  /** Show that the neighbours are being found. */
  function wait() {
    text.textContent = "are being found …";
    select.disabled = true;
    strip.replaceChildren();
  }

  function show(/** @type {any} */ { tiles, distances, differs, summary }, /** @type {DataView} */ data) {
    text.textContent = summary;
    select.disabled = !tiles.length;
    let offset = 0;
    strip.replaceChildren(...tiles.map((/** @type {any} */ tile, /** @type {number} */ k) => {
      tile.url = pictureUrl(tile, data, offset);
      offset += tile.bytes;
      const item = element("li");
      const one = item.appendChild(neighborButton(tile, distances[k], differs[k], open));
      one.tabIndex = k ? -1 : 0; // one tab stop; arrow keys move from there
      return item;
    }));
  }

  /** Move the focus along the pictures. @param {number} by @returns {boolean} whether the focus is on one of them */
  function moveBy(by) {
    const buttons = [...strip.querySelectorAll("button")];
    const at = buttons.findIndex((one) => one === document.activeElement);
    const next = buttons[at + by];
    if (at >= 0 && next) {
      for (const one of buttons) one.tabIndex = one === next ? 0 : -1;
      next.focus();
    }
    return at >= 0;
  }

  return { root, wait, show, moveBy };
}

/** @type {(tile: any, distance: number, differs: boolean, open: (row: number) => void) => HTMLButtonElement} */
function neighborButton(tile, distance, differs, open) {
  const one = textButton("", () => open(tile.row));
  const far = `distance ${Number(distance.toPrecision(3))}`;
  const said = [...words(tile), far, differs ? "different class" : ""].filter(Boolean);
  one.dataset.row = String(tile.row);
  one.toggleAttribute("data-differs", differs);
  one.title = said.join("\n");
  one.setAttribute("aria-label", said.join(", "));
  const shown = picture(tile);
  shown.firstElementChild?.setAttribute("alt", "");
  one.append(shown, labelLine(tile), element("div", "tw-caption-line tw-muted", far));
  return one;
}

/** @param {Event} event */
function rowOf(event) {
  const row = closest(event, "li button")?.dataset.row;
  return row === undefined ? null : Number(row);
}
