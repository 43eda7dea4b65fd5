// The way from the first map to the last: a slider, lines, and the progress of the maps.
import { makeProgress } from "../../frontend/bars.js";
import { fullCount } from "../../frontend/classes.js";
import { button } from "../../frontend/controls.js";
import { element } from "../../frontend/elements.js";
import { changesOf, follow } from "../../frontend/follow.js";
import { Slider } from "./slider.js";

/** @typedef {{title: string, iteration: number, total: number, divergence: number | null}} Fit */

/** @type {(context: {model: import("../../frontend/kernel.js").ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const root = el.appendChild(element("div", "tw-foot tw-way"));
  const slider = new Slider(model);
  root.append(slider.root);
  const progress = makeProgress(root);
  const stop = progress.root.appendChild(button("Stop here", () => model.send({ kind: "stop" })));
  stop.title = "Stop this map, keep its current state and start the next map";

  function showFit() {
    /** @type {Fit} */
    const { title, iteration, total, divergence } = model.get("fit");
    progress.root.hidden = !title;
    slider.root.hidden = Boolean(title);
    if (!title) return;
    const measure = divergence === null ? "" : ` · KL ${divergence.toFixed(3)}`;
    const steps = iteration ? ` · step ${fullCount(iteration)} of ${fullCount(total)}${measure}` : "";
    progress.doing.replaceChildren(element("span", "", title), element("span", "", steps));
    progress.show(iteration, total);
    stop.hidden = !total;
  }

  /** @type {[string, () => void][]} */
  const parts = [
    [changesOf("lines", "lines_note", "can_morph"), () => slider.show()],
    [changesOf("fit"), showFit],
    [changesOf("morph"), () => slider.showShare()],
  ];
  for (const [, show] of parts) show();
  return follow(model, parts);
}

export default render;
