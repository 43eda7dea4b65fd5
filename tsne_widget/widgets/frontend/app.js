// The application of a page: lays out the views of an explorer or a comparison.
import { element } from "./elements.js";
import { makeTabs } from "./tabs.js";

/**
 * A view's script: renders the view into an element and returns a function that releases it.
 * @typedef {(context: {model: any, el: HTMLElement}) => () => void} Render
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
  const frame = backend("frame");
  /** @type {(() => void)[]} */
  const releases = [];

  /** Render a view of this name into a new element. */
  function place(/** @type {HTMLElement} */ parent, /** @type {string} */ name, /** @type {string} */ className, folder = name) {
    const host = parent.appendChild(element("div", className));
    releases.push(views[folder]({ model: backend(name), el: host }));
    return host;
  }

  el.classList.add("tsne-widget");
  const layouts = /** @type {Record<string, () => void>} */ ({ explorer: layOutExplorer, comparison: layOutComparison });
  layouts[frame.get("kind")]();

  function layOutExplorer() {
    place(el, "toolbar", "tw-place-toolbar");
    const body = el.appendChild(element("div", "tw-body"));
    setHeight(place(body, "map", "tw-place-map"), "map");
    place(body, "legend", "tw-place-legend");
    releases.push(makeTabs(body, frame, (panel, host) => { place(host, panel, "tw-place-panel"); }));
  }

  function layOutComparison() {
    place(el, "bar", "tw-place-toolbar", "comparison_bar");
    const body = el.appendChild(element("div", "tw-body tw-compared-body"));
    const maps = body.appendChild(element("div", "tw-compared-maps"));
    for (const { view, title } of frame.get("maps")) {
      const pane = maps.appendChild(element("div", "tw-compared"));
      pane.appendChild(element("div", "tw-compared-title")).textContent = title;
      setHeight(place(pane, view, "tw-place-map", "map"), view);
    }
    place(body, "legend", "tw-place-legend");
    place(body, "gallery", "tw-place-panel");
  }

  function setHeight(/** @type {HTMLElement} */ host, /** @type {string} */ view) {
    const height = backend(view).get("height");
    if (height) host.style.height = `${height}px`;
  }

  return () => {
    for (const release of releases.splice(0)) release();
    el.replaceChildren(); // ipywidgets keeps the element until the model is closed
  };
}
