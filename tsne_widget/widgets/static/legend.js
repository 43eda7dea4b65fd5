// The legend: a list of class toggles.
import { unpackBits } from "./geometry.js";

/** @type {(context: {model: any, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "tw-legend";
  const header = root.appendChild(document.createElement("header"));
  const title = header.appendChild(document.createElement("b"));
  title.textContent = model.get("title");
  const list = root.appendChild(document.createElement("ul"));
  list.setAttribute("aria-label", model.get("title") || "Classes");
  const hint = root.appendChild(document.createElement("footer"));
  hint.textContent = "click: on/off · double-click: only this";
  el.appendChild(root);

  const names = model.get("names");
  const counts = model.get("counts");
  const colors = model.get("colors");
  for (const [text, visible, help] of /** @type {[string, boolean, string][]} */ ([
    ["All", true, "Show all classes"],
    ["None", false, "Hide all classes"],
  ])) {
    const button = header.appendChild(document.createElement("button"));
    button.type = "button";
    button.textContent = text;
    button.title = help;
    button.addEventListener("click", () => model.send({ kind: "all", visible }));
  }

  const rows = names.map((/** @type {string} */ name, /** @type {number} */ code) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = name;
    const swatch = button.appendChild(document.createElement("span"));
    swatch.className = "tw-swatch";
    swatch.style.borderColor = swatch.style.background = colors[code];
    const label = button.appendChild(document.createElement("span"));
    label.className = "tw-name";
    label.textContent = name;
    const count = button.appendChild(document.createElement("span"));
    count.className = "tw-count";
    // The first click of a double click has toggled already; "only this" then overrules it.
    button.addEventListener("click", (event) => {
      if (event.detail === 2) model.send({ kind: "only", code });
      else if (event.detail < 2) model.send({ kind: "toggle", code });
    });
    button.addEventListener("keydown", (event) => move(event, code));
    list.appendChild(document.createElement("li")).appendChild(button);
    return { button, count };
  });

  function visible() {
    return unpackBits(model.get("visible"), names.length);
  }

  /** Arrow keys walk the list; no key reaches the notebook. */
  function move(/** @type {KeyboardEvent} */ event, /** @type {number} */ code) {
    event.stopPropagation();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    rows[(code + step + rows.length) % rows.length].button.focus();
    event.preventDefault();
  }

  function show() {
    const shown = visible();
    const bytes = model.get("selected_counts");
    for (let code = 0; code < rows.length; code++) {
      rows[code].button.setAttribute("aria-pressed", String(Boolean(shown[code])));
      const selected = bytes && bytes.byteLength ? bytes.getUint32(4 * code, true) : 0;
      const count = rows[code].count;
      count.replaceChildren();
      if (selected) {
        count.appendChild(document.createElement("b")).textContent = selected.toLocaleString("en");
        count.append(" / ");
      }
      count.append(counts[code].toLocaleString("en"));
    }
  }

  model.on("change:visible change:selected_counts", show);
  show();
  return () => model.off("change:visible change:selected_counts", show);
}

export default { render };
