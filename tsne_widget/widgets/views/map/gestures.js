// Pointer and keys over the map: dragging selects or pans, clicking opens a point, the wheel zooms.
import { clusterAround, combineRows, nextPoint, rowsInside } from "../../frontend/geometry.js";
import { hasModifier } from "../../frontend/keys.js";
import { modeOf } from "../../frontend/modes.js";
import { Pinch } from "./pinch.js";

/** @typedef {import("./plot.js").Pixel} Pixel */
/** @typedef {{kind: string, mode: import("../../frontend/modes.js").Mode, points: Pixel[], last: Pixel, pointer: number}} Drag */

const WHEEL_STEP = 0.0016; // zoom per wheel pixel: about 1.2 for one notch
const MAX_WHEEL_PIXELS = 240; // per event
const WHEEL_UNITS = [1, 16, 100]; // pixels of a wheel event's unit: pixel, line, page
const MIN_DRAG_PIXELS = 4; // a shorter drag is a click
const CLUSTER_GAPS = 2.5; // points that are closer than so many gaps hang together
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Gestures {
  #map;
  #overlay;
  #pinch;
  #tool = "";
  /** @type {Drag | null} */
  #drag = null;
  #unanswered = 0; // lassos that the kernel has not answered
  /** @type {Float64Array | null} */
  #outline = null; // of the last lasso, in data units

  /** @param {import("./view.js").MapView} map @param {HTMLElement} overlay */
  constructor(map, overlay) {
    this.#map = map;
    this.#overlay = overlay;
    this.#pinch = new Pinch(map);
    const listen = { signal: map.signal };
    overlay.addEventListener("pointerdown", (event) => this.#begin(event), listen);
    overlay.addEventListener("pointermove", (event) => this.#move(event), listen);
    overlay.addEventListener("pointerup", (event) => this.#finish(event), listen);
    overlay.addEventListener("pointercancel", (event) => { this.#pinch.end(event); this.cancel(); }, listen);
    overlay.addEventListener("pointerleave", () => map.hover.leave(), listen);
    overlay.addEventListener("dblclick", (event) => this.#zoomToCluster(event), listen);
    overlay.addEventListener("wheel", (event) => this.#turn(event), { passive: false, ...listen });
    overlay.addEventListener("keydown", (event) => this.#press(event), listen);
    overlay.addEventListener("blur", () => map.hover.leave(), listen);
  }

  get isDragging() {
    return this.#drag !== null;
  }

  /** Choose the tool for the next drag. @param {string} tool */
  use(tool) {
    this.#tool = tool;
    this.#overlay.dataset.tool = tool;
  }

  /** Position of a pointer in pixels of the overlay. @param {MouseEvent} event @returns {Pixel} */
  pixelOf(event) {
    const box = this.#overlay.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  clearOutline() {
    this.#outline = null;
    this.placeOutline();
  }

  /** Draw the outline of the last lasso where its points are now. */
  placeOutline() {
    const { plot, sketch } = this.#map;
    const outline = this.#outline;
    const corners = outline ? outline.length / 2 : 0;
    const pixels = Array.from({ length: plot ? corners : 0 }, (_, k) => plot?.toPixels(outline?.[2 * k] ?? 0, outline?.[2 * k + 1] ?? 0) ?? [0, 0]);
    sketch.drawOutline(pixels, this.#unanswered ? "pending" : "done");
  }

  cancel() {
    if (this.#drag) this.placeOutline();
    this.#end();
  }

  /** The kernel has answered a lasso. */
  answered() {
    this.#unanswered = Math.max(0, this.#unanswered - 1);
    if (!this.#drag) this.placeOutline();
  }

  /** Remove the outline of a lasso when something else is selected. */
  followSelection() {
    const { points } = this.#map;
    if (this.#drag) return;
    // If the rows have new point numbers, the outline still contains the same samples.
    const isOther = !this.#unanswered && points.isPlaced;
    if (!points.selected.length || isOther) this.clearOutline();
  }

  #begin(/** @type {PointerEvent} */ event) {
    if (!this.#map.plot || event.button !== 0) return;
    const overlay = this.#overlay;
    // The outline of the focus is for the keyboard.
    overlay.focus(/** @type {FocusOptions} */ ({ preventScroll: true, focusVisible: false }));
    this.#map.hover.leave();
    overlay.setPointerCapture(event.pointerId);
    event.preventDefault();
    if (this.#pinch.begin(event)) return this.cancel();
    this.#drag = {
      kind: this.#tool, mode: modeOf(event), points: [this.pixelOf(event)],
      last: [event.clientX, event.clientY], pointer: event.pointerId,
    };
    overlay.dataset.dragging = this.#tool;
  }

  #move(/** @type {PointerEvent} */ event) {
    if (this.#pinch.move(event)) return;
    const drag = this.#drag;
    if (!drag) return this.#map.hover.follow(event);
    if (event.pointerId !== drag.pointer) return;
    if (drag.kind === "pan") {
      const [x, y] = drag.last;
      drag.last = [event.clientX, event.clientY];
      drag.points.push(this.pixelOf(event));
      return this.#map.viewport.pan(event.clientX - x, event.clientY - y);
    }
    const events = event.getCoalescedEvents?.() ?? [];
    for (const moved of events.length ? events : [event]) drag.points.push(this.pixelOf(moved));
    this.#map.sketch.drawOutline(outlineOf(drag), "drawing");
  }

  #finish(/** @type {PointerEvent} */ event) {
    this.#pinch.end(event);
    const drag = this.#drag;
    const { plot } = this.#map;
    if (!drag || !plot || event.pointerId !== drag.pointer) return;
    drag.points.push(this.pixelOf(event));
    const outline = outlineOf(drag);
    this.#end();
    if (isClick(drag.points)) this.#click(event, drag.mode);
    else if (drag.kind !== "pan") this.#select(outline, drag.mode);
  }

  #click(/** @type {PointerEvent} */ event, /** @type {string} */ mode) {
    const { model, hover } = this.#map;
    this.placeOutline();
    const point = hover.pointAt(this.pixelOf(event));
    if (point >= 0) this.#use(point, mode);
    else if (mode === "replace") model.send({ kind: "clear" });
  }

  /** Open a point, or with a modifier key pick it. @param {number} point @param {string} mode */
  #use(point, mode) {
    const { model, points } = this.#map;
    if (mode === "replace") model.send({ kind: "open", point, epoch: points.placed });
    else model.send({ kind: "pick", point, epoch: points.placed, mode });
  }

  #select(/** @type {Pixel[]} */ outline, /** @type {string} */ mode) {
    const { model, plot, points } = this.#map;
    if (!plot) return;
    const polygon = Float64Array.from(outline.flatMap((pixel) => plot.toData(pixel)));
    if (!model.send({ kind: "select", mode }, undefined, [polygon.buffer])) return this.placeOutline();
    this.#unanswered += 1;
    this.#outline = polygon;
    this.placeOutline();
    // Preview the kernel's answer at once.
    this.#map.shade(combineRows(points.selected, rowsInside(plot.x, plot.y, polygon), mode), true);
  }

  #end() {
    if (this.#drag && this.#overlay.hasPointerCapture(this.#drag.pointer)) this.#overlay.releasePointerCapture(this.#drag.pointer);
    this.#drag = null;
    delete this.#overlay.dataset.dragging;
  }

  /** Zoom to the points of one class that hang together with a point; in an empty place, show the whole map. */
  #zoomToCluster(/** @type {MouseEvent} */ event) {
    const { plot, points, viewport, hover } = this.#map;
    if (!plot || hasModifier(event) || event.shiftKey) return;
    const point = hover.pointAt(this.pixelOf(event));
    if (point < 0) return viewport.reset();
    const [codes, opacity] = [points.codes, points.opacity];
    const cluster = clusterAround(plot.x, plot.y, (i) => codes[i] === codes[point] && opacity[i] > 0, point, CLUSTER_GAPS * viewport.gap);
    viewport.fit(cluster);
  }

  /** The wheel scrolls the page, until the map has been clicked or Ctrl is held. */
  #turn(/** @type {WheelEvent} */ event) {
    const { plot, viewport } = this.#map;
    const isMeant = event.ctrlKey || this.#overlay.matches(":focus");
    if (!plot || this.#drag || !isMeant) return;
    const pixels = event.deltaY * WHEEL_UNITS[event.deltaMode];
    const limited = Math.max(-MAX_WHEEL_PIXELS, Math.min(MAX_WHEEL_PIXELS, pixels));
    const hasChanged = viewport.zoomAt(plot.toData(this.pixelOf(event)), Math.exp(limited * WHEEL_STEP));
    // At the whole map the event goes on to the page; with Ctrl it would zoom the page.
    if (hasChanged || event.ctrlKey) event.preventDefault();
  }

  #press(/** @type {KeyboardEvent} */ event) {
    if (!this.#map.plot || hasModifier(event)) return;
    const { hover, points, model } = this.#map;
    const point = hover.point;
    if (event.key in ARROWS) this.#step(ARROWS[event.key]);
    else if (event.key === "Enter" && point >= 0) this.#use(point, "replace");
    else if (event.key === " ") this.#pick(point);
    else if (event.key === "Escape" && this.#drag) this.cancel();
    else if (event.key === "Escape" && (points.selected.length || model.get("links")?.byteLength)) model.send({ kind: "clear" });
    else return;
    event.preventDefault();
  }

  /** Add a point to the selection, or take it away. @param {number} point */
  #pick(point) {
    if (point >= 0) this.#use(point, this.#map.points.selected.includes(point) ? "subtract" : "add");
  }

  /** Go to the next point in a direction; the first one is in the middle of the map. @param {[number, number]} direction */
  #step(direction) {
    const { plot, points, hover, drawing, viewport } = this.#map;
    if (!plot) return;
    const [width, height] = plot.size;
    const next = hover.point < 0
      ? hover.pointAt([width / 2, height / 2], Math.max(width, height))
      : nextPoint(plot.x, plot.y, points.opacity, [plot.x[hover.point], plot.y[hover.point]], direction, drawing.part);
    if (next < 0) return;
    viewport.reveal(next);
    hover.visit(next);
  }
}

/** The path of a drag, or the corners of its box. @param {Drag} drag @returns {Pixel[]} */
function outlineOf({ kind, points }) {
  if (kind !== "rectangle") return points;
  const [[x0, y0], [x1, y1]] = [points[0], points[points.length - 1]];
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}

/** @param {Pixel[]} points */
function isClick([first, ...others]) {
  return others.every((point) => Math.hypot(point[0] - first[0], point[1] - first[1]) < MIN_DRAG_PIXELS);
}
