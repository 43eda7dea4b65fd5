// The map: hosts a bqplot Figure and lays its own pointer layer over it.
import { element } from "../../frontend/elements.js";
import { forgetViews, noteListeners } from "../../frontend/forget.js";
import { combineRows, extent, fitViewport, nearestPoint, opacities, panViewport, pointsToDraw, rowsInside, unpackBits, zoomViewport } from "../../frontend/geometry.js";
import { makeKey } from "./key.js";
import { makeLabels } from "./labels.js";
import { makeHoverCard } from "./hovercard.js";
import { makeSketch } from "./sketch.js";
import { makeTools } from "./maptools.js";
import { makeCanvas } from "./canvas.js";
import { beforeFirstFrame, gather, isSoftware, keepCanvas, release, upload, webglRenderer } from "./webgl.js";

const WHEEL_STEP = 0.0016; // zoom per wheel pixel: about 1.2 for one notch
const MIN_LASSO_PIXELS = 4; // a shorter drag is a click
const MARK_POLL_MS = 15; // bqplot has no event for "marks are drawn"
const ATTACH_POLLS = 50; // until a new cell's output is part of the page
const SAVE_DELAY_MS = 250; // the viewport is kept for a page reload once a gesture rests

// bqplot-gl is not where Colab and pages of nbconvert load widgets from.
const NOT_LOADED = "bqplot-gl cannot be loaded here";
const NO_WEBGL = "this browser has none";
const ASKING = 'The kernel is asked for the points. Without a kernel there is no map here: explorer.save_html("map.html") writes a page with one.';

const HOVER_PIXELS = 12; // how near the pointer must be to a point
// How many points are drawn at rest, and while the map moves. In software a frame of 70,000 points
// takes half a second; a graphics card draws millions.
const BUDGETS = {
  software: { rest: 100_000, moving: 6_000 },
  hardware: { rest: 2_000_000, moving: 400_000 },
  canvas: { rest: 100_000, moving: 12_000 },
};
const MAX_RINGS = 4_000; // where a part is drawn: more of them are one blot
const SETTLE_MS = 200; // after the last movement all points are drawn again
const LIVE_SETTLE_MS = 1200; // longer than between two frames of a map that is computed

