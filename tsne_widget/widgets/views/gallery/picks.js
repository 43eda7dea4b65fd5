// The bar for the picked tiles; hidden while there are none.
import { element, textButton } from "../../frontend/elements.js";

/** @param {import("../../frontend/kernel.js").ViewModel} model */
export function makePicks(model) {
  const root = element("div", "tw-picks");
  root.hidden = true;
  const count = root.appendChild(element("b"));
  count.setAttribute("role", "status");
  const act = (/** @type {string} */ action) => () => model.send({ kind: "picked", do: action });
  const keep = root.appendChild(textButton("", act("keep")));
  const remove = root.appendChild(textButton("Remove these", act("remove")));
  const add = root.appendChild(textButton("Add to the selection", act("add")));
  root.appendChild(textButton("Clear", act("clear"))).title = "Unpick all tiles (Escape)";

  function show() {
    const picked = model.get("picked");
    const isSelection = model.get("source") === "selection";
    root.hidden = picked === 0;
    count.textContent = `${picked.toLocaleString("en")} picked`;
    keep.textContent = isSelection ? "Keep only these" : "Select only these";
    remove.hidden = !isSelection;
    add.hidden = isSelection;
  }

  return { root, show };
}
