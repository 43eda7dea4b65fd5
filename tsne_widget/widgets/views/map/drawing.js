// Which points are drawn, and how: all of them at rest if the budget allows, fewer while the map moves.
import { pointsToDraw } from "../../frontend/geometry.js";
import { layersOf, looksOf, onlyThose } from "./looks.js";

/** @typedef {import("./looks.js").Looks} Looks */
/** @typedef {import("./looks.js").Layer} Layer */
/** @template T @typedef {(inputs: unknown[], make: () => T) => T} Memo */

/** @typedef {{rest: number, moving: number}} Budget  points drawn at rest, and while the map moves */

// A graphics card draws millions of points. Without one, WebGL takes a tenth of a second for 70,000, and sprites a
// quarter of a second for 20,000.
const BUDGETS = {
  hardware: { rest: 2_000_000, moving: 400_000 },
  software: { rest: 200_000, moving: 20_000 },
  sprites: { rest: 100_000, moving: 6_000 },
};
const SETTLE_MS = 200; // all points are drawn again this long after the last movement
export const LIVE_SETTLE_MS = 1200; // longer than the time between two frames of a running projection
const NO_WEBGL = "drawn without WebGL, which this browser does not support";
const UNMARKED = ["correct", "change"]; // these colours say themselves what is wrong

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
  /** @type {Uint32Array | null} */
  #part = null; // the points drawn at rest; null for all
  #timer = 0;
  /** @type {Memo<Layer[]>} */
  #layersOf = memo();
  /** @type {Memo<Layer[]>} */
  #firstOf = memo();
  /** @type {Memo<Float32Array>} */
  #alphaOf = memo();

  /** @param {import("./view.js").MapView} map */
  constructor(map) {
    this.#map = map;
  }

  /** The points drawn at rest; null for all. */
  get part() {
    return this.#part;
  }

  /** Show the opacity of every point. */
  showOpacity(isAtOnce = false) {
    const { plot, points } = this.#map;
    if (!plot || !points.isPlaced) return; // the places of the new rows have not arrived
    plot.keepOpacity(points.opacity);
    this.rest(isAtOnce);
  }

  /** Draw the points in the viewport, as many as the budget allows. */
  rest(isAtOnce = false) {
    const { plot, points, model, host } = this.#map;
    if (!plot || !points.isPlaced) return;
    clearTimeout(this.#timer);
    const { looks, layers } = this.#layers();
    const [{ opacity }, weight] = [points, looks.base.alpha];
    const alpha = this.#alphaOf([opacity, layers, weight], () => alphaOf(opacity, layers, weight));
    const unknown = model.get("unknown");
    if (points.opacity.length <= host.budget.rest && !unknown) {
      plot.loadAll(alpha, this.#part !== null);
      this.#part = null;
      this.#showNote(0, 0);
      this.#draw(looks, layers, points.opacity.length, isAtOnce);
    } else {
      const shown = pointsToDraw(plot.x, plot.y, points.opacity, points.shadedSelection, plot.viewport, host.budget.moving, host.budget.rest);
      this.#part = shown.points;
      plot.loadPart(shown.points, alpha);
      this.#showNote(shown.shown, shown.inSight + unknown);
      const isDrawn = new Uint8Array(points.opacity.length);
      for (const point of shown.points) isDrawn[point] = 1;
      this.#draw(looks, filtered(layers, (point) => isDrawn[point] === 1), shown.points.length, isAtOnce);
    }
    this.#map.thumbnails.show();
  }

  /** Draw few points, so that the map follows the pointer smoothly. */
  move(delay = SETTLE_MS) {
    const { points, host, plot } = this.#map;
    if (!plot || !points.isPlaced) return;
    const count = Math.min(host.budget.moving, points.opacity.length);
    const { looks, layers } = this.#layers();
    const isFewer = count < points.opacity.length;
    this.#draw(looks, isFewer ? this.#firstOf([layers, count], () => filtered(layers, (point) => point < count)) : layers, count, false);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.rest(), delay);
  }

  release() {
    clearTimeout(this.#timer);
  }

  /** How the points look now, and which ones are above the others. */
  #layers() {
    const { points, model, plot, viewport, dress } = this.#map;
    const [width, height] = plot?.size ?? [1, 1];
    const { opacity, shadedSelection: selected, wrong } = points;
    const looks = looksOf({
      area: width * height, count: opacity.length + model.get("unknown"), zoom: viewport.zoom,
      wrong: wrong.length / Math.max(1, opacity.length), hasSelection: selected.length > 0, isDark: dress.isDark,
      mistakes: UNMARKED.includes(model.get("color_by")) ? "plain" : model.get("mistakes"), isValue: Boolean(model.get("key").low),
      size: model.get("point_size"), opacity: model.get("opacity"),
    });
    // Another selection makes another opacity; zooming changes only the looks.
    const inputs = [opacity, looks.wrong === null, looks.selectedWrong === null];
    return { looks, layers: this.#layersOf(inputs, () => layersOf(opacity, wrong, selected, looks)) };
  }

  #draw(
    /** @type {Looks} */ looks, /** @type {Layer[]} */ layers, /** @type {number} */ count, /** @type {boolean} */ isAtOnce,
  ) {
    const above = layers.reduce((sum, { points }) => sum + points.length, 0);
    this.#map.plot?.loadAbove(layers.map(({ points, kind }) => ({ points, look: looks[kind] ?? looks.selected })));
    this.#map.plot?.draw(looks.base, count, above, isAtOnce);
  }

  #showNote(/** @type {number} */ drawn, /** @type {number} */ inSight) {
    const part = `${drawn.toLocaleString("en")} of ${inSight.toLocaleString("en")} points in view are drawn; a selection includes all`;
    this.#map.tools.showNote([this.#map.host.isPlain && NO_WEBGL, drawn < inSight && part].filter(Boolean).join(" · "));
  }
}

/** Opacity of each point below the others: nothing where a point is drawn above. */
function alphaOf(/** @type {Float32Array} */ opacity, /** @type {Layer[]} */ layers, /** @type {number} */ weight) {
  const alpha = new Float32Array(opacity.length);
  for (let i = 0; i < alpha.length; i++) if (opacity[i]) alpha[i] = weight;
  for (const { points } of layers) for (let k = 0; k < points.length; k++) alpha[points[k]] = 0;
  return alpha;
}

function filtered(/** @type {Layer[]} */ layers, /** @type {(point: number) => boolean} */ isKept) {
  return layers.map(({ points, kind }) => ({ points: onlyThose(points, isKept), kind }));
}

/**
 * A function that keeps its last value until one of the inputs is another.
 * @template T
 * @returns {Memo<T>}
 */
function memo() {
  /** @type {{inputs: unknown[], value: T} | null} */
  let kept = null;
  return (inputs, make) => {
    if (!kept || inputs.some((input, k) => input !== kept?.inputs[k])) kept = { inputs, value: make() };
    return kept.value;
  };
}