/** @type {(context: {model: any, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const root = element("div", "tw-scatter");
  const host = root.appendChild(element("div", "tw-figure"));
  const overlay = root.appendChild(element("div", "tw-overlay"));
  overlay.tabIndex = 0;
  overlay.setAttribute("role", "application");
  overlay.setAttribute("aria-label", "Map of the samples. Drag to select; L lasso, R rectangle, P pan, Z zoom to selection, 0 whole map, Control Z undoes, Escape clears");
  const sketch = makeSketch(root);
  const labels = makeLabels(root);
  let tool = "";
  const tools = makeTools(root, { use, act });
  const stop = new AbortController();
  const listen = { signal: stop.signal };
  const { menu, key, show: showKey } = makeKey(model, stop.signal);
  root.append(menu, key);
  const card = makeHoverCard(root);
  const shownNote = root.appendChild(element("div", "tw-shown"));
  const waiting = root.appendChild(element("div", "tw-waiting"));
  el.appendChild(root);

  /** @type {{view: any, mark: any, rings: any, x: any, y: any} | null} */
  let plot = null; // the bqplot view, its mark views, and the models of its scales
  /** @type {Float32Array} */
  let opacity = new Float32Array(0);
  /** @type {{rows: Uint32Array, visible: Uint8Array} | null} */
  let shaded = null; // what the opacity says
  const renderer = model.widget_manager ? webglRenderer() : null;
  // Why bqplot does not draw the map here; null: it does. Where it does not, a canvas of ours does,
  // of what the kernel then sends. A shared page has no bqplot, and says nothing of it.
  let lack = model.widget_manager ? (renderer ? null : NO_WEBGL) : "";
  let budget = budgetOf();
  /** @type {ReturnType<typeof makeCanvas> | null} */
  let canvas = null;
  /** @type {Uint32Array | null} */
  let drawn = null; // the points drawn at rest; null: all
  /** @type {Uint32Array} */
  let ringed = new Uint32Array(0); // those of them that have a ring
  let settleTimer = 0;
  let placed = model.get("epoch"); // of which rows the marks show the places
  /** @type {null | {kind: string, mode: string, points: number[][], last: number[], pointer: number}} */
  let drag = null;
  let mounting = false;
  let isAsked = false; // the kernel, for the points
  let unanswered = 0; // lassos that the kernel has not answered
  let closed = false;
  let saveTimer = 0;

  // ---- the figure ----

  async function mount() {
    // bqplot cannot lay out a figure without a size, as in a hidden tab: it is mounted when shown.
    if (mounting || closed || !host.clientWidth || !host.clientHeight) return;
    if (lack === null) {
      if (!model.get("figure")) return;
      mounting = true;
      const view = await bqplotView().catch((error) => {
        console.warn("tsne_widget draws the map without bqplot:", error);
        return null;
      });
      if (view) return show(view);
      mounting = false;
      lack = NOT_LOADED;
    }
    mounting = Boolean(model.get("places")?.byteLength);
    if (mounting) return show(canvasView());
    if (model.get("figure") && !isAsked) model.send({ kind: "no_figure" });
    isAsked = Boolean(model.get("figure"));
    showWaiting();
  }

  async function bqplotView() {
    const figure = await model.widget_manager.get_model(model.get("figure").slice("IPY_MODEL_".length));
    const [points, rings] = figure.get("marks");
    // Of a class that it cannot load, ipywidgets makes a model that only says so.
    if (!ArrayBuffer.isView(points.get("x"))) throw new Error("bqplot-gl is not loaded");
    shadeAll();
    // Before the marks are made: they get one opacity per point from the start.
    points.set("opacity", opacity);
    rings?.set("opacity", ofRings());
    const scales = figure.get("marks").flatMap((/** @type {any} */ mark) => Object.values(mark.get("scales")));
    noteListeners([figure, figure.get("scale_x"), figure.get("scale_y"), ...figure.get("marks"), ...scales]);
    const view = await model.widget_manager.create_view(figure, {});
    // Of many points the first frames draw only some: all of them take seconds in software.
    beforeFirstFrame(view, (mark) => {
      const shape = mark.instanced_geometry;
      shape.maxInstancedCount = Math.min(shape.maxInstancedCount, budget.moving);
      keepCanvas(view.extras.webGLRenderer);
    });
    return view;
  }

  function canvasView() {
    budget = budgetOf();
    shadeAll();
    canvas = makeCanvas();
    paintCanvas();
    moveCanvas();
    return canvas;
  }

  function moveCanvas() {
    const places = typed(model.get("places"), Float32Array);
    canvas?.move(places.subarray(0, places.length / 2), places.subarray(places.length / 2), wrongPoints());
  }

  function paintCanvas() {
    const texture = model.get("texture");
    canvas?.paint(typed(model.get("texels"), texture.length <= 256 ? Uint8Array : Uint16Array), texture);
  }

  function budgetOf() {
    const found = { ...BUDGETS[lack !== null ? "canvas" : isSoftware(renderer) ? "software" : "hardware"] };
    if (model.get("budget")) found.rest = model.get("budget");
    found.moving = Math.min(found.moving, Math.ceil(found.rest / 3)); // leaves room for those in sight
    return found;
  }

  async function show(/** @type {any} */ view) {
    if (closed) return view.remove();
    host.replaceChildren(view.el);
    view.trigger("displayed");
    const [mark, ringMark] = await drawnMarks(view);
    if (closed || !mark) return view.remove();
    plot = { view, mark, rings: ringMark, x: mark.scales.x.model, y: mark.scales.y.model };
    /** @type {any} */ (root).bqplotFigure = view; // for tests and for the curious
    // A map that is still computed stays in sight, unless someone has zoomed.
    mark.listenTo(mark.model, "change", (/** @type {any} */ changed) => {
      if (changed.hasChanged("x") && placed !== model.get("epoch")) return showOthers();
      if (changed.hasChanged("x")) {
        if (!model.get("viewport").length && !drag) fitAll();
        findLabels();
      }
      // bqplot has put all points back
      if (changed.hasChanged("x")) drawLess(LIVE_SETTLE_MS);
      else if (changed.hasChanged("color")) drawAtRest();
    });
    placed = model.get("epoch");
    restoreViewport();
    putOpacity();
    findLabels();
    showTrails();
    showWaiting();
  }

  /** As soon as there is a size: the observer waits for a frame, which takes long in software. */
  async function mountSoon() {
    for (let i = 0; i < ATTACH_POLLS && !closed && !mounting; i++) {
      mount();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  /** The marks' views once they are drawn; none when the figure is gone. */
  async function drawnMarks(/** @type {any} */ view) {
    const isDrawn = (/** @type {any} */ mark) => mark.scales?.x && mark.opacity;
    while (!closed) {
      const marks = view.mark_views ? await Promise.all(view.mark_views.views) : [];
      if (view.rendered && marks.length && marks.every(isDrawn)) return marks;
      await new Promise((resolve) => setTimeout(resolve, MARK_POLL_MS));
    }
    return [];
  }

  function selectedRows() {
    return typed(model.get("selected"), Uint32Array);
  }

  /** @returns {Uint32Array} ascending */
  function wrongPoints() {
    return typed(model.get("wrong"), Uint32Array);
  }

  function classCodes() {
    return typed(model.get("codes"), model.get("names").length <= 256 ? Uint8Array : Uint16Array);
  }

  function visibleClasses() {
    return unpackBits(model.get("visible"), model.get("names").length);
  }

  /** Opacity of each point for these selected ones; false where it is that already. */
  function shadeAll(rows = selectedRows()) {
    const visible = visibleClasses();
    if (shaded && areEqual(shaded.rows, rows) && areEqual(shaded.visible, visible)) return false;
    shaded = { rows, visible };
    opacity = opacities(classCodes(), visible, rows);
    return true;
  }

  function ofRings() {
    return Float32Array.from(wrongPoints(), (i) => opacity[i]);
  }

  function applyOpacity(rows = selectedRows(), atOnce = false) {
    if (shadeAll(rows) && plot) putOpacity(atOnce);
  }

  /** The points are other rows: all that is known of them has come. */
  function showOthers() {
    placed = model.get("epoch");
    shaded = null;
    applyOpacity();
    findLabels();
    showLinks();
  }

  function forgetHovered() {
    leave();
    card.forget();
  }

  function putOpacity(atOnce = false) {
    if (placed !== model.get("epoch")) return; // their places are on the way
    // Silently: bqplot would copy it twice, and draw by itself what is drawn below.
    plot.mark.model.set("opacity", opacity, { silent: true });
    plot.rings?.model.set("opacity", ofRings(), { silent: true });
    drawAtRest(atOnce);
  }

  /** Draw what is in sight, all of it where the budget allows. */
  function drawAtRest(atOnce = false) {
    if (!plot || placed !== model.get("epoch")) return;
    const total = opacity.length;
    const unknown = model.get("unknown");
    let [shown, inSight] = [0, 0];
    if (total <= budget.rest && !unknown) {
      for (const mark of [plot.mark, plot.rings]) {
        if (mark && drawn) gather(mark, Uint32Array.from(mark.model.get("x").keys()), ["x", "y", "color", "opacity"]);
        else if (mark) upload(mark, "opacity", mark.model.get("opacity"));
      }
      drawn = null;
      ringed = wrongPoints();
    } else {
      const { x, y } = plot.mark.model.attributes;
      const found = pointsToDraw(x, y, opacity, shaded.rows, viewport(), budget.moving, budget.rest);
      ({ points: drawn, shown, inSight } = found);
      gather(plot.mark, drawn, ["x", "y", "color", "opacity"]);
      if (plot.rings) gatherRings();
    }
    draw(drawn ? drawn.length : total, atOnce);
    const part = `showing ${shown.toLocaleString("en")} of ${(inSight + unknown).toLocaleString("en")} points in sight; a selection takes all`;
    shownNote.textContent = [lack && `drawn without WebGL: ${lack}`, shown < inSight + unknown && part].filter(Boolean).join(" · ");
    shownNote.hidden = !shownNote.textContent;
  }

  /** Rings around the wrong ones of the points that are drawn. */
  function gatherRings() {
    const isDrawn = new Uint8Array(opacity.length);
    for (const point of drawn ?? []) isDrawn[point] = 1;
    const wrong = wrongPoints();
    const kept = Uint32Array.from(wrong.keys()).filter((k) => isDrawn[wrong[k]]).subarray(0, MAX_RINGS);
    gather(plot.rings, kept, ["x", "y", "opacity"]);
    ringed = kept.map((k) => wrong[k]);
  }

  /** Draw only the first so many of the points that are drawn at rest, in the next frame or before. */
  function draw(/** @type {number} */ points, atOnce = false) {
    plot.mark.instanced_geometry.maxInstancedCount = points;
    if (plot.rings) {
      // Both are ascending where fewer than all are drawn: a beginning of one goes with the other's.
      const rings = points < (drawn ?? opacity).length ? ringed.findIndex((point) => point >= points) : -1;
      plot.rings.instanced_geometry.maxInstancedCount = rings < 0 ? ringed.length : rings;
    }
    if (atOnce) plot.view.extras.webGLRender();
    else plot.view.extras.webGLRequestRender();
  }

  /** Draw fewer points while the map moves, so that it follows the hand. */
  function drawLess(delay = SETTLE_MS) {
    draw(Math.min(budget.moving, opacity.length));
    clearTimeout(settleTimer);
    settleTimer = setTimeout(() => drawAtRest(), delay);
  }

  /** Show at once what the kernel is about to answer; its answer then takes this one's place. */
  function preview(/** @type {Float64Array} */ polygon, /** @type {string} */ how) {
    const { x, y } = plot.mark.model.attributes;
    applyOpacity(combineRows(selectedRows(), rowsInside(x, y, polygon), how), true);
  }

  // ---- the viewport ----

  function viewport() {
    return { x: plot.mark.scales.x.scale.domain(), y: plot.mark.scales.y.scale.domain() };
  }

  function moveTo(/** @type {{x: number[], y: number[]}} */ next) {
    plot.x.set({ min: next.x[0], max: next.x[1] });
    plot.y.set({ min: next.y[0], max: next.y[1] });
    clearOutline();
    leave();
    showLinks();
    showTrails();
    placeLabels();
  }

  function setViewport(/** @type {{x: number[], y: number[]}} */ next) {
    drawLess();
    moveTo(next);
    keep([...next.x, ...next.y]);
  }

  /** Keep a viewport for a page reload; [] follows the whole map. */
  function keep(/** @type {number[]} */ viewport) {
    model.set("viewport", viewport);
    clearTimeout(saveTimer);
    saveTimer = setTimeout(() => model.save_changes(), SAVE_DELAY_MS);
  }

  /** @returns {[number, number]} pixels */
  function plotSize() {
    const size = (/** @type {number[]} */ range) => Math.abs(range[1] - range[0]);
    return [size(plot.mark.scales.x.scale.range()), size(plot.mark.scales.y.scale.range())];
  }

  function fitAll() {
    const { x, y } = plot.mark.model.attributes;
    moveTo(fitViewport(extent(x, y), ...plotSize()));
  }

  function reset() {
    if (!plot) return;
    fitAll();
    keep([]);
  }

  function zoomToSelection() {
    const rows = selectedRows();
    if (!plot || !rows.length) return;
    const { x, y } = plot.mark.model.attributes;
    const part = extent(x, y, rows.filter((/** @type {number} */ row) => row < x.length));
    if (part.x[0] > part.x[1]) return; // none of them is in the sample
    const whole = extent(x, y);
    // a single point, or a few in one place: show its surroundings
    const least = 0.02 * Math.max(whole.x[1] - whole.x[0], whole.y[1] - whole.y[0]);
    const wide = (/** @type {number[]} */ s) => {
      const lack = Math.max(0, least - (s[1] - s[0])) / 2;
      return /** @type {[number, number]} */ ([s[0] - lack, s[1] + lack]);
    };
    setViewport(fitViewport({ x: wide(part.x), y: wide(part.y) }, ...plotSize(), 0.1));
  }

  function restoreViewport() {
    const saved = model.get("viewport");
    if (saved.length === 4) {
      /** @type {import("../../frontend/geometry.js").Viewport} */
      const bounds = { x: [saved[0], saved[1]], y: [saved[2], saved[3]] };
      moveTo(fitViewport(bounds, ...plotSize(), 0));
    } else {
      fitAll();
    }
  }

  // ---- pointer and keys ----

  /**
   * Pixels within the overlay, and data coordinates, of a pointer event.
   * @returns {{pixel: number[], data: [number, number]}}
   * @param {PointerEvent | WheelEvent} event
   */
  function locate(event) {
    const box = overlay.getBoundingClientRect();
    const pixel = [event.clientX - box.left, event.clientY - box.top];
    return { pixel, data: toData(pixel) };
  }

  function mode(/** @type {PointerEvent} */ event) {
    if (event.shiftKey) return "add";
    if (event.altKey) return "subtract";
    return event.ctrlKey || event.metaKey ? "intersect" : "replace";
  }

  overlay.addEventListener("pointerdown", (event) => {
    if (!plot || event.button !== 0) return;
    overlay.focus({ preventScroll: true });
    leave();
    overlay.setPointerCapture(event.pointerId);
    const { pixel } = locate(event);
    drag = { kind: tool, mode: mode(event), points: [pixel], last: [event.clientX, event.clientY], pointer: event.pointerId };
    overlay.dataset.dragging = tool;
    event.preventDefault();
  }, listen);

  overlay.addEventListener("pointermove", (event) => {
    if (!drag) return lookAt(event);
    if (event.pointerId !== drag.pointer) return;
    if (drag.kind === "pan") {
      const [from, to] = [drag.last, [event.clientX, event.clientY]];
      const view = viewport();
      const [width, height] = plotSize();
      setViewport(panViewport(
        view,
        (-(to[0] - from[0]) * (view.x[1] - view.x[0])) / width,
        ((to[1] - from[1]) * (view.y[1] - view.y[0])) / height,
      ));
      drag.last = to;
      return;
    }
    const events = event.getCoalescedEvents?.() ?? [];
    for (const moved of events.length ? events : [event]) drag.points.push(locate(moved).pixel);
    sketch.drawOutline(shape(), false);
  }, listen);

  overlay.addEventListener("pointerup", (event) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    drag.points.push(locate(event).pixel);
    const points = shape();
    const { kind, mode: how } = drag;
    endDrag();
    if (isClick(points)) {
      clearOutline();
      const point = pointAt(locate(event).data);
      if (point >= 0) model.send({ kind: "pick", point, epoch: placed, mode: how });
      else if (how === "replace") model.send({ kind: "clear" });
      return;
    }
    if (kind === "pan") return;
    sketch.drawOutline(points, true);
    const polygon = Float64Array.from(points.flatMap(toData));
    if (!model.send({ kind: "select", mode: how }, undefined, [polygon.buffer])) return clearOutline(); // no answer will come
    unanswered += 1;
    preview(polygon, how);
  }, listen);

  overlay.addEventListener("pointercancel", () => { clearOutline(); endDrag(); }, listen);

  overlay.addEventListener("wheel", (event) => {
    if (!plot || drag) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 100 : 1);
    const limited = Math.max(-240, Math.min(240, pixels));
    const { data } = locate(event);
    setViewport(zoomViewport(viewport(), data, Math.exp(limited * WHEEL_STEP)));
  }, { passive: false, ...listen });

  overlay.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook has its own meaning for these keys
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && key === "z") {
      model.send({ kind: event.shiftKey ? "redo" : "undo" });
      event.preventDefault();
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "escape") { clearOutline(); endDrag(); model.send({ kind: "clear" }); }
    else if (!tools.pressKey(key)) return;
    event.preventDefault();
  }, listen);

  // ---- hover ----

  let looking = -1;
  let lookFrame = 0;
  /** @type {PointerEvent | null} */
  let lookEvent = null;

  function pointAt(/** @type {[number, number]} */ place) {
    const { x, y } = plot.mark.model.attributes;
    const { x: span } = viewport();
    const radius = (HOVER_PIXELS * (span[1] - span[0])) / plotSize()[0];
    return nearestPoint(x, y, opacity, place, radius, drawn);
  }

  /** At most once a frame: the point under the pointer, its ring and its tile. */
  function lookAt(/** @type {PointerEvent} */ event) {
    lookEvent = event;
    lookFrame ||= requestAnimationFrame(() => {
      lookFrame = 0;
      if (!plot || drag || !lookEvent) return;
      const { pixel, data } = locate(lookEvent);
      const point = pointAt(data);
      if (point < 0) return leave();
      if (point !== looking) model.send({ kind: "hover", point, epoch: placed, known: card.has(point) });
      looking = point;
      sketch.drawRing(pixelsOf(point));
      card.show(point, pixel);
    });
  }

  function leave() {
    if (looking >= 0) model.send({ kind: "leave" });
    looking = -1;
    lookEvent = null;
    card.hide();
    sketch.drawRing(null);
  }

  /** Pixels within the overlay. @returns {number[]} */
  function toPixels(/** @type {number} */ x, /** @type {number} */ y) {
    const { margin, scales } = { margin: plot.view.margin, scales: plot.mark.scales };
    return [margin.left + scales.x.offset + scales.x.scale(x), margin.top + scales.y.offset + scales.y.scale(y)];
  }

  /** @returns {[number, number]} data coordinates of a pixel within the overlay */
  function toData(/** @type {number[]} */ [px, py]) {
    const { margin, scales } = { margin: plot.view.margin, scales: plot.mark.scales };
    return [scales.x.scale.invert(px - margin.left - scales.x.offset), scales.y.scale.invert(py - margin.top - scales.y.offset)];
  }

  function isKnown(/** @type {number} */ point) {
    return point >= 0 && point < plot.mark.model.get("x").length;
  }

  function pixelsOf(/** @type {number} */ point) {
    const { x, y } = plot.mark.model.attributes;
    return toPixels(x[point], y[point]);
  }

  /** The point that the pointer is over in another view, say the gallery. */
  function showHoveredElsewhere() {
    if (!plot || looking >= 0) return;
    const point = model.get("hovered");
    sketch.drawRing(isKnown(point) ? pixelsOf(point) : null);
  }

  /** Lines from the point that is looked at to its nearest in feature space. */
  function showLinks() {
    const [from, ...near] = typed(model.get("links"), Uint32Array);
    if (!plot || from === undefined || !isKnown(from)) return sketch.drawLinks(null, []);
    const codes = classCodes();
    sketch.drawLinks(pixelsOf(from), near.filter(isKnown).map((point) => ({ to: pixelsOf(point), differs: codes[point] !== codes[from] })));
  }

  /** Lines from where samples are on another map to where they are here. */
  function showTrails() {
    const ends = typed(model.get("trails"), Float32Array);
    /** @type {[number[], number[]][]} */
    const pairs = [];
    for (let k = 0; plot && k + 3 < ends.length; k += 4) pairs.push([toPixels(ends[k], ends[k + 1]), toPixels(ends[k + 2], ends[k + 3])]);
    sketch.drawTrails(pairs);
  }

  // ---- names of the classes ----

  function findLabels() {
    const shown = model.get("show_labels");
    labels.layer.hidden = !shown;
    tools.press("labels", shown);
    if (!plot || !shown) return;
    const { x, y } = plot.mark.model.attributes;
    labels.find(x, y, classCodes(), visibleClasses(), model.get("names"));
    placeLabels();
  }

  function placeLabels() {
    if (!plot || !model.get("show_labels")) return;
    labels.place(toPixels, overlay.clientWidth, overlay.clientHeight);
  }

  function receive(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
    if (message.kind === "selected") {
      unanswered = Math.max(0, unanswered - 1);
      return applyOpacity(); // also when nothing has changed
    }
    if (message.kind === "color") return showWaiting(); // the choice was not possible
    if (message.kind !== "hover") return;
    card.keep(message.point, message.tile, buffers[0]);
    if (message.point === looking && lookEvent && plot) card.show(looking, locate(lookEvent).pixel);
  }

  overlay.addEventListener("pointerleave", leave, listen);

  /** The drag's polygon in pixels: the path itself, or the corners of its box. */
  function shape() {
    const { kind, points } = drag;
    if (kind !== "rectangle") return points;
    const [[x0, y0], [x1, y1]] = [points[0], points[points.length - 1]];
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
  }

  function isClick(/** @type {number[][]} */ points) {
    return points.every((p) => Math.hypot(p[0] - points[0][0], p[1] - points[0][1]) < MIN_LASSO_PIXELS);
  }

  function endDrag() {
    if (drag && overlay.hasPointerCapture(drag.pointer)) overlay.releasePointerCapture(drag.pointer);
    drag = null;
    delete overlay.dataset.dragging;
  }

  function clearOutline() {
    sketch.drawOutline([], false);
  }

  // ---- tools ----

  function use(/** @type {string} */ name) {
    tool = name;
    overlay.dataset.tool = name;
  }

  function act(/** @type {string} */ name) {
    if (name === "reset") reset();
    else if (name === "labels") {
      model.set("show_labels", !model.get("show_labels"));
      model.save_changes();
    } else zoomToSelection();
  }

  // ---- waiting ----

  function showWaiting() {
    const text = plot ? "" : model.get("waiting") || (isAsked ? ASKING : "Drawing the map …");
    waiting.hidden = !text;
    tools.root.hidden = overlay.hidden = Boolean(text);
    showKey();
    if (text) menu.hidden = key.hidden = true;
    waiting.textContent = text;
  }

  const selectedChanged = () => {
    applyOpacity();
    const empty = model.get("selected").byteLength === 0;
    // The outline is that of a lasso's own selection. Of the same rows at other points it stays.
    if (!drag && (empty || (!unanswered && placed === model.get("epoch")))) clearOutline();
    tools.enable("zoom-selection", !empty);
  };
  const changes = /** @type {[string, () => void][]} */ ([
    ["change:figure", mount],
    ["change:places", () => (canvas ? moveCanvas() : mount())],
    ["change:texels change:texture", paintCanvas],
    ["change:waiting", showWaiting],
    ["change:epoch", forgetHovered],
    ["change:unknown", () => drawAtRest()],
    ["change:visible", () => { applyOpacity(); findLabels(); }],
    ["change:color_by change:color_choices change:key", showWaiting],
    ["change:hovered", showHoveredElsewhere],
    ["change:links", showLinks],
    ["change:trails", showTrails],
    ["change:show_labels", findLabels],
    ["change:selected", selectedChanged],
    ["msg:custom", receive],
  ]);
  for (const [event, callback] of changes) model.on(event, callback);

  let size = "";
  const resized = new ResizeObserver(() => {
    const now = `${host.clientWidth}x${host.clientHeight}`;
    if (plot && host.clientWidth && size && now !== size) {
      // after bqplot's own relayout, which it delays as well
      setTimeout(() => plot && restoreViewport(), SAVE_DELAY_MS);
    }
    size = now;
    mount();
  });
  resized.observe(host);

  leave();
  shownNote.hidden = true;
  showWaiting();
  selectedChanged();
  mountSoon();

  return () => {
    closed = true;
    stop.abort();
    resized.disconnect();
    clearTimeout(saveTimer);
    clearTimeout(settleTimer);
    cancelAnimationFrame(lookFrame);
    card.forget();
    for (const [event, callback] of changes) model.off(event, callback);
    if (plot) {
      const { view } = plot;
      release(view);
      setTimeout(() => forgetViews(model.widget_manager, view.model), 0); // bqplot's own removal comes first
    }
    plot = null;
  };
}

/** @param {Uint32Array | Uint8Array} a @param {Uint32Array | Uint8Array} b */
function areEqual(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A typed array over the bytes of a trait; copied when they are not aligned. */
function typed(/** @type {DataView | null} */ bytes, /** @type {any} */ Type) {
  if (!bytes || !bytes.byteLength) return new Type(0);
  const size = Type.BYTES_PER_ELEMENT;
  if (bytes.byteOffset % size === 0) return new Type(bytes.buffer, bytes.byteOffset, bytes.byteLength / size);
  return new Type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

export default render;
