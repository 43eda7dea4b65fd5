// Which points are drawn: all of them at rest if the budget allows, fewer while the map moves.
import { element } from "../../frontend/elements.js";
import { pointsToDraw } from "../../frontend/geometry.js";

/** @typedef {{rest: number, moving: number}} Budget  points drawn at rest, and while the map moves */

// A software renderer takes half a second for 70,000 points; a graphics card draws millions.
const BUDGETS = {
  software: { rest: 100_000, moving: 6_000 },
  hardware: { rest: 2_000_000, moving: 400_000 },
  canvas: { rest: 100_000, moving: 12_000 },
};
const MAX_RINGS = 4_000; // if only some points are drawn; more rings would cover each other
const SETTLE_MS = 200; // all points are drawn again this long after the last movement
export const LIVE_SETTLE_MS = 1200; // longer than the time between two frames of a running projection

/**
 * @param {keyof typeof BUDGETS} renderer
 * @param {number} wanted  points at rest; 0 for the renderer's default
 * @returns {Budget}
 */
export function budgetOf(renderer, wanted) {
  const rest = wanted || BUDGETS[renderer].rest;
  // At most a third, so that the rest of the budget is left for the points in the viewport.
  return { rest, moving: Math.min(BUDGETS[renderer].moving, Math.ceil(rest / 3)) };
}

export class Drawing {
  #map;
  #note;
  /** @type {Uint32Array | null} */
  #part = null; // the points drawn at rest; null for all
  #ringed = new Uint32Array(0); // points of #part that have a ring
  #timer = 0;

  /** @param {import("./view.js").MapView} map */
  constructor(map) {
    this.#map = map;
    this.#note = map.root.appendChild(element("div", "tw-shown"));
    this.#note.hidden = true;
  }

  /** The points drawn at rest; null for all. */
  get part() {
    return this.#part;
  }

  /** Show the opacity of every point. */
  showOpacity(isAtOnce = false) {
    const { plot, points } = this.#map;
    if (!plot || !points.isPlaced) return; // the places of the new rows have not arrived
    plot.setOpacity(points.opacity, points.ringOpacity);
    this.rest(isAtOnce);
  }

  /** Draw the points in the viewport, as many as the budget allows. */
  rest(isAtOnce = false) {
    const { plot, points, model, host } = this.#map;
    if (!plot || !points.isPlaced) return;
    const unknown = model.get("unknown");
    if (points.opacity.length <= host.budget.rest && !unknown) {
      plot.loadAll(this.#part !== null);
      this.#part = null;
      this.#ringed = points.wrong;
      this.#showNote(0, 0);
    } else {
      this.#loadPart(plot, unknown);
    }
    this.#draw((this.#part ?? points.opacity).length, isAtOnce);
  }

  /** Draw few points, so that the map follows the pointer smoothly. */
  move(delay = SETTLE_MS) {
    this.#draw(Math.min(this.#map.host.budget.moving, this.#map.points.opacity.length));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.rest(), delay);
  }

  release() {
    clearTimeout(this.#timer);
  }

  #loadPart(/** @type {import("./plot.js").Plot} */ plot, /** @type {number} */ unknown) {
    const { points, host: { budget } } = this.#map;
    const part = pointsToDraw(plot.x, plot.y, points.opacity, points.shadedSelection, plot.viewport, budget.moving, budget.rest);
    const isDrawn = new Uint8Array(points.opacity.length);
    for (const point of part.points) isDrawn[point] = 1;
    const wrong = points.wrong;
    const rings = Uint32Array.from(wrong.keys()).filter((k) => isDrawn[wrong[k]]).subarray(0, MAX_RINGS);
    this.#part = part.points;
    this.#ringed = rings.map((k) => wrong[k]);
    plot.loadPart(part.points, rings);
    this.#showNote(part.shown, part.inSight + unknown);
  }

  #draw(/** @type {number} */ count, isAtOnce = false) {
    const { plot, points } = this.#map;
    if (!plot) return;
    // Both lists are ascending up to this count, so the first points have the first rings.
    const isFewer = count < (this.#part ?? points.opacity).length;
    const rings = isFewer ? this.#ringed.findIndex((point) => point >= count) : -1;
    plot.draw(count, rings < 0 ? this.#ringed.length : rings, isAtOnce);
  }

  #showNote(/** @type {number} */ drawn, /** @type {number} */ inSight) {
    const { lack } = this.#map.host;
    const part = `${drawn.toLocaleString("en")} of ${inSight.toLocaleString("en")} points in view are drawn; a selection includes all`;
    this.#note.textContent = [lack && `drawn without WebGL: ${lack}`, drawn < inSight && part].filter(Boolean).join(" · ");
    this.#note.hidden = !this.#note.textContent;
  }
}
