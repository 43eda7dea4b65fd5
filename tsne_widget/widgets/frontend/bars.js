// Parts of the bars above maps: the first line, the progress of a computation, and the message.
import { element, textButton } from "./elements.js";
import { makeNotes } from "./notes.js";

/** The bar: a summary on the left, actions on the right. @param {HTMLElement} el @param {string} name  class */
export function makeBar(el, name = "") {
  const root = el.appendChild(element("div", `tw-toolbar ${name}`.trim()));
  const line = root.appendChild(element("div", "tw-line"));
  const now = line.appendChild(element("div", "tw-now"));
  const summary = now.appendChild(element("div", "tw-summary"));
  summary.setAttribute("role", "status");
  const showNotes = makeNotes(now);
  const busy = now.appendChild(element("div", "tw-busy"));
  busy.setAttribute("role", "status");
  const actions = line.appendChild(element("div", "tw-actions"));

  function showBusy(/** @type {string} */ title) {
    busy.textContent = title && `${title} …`;
    busy.hidden = !title;
  }

  return { root, summary, actions, showBusy, showNotes };
}

/** @param {HTMLElement} parent */
export function makeProgress(parent) {
  const root = parent.appendChild(element("div", "tw-fit"));
  const doing = root.appendChild(element("span", "tw-doing"));
  const bar = root.appendChild(element("div", "tw-bar"));
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", "Progress of the map");
  const done = bar.appendChild(element("div"));

  /** @param {number} iteration  0 if the progress is unknown @param {number} total */
  function show(iteration, total) {
    bar.toggleAttribute("data-unknown", !iteration);
    if (iteration) bar.setAttribute("aria-valuenow", String(Math.round((100 * iteration) / total)));
    else bar.removeAttribute("aria-valuenow");
    done.style.width = iteration ? `${(100 * iteration) / total}%` : "";
  }

  return { root, doing, bar, show };
}

/** @param {HTMLElement} parent @returns {(text: string) => void} shows a message; a dismissed message stays hidden until the text changes */
export function makeMessage(parent) {
  const root = parent.appendChild(element("div", "tw-message"));
  root.setAttribute("role", "alert");
  root.hidden = true;
  const said = root.appendChild(element("span"));
  const dismiss = root.appendChild(textButton("", () => { root.hidden = true; }));
  dismiss.className = "tw-dismiss";
  dismiss.title = "Dismiss";
  dismiss.setAttribute("aria-label", "Dismiss");
  return (text) => {
    if (said.textContent !== text) root.hidden = !text;
    said.textContent = text;
  };
}
