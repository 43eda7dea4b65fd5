// The diagnosis panel: sentences, and a table of what points to the label, the model or the map.
import { element, textButton } from "../../frontend/elements.js";
import { changesOf, follow, once } from "../../frontend/follow.js";
import { keepKeys } from "../../frontend/keys.js";

/** @type {(context: {model: any, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const root = element("section", "tw-diagnosis tw-scroll");
  root.setAttribute("aria-label", "Diagnosis of the selection");
  root.tabIndex = 0; // to be scrolled by keys
  keepKeys(root);
  const doing = root.appendChild(element("div", "tw-doing"));
  const compute = doing.appendChild(textButton("Compute", () => model.send({ kind: "compute" })));
  const cost = doing.appendChild(element("span"));
  const said = root.appendChild(element("div", "tw-said"));
  said.setAttribute("role", "status");
  const table = root.appendChild(element("table"));
  const layer = root.appendChild(element("p", "tw-layer"));
  el.appendChild(root);

  function show() {
    const isRunning = model.get("is_running");
    const findings = model.get("findings");
    doing.hidden = !model.get("cost") && !(isRunning && !findings.length);
    compute.hidden = isRunning;
    cost.textContent = isRunning
      ? "Comparing every sample with its neighbours in feature space …"
      : `Compares every sample with its neighbours in feature space, once: ${model.get("cost")} on a laptop.`;
    root.setAttribute("aria-busy", String(isRunning));
    layer.textContent = model.get("layer") && `The layer: ${model.get("layer")}`;
    const hasSelection = findings.some((/** @type {any} */ finding) => finding.selected);
    const lines = hasSelection ? model.get("sentences") : ["Select samples, and this says whether the label, the model or the map is wrong."];
    said.replaceChildren(...(findings.length ? lines : []).map((/** @type {string} */ line) => paragraph(line)));
    table.hidden = !findings.length;
    table.replaceChildren(caption(model.get("title")), head(hasSelection), body(findings, hasSelection));
  }

  function caption(/** @type {string} */ text) {
    const node = element("caption");
    node.textContent = text;
    return node;
  }

  function head(/** @type {boolean} */ hasSelection) {
    const row = element("tr");
    for (const [text, name] of [["", ""], ...(hasSelection ? [["selected", "tw-number"]] : []), ["shown", "tw-number"], ["points to", ""]]) {
      const cell = row.appendChild(element(text ? "th" : "td", name));
      if (text) cell.setAttribute("scope", "col");
      cell.textContent = text;
    }
    const node = element("thead");
    node.appendChild(row);
    return node;
  }

  function body(/** @type {any[]} */ findings, /** @type {boolean} */ hasSelection) {
    const node = element("tbody");
    for (const { title, selected, whole, points_to, meaning, lacking } of findings) {
      const row = node.appendChild(element("tr"));
      const name = row.appendChild(element("th"));
      name.setAttribute("scope", "row");
      name.textContent = title;
      const numbers = lacking ? [] : hasSelection ? [selected, whole] : [whole];
      for (const text of numbers) row.appendChild(element("td", "tw-number")).textContent = text;
      const last = row.appendChild(element("td"));
      if (lacking) last.setAttribute("colspan", hasSelection ? "3" : "2");
      else last.appendChild(element("b")).textContent = points_to;
      last.appendChild(element("span")).textContent = lacking || meaning;
    }
    return node;
  }

  show();
  return follow(model, [[changesOf("title", "layer", "sentences", "findings", "cost", "is_running"), once(show)]]);
}

function paragraph(/** @type {string} */ text) {
  const node = element("p");
  node.textContent = text;
  return node;
}

export default render;
