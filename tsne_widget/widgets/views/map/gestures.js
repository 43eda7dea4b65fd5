// Pointer and keys over the map: dragging selects or pans, clicking selects a point, the wheel zooms.
import { combineRows, rowsInside } from "../../frontend/geometry.js";
import { hasModifier } from "../../frontend/keys.js";
import { modeOf } from "../../frontend/modes.js";

/** @typedef {import("./plot.js").Pixel} Pixel */
/** @typedef {{kind: string, mode: import("../../frontend/modes.js").Mode, points: Pixel[], last: Pixel, pointer: number}} Drag */

const WHEEL_STEP = 0.0016; // zoom per wheel pixel: about 1.2 for one notch
const MAX_WHEEL_PIXELS = 240; // per event
const WHEEL_UNITS = [1, 16, 100]; // pixels of a wheel event's unit: pixel, line, page
const MIN_DRAG_PIXELS = 4; // a shorter drag is a click

export class Gestures {
  #map;
  #overlay;
  #tool = "";
  /** @type {Drag | null} */
  #drag = null;
  #unanswered = 0; // lassos that the kernel has not answered

  /** @param {import("./view.js").MapView} map @param {HTMLElement} overlay */
  constructor(map, overlay) {
    this.#map = map;
    this.#overlay = overlay;
    const listen = { signal: map.signal };
    overlay.addEventListener("pointerdown", (event) => this.#begin(event), listen);
    overlay.addEventListener("pointermove", (event) => this.#move(event), listen);
    overlay.addEventListener("pointerup", (event) => this.#finish(event), listen);
    overlay.addEventListener("pointercancel", () => this.cancel(), listen);
    overlay.addEventListener("pointerleave", () => map.hover.leave(), listen);
    overlay.addEventListener("wheel", (event) => this.#turn(event), { passive: false, ...listen });
    overlay.addEventListener("keydown", (event) => this.#press(event), listen);
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
    this.#map.sketch.drawOutline([], false);
  }

  cancel() {
    this.clearOutline();
    this.#end();
  }

  /** The kernel has answered a lasso. */
  answered() {
    this.#unanswered = Math.max(0, this.#unanswered - 1);
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
    overlay.focus({ preventScroll: true });
    this.#map.hover.leave();
    overlay.setPointerCapture(event.pointerId);
    this.#drag = {
      kind: this.#tool, mode: modeOf(event), points: [this.pixelOf(event)],
      last: [event.clientX, event.clientY], pointer: event.pointerId,
    };
    overlay.dataset.dragging = this.#tool;
    event.preventDefault();
  }

  #move(/** @type {PointerEvent} */ event) {
    const drag = this.#drag;
    if (!drag) return this.#map.hover.follow(event);
    if (event.pointerId !== drag.pointer) return;
    if (drag.kind === "pan") {
      const [x, y] = drag.last;
      drag.last = [event.clientX, event.clientY];
      return this.#map.viewport.pan(event.clientX - x, event.clientY - y);
    }
    const events = event.getCoalescedEvents?.() ?? [];
    for (const moved of events.length ? events : [event]) drag.points.push(this.pixelOf(moved));
    this.#map.sketch.drawOutline(outlineOf(drag), false);
  }

  #finish(/** @type {PointerEvent} */ event) {
    const drag = this.#drag;
    const { plot } = this.#map;
    if (!drag || !plot || event.pointerId !== drag.pointer) return;
    drag.points.push(this.pixelOf(event));
    const outline = outlineOf(drag);
    this.#end();
    if (isClick(outline)) this.#click(event, drag.mode);
    else if (drag.kind !== "pan") this.#select(outline, drag.mode);
  }

  #click(/** @type {PointerEvent} */ event, /** @type {string} */ mode) {
    const { model, hover, points } = this.#map;
    this.clearOutline();
    const point = hover.pointAt(this.pixelOf(event));
    if (point >= 0) model.send({ kind: "pick", point, epoch: points.placed, mode });
    else if (mode === "replace") model.send({ kind: "clear" });
  }

  #select(/** @type {Pixel[]} */ outline, /** @type {string} */ mode) {
    const { model, sketch, plot, points } = this.#map;
    if (!plot) return;
    sketch.drawOutline(outline, true);
    const polygon = Float64Array.from(outline.flatMap((pixel) => plot.toData(pixel)));
    if (!model.send({ kind: "select", mode }, undefined, [polygon.buffer])) return this.clearOutline();
    this.#unanswered += 1;
    // Preview the kernel's answer at once.
    this.#map.shade(combineRows(points.selected, rowsInside(plot.x, plot.y, polygon), mode), true);
  }

  #end() {
    if (this.#drag && this.#overlay.hasPointerCapture(this.#drag.pointer)) this.#overlay.releasePointerCapture(this.#drag.pointer);
    this.#drag = null;
    delete this.#overlay.dataset.dragging;
  }

  #turn(/** @type {WheelEvent} */ event) {
    const { plot } = this.#map;
    if (!plot || this.#drag) return;
    event.preventDefault();
    const pixels = event.deltaY * WHEEL_UNITS[event.deltaMode];
    const limited = Math.max(-MAX_WHEEL_PIXELS, Math.min(MAX_WHEEL_PIXELS, pixels));
    this.#map.viewport.zoom(plot.toData(this.pixelOf(event)), Math.exp(limited * WHEEL_STEP));
  }

  #press(/** @type {KeyboardEvent} */ event) {
    event.stopPropagation(); // the notebook has its own commands for these keys
    const { model, tools } = this.#map;
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && key === "z") {
      model.send({ kind: event.shiftKey ? "redo" : "undo" });
      event.preventDefault();
    }
    if (hasModifier(event)) return;
    if (key === "escape") {
      this.cancel();
      model.send({ kind: "clear" });
    } else if (!tools.pressKey(key)) return;
    event.preventDefault();
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
