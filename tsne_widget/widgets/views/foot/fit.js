// The progress line of a map, with buttons to pause, stop and continue it.
import { makeProgress } from "../../frontend/bars.js";
import { button } from "../../frontend/controls.js";
import { element } from "../../frontend/elements.js";
import { icon } from "../../frontend/icons.js";

/** @typedef {{condition: string, title: string, iteration: number, total: number,
 *   divergence: number | null, seconds: number | null, note: string}} Fit */

/** @param {HTMLElement} parent @param {(action: string) => void} control */
export function makeFit(parent, control) {
  const { root, doing, bar, show: showProgress } = makeProgress(parent);
  const hold = root.appendChild(button("Pause", () => control(word.textContent === "Pause" ? "pause" : "resume")));
  const word = element("span", "", "Pause");
  hold.replaceChildren(word);
  const stop = root.appendChild(button("Stop here", () => control("stop")));
  stop.title = "Stop here and keep the current map";
  const more = root.appendChild(button("Run 250 more", () => control("run"), "link"));
  more.title = "Continue the optimisation for 250 iterations";
  for (const [one, name] of /** @type {const} */ ([[hold, "pause"], [stop, "stop"]])) one.prepend(icon(name));
  let began = 0;
  let timer = 0;
  /** @type {{iteration: number, at: number} | null} */
  let first = null; // of the present run

  /** The name of the map gives way where there is little room. */
  function showDoing(/** @type {string} */ name, /** @type {string} */ state) {
    doing.replaceChildren(element("span", "", name), element("span", "", state && ` · ${state}`));
    doing.title = doing.textContent ?? "";
  }

  function show(/** @type {Fit} */ fit) {
    const { condition, iteration, total } = fit;
    const isActive = condition === "running" || condition === "paused";
    root.hidden = !isActive && !["done", "stopped"].includes(condition);
    clearInterval(timer);
    timer = 0;
    if (!isActive) began = 0;
    if (condition !== "running" || !iteration) first = null;
    else first ??= { iteration, at: Date.now() };
    if (root.hidden) return;
    bar.hidden = !isActive;
    bar.toggleAttribute("data-paused", condition === "paused");
    showProgress(iteration, total);
    hold.hidden = stop.hidden = !(isActive && total);
    word.textContent = condition === "paused" ? "Resume" : "Pause";
    more.hidden = isActive || !total;
    if (!isActive) {
      showDoing(fit.title, resultOf(fit));
      return;
    }
    began ||= Date.now();
    const tick = () => showDoing(fit.title, progressOf(fit, Date.now() - began, leftOf(fit, first)));
    tick();
    if (!iteration) timer = setInterval(tick, 1000);
  }

  return { show, release: () => clearInterval(timer) };
}

/** @param {Fit} fit @param {number} elapsed  milliseconds @param {string} left */
function progressOf({ condition, iteration, total, divergence }, elapsed, left) {
  const steps = total ? `step ${number(iteration)} of ${number(total)}${divergenceOf(divergence)}${left}` : "";
  const state = iteration ? steps : `${Math.round(elapsed / 1000)} s`;
  return `${state}${condition === "paused" ? " · paused" : ""}`;
}

/** The time left, once a few steps are measured. @param {Fit} fit @param {{iteration: number, at: number} | null} first */
function leftOf({ iteration, total }, first) {
  if (!first || iteration - first.iteration < 20) return "";
  const seconds = ((Date.now() - first.at) / 1000 / (iteration - first.iteration)) * (total - iteration);
  return ` · ${durationOf(Math.max(1, Math.round(seconds)))} left`.replace(".0 s", " s");
}

/** @param {Fit} fit */
function resultOf({ condition, iteration, total, divergence, seconds, note }) {
  const count = total ? `${number(iteration)} iterations${divergenceOf(divergence)}` : "";
  if (condition === "stopped") return `stopped after ${count}`;
  return [count, durationOf(seconds), note].filter(Boolean).join(" · ");
}

/** @param {number | null} divergence */
function divergenceOf(divergence) {
  return divergence === null ? "" : ` · KL ${divergence.toFixed(3)}`;
}

/** @param {number | null} seconds */
function durationOf(seconds) {
  if (seconds === null) return "";
  if (seconds < 0.1) return "under 0.1 s";
  return `${seconds < 9.95 ? seconds.toFixed(1) : number(Math.round(seconds))} s`;
}

/** @param {number} value */
function number(value) {
  return value.toLocaleString("en");
}
