// The application of a page: lays out the views of an explorer or a comparison.
import { Commands } from "./commands.js";
import { element } from "./elements.js";
import { keepKeys } from "./keys.js";
import { Sizes } from "./sizes.js";
import { listenToKeys } from "./shortcuts.js";
import { makeTabs } from "./tabs.js";
import { keepTheme } from "./theme.js";

/**
 * A view's script: renders the view into an element and returns a function that releases it.
 * @typedef {(context: {model: any, el: HTMLElement, commands: Commands}) => () => void} Render
 * @typedef {(view: string) => import("./kernel.js").ViewModel} Backend
 */

/**
 * Lay out all views that the frame lists.
 * @param {HTMLElement} el
 * @param {Backend} backend  the views read their traits from it and send messages to it
 * @param {Record<string, Render>} views  scripts by folder name
 * @returns {() => void}  releases every view
 */
export function openApplication(el, backend, views) {
  const application = new Application(el, backend, views);
  return () => application.release();
}

class Application {
  #backend;
  #views;
  #commands = new Commands();
  /** @type {(() => void)[]} */
  #releases = [];

  /** @param {HTMLElement} el @param {Backend} backend @param {Record<string, Render>} views */
  constructor(el, backend, views) {
    this.el = el;
    this.#backend = backend;
    this.#views = views;
    const frame = backend("frame");
    el.classList.add("tsne-widget");
    el.tabIndex = -1; // takes the focus of a click beside the controls, so that keys stay here
    keepKeys(el);
    listenToKeys(el, this.#commands);
    this.frame = el.appendChild(element("div", "tw-frame"));
    const layouts = /** @type {Record<string, () => void>} */ ({
      explorer: () => this.#layOutExplorer(),
      comparison: () => this.#layOutComparison(),
    });
    layouts[frame.get("kind")]();
    const sizes = new Sizes(el, this.frame, frame, this.#commands);
    this.#releases.push(keepTheme(el), () => sizes.release());
  }

  release() {
    for (const release of this.#releases.splice(0)) release();
    this.el.replaceChildren(); // ipywidgets keeps the element until the model is closed
  }

  /** Render a view into a new element. @param {HTMLElement} parent @param {string} name @param {string} className */
  #place(parent, name, className, folder = name) {
    const host = parent.appendChild(element("div", className));
    this.#releases.push(this.#views[folder]({ model: this.#backend(name), el: host, commands: this.#commands }));
    return host;
  }

  #layOutExplorer() {
    this.#releases.push(this.#commands.add("keep-selection", () => {
      this.#commands.run("open-panel", "selections"); // first: a new panel does not edit earlier names
      this.#backend("selections").send({ kind: "keep" });
    }));
    this.#place(this.frame, "toolbar", "tw-place-toolbar");
    const body = this.frame.appendChild(element("div", "tw-body"));
    this.#place(body, "legend", "tw-place-legend");
    const middle = body.appendChild(element("div", "tw-middle"));
    this.#place(middle, "map", "tw-place-map");
    this.#place(middle, "foot", "tw-place-foot");
    const tabs = makeTabs(body, this.#backend("frame"), (panel, host) => this.#place(host, panel, "tw-place-panel"), this.#backend);
    this.#releases.push(
      tabs.release,
      this.#commands.add("panel", (number) => tabs.openAt(number)),
      this.#commands.add("open-panel", (name) => tabs.open(name)),
    );
    this.#place(tabs.root, "strip", "tw-place-strip");
    this.#place(tabs.root, "look", "tw-place-look");
  }

  #layOutComparison() {
    this.#place(this.frame, "bar", "tw-place-toolbar", "comparison_bar");
    const body = this.frame.appendChild(element("div", "tw-body tw-compared-body"));
    const key = body.appendChild(element("div", "tw-compared-key"));
    this.#place(key, "changes", "tw-place-changes");
    this.#place(key, "legend", "tw-place-legend");
    const middle = body.appendChild(element("div", "tw-middle"));
    const maps = middle.appendChild(element("div", "tw-compared-maps"));
    for (const { view, title } of this.#backend("frame").get("maps")) {
      const pane = maps.appendChild(element("div", "tw-compared"));
      pane.appendChild(element("div", "tw-compared-title", title)).title = title;
      this.#place(pane, view, "tw-place-map", "map");
    }
    this.#place(middle, "way", "tw-place-foot");
    const panels = body.appendChild(element("div", "tw-panels"));
    this.#place(panels, "gallery", "tw-place-panel");
    this.#place(body, "look", "tw-place-look");
  }
}
