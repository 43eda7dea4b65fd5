// The map's figure without bqplot: points on a canvas of its own, painted with WebGL if the browser has it.
// It implements the part of the bqplot view's interface that plot.js and host.js use, so gestures, hover,
// keys and zoom work the same.
import { element } from "../../frontend/elements.js";
import { GlPainter } from "./gl_painter.js";
import { CanvasMark } from "./mark.js";
import { CanvasScale } from "./scale.js";
import { SpritePainter } from "./sprite_painter.js";

/** @typedef {{width: number, height: number, ratio: number}} Sheet  pixels of the canvas; pixels per CSS pixel */

/** A view without points; `move` and `paint` set them. */
export class CanvasView {
  el = element("div", "tw-canvas");
  rendered = true;
  margin = { left: 0, top: 0 };
  mark_views;
  extras = { webGLRequestRender: () => this.#request(), webGLRender: () => this.#draw() };
  #canvas;
  /** @type {GlPainter | SpritePainter} */
  #painter;
  #scales = { x: new CanvasScale(false), y: new CanvasScale(true) };
  #points = new CanvasMark(this.#scales);
  #above = new CanvasMark(this.#scales);
  #beforeFrame;
  #frame = 0;
  #resizes = new ResizeObserver(() => this.#resize());

  /** @param {() => import("./dress.js").Dressed} beforeFrame  sets the domain and returns the colours */
  constructor(beforeFrame) {
    this.#beforeFrame = beforeFrame;
    this.mark_views = { views: [this.#points, this.#above].map((mark) => Promise.resolve(mark)) };
    [this.#canvas, this.#painter] = this.#prepare(true);
  }

  /** Name of the WebGL renderer; null without WebGL. */
  get renderer() {
    return this.#painter.renderer;
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
    this.#painter.release();
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

  /**
   * Make the canvas. One that loses its WebGL gives way to one without.
   * @param {boolean} isFirst @returns {[HTMLCanvasElement, GlPainter | SpritePainter]}
   */
  #prepare(isFirst) {
    const canvas = element("canvas");
    const painter = isFirst ? GlPainter.on(canvas) : new SpritePainter(canvas);
    if (!painter) return this.#prepare(false);
    this.el.append(canvas);
    canvas.addEventListener("webglcontextlost", () => {
      if (!canvas.isConnected) return;
      canvas.remove();
      [this.#canvas, this.#painter] = this.#prepare(false);
      this.#request();
    });
    return [canvas, painter];
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
    const sheet = this.#fit();
    const dressed = this.#beforeFrame();
    this.#painter.paint([this.#points, this.#above], sheet, dressed);
  }

  /** Fit the canvas to the figure. @returns {Sheet} */
  #fit() {
    const [canvas, ratio] = [this.#canvas, window.devicePixelRatio || 1];
    const [width, height] = [this.el.clientWidth, this.el.clientHeight].map((pixels) => Math.round(pixels * ratio));
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    return { width, height, ratio };
  }
}
