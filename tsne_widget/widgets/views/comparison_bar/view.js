// The bar above compared maps: changes that can be selected, the way between maps, progress.
import { element, textButton } from "../../frontend/elements.js";
import { makeBar, makeMessage, makeProgress } from "../../frontend/bars.js";
import { MODES_HELP, modeOf } from "../../frontend/modes.js";

const STEPS = 100; // of the slider

/** @type {(context: {model: any, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const { root, summary, actions, showBusy } = makeBar(el, "tw-comparison");
  const changes = actions.appendChild(element("div", "tw-changes"));
  changes.setAttribute("role", "group");
  const clear = actions.appendChild(textButton("Clear", () => model.send({ kind: "clear" })));

  const way = root.appendChild(element("div", "tw-way"));
  const from = way.appendChild(element("span"));
  const slider = /** @type {HTMLInputElement} */ (way.appendChild(element("input")));
  slider.type = "range";
  slider.max = String(STEPS);
  const to = way.appendChild(element("span"));
  const lines = way.appendChild(textButton("Lines", () => model.send({ kind: "lines", shows: !model.get("lines") })));
  const note = way.appendChild(element("span"));

  const { root: progress, doing, show: showProgress } = makeProgress(root);
  const stop = progress.appendChild(textButton("Stop", () => model.send({ kind: "stop" })));
  stop.title = "Keep this map as it is now, and begin the next";
  const showMessage = makeMessage(root);

  let asked = -1; // the share that the kernel has not yet shown
  let wanted = -1; // what the hand has come to meanwhile

  function show() {
    const [total, visible, selected, names] = ["total", "visible", "selected", "names"].map((name) => model.get(name));
    summary.textContent = `${visible === total ? "" : `${count(visible)} of `}${count(total)} samples in ${names.length} maps · `;
    const chosen = summary.appendChild(element("b"));
    chosen.textContent = selected ? `${count(selected)} selected` : "drag around points to select them in all maps";
    showBusy(model.get("busy"));
    clear.disabled = !selected;
    showMessage(model.get("message"));
    from.textContent = names[0];
    to.textContent = names[names.length - 1];
    changes.setAttribute("aria-label", `Select what changed from ${names[0]} to ${names[names.length - 1]}`);
    slider.setAttribute("aria-label", `Move the points of ${to.textContent} from their places in ${from.textContent}`);
    slider.title = slider.getAttribute("aria-label") ?? "";
    lines.setAttribute("aria-pressed", String(model.get("lines")));
    lines.title = `Lines on the map of ${to.textContent}, from where the selected samples are in ${from.textContent}`;
    note.textContent = model.get("lines_note");
    slider.disabled = !model.get("can_morph");
  }

  function showChanges() {
    // The same buttons with other numbers, so that one that has the focus keeps it.
    for (const [i, { name, meaning, count: many }] of model.get("changes").entries()) {
      const node = /** @type {HTMLButtonElement} */ (changes.children[i] ?? changes.appendChild(textButton("", (event) => model.send({ kind: "change", name, mode: modeOf(event) }))));
      node.dataset.change = name;
      node.title = `${meaning}. Click selects them. ${MODES_HELP}`;
      node.textContent = `${name[0].toUpperCase()}${name.slice(1)} `;
      node.appendChild(element("b")).textContent = count(many);
      node.disabled = !many;
    }
    changes.hidden = !changes.children.length;
  }

  function showFit() {
    const { title, iteration, total, divergence } = model.get("fit");
    progress.hidden = !title;
    if (!title) return;
    const measure = divergence === null ? "" : ` · KL ${divergence.toFixed(3)}`;
    doing.textContent = iteration ? `${title} · iteration ${count(iteration)} of ${count(total)}${measure}` : title;
    showProgress(iteration, total);
    stop.hidden = !total;
  }

  /** One step at a time: the next one is asked for when the kernel has shown the last. */
  function ask(/** @type {number} */ share) {
    wanted = share;
    if (asked >= 0) return;
    asked = share;
    model.send({ kind: "morph", share });
  }

  function moved() {
    const share = model.get("morph");
    if (asked >= 0 && share !== asked) return;
    const next = asked >= 0 && wanted !== share ? wanted : -1;
    asked = -1;
    if (next >= 0) ask(next);
    else slider.value = String(Math.round(STEPS * share));
    slider.setAttribute("aria-valuetext", `${Math.round(100 * share)} % of the way`);
  }

  slider.addEventListener("input", () => {
    const share = slider.valueAsNumber / STEPS;
    if (share !== model.get("morph") || asked >= 0) ask(share);
  });

  const shown = "change:visible change:selected change:message change:busy change:lines change:lines_note change:can_morph";
  model.on(shown, show);
  model.on("change:changes", showChanges);
  model.on("change:fit", showFit);
  model.on("change:morph", moved);
  show();
  showChanges();
  showFit();
  moved();
  return () => {
    model.off(shown, show);
    model.off("change:changes", showChanges);
    model.off("change:fit", showFit);
    model.off("change:morph", moved);
  };
}

function count(/** @type {number} */ value) {
  return value.toLocaleString("en");
}

export default render;
