// The nearest neighbours of a sample in feature space, as a strip of pictures.
import { closest, element, textButton } from "../../frontend/elements.js";
import { pictureUrl, sampleImage, summary } from "../../frontend/tiles.js";

/**
 * @param {import("../../frontend/kernel.js").ViewModel} model
 * @param {{hover: (row: number | null) => void, open: (row: number) => void}} calls
 */
export function makeNeighbors(model, { hover, open }) {
  const root = element("div", "tw-near");
  const head = root.appendChild(element("div", "tw-near-head"));
  const text = head.appendChild(element("span"));
  const select = head.appendChild(textButton("Select these neighbours", () => model.send({ kind: "neighbors", row: model.get("focus") })));
  const strip = root.appendChild(element("ul"));
  strip.setAttribute("aria-label", "Nearest samples in feature space, nearest first");
  strip.addEventListener("pointerover", (event) => hover(rowOf(event)));
  strip.addEventListener("pointerleave", () => hover(null));
  strip.addEventListener("focusin", (event) => hover(rowOf(event)));
  strip.addEventListener("focusout", () => hover(null));

  /** Show that the neighbours are being found. */
  function wait() {
    text.textContent = "Finding the nearest samples in feature space …";
    select.disabled = true;
    strip.replaceChildren();
  }

  function show(/** @type {any} */ { tiles, distances, differs, summary: words }, /** @type {DataView} */ data) {
    text.textContent = words;
    select.disabled = !tiles.length;
    let offset = 0;
    strip.replaceChildren(...tiles.map((/** @type {any} */ tile, /** @type {number} */ k) => {
      tile.url = pictureUrl(tile, data, offset);
      offset += tile.bytes;
      const item = element("li");
      const button = item.appendChild(neighborButton(tile, distances[k], differs[k], open));
      button.tabIndex = k ? -1 : 0; // one tab stop; arrow keys move from there
      return item;
    }));
  }

  /** Move the focus along the strip. @param {number} by @returns {boolean} whether the focus is in the strip */
  function moveBy(by) {
    const buttons = [...strip.querySelectorAll("button")];
    const at = buttons.findIndex((button) => button === document.activeElement);
    const next = buttons[at + by];
    if (at >= 0 && next) {
      for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
      next.focus();
    }
    return at >= 0;
  }

  return { root, wait, show, moveBy };
}

/** @type {(tile: any, distance: number, differs: boolean, open: (row: number) => void) => HTMLButtonElement} */
function neighborButton(tile, distance, differs, open) {
  const button = textButton("", () => open(tile.row));
  const rounded = String(Number(distance.toPrecision(3)));
  const words = [`#${tile.id} ${summary(tile)}`, `distance ${rounded}`, differs ? "different class" : ""].filter(Boolean);
  button.dataset.row = String(tile.row);
  button.toggleAttribute("data-differs", differs);
  button.title = words.join("\n");
  button.setAttribute("aria-label", words.join(", "));
  const name = tile.label ?? tile.prediction ?? `#${tile.id}`;
  button.append(
    tile.url ? sampleImage(tile) : element("div", "tw-reason", tile.note || "no picture"),
    element("span", "", differs ? `≠ ${name}` : name),
    element("small", "", rounded),
  );
  return button;
}

/** @param {Event} event */
function rowOf(event) {
  const row = closest(event, "li button")?.dataset.row;
  return row === undefined ? null : Number(row);
}
