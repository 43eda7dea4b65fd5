// Pictures in place of the points, when few are in sight.
import { element } from "../../frontend/elements.js";
import { pictureUrl } from "../../frontend/tiles.js";
import { onGround } from "../../frontend/palette.js";

const MAX_IN_SIGHT = 200;
const KEEP = 600; // pictures
const SIZES = [20, 56]; // pixels, least and largest
const SHARE = 0.85; // of the distance between neighbours

export class Thumbnails {
  #map;
  #layer;
  /** @type {Map<number, any>} */
  #tiles = new Map(); // tile of each point, with the picture's URL; null: asked for

  /** @param {import("./view.js").MapView} map @param {HTMLElement} parent */
  constructor(map, parent) {
    this.#map = map;
    this.#layer = parent.appendChild(element("div", "tw-thumbnails"));
    this.#layer.setAttribute("aria-hidden", "true");
  }

  /** Show the pictures of the points in sight, and ask for those that are missing. */
  show() {
    const { model, plot } = this.#map;
    const points = plot && model.get("pictures") ? this.#inSight() : [];
    const missing = points.filter((point) => !this.#tiles.has(point));
    for (const point of missing) this.#tiles.set(point, null);
    if (missing.length) model.send({ kind: "pictures", points: missing, epoch: this.#map.points.placed });
    this.#layer.replaceChildren(...points.flatMap((point) => (this.#tiles.get(point)?.url ? [this.#imageOf(point)] : [])));
    this.place();
  }

  /** Move the pictures with their points. */
  place() {
    const { plot } = this.#map;
    for (const image of /** @type {HTMLCollectionOf<HTMLElement>} */ (this.#layer.children)) {
      const [x, y] = plot?.pixelsOf(Number(image.dataset.point)) ?? [0, 0];
      image.style.transform = `translate(${x}px, ${y}px) translate(-50%, -50%)`;
    }
  }

  hide() {
    this.#layer.replaceChildren();
  }

  /** @param {{points: number[], tiles: any[]}} message @param {DataView} data  the pictures one after the other */
  receive({ points, tiles }, data) {
    let offset = 0;
    points.forEach((point, k) => {
      const tile = tiles[k];
      if (tile) {
        tile.url = pictureUrl(tile, data, offset);
        offset += tile.bytes;
      }
      if (tile) this.#tiles.set(point, tile);
      else this.#tiles.delete(point); // did not fit into this answer
    });
    for (const oldest of this.#tiles.keys()) {
      if (this.#tiles.size <= KEEP) break;
      this.#tiles.delete(oldest);
    }
    this.show();
  }

  /** Forget all pictures, because the points are other rows now. */
  forget() {
    this.#tiles = new Map();
    this.hide();
  }

  /** @returns {number[]}  empty if there are too many */
  #inSight() {
    const { plot, points } = this.#map;
    if (!plot) return [];
    const { x: [left, right], y: [low, high] } = plot.viewport;
    const found = [];
    for (let i = 0; i < points.opacity.length; i++) {
      if (!points.opacity[i] || plot.x[i] < left || plot.x[i] > right || plot.y[i] < low || plot.y[i] > high) continue;
      if (found.push(i) > MAX_IN_SIGHT) return [];
    }
    return found;
  }

  #imageOf(/** @type {number} */ point) {
    const { plot, viewport, dress, points } = this.#map;
    const tile = this.#tiles.get(point);
    const image = element("img", "tw-thumbnail");
    const size = Math.max(SIZES[0], Math.min(SIZES[1], SHARE * viewport.gap * ((plot?.size[0] ?? 1) / span(plot?.viewport.x ?? [0, 1]))));
    image.src = tile.url;
    image.alt = "";
    image.dataset.point = String(point);
    image.style.width = image.style.height = `${size}px`;
    image.style.outlineColor = onGround(tile.color, dress.isDark);
    image.toggleAttribute("data-wrong", tile.wrong && this.#map.model.get("mistakes") !== "plain");
    image.toggleAttribute("data-dimmed", points.shadedSelection.length > 0 && points.opacity[point] < 1);
    return image;
  }
}

/** @param {number[]} span */
function span([low, high]) {
  return high - low;
}
