// The sizes of an application: its height, the line between map and panels, and the full window.
import { heightAround, isGrowing } from "./growing.js";
import { makeSplitter } from "./splitter.js";

const [LEAST_HEIGHT, MOST_HEIGHT, LEAST_MAP, LEAST_PANEL] = [320, 2000, 320, 260];

export class Sizes {
  #stop = new AbortController();
  #el;
  #frame;
  #model;
  #grip;
  #split;
  #isFull = false;
  /** @type {(() => void)[]} */
  #releases = [];

  /**
   * @param {HTMLElement} el  the application's element
   * @param {HTMLElement} frame  its frame
   * @param {import("./kernel.js").ViewModel} model  of the frame: height and panel_width in pixels, 0 for automatic
   * @param {import("./commands.js").Commands} commands
   */
  constructor(el, frame, model, commands) {
    this.#el = el;
    this.#frame = frame;
    this.#model = model;
    this.#grip = this.#makeGrip();
    this.#split = this.#makeSplit();
    model.on("change:height change:panel_width", this.#show);
    this.#releases.push(commands.add("back", () => this.#fill(false)));
    this.#fitFrame(commands);
    this.#fillView();
    this.#show();
  }

  release() {
    this.#fill(false);
    this.#stop.abort();
    for (const release of this.#releases) release();
    this.#model.off("change:height change:panel_width", this.#show);
    this.#grip.remove();
    this.#split?.remove();
  }

  get #body() {
    return /** @type {HTMLElement} */ (this.#frame.querySelector(":scope > .tw-body"));
  }

  #show = () => {
    const [height, width] = [this.#model.get("height"), this.#model.get("panel_width")];
    set(this.#frame, "--tw-height", height);
    set(this.#frame, "--tw-panel-width", width);
  };

  #save(/** @type {string} */ name, /** @type {number} */ pixels) {
    this.#model.set(name, pixels);
    this.#show();
    this.#model.save_changes();
  }

  #makeGrip() {
    const grip = makeSplitter({
      axis: "y", label: "Height", read: () => this.#body.offsetHeight,
      range: () => [LEAST_HEIGHT, MOST_HEIGHT], write: (pixels) => this.#save("height", pixels),
    });
    return this.#el.appendChild(grip);
  }

  #makeSplit() {
    const panels = /** @type {HTMLElement | null} */ (this.#body.querySelector(":scope > .tw-panels"));
    const middle = /** @type {HTMLElement | null} */ (this.#body.querySelector(":scope > .tw-middle"));
    if (!panels || !middle || this.#body.classList.contains("tw-compared-body")) return null;
    const split = makeSplitter({
      axis: "x", label: "Width of the panel", read: () => panels.offsetWidth,
      range: () => [LEAST_PANEL, Math.max(LEAST_PANEL, panels.offsetWidth + middle.offsetWidth - LEAST_MAP)],
      write: (pixels) => this.#save("panel_width", pixels),
    });
    panels.before(split);
    return split;
  }

  /** Offer the full window. In a frame that grows with its content, that is the screen, if the frame may have it. */
  #fitFrame(/** @type {import("./commands.js").Commands} */ commands) {
    const grows = isGrowing();
    if (grows) set(this.#el, "--tw-window-height", heightAround());
    const isOffered = !grows || document.fullscreenEnabled;
    this.#el.toggleAttribute("data-no-window", !isOffered);
    if (!isOffered) return;
    const toggle = () => {
      if (!grows) this.#fill(!this.#isFull);
      else if (this.#isFull) void document.exitFullscreen();
      else void this.#el.requestFullscreen().catch(() => {}); // the person or the browser refuses
    };
    this.#releases.push(commands.add("window", toggle));
    if (grows) document.addEventListener("fullscreenchange", () => this.#fill(document.fullscreenElement === this.#el), { signal: this.#stop.signal });
  }

  /** Fill the window, in the browser's top layer: what surrounds the widget cannot clip it. */
  #fill(/** @type {boolean} */ isFull) {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#el.classList.toggle("tw-full", isFull);
    if (isFull) {
      if (document.fullscreenElement !== this.#el) {
        this.#el.setAttribute("popover", "manual");
        this.#el.showPopover?.();
      }
      this.#el.focus({ preventScroll: true });
    } else {
      if (document.fullscreenElement === this.#el) void document.exitFullscreen();
      if (this.#el.hasAttribute("popover")) this.#el.hidePopover?.();
      this.#el.removeAttribute("popover");
    }
    this.#el.dispatchEvent(new CustomEvent("tw-full", { detail: isFull }));
  }

  /** Fill JupyterLab's "New View for Output", which has a height of its own. */
  #fillView() {
    const observer = new ResizeObserver(() => {
      const view = this.#el.closest(".jp-LinkedOutputView");
      if (!view) return;
      const own = this.#el.offsetHeight - this.#body.offsetHeight;
      set(this.#el, "--tw-view-height", Math.max(LEAST_HEIGHT, view.clientHeight - own - 24));
      if (!isWatched) observer.observe(view);
      isWatched = true;
    });
    let isWatched = false;
    observer.observe(this.#el);
    this.#releases.push(() => observer.disconnect());
  }
}

/** Set a length, or remove it. @param {HTMLElement} el @param {string} name @param {number} pixels  0 removes it */
function set(el, name, pixels) {
  if (pixels) el.style.setProperty(name, `${pixels}px`);
  else el.style.removeProperty(name);
}
