// The map: tools, and below them a figure of points under layers for gestures, names, lines and pictures.
import { element } from "../../frontend/elements.js";
import { follow } from "../../frontend/follow.js";
import { Dress } from "./dress.js";
import { Drawing, LIVE_SETTLE_MS } from "./drawing.js";
import { Gestures } from "./gestures.js";
import { FigureHost } from "./host.js";
import { Hover } from "./hover.js";
import { makeLabels } from "./labels.js";
import { Lines } from "./lines.js";
import { makeTools } from "./maptools.js";
import { Points } from "./points.js";
import { addSettings } from "./settings.js";
import { makeSketch } from "./sketch.js";
import { saveMap } from "./snapshot.js";
import { Thumbnails } from "./thumbnails.js";
import { ViewportControl } from "./viewport.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {import("../../frontend/commands.js").Commands} Commands */

const OVERLAY_LABEL = "Map of the pictures. Drag around points to select them. Arrow keys walk from point to point, Enter opens one, Space picks it";
const TURN_MS = 300;
const NO_KERNEL = 'Waiting for the kernel to send the points. Without a kernel, explorer.save_html("map.html") writes a page with the map.';

/** @type {(context: {model: ViewModel, el: HTMLElement, commands: Commands}) => () => void} */
function render({ model, el, commands }) {
  const map = new MapView(model, el, commands);
  return () => map.release();
}

/** One map on the page. Its parts access each other through this object. */
export class MapView {
  #stop = new AbortController();
  #releases;
  #turn = 0; // degrees by which the drawn map is turned

