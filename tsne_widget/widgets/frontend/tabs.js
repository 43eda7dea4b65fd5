// Panels in tabs. A panel is made when its tab is first opened.
import { fullCount } from "./classes.js";
import { element, textButton } from "./elements.js";
import { follow } from "./follow.js";

let made = 0; // number of applications on the page; keeps ids unique

/**
 * @param {HTMLElement} parent
 * @param {import("./kernel.js").ViewModel} frame  its traits list the panels and name the open one
 * @param {(panel: string, host: HTMLElement) => void} make  renders a panel's view
 * @param {import("./app.js").Backend} backend  has the lists whose lengths the tabs show
 * @returns {{root: HTMLElement, open: (view: string) => void, openAt: (index: number) => void, release: () => void}}
 */
export function makeTabs(parent, frame, make, backend) {
  const root = parent.appendChild(element("div", "tw-panels"));
  const list = root.appendChild(element("div", "tw-tabs"));
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", "Panels");
  const prefix = `tw-${(made += 1)}`;
  /** @type {(() => void)[]} */
  const releases = [() => frame.off("change:panel", show)];
  const tabs = frame.get("panels").map((/** @type {{view: string, title: string, counted: string}} */ { view, title, counted }) => {
    const tab = list.appendChild(textButton(title, () => open(view)));
    const panel = root.appendChild(element("div", "tw-tabpanel"));
    tab.setAttribute("role", "tab");
    panel.setAttribute("role", "tabpanel");
    tab.dataset.panel = view;
    tab.id = `${prefix}-tab-${view}`;
    panel.id = `${prefix}-panel-${view}`;
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("aria-labelledby", tab.id);
    if (counted) releases.push(showCount(tab, title, backend(view), counted));
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
    release: () => releases.forEach((release) => release()),
  };
}

/**
 * Show the length of a list behind the title of a tab.
 * @param {HTMLElement} tab @param {string} title @param {import("./kernel.js").ViewModel} model @param {string} list  name of the trait
 */
function showCount(tab, title, model, list) {
  const show = () => {
    const count = model.get(list).length;
    tab.replaceChildren(title, ...(count ? [" ", element("span", "tw-tab-count", fullCount(count))] : []));
  };
  show();
  return follow(model, [[`change:${list}`, show]]);
}
