// The bar above the map: counts, lenses, a search, the fit and its buttons, messages.
import { element, textButton } from "../../frontend/elements.js";
import { makeBar, makeMessage, makeProgress } from "../../frontend/bars.js";
import { makeMenu } from "../../frontend/menu.js";
import { MAX_TEXT } from "../../frontend/constants.js";
import { MODES_HELP, modeOf } from "../../frontend/modes.js";

/** @type {(context: {model: any, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const { root, summary, actions, showBusy } = makeBar(el);
  const maps = actions.appendChild(element("label", "tw-maps"));
  maps.textContent = "Map";
  const chosen = /** @type {HTMLSelectElement} */ (maps.appendChild(element("select")));
  chosen.addEventListener("change", () => {
    model.send({ kind: "map", index: chosen.selectedIndex });
    showMaps(); // until the kernel shows the other one
  });
  const wrong = actions.appendChild(button("Select misclassified", "misclassified"));
  const menu = makeMenu("Find …", (name, event) => model.send({ kind: "lens", name, mode: modeOf(event) }));
  actions.appendChild(menu.root);
  const search = /** @type {HTMLInputElement} */ (actions.appendChild(element("input")));
  search.type = "search";
  search.maxLength = MAX_TEXT;
  search.placeholder = "id, file or class";
  search.setAttribute("aria-label", "Select by id, file or class");
  search.title = `Enter selects the samples shown that have this in their path or class, or as their id (#12: only the id). ${MODES_HELP}`;
  search.autocomplete = "off";
  search.spellcheck = false;
  const clear = actions.appendChild(button("Clear", "clear"));
  const { root: fitLine, doing, bar, show: showProgress } = makeProgress(root);
  const hold = fitLine.appendChild(button("Pause", "fit", () => ({ do: hold.textContent === "Pause" ? "pause" : "resume" })));
  const stop = fitLine.appendChild(button("Stop", "fit", () => ({ do: "stop" })));
  stop.title = "Keep the map as it is now";
  const more = fitLine.appendChild(button("Run 250 more", "fit", () => ({ do: "run" })));
  more.title = "Continue the optimisation for 250 iterations";
  const showMessage = makeMessage(root);

  let began = 0;
  let timer = 0;

  function button(/** @type {string} */ text, /** @type {string} */ kind, more = () => ({})) {
    return textButton(text, () => model.send({ kind, ...more() }));
  }

  function show() {
    const [total, shown, selected, errors, chosen] = [
      "total", "shown", "selected", "misclassified", "selected_misclassified",
    ].map((name) => model.get(name));
    summary.replaceChildren(muted(shown === total ? `${number(total)} samples` : `${number(shown)} of ${number(total)} samples shown`));
    if (errors >= 0) {
      summary.append(" · ");
      const ring = summary.appendChild(element("i", "tw-ring")); // as on the map
      ring.setAttribute("aria-hidden", "true");
      summary.append(muted(`${number(errors)} misclassified (${percent(errors, shown)})`));
    }
    if (selected) {
      summary.append(" · ");
      summary.appendChild(element("b")).textContent = `${number(selected)} selected`;
      if (errors >= 0) summary.append(`, ${number(chosen)} of them wrong (${percent(chosen, selected)})`);
    }
    wrong.disabled = errors <= 0;
    wrong.title = errors < 0 ? "Needs labels and predictions" : errors ? "Select every misclassified sample that is shown" : "None of the samples shown is misclassified";
    clear.disabled = !selected;
    clear.title = "Select nothing";
    showBusy(model.get("busy"));
    showMessage(model.get("message"));
  }

  function showFit() {
    const { condition, title, iteration, total, divergence, seconds, note } = model.get("fit");
    const active = condition === "running" || condition === "paused";
    fitLine.hidden = !active && !["done", "stopped"].includes(condition);
    clearInterval(timer);
    timer = 0;
    if (!active) began = 0;
    if (fitLine.hidden) return;
    const measure = divergence === null ? "" : ` · KL ${divergence.toFixed(3)}`;
    const steps = total ? `iteration ${number(iteration)} of ${number(total)}${measure}` : "";
    bar.hidden = !active;
    bar.toggleAttribute("data-paused", condition === "paused");
    showProgress(iteration, total);
    hold.hidden = stop.hidden = !(active && total);
    hold.textContent = condition === "paused" ? "Resume" : "Pause";
    more.hidden = active || !total;
    if (active) {
      began ||= Date.now();
      const tick = () => {
        const waiting = `${Math.round((Date.now() - began) / 1000)} s`;
        doing.textContent = `${title} · ${iteration ? steps : waiting}${condition === "paused" ? " · paused" : ""}`;
      };
      tick();
      if (!iteration) timer = setInterval(tick, 1000);
    } else {
      const count = total ? `${number(iteration)} iterations${measure}` : "";
      const used = seconds === null ? "" : seconds < 0.1 ? "under 0.1 s" : `${seconds < 9.95 ? seconds.toFixed(1) : number(Math.round(seconds))} s`;
      doing.textContent = condition === "stopped"
        ? `Stopped after ${count}: the map can be used as it is`
        : [title, count, used, note].filter(Boolean).join(" · ");
    }
  }

  function showMaps() {
    const all = model.get("maps");
    maps.hidden = all.length < 2;
    chosen.replaceChildren(...all.map((/** @type {any} */ { name, note }) => {
      const option = document.createElement("option");
      option.textContent = note ? `${name} (${note})` : name;
      option.disabled = Boolean(note);
      return option;
    }));
    chosen.selectedIndex = model.get("map");
  }

  function showLenses() {
    menu.offer(model.get("lenses"));
  }

  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") search.value = "";
    if (event.key !== "Enter" || event.isComposing || !search.value.trim()) return;
    event.preventDefault();
    model.send({ kind: "search", text: search.value, mode: modeOf(event) });
  });

  const fields = "change:total change:shown change:misclassified change:selected change:selected_misclassified change:message change:busy";
  model.on(fields, show);
  model.on("change:fit", showFit);
  model.on("change:lenses", showLenses);
  model.on("change:maps change:map", showMaps);
  show();
  showMaps();
  showLenses();
  showFit();
  return () => {
    clearInterval(timer);
    model.off(fields, show);
    model.off("change:fit", showFit);
    model.off("change:lenses", showLenses);
    model.off("change:maps change:map", showMaps);
  };
}

function muted(/** @type {string} */ text) {
  const node = element("span");
  node.textContent = text;
  return node;
}

function number(/** @type {number} */ value) {
  return value.toLocaleString("en");
}

function percent(/** @type {number} */ part, /** @type {number} */ whole) {
  return whole ? `${((100 * part) / whole).toFixed(1)} %` : "0 %";
}

export default render;
