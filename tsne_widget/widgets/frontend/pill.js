// The selection as a pill: its counts, a button that keeps it, and one that clears it.
import { button, iconButton } from "./controls.js";
import { element } from "./elements.js";
import { icon } from "./icons.js";

/** @param {import("./kernel.js").ViewModel} model @param {import("./commands.js").Commands} commands */
export function makePill(model, commands) {
  const root = element("div", "tw-pill");
  const counts = root.appendChild(element("span", "tw-pill-counts"));
  counts.setAttribute("role", "status");
  const keep = root.appendChild(button("Keep", () => { if (model.get("selected")) commands.run("keep-selection"); }));
  keep.prepend(icon("keep"));
  keep.title = "Keep this selection under a name (K)";
  root.append(iconButton("Clear the selection (Esc)", "close", () => model.send({ kind: "clear" })));

  function show() {
    const [selected, hidden, wrong] = ["selected", "hidden", "selected_misclassified"].map((name) => model.get(name) ?? 0);
    root.hidden = !selected && !hidden;
    const parts = [element("b", "", number(selected)), element("span", "tw-word", " selected")];
    if (hidden) parts.push(element("span", "tw-muted tw-waiting-count", `, ${number(hidden)} hidden`));
    if (model.get("misclassified") >= 0) parts.push(element("b", "tw-is-wrong", ` ${number(wrong)}`), element("span", "tw-muted", " wrong"));
    counts.replaceChildren(...parts);
    counts.title = hidden ? "Hidden ones come back when their class is shown again" : "";
    keep.hidden = !commands.has("keep-selection");
    keep.disabled = !selected;
  }

  const release = commands.add("keep", () => { if (model.get("selected")) commands.run("keep-selection"); });
  return { root, show, release };
}

/** @param {number} value */
function number(value) {
  return value.toLocaleString("en");
}
