// Whether the ground around the widget is dark: read from its colour, because every notebook says it in its own way.

const DARK_BELOW = 0.4; // relative luminance

/** Whether the application around an element is shown on a dark ground. @param {Element} el */
export function isDark(el) {
  return /** @type {HTMLElement | null} */ (el.closest(".tsne-widget"))?.dataset.theme === "dark";
}

/**
 * Keep `data-theme` of an application's element up to date, and call back when it changes.
 * @param {HTMLElement} root
 * @returns {() => void}  stops following
 */
export function keepTheme(root) {
  const stop = new AbortController();
  const show = () => {
    const theme = luminance(getComputedStyle(root).backgroundColor) < DARK_BELOW ? "dark" : "light";
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    root.dispatchEvent(new CustomEvent("tw-theme"));
  };
  const observer = new MutationObserver(show);
  const options = { attributes: true, attributeFilter: ["class", "style", "theme", "data-theme", "data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind"] };
  for (const node of [document.documentElement, document.body]) observer.observe(node, options);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show, { signal: stop.signal });
  // The style sheet of another theme may arrive after its attribute.
  document.addEventListener("load", (event) => { if (event.target instanceof HTMLLinkElement) show(); }, { capture: true, signal: stop.signal });
  const first = new ResizeObserver(show); // once it is on the page
  first.observe(root);
  show();
  return () => {
    stop.abort();
    observer.disconnect();
    first.disconnect();
  };
}

/**
 * Call back when the theme around an element changes.
 * @param {HTMLElement} el @param {() => void} callback
 * @returns {() => void}  stops following
 */
export function followTheme(el, callback) {
  /** @type {Element | null} */
  let root = null;
  const join = () => {
    root = el.closest(".tsne-widget");
    root?.addEventListener("tw-theme", callback);
  };
  join();
  if (!root) queueMicrotask(join);
  return () => root?.removeEventListener("tw-theme", callback);
}

/** Relative luminance of a CSS colour, 0 … 1; 1 for a transparent one. @param {string} color */
function luminance(color) {
  const values = (color.match(/[\d.]+/g) ?? []).map(Number);
  if (values.length < 3 || values[3] === 0) return 1;
  const scale = color.startsWith("color(") ? 1 : 255;
  const [r, g, b] = values.slice(0, 3).map((value) => (value / scale) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
