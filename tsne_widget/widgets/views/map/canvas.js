// The map's figure without bqplot: points and rings on a canvas. It implements the part of the bqplot
// view's interface that plot.js and host.js use, so gestures, hover, keys and zoom work the same.
import { WRONG_COLOR } from "../../frontend/constants.js";
import { element } from "../../frontend/elements.js";
import { CanvasMark } from "./mark.js";
import { CanvasScale } from "./scale.js";
import { Sprites } from "./sprites.js";

// Same as in figure.py: total area of all markers in px², bounds of a single area, and the rings.
const MARKERS_AREA = 130_000;
const MARKER_AREAS = [6, 60];
const RING = { palette: [WRONG_COLOR], pixels: 0.9, area: 2.2 };
const SLACK = 0.02; // share of the viewport; markers at the edge are clipped, not omitted

/** A view without points; `move` and `paint` set them. */
export function makeCanvas() {
  return new CanvasView();
}

class CanvasView {
  el = element("div", "tw-canvas");
  rendered = true;
  margin = { left: 0, top: 0 };
  mark_views;
  extras = { webGLRequestRender: () => this.#request(), webGLRender: () => this.#draw() };
  #canvas = this.el.appendChild(element("canvas"));
  #context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d"));
  #scales = { x: new CanvasScale(false, () => this.#request()), y: new CanvasScale(true, () => this.#request()) };
  #points = new CanvasMark(this.#scales);
  #rings = new CanvasMark(this.#scales);
  #sprites = new Sprites();
  /** @type {string[]} */
  #palette = [];
  #frame = 0;
  #resizes = new ResizeObserver(() => this.#resize());

  constructor() {
    this.mark_views = { views: [this.#points, this.#rings].map((mark) => Promise.resolve(mark)) };
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
   * @param {Uint32Array} ringed  points with a ring, ascending
   */
  move(x, y, ringed) {
    const [points, rings] = [this.#points, this.#rings];
    const [ringX, ringY] = [x, y].map((values) => Float32Array.from(ringed, (i) => values[i]));
    rings.put({ x: ringX, y: ringY, opacity: rings.opacityFor(ringed.length) });
    points.put({ x, y, opacity: points.opacityFor(x.length) });
    points.notify("x");
    this.#request();
  }

  /**
   * Set the colours of the points.
   * @param {Uint8Array | Uint16Array} color  index of each point's colour in the palette
   * @param {string[]} palette
   */
  paint(color, palette) {
    this.#palette = palette;
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
    const points = this.#points;
    const area = Math.min(MARKER_AREAS[1], Math.max(MARKER_AREAS[0], MARKERS_AREA / points.model.attributes.x.length));
    const dots = this.#sprites.of(Math.sqrt(area / Math.PI) * ratio, this.#palette);
    const [circle] = this.#sprites.of(Math.sqrt((area * RING.area) / Math.PI) * ratio, RING.palette, RING.pixels * ratio);
    // Faint markers first, so that the selected points and their rings are on top.
    for (const isStrong of [false, true]) {
      this.#drawMark(points, isStrong, ratio, (i) => dots[points.color.array[i]]);
      this.#drawMark(this.#rings, isStrong, ratio, () => circle);
    }
    this.#context.globalAlpha = 1;
  }

  /** Clear the canvas and fit it to the figure. @param {number} ratio  pixels of the canvas per CSS pixel */
  #clear(ratio) {
    const canvas = this.#canvas;
    const [width, height] = [this.el.clientWidth, this.el.clientHeight].map((pixels) => Math.round(pixels * ratio));
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    this.#context.clearRect(0, 0, width, height);
  }

  /**
   * Draw either the opaque or the faint markers.
   * @param {CanvasMark} mark
   * @param {boolean} isStrong  whether to draw the opaque markers
   * @param {number} ratio  pixels of the canvas per CSS pixel
   * @param {(i: number) => HTMLCanvasElement} spriteOf
   */
  #drawMark(mark, isStrong, ratio, spriteOf) {
    const context = this.#context;
    const [xs, ys, opacity] = [mark.x.array, mark.y.array, mark.opacity.array];
    const [toX, toY] = [this.#scales.x.scale, this.#scales.y.scale];
    const [[x0, x1], [y0, y1]] = [toX, toY].map((scale) => withSlack(scale.domain()));
    const count = Math.min(xs.length, mark.instanced_geometry.maxInstancedCount);
    let alpha = -1;
    for (let i = 0; i < count; i++) {
      const strength = opacity[i];
      if (!strength || (strength === 1) !== isStrong) continue;
      if (xs[i] < x0 || xs[i] > x1 || ys[i] < y0 || ys[i] > y1) continue;
      if (strength !== alpha) context.globalAlpha = alpha = strength;
      const sprite = spriteOf(i);
      context.drawImage(sprite, Math.round(toX(xs[i]) * ratio - sprite.width / 2), Math.round(toY(ys[i]) * ratio - sprite.height / 2));
    }
  }
}

/** @param {number[]} domain */
function withSlack([min, max]) {
  const slack = SLACK * (max - min);
  return [min - slack, max + slack];
}
