// The lines that drag: between map and panel, and below the widget. Arrow keys move them, a double click resets them.
import { element } from "./elements.js";

const STEP = 16; // pixels per press of a key

/**
 * @param {{
 *   axis: "x" | "y", label: string,
 *   read: () => number,
 *   range: () => [number, number],
 *   write: (pixels: number) => void,
 * }} what  `read` gives the present size in pixels, `write` takes one; 0 is the automatic size
 */
export function makeSplitter({ axis, label, read, range, write }) {
  const root = element("div", axis === "x" ? "tw-split" : "tw-grip");
  root.tabIndex = 0;
  root.setAttribute("role", "separator");
  root.setAttribute("aria-orientation", axis === "x" ? "vertical" : "horizontal");
  root.setAttribute("aria-label", label);
  root.title = `${label}: drag, or use the arrow keys. A double click resets it`;
  const sign = axis === "x" ? -1 : 1; // the panel grows to the left
  const place = (/** @type {PointerEvent} */ event) => (axis === "x" ? event.clientX : event.clientY);
  /** @type {{at: number, size: number} | null} */
  let start = null;

  function resize(/** @type {number} */ pixels) {
    const [low, high] = range();
    write(Math.round(Math.max(low, Math.min(high, pixels))));
    report();
  }

  function report() {
    const [low, high] = range();
    const names = { "aria-valuemin": low, "aria-valuemax": high, "aria-valuenow": read() };
    for (const [name, value] of Object.entries(names)) root.setAttribute(name, String(Math.round(value)));
  }

  root.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    root.focus();
    root.setPointerCapture(event.pointerId);
    start = { at: place(event), size: read() };
  });
  root.addEventListener("pointermove", (event) => {
    if (start) resize(start.size + sign * (place(event) - start.at));
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) root.addEventListener(end, () => { start = null; });
  root.addEventListener("dblclick", () => {
    write(0);
    report();
  });
  root.addEventListener("focus", report);
  root.setAttribute("aria-valuenow", "0");
  requestAnimationFrame(() => { if (root.isConnected) report(); }); // once it is laid out
  root.addEventListener("keydown", (event) => {
    const [less, more] = axis === "x" ? ["ArrowRight", "ArrowLeft"] : ["ArrowUp", "ArrowDown"];
    const by = { [less]: -STEP, [more]: STEP }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    resize(read() + by);
  });
  return root;
}
