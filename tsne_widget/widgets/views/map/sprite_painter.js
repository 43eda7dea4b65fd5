// Paints the points of the canvas without WebGL: it copies a sprite for each.
import { Sprites } from "./sprites.js";

/** @typedef {import("./mark.js").CanvasMark} CanvasMark */
/** @typedef {import("./canvas.js").Sheet} Sheet */
/** @typedef {import("./dress.js").Dressed} Dressed */

const SLACK = 0.02; // share of the viewport; markers at the edge are clipped, not omitted

export class SpritePainter {
  renderer = null; // no WebGL
  #context;
  #sprites = new Sprites();

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  }

  /** @param {CanvasMark[]} marks  the last one on top @param {Sheet} sheet @param {Dressed} dressed */
  paint(marks, { width, height, ratio }, { colors, rings }) {
    this.#context.clearRect(0, 0, width, height);
    this.#sprites.use(colors, rings);
    for (const mark of marks) this.#paintMark(mark, ratio);
    this.#context.globalAlpha = 1;
  }

  release() {}

  /** @param {CanvasMark} mark @param {number} ratio  pixels of the canvas per CSS pixel */
  #paintMark(mark, ratio) {
    const context = this.#context;
    const [xs, ys, colors, opacity] = [mark.x.array, mark.y.array, mark.color.array, mark.opacity.array];
    const [sizes, rings] = [mark.size.array, mark.selected.array];
    const [toX, toY] = [mark.scales.x.scale, mark.scales.y.scale];
    const [[x0, x1], [y0, y1]] = [toX, toY].map((scale) => withSlack(scale.domain()));
    const count = Math.min(xs.length, mark.instanced_geometry.maxInstancedCount);
    /** @type {HTMLCanvasElement[]} */
    let sprites = [];
    let [alpha, size, ring] = [-1, -1, -1];
    for (let i = 0; i < count; i++) {
      const strength = opacity[i];
      if (!strength || xs[i] < x0 || xs[i] > x1 || ys[i] < y0 || ys[i] > y1) continue;
      if (strength !== alpha) context.globalAlpha = alpha = strength;
      const [area, width] = [sizes[sizes.length > 1 ? i : 0], rings[i] ?? 0];
      if (area !== size || width !== ring) {
        [size, ring] = [area, width];
        sprites = this.#sprites.of(Math.sqrt(area / Math.PI) * ratio, width * ratio);
      }
      const sprite = sprites[colors[i]];
      context.drawImage(sprite, Math.round(toX(xs[i]) * ratio - sprite.width / 2), Math.round(toY(ys[i]) * ratio - sprite.height / 2));
    }
  }
}

/** @param {number[]} domain */
function withSlack([min, max]) {
  const slack = SLACK * (max - min);
  return [min - slack, max + slack];
}
