// Hosts the figure: bqplot's if it can be loaded, otherwise a canvas of our own.
import { typed } from "../../frontend/bytes.js";
import { noteListeners } from "../../frontend/forget.js";
import { CanvasView } from "./canvas.js";
import { budgetOf } from "./drawing.js";
import { drawAsPoints } from "./markers.js";
import { discard, drawnMarks, Plot } from "./plot.js";
import { beforeFirstFrame, giveRings, isSoftware, keepCanvas, recolor, usePlainContext, webglRenderer } from "./webgl.js";

const ATTACH_POLLS = 50; // waits until the output of a new cell is in the page

export class FigureHost {
  #map;
  #renderer;
  /** @type {CanvasView | null} */
  #canvas = null;
  #hasBqplot;
  #isMounting = false;
  #isClosed = false;

  /** @param {import("./view.js").MapView} map @param {HTMLElement} el  element for the figure */
  constructor(map, el) {
    this.#map = map;
    this.el = el;
    const { widget_manager: manager } = map.model; // none on an exported page
    this.#renderer = manager ? webglRenderer() : null;
    this.#hasBqplot = this.#renderer !== null; // false once its classes cannot be loaded, as in Colab
    this.isAsked = false; // whether the kernel was asked for the points
  }

  get budget() {
    return budgetOf(this.#program, this.#map.model.get("budget"));
  }

  /** What draws the points. */
  get #program() {
    const renderer = this.#canvas ? this.#canvas.renderer : this.#renderer;
    if (renderer === null) return "sprites";
    return isSoftware(renderer) ? "software" : "hardware";
  }

  /** Whether the canvas has to do without WebGL. */
  get isPlain() {
    return this.#canvas?.renderer === null;
  }

  get hasCanvas() {
    return this.#canvas !== null;
  }

  /** Mount the figure if it has a size: bqplot cannot lay out a figure in a hidden tab. */
  async mount() {
    const { model } = this.#map;
    const hasPlaces = () => Boolean(model.get("places")?.byteLength);
    if (this.#hasBqplot && !this.#canvas && this.#map.plot && !model.get("figure")) {
      this.#map.removePlot(); // for another page, which cannot load bqplot
      this.#isMounting = this.#hasBqplot = false;
    }
    if (this.#isMounting || this.#isClosed || !this.el.clientWidth || !this.el.clientHeight) return;
    if (!model.get("figure") && !hasPlaces()) return;
    if (this.#hasBqplot && model.get("figure")) {
      this.#isMounting = true;
      const view = await this.#makeFigure().catch((error) => {
        console.warn("tsne_widget draws the map without bqplot:", error);
        return null;
      });
      if (view) return this.#show(view);
      this.#isMounting = false;
      this.#hasBqplot = false;
    }
    this.#isMounting = hasPlaces();
    if (this.#isMounting) return this.#show(this.#makeCanvas());
    if (!this.isAsked) model.send({ kind: "no_figure" });
    this.isAsked = true;
    this.#map.showWaiting();
  }

  /** Mount as soon as the figure has a size. A ResizeObserver waits for a frame, which a software renderer draws slowly. */
  async mountSoon() {
    for (let i = 0; i < ATTACH_POLLS && !this.#isClosed && !this.#isMounting; i++) {
      this.mount();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  moveCanvas() {
    const places = typed(this.#map.model.get("places"), Float32Array);
    const half = places.length / 2;
    this.#canvas?.move(places.subarray(0, half), places.subarray(half));
  }

  paintCanvas() {
    const texture = this.#map.model.get("texture");
    this.#canvas?.paint(typed(this.#map.model.get("texels"), texture.length <= 256 ? Uint8Array : Uint16Array));
  }

  close() {
    this.#isClosed = true;
  }

  async #makeFigure() {
    const { model: { widget_manager: manager, get }, points } = this.#map;
    const figure = await manager.get_model(get("figure").slice("IPY_MODEL_".length));
    const marks = figure.get("marks");
    // If a class cannot be loaded, ipywidgets makes a model that reports the error.
    if (!ArrayBuffer.isView(marks[0].get("x"))) throw new Error("bqplot-gl is not loaded");
    points.shade();
    // Set before the marks are drawn, so that they have one opacity per point from the start.
    marks[0].set("opacity", points.opacity);
    const scales = marks.flatMap((/** @type {any} */ mark) => Object.values(mark.get("scales")));
    noteListeners([figure, figure.get("scale_x"), figure.get("scale_y"), ...marks, ...scales]);
    const view = await manager.create_view(figure, {});
    usePlainContext(view);
    // The first frames draw few points, because a software renderer takes long for many.
    beforeFirstFrame(view, (mark) => {
      const shape = mark.instanced_geometry;
      const isAbove = mark.model === marks[1];
      if (isAbove) giveRings(mark);
      drawAsPoints(mark);
      shape.maxInstancedCount = isAbove ? 0 : Math.min(shape.maxInstancedCount, this.budget.moving);
      keepCanvas(view.extras.webGLRenderer);
      const { renderGL } = mark;
      mark.renderGL = () => {
        this.#dress(mark);
        renderGL.call(mark);
      };
    });
    return view;
  }

  /** Give a mark its domain and the colours of the theme, before each frame. */
  #dress(/** @type {any} */ mark) {
    const { dress } = this.#map;
    this.#map.beforeFrame();
    recolor(mark, dress.of(mark.scales.color.model.get("colors")).colors);
    if (mark.material.uniforms.tw_ink) mark.material.uniforms.tw_ink.value = dress.ink;
  }

  #makeCanvas() {
    this.#map.points.shade();
    this.#canvas = new CanvasView(() => {
      this.#map.beforeFrame();
      return this.#map.dress.of(this.#map.model.get("texture"));
    });
    this.paintCanvas();
    this.moveCanvas();
    return this.#canvas;
  }

  async #show(/** @type {any} */ view) {
    const { widget_manager: manager } = this.#map.model;
    if (this.#isClosed) return discard(view, manager);
    this.el.replaceChildren(view.el);
    view.trigger("displayed");
    const marks = await drawnMarks(view, () => this.#isClosed);
    if (this.#isClosed || !marks.length) return discard(view, manager);
    /** @type {any} */ (this.#map.root).bqplotFigure = view; // for tests and for inspection
    this.#map.showPlot(new Plot(view, marks));
  }
}
