// The map: a figure of points under a layer for gestures, labels and lines.
import { element } from "../../frontend/elements.js";
import { follow } from "../../frontend/follow.js";
import { Drawing, LIVE_SETTLE_MS } from "./drawing.js";
import { Gestures } from "./gestures.js";
import { FigureHost } from "./host.js";
import { Hover } from "./hover.js";
import { makeLabels } from "./labels.js";
import { Lines } from "./lines.js";
import { makeTools } from "./maptools.js";
import { Points } from "./points.js";
import { makeSketch } from "./sketch.js";
import { ViewportControl } from "./viewport.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

const OVERLAY_LABEL = "Map of the samples. Drag to select; L lasso, R rectangle, P pan, Z zoom to selection, 0 whole map, Ctrl+Z undoes, Escape clears";
const NO_KERNEL = 'Waiting for the kernel to send the points. Without a kernel, explorer.save_html("map.html") writes a page with the map.';
const RESIZE_DELAY_MS = 250; // bqplot delays its layout too

/** @type {(context: {model: ViewModel, el: HTMLElement, commands: import("../../frontend/commands.js").Commands}) => () => void} */
function render({ model, el, commands }) {
  const map = new MapView(model, el);
  const release = commands.add("highlight", (code) => map.highlight(code));
  return () => {
    release();
    map.release();
  };
}

/** One map on the page. Its parts access each other through this object. */
export class MapView {
  #stop = new AbortController();
  #size = "";

  /** @param {ViewModel} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.signal = this.#stop.signal;
    /** @type {import("./plot.js").Plot | null} */
    this.plot = null; // null until the figure is drawn
    this.points = new Points(model);
    this.root = element("div", "tw-scatter");
    const figure = this.root.appendChild(element("div", "tw-figure"));
    this.overlay = this.root.appendChild(makeOverlay());
    this.gestures = new Gestures(this, this.overlay);
    this.sketch = makeSketch(this.root);
    this.labels = makeLabels(this.root);
    this.tools = makeTools(this.root, { use: (tool) => this.gestures.use(tool), act: (action) => this.#act(action) });
    this.hover = new Hover(this);
    this.drawing = new Drawing(this);
    this.waiting = this.root.appendChild(element("div", "tw-waiting"));
    this.viewport = new ViewportControl(this);
    this.lines = new Lines(this);
    this.host = new FigureHost(this, figure);
    el.appendChild(this.root);
    this.unfollow = this.#follow();
    this.resized = new ResizeObserver(() => this.#resize());
    this.resized.observe(figure);
    this.hover.leave();
    this.showWaiting();
    this.#showSelected();
    this.host.mountSoon();
  }

  /** Called when the figure is drawn. @param {import("./plot.js").Plot} plot */
  showPlot(plot) {
    this.plot = plot;
    plot.onChange((hasChanged) => this.#reload(hasChanged));
    this.points.placed = this.model.get("epoch");
    this.viewport.restore();
    this.drawing.showOpacity();
    this.findLabels();
    this.lines.showTrails();
    this.showWaiting();
  }

  /** Show the opacity for a selection. */
  shade(selected = this.points.selected, isAtOnce = false) {
    if (this.points.shade(selected)) this.drawing.showOpacity(isAtOnce);
  }

  /** Light up the points of a class, as if they were selected; -1 for none. */
  highlight(/** @type {number} */ code) {
    if (code < 0) return this.shade();
    const { codes } = this.points;
    this.shade(Uint32Array.from(codes.keys()).filter((point) => codes[point] === code));
  }

  /** Show the reason why there is no map yet. */
  showWaiting() {
    const text = this.plot ? "" : this.model.get("waiting") || (this.host.isAsked ? NO_KERNEL : "Drawing the map …");
    this.waiting.hidden = !text;
    this.waiting.textContent = text;
    this.tools.root.hidden = this.overlay.hidden = Boolean(text);
  }

  /** Write the name of each class at its densest place. */
  findLabels() {
    const isShown = this.model.get("show_labels");
    this.labels.layer.hidden = !isShown;
    this.tools.press("labels", isShown);
    if (!this.plot || !isShown) return;
    this.labels.find(this.plot, this.points);
    this.placeLabels();
  }

  placeLabels() {
    if (this.plot && this.model.get("show_labels")) this.labels.place(this.plot, this.overlay.clientWidth, this.overlay.clientHeight);
  }

  release() {
    this.host.close();
    this.#stop.abort();
    this.resized.disconnect();
    this.unfollow();
    for (const part of [this.viewport, this.drawing, this.hover]) part.release();
    this.plot?.remove(this.model.widget_manager);
    this.plot = null;
  }

  #follow() {
    return follow(this.model, [
      ["change:figure", () => this.host.mount()],
      ["change:places", () => (this.host.hasCanvas ? this.host.moveCanvas() : this.host.mount())],
      ["change:texels change:texture", () => this.host.paintCanvas()],
      ["change:waiting", () => this.showWaiting()],
      ["change:epoch", () => this.hover.forget()],
      ["change:unknown", () => this.drawing.rest()],
      ["change:visible", () => { this.shade(); this.findLabels(); }],
      ["change:hovered", () => this.hover.showOther()],
      ["change:links", () => this.lines.showLinks()],
      ["change:trails", () => this.lines.showTrails()],
      ["change:show_labels", () => this.findLabels()],
      ["change:selected", () => this.#showSelected()],
      ["msg:custom", (message, buffers) => this.#receive(message, buffers)],
    ]);
  }

  /** Called when bqplot has loaded new places or colours for all points. */
  #reload(/** @type {(name: string) => boolean} */ hasChanged) {
    if (hasChanged("x") && !this.points.isPlaced) return this.#showOthers();
    if (hasChanged("x")) {
      // Keep a running map in view, unless the user has zoomed.
      if (!this.model.get("viewport").length && !this.gestures.isDragging) this.viewport.fitAll();
      this.findLabels();
      this.drawing.move(LIVE_SETTLE_MS);
    } else if (hasChanged("color")) this.drawing.rest();
  }

  /** Called when the points are other rows and all their data has arrived. */
  #showOthers() {
    this.points.replace();
    this.shade();
    this.findLabels();
    this.lines.showLinks();
  }

  #showSelected() {
    this.shade();
    this.gestures.followSelection();
    this.tools.enable("zoom-selection", this.points.selected.length > 0);
  }

  #receive(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
    if (message.kind === "hover" && this.plot) this.hover.receive(message, buffers[0]);
    if (message.kind === "selected") {
      this.gestures.answered();
      this.shade(); // the answer may differ from the preview
    }
  }

  #act(/** @type {string} */ action) {
    if (action === "reset") this.viewport.reset();
    else if (action === "labels") {
      this.model.set("show_labels", !this.model.get("show_labels"));
      this.model.save_changes();
    } else this.viewport.fitSelection();
  }

  #resize() {
    const { clientWidth, clientHeight } = this.host.el;
    const size = `${clientWidth}x${clientHeight}`;
    if (this.plot && clientWidth && this.#size && size !== this.#size) {
      setTimeout(() => { if (this.plot) this.viewport.restore(); }, RESIZE_DELAY_MS);
    }
    this.#size = size;
    this.host.mount();
  }
}

function makeOverlay() {
  const overlay = element("div", "tw-overlay");
  overlay.tabIndex = 0;
  overlay.setAttribute("role", "application");
  overlay.setAttribute("aria-label", OVERLAY_LABEL);
  return overlay;
}

export default render;
