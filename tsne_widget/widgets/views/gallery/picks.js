// The bar for the picked tiles; hidden while there are none.
import { fullCount } from "../../frontend/classes.js";
import { button, iconButton } from "../../frontend/controls.js";
import { element } from "../../frontend/elements.js";

/** @param {import("../../frontend/kernel.js").ViewModel} model */
export function makePicks(model) {
  const root = element("div", "tw-picks");
  root.hidden = true;
  const count = root.appendChild(element("b"));
  count.setAttribute("role", "status");
  const act = (/** @type {string} */ action) => () => model.send({ kind: "picked", do: action });
  const keep = root.appendChild(button("", act("keep"), "edge"));
  const remove = root.appendChild(button("Remove these", act("remove"), "edge"));
  const add = root.appendChild(button("Add to the selection", act("add"), "edge"));
  root.append(element("span", "tw-grow"), iconButton("Unpick all (Escape)", "close", act("clear")));

  function show() {
    const picked = model.get("picked");
    const isSelection = model.get("source") === "selection";
    root.hidden = picked === 0;
    count.textContent = `${fullCount(picked)} picked`;
    keep.textContent = isSelection ? "Keep only these" : "Select only these";
    remove.hidden = !isSelection;
    add.hidden = isSelection;
  }

  return { root, show };
}
