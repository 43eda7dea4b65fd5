// Panels in tabs. A panel is made when its tab is first opened.
import { element, textButton } from "./elements.js";

let made = 0; // number of applications on the page; keeps ids unique

/**
 * @param {HTMLElement} parent
 * @param {import("./kernel.js").ViewModel} frame  its traits list the panels and name the open one
 * @param {(panel: string, host: HTMLElement) => void} make  renders a panel's view
 * @returns {{root: HTMLElement, open: (view: string) => void, openAt: (index: number) => void, release: () => void}}
 */
export function makeTabs(parent, frame, make) {
  const root = parent.appendChild(element("div", "tw-panels"));
  const list = root.appendChild(element("div", "tw-tabs"));
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", "Panels");
  const prefix = `tw-${(made += 1)}`;
  const tabs = frame.get("panels").map((/** @type {{view: string, title: string}} */ { view, title }) => {
    const tab = list.appendChild(textButton(title, () => open(view)));
    const panel = root.appendChild(element("div", "tw-tabpanel"));
    tab.setAttribute("role", "tab");
    panel.setAttribute("role", "tabpanel");
    tab.dataset.panel = view;
    tab.id = `${prefix}-tab-${view}`;
    panel.id = `${prefix}-panel-${view}`;
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("aria-labelledby", tab.id);
    return { view, tab, panel, isMade: false };
  });

  function open(/** @type {string} */ view) {
    frame.set("panel", view);
    frame.save_changes();
  }

  function show() {
    const opened = frame.get("panel");
    root.dataset.panel = opened;
    for (const one of tabs) {
      const isOpen = one.view === opened;
      one.tab.setAttribute("aria-selected", String(isOpen));
      one.tab.tabIndex = isOpen ? 0 : -1;
      one.panel.hidden = !isOpen;
      if (isOpen && !one.isMade) {
        one.isMade = true;
        make(one.view, one.panel);
      }
    }
  }

  list.addEventListener("keydown", (event) => {
    const at = tabs.findIndex((/** @type {any} */ { tab }) => tab === document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    open(next.view);
    next.tab.focus();
  });
  frame.on("change:panel", show);
  show();
  return {
    root,
    open: (view) => { if (tabs.some((/** @type {any} */ one) => one.view === view)) open(view); },
    openAt: (index) => { if (tabs[index]) open(tabs[index].view); },
    release: () => frame.off("change:panel", show),
  };
}
