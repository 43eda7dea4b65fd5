// The progress of a computation, and the message.
import { iconButton } from "./controls.js";
import { element } from "./elements.js";

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
  const dismiss = root.appendChild(iconButton("Dismiss", "close", () => { root.hidden = true; }));
  dismiss.classList.add("tw-dismiss");
  return (text) => {
    if (said.textContent !== text) root.hidden = !text;
    said.textContent = text;
  };
}
