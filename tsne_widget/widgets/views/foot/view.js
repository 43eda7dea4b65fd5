// The foot of the map: the choice of maps, and the progress of their computation.
import { element } from "../../frontend/elements.js";
import { changesOf, follow } from "../../frontend/follow.js";
import { makeFit } from "./fit.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */

/** @type {(context: {model: ViewModel, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  const root = el.appendChild(element("div", "tw-foot"));
  const maps = makeMaps(model);
  root.append(maps.root);
  const fit = makeFit(root, (action) => model.send({ kind: "fit", do: action }));
  const showFit = () => fit.show(model.get("fit"));
  maps.show();
  showFit();
  const unfollow = follow(model, [[changesOf("fit"), showFit], [changesOf("maps", "map"), maps.show]]);
  return () => {
    unfollow();
    fit.release();
  };
}

/** The drop-down of maps; hidden if there is one map. */
function makeMaps(/** @type {ViewModel} */ model) {
  const root = element("label", "tw-maps");
  const select = root.appendChild(element("select"));
  select.setAttribute("aria-label", "Map");
  select.addEventListener("change", () => {
    model.send({ kind: "map", index: select.selectedIndex });
    show(); // keep the current map until the kernel shows the other one
  });

  function show() {
    /** @type {{name: string, note: string}[]} */
    const maps = model.get("maps");
    root.hidden = maps.length < 2;
    select.replaceChildren(...maps.map(({ name, note }) => {
      const option = element("option", "", note ? `${name} (${note})` : name);
      option.disabled = Boolean(note);
      return option;
    }));
    select.selectedIndex = model.get("map");
  }

  return { root, show };
}

export default render;
