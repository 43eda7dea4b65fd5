// The map's figure without bqplot: points on a canvas. It implements the part of the bqplot view's
// interface that plot.js and host.js use, so gestures, hover, keys and zoom work the same.
import { element } from "../../frontend/elements.js";
import { CanvasMark } from "./mark.js";
import { CanvasScale } from "./scale.js";
import { Sprites } from "./sprites.js";

const SLACK = 0.02; // share of the viewport; markers at the edge are clipped, not omitted

/** A view without points; `move` and `paint` set them. */
export class CanvasView {
  el = element("div", "tw-canvas");
  rendered = true;
  margin = { left: 0, top: 0 };
  mark_views;
  extras = { webGLRequestRender: () => this.#request(), webGLRender: () => this.#draw() };
  #canvas = this.el.appendChild(element("canvas"));
  #context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d"));
  #scales = { x: new CanvasScale(false), y: new CanvasScale(true) };
  #points = new CanvasMark(this.#scales);
  #above = new CanvasMark(this.#scales);
  #sprites = new Sprites();
  #beforeFrame;
  #frame = 0;
  #resizes = new ResizeObserver(() => this.#resize());

  /** @param {(sprites: Sprites) => void} beforeFrame  sets the domain and the colours */
  constructor(beforeFrame) {
    this.#beforeFrame = beforeFrame;
    this.mark_views = { views: [this.#points, this.#above].map((mark) => Promise.resolve(mark)) };
  }

  /** Start drawing, now that the figure is in the page. */
  trigger() {
    this.#measure();
    this.#resizes.observe(this.el);
    this.#request();
  }

  remove() {
    this.#resizes.disconnect();
    cancelAnimationFrame(this.#frame);
    this.el.remove();
  }

  /**
   * Set the places of the points.
   * @param {Float32Array} x  of each point, in drawing order
   * @param {Float32Array} y
   */
  move(x, y) {
    const points = this.#points;
    points.put({ x, y, opacity: points.opacityFor(x.length) });
    points.notify("x");
    this.#request();
  }

  /** Set the colours of the points. @param {Uint8Array | Uint16Array} color  index of each point's colour in the palette */
  paint(color) {
    this.#points.put({ color });
    this.#points.notify("color");
    this.#request();
  }

  // ---- size ----

  #resize() {
    if (!this.el.clientWidth) return;
    this.#measure();
    this.#request();
  }

  #measure() {
    this.#scales.x.resize(this.el.clientWidth);
    this.#scales.y.resize(this.el.clientHeight);
  }

  // ---- drawing ----

  #request() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const ratio = window.devicePixelRatio || 1;
    this.#clear(ratio);
    this.#beforeFrame(this.#sprites);
    this.#drawMark(this.#points, ratio);
    this.#drawMark(this.#above, ratio);
    this.#context.globalAlpha = 1;
  }

  /** Clear the canvas and fit it to the figure. @param {number} ratio  pixels of the canvas per CSS pixel */
  #clear(ratio) {
    const canvas = this.#canvas;
    const [width, height] = [this.el.clientWidth, this.el.clientHeight].map((pixels) => Math.round(pixels * ratio));
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    this.#context.clearRect(0, 0, width, height);
  }

  /** @param {CanvasMark} mark @param {number} ratio  pixels of the canvas per CSS pixel */
  #drawMark(mark, ratio) {
    const context = this.#context;
    const [xs, ys, colors, opacity] = [mark.x.array, mark.y.array, mark.color.array, mark.opacity.array];
    const [sizes, rings] = [mark.size.array, mark.selected.array];
    const [toX, toY] = [this.#scales.x.scale, this.#scales.y.scale];
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
