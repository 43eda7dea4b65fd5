// Which points are drawn: all of them at rest if the budget allows, fewer while the map moves.
import { element } from "../../frontend/elements.js";
import { pointsToDraw } from "../../frontend/geometry.js";

/** @typedef {{rest: number, moving: number}} Budget  points drawn at rest, and while the map moves */

// In software a frame of 70,000 points takes half a second; a graphics card draws millions.
const BUDGETS = {
  software: { rest: 100_000, moving: 6_000 },
  hardware: { rest: 2_000_000, moving: 400_000 },
  canvas: { rest: 100_000, moving: 12_000 },
};
const MAX_RINGS = 4_000; // in a part of the points: more of them cover each other
const SETTLE_MS = 200; // after the last movement all points are drawn again
export const LIVE_SETTLE_MS = 1200; // longer than between two frames of a running projection

/**
 * @param {keyof typeof BUDGETS} renderer
 * @param {number} wanted  points at rest; 0 for the renderer's own
 * @returns {Budget}
 */
export function budgetOf(renderer, wanted) {
  const rest = wanted || BUDGETS[renderer].rest;
  // A third at most, so that at rest there is room for the points in sight.
  return { rest, moving: Math.min(BUDGETS[renderer].moving, Math.ceil(rest / 3)) };
}

export class Drawing {
  #map;
  #note;
  /** @type {Uint32Array | null} */
  #part = null; // the points drawn at rest; null for all
  #ringed = new Uint32Array(0); // those of them that have a ring
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
    if (!plot || !points.isPlaced) return; // the places of other rows are on their way
    plot.setOpacity(points.opacity, points.ringOpacity);
    this.rest(isAtOnce);
  }

  /** Draw all points in sight, as far as the budget allows. */
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

  /** Draw few points for now, so that the map follows the pointer. */
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
    // Both are ascending as far as fewer than all are drawn, so the first points have the first rings.
    const isFewer = count < (this.#part ?? points.opacity).length;
    const rings = isFewer ? this.#ringed.findIndex((point) => point >= count) : -1;
    plot.draw(count, rings < 0 ? this.#ringed.length : rings, isAtOnce);
  }

  #showNote(/** @type {number} */ drawn, /** @type {number} */ inSight) {
    const { lack } = this.#map.host;
    const part = `showing ${drawn.toLocaleString("en")} of ${inSight.toLocaleString("en")} points in sight; a selection takes all`;
    this.#note.textContent = [lack && `drawn without WebGL: ${lack}`, drawn < inSight && part].filter(Boolean).join(" · ");
    this.#note.hidden = !this.#note.textContent;
  }
}