  /** @param {ViewModel} model @param {HTMLElement} el @param {Commands} commands */
  constructor(model, el, commands) {
    this.model = model;
    this.signal = this.#stop.signal;
    /** @type {import("./plot.js").Plot | null} */
    this.plot = null; // null until the figure is drawn
    this.points = new Points(model);
    this.root = element("div", "tw-scatter");
    this.tools = makeTools(this.root, { use: (tool) => this.gestures?.use(tool), act: (action) => this.#act(action) });
    this.area = this.root.appendChild(element("div", "tw-plot"));
    const figure = this.area.appendChild(element("div", "tw-figure"));
    this.thumbnails = new Thumbnails(this, this.area);
    this.overlay = this.area.appendChild(makeOverlay());
    this.gestures = new Gestures(this, this.overlay);
    this.gestures.use("lasso");
    this.sketch = makeSketch(this.area);
    this.labels = makeLabels(this.area);
    this.hover = new Hover(this);
    this.drawing = new Drawing(this);
    this.waiting = this.area.appendChild(element("div", "tw-waiting"));
    this.viewport = new ViewportControl(this);
    this.lines = new Lines(this);
    this.host = new FigureHost(this, figure);
    el.appendChild(this.root);
    this.dress = new Dress(this.root, () => this.drawing.rest());
    this.resized = new ResizeObserver(() => this.#resize());
    this.resized.observe(figure);
    this.#releases = [
      this.#follow(), this.tools.join(commands), () => this.dress.release(),
      commands.add("settings", (menu) => { if (!menu.childElementCount) addSettings(model, menu); }),
      commands.add("highlight", (code) => this.highlight(code)),
      commands.add("save-map", () => { void saveMap(this); }),
    ];
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
    this.#turn = this.model.get("turn");
    this.showWaiting();
    this.viewport.restore();
    this.drawing.showOpacity();
    this.findLabels();
  }

  /** Called before each frame of the figure, whose size may have changed. */
  beforeFrame() {
    if (!this.viewport.sync()) return;
    // Not within the frame: it draws what is loaded now.
    queueMicrotask(() => {
      this.follow();
      this.drawing.move();
    });
  }

  /** Everything over the points follows them: names, lines, the lasso. */
  follow() {
    if (!this.plot) return;
    this.viewport.sync();
    this.gestures.placeOutline();
    this.lines.show();
    this.hover.showOther();
    this.thumbnails.place();
    this.placeLabels();
  }

  /** Colours of the texels, in the light ones. @returns {string[]} */
  textureOf = () => this.plot?.texture ?? this.model.get("texture");

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
    const steps = this.plot ? [] : this.model.get("steps");
    this.waiting.replaceChildren(steps.length ? makeSteps(steps, text) : text);
    this.root.toggleAttribute("data-waiting", Boolean(text));
    this.overlay.hidden = Boolean(text);
  }

  /** Write the name of each class on its points. */
  findLabels() {
    const isShown = this.model.get("show_labels");
    this.labels.layer.hidden = !isShown;
    this.tools.press("labels", isShown);
    if (!this.plot || !isShown) return;
    this.labels.find(this.plot, this.points);
    this.placeLabels();
  }

  placeLabels() {
    if (this.plot && this.model.get("show_labels")) this.labels.place(this.plot);
  }

  release() {
    this.host.close();
    this.#stop.abort();
    this.resized.disconnect();
    for (const release of this.#releases) release();
    for (const part of [this.viewport, this.drawing, this.hover]) part.release();
    this.removePlot();
  }

  /** Called when the figure is closed. */
  removePlot() {
    this.plot?.remove(this.model.widget_manager);
    this.plot = null;
  }

  #follow() {
    return follow(this.model, [
      ["change:figure", () => this.host.mount()],
      ["change:places", () => (this.host.hasCanvas ? this.host.moveCanvas() : this.host.mount())],
      ["change:texels change:texture", () => this.host.paintCanvas()],
      ["change:waiting change:steps", () => this.showWaiting()],
      ["change:epoch", () => { this.hover.forget(); this.thumbnails.forget(); }],
      ["change:unknown change:color_by change:key change:point_size change:opacity change:pictures", () => this.drawing.rest()],
      ["change:visible", () => { this.shade(undefined, true); this.findLabels(); }],
      ["change:mistakes", () => { this.shade(); this.drawing.rest(); }],
      ["change:hovered", () => this.hover.showOther()],
      ["change:lit", () => this.#showLit()],
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
      this.gestures.clearOutline(); // its points are elsewhere now
      this.viewport.followPlaces();
      this.findLabels();
      this.#showTurn();
      this.drawing.move(LIVE_SETTLE_MS);
    } else if (hasChanged("color")) this.drawing.rest();
  }

  /** Show that a finished map was turned: it comes from where it was. */
  #showTurn() {
    const degrees = this.model.get("turn") - this.#turn;
    this.#turn += degrees;
    if (!degrees || window.matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const frames = [{ transform: `rotate(${degrees}deg)` }, { transform: "none" }];
    // Only the canvas turns: bqplot takes the box around its element, which is larger if that is turned.
    for (const canvas of this.host.el.querySelectorAll("canvas")) canvas.animate(frames, { duration: TURN_MS, easing: "ease-out" });
  }

  /** Called when the points are other rows and all their data has arrived. */
  #showOthers() {
    this.points.replace();
    this.viewport.forgetExtent();
    this.shade();
    this.findLabels();
    this.lines.showLinks();
  }

  #showSelected() {
    this.shade();
    this.gestures.followSelection();
    this.tools.enable("zoom-selection", this.points.selected.length > 0);
  }

  /** Light up the points of a group for the moment. */
  #showLit() {
    const { lit } = this.points;
    this.shade(lit.length ? lit : undefined);
  }

  #receive(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
    if (message.kind === "hover" && this.plot) this.hover.receive(message, buffers[0]);
    if (message.kind === "pictures" && this.plot && message.epoch === this.points.placed) this.thumbnails.receive(message, buffers[0]);
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
    } else this.viewport.fit(this.points.selected);
  }

  #resize() {
    this.plot?.view.relayout?.(); // bqplot would wait for a third of a second
    this.host.mount();
  }
}

/** The steps of a computation. The second is running. @param {string[]} steps @param {string} doing */
function makeSteps(steps, doing) {
  const list = element("ol", "tw-steps");
  for (const [index, step] of steps.entries()) {
    const item = list.appendChild(element("li", "", step));
    if (index === 0) item.dataset.done = "";
    if (index !== 1) continue;
    item.setAttribute("aria-current", "step");
    item.append(element("span", "tw-small", doing));
  }
  return list;
}

function makeOverlay() {
  const overlay = element("div", "tw-overlay");
  overlay.tabIndex = 0;
  overlay.setAttribute("role", "application");
  overlay.setAttribute("aria-label", OVERLAY_LABEL);
  return overlay;
}

export default render;
