// The header of the confusion panel: the accuracy, and switches for the matrix.
import { fullCount } from "../../frontend/classes.js";
import { element, textButton } from "../../frontend/elements.js";
import { describeAll } from "./counts.js";

/** @typedef {import("../../frontend/kernel.js").ViewModel} ViewModel */
/** @typedef {{trait: string, label: string, choices: [string, boolean][]}} Switch  a choice: its text, and the value of the trait */

/** @type {Switch} */
const COUNTED = { trait: "counts_selection", label: "Samples counted", choices: [["All visible", false], ["Selection", true]] };
/** @type {Switch} */
const UNIT = { trait: "shows_shares", label: "Unit", choices: [["Counts", false], ["% of label", true]] };

export class Header {
  root = element("header");
  note = element("p", "tw-remark");
  #classCount;
  #summary = element("div", "tw-total");
  #counted;
  #unit;
  #large = textButton("Enlarge");

  /** @param {ViewModel} model @param {{update: () => void, resize: () => void}} actions */
  constructor(model, { update, resize }) {
    this.#classCount = model.get("names").length;
    this.#counted = makeSwitch(model, COUNTED, update);
    this.#unit = makeSwitch(model, UNIT, update);
    const large = this.#large;
    large.setAttribute("aria-pressed", "false");
    large.title = "Make the cells large enough to name every class; the matrix then scrolls";
    large.addEventListener("click", () => {
      large.setAttribute("aria-pressed", String(!this.isLarge));
      resize();
    });
    const switches = element("div", "tw-switches"); // on one line with the summary if there is room
    switches.append(this.#counted.group, this.#unit.group, large);
    this.root.append(this.#summary, switches);
  }

  /** Whether the cells are enlarged. */
  get isLarge() {
    return this.#large.getAttribute("aria-pressed") === "true";
  }

  /** @param {import("./counts.js").Counts} counts */
  show(counts) {
    this.#summary.textContent = describeAll(counts);
    this.note.textContent = this.#noteOn(counts);
    this.note.hidden = !this.note.textContent;
    this.#counted.show();
    this.#unit.show();
  }

  /** Show or hide the switch for the unit, which only the matrix uses. @param {boolean} hasMatrix */
  showUnit(hasMatrix) {
    this.#unit.group.hidden = !hasMatrix;
  }

  /** Show or hide the button that enlarges the cells. @param {boolean} isUseful */
  showEnlarge(isUseful) {
    this.#large.hidden = !isUseful;
  }

  #noteOn(/** @type {import("./counts.js").Counts} */ { all, allReport, chosenReport, isSelection }) {
    if (this.#classCount && !all.length && allReport.length) {
      return `A matrix of ${fullCount(this.#classCount)} classes is too large to read (the limit is 100). The most confused pairs are listed instead.`;
    }
    return isSelection && !chosenReport.length ? "Nothing is selected." : "";
  }
}

/**
 * Buttons that set a trait, one per value.
 * @param {ViewModel} model
 * @param {Switch} wanted
 * @param {() => void} update  runs after a click
 */
function makeSwitch(model, { trait, label, choices }, update) {
  const group = element("div", "tw-switch");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", label);
  const buttons = choices.map(([text, value]) => textButton(text, () => {
    model.set(trait, value);
    model.save_changes();
    update();
  }));
  group.append(...buttons);
  const show = () => choices.forEach(([, value], k) => buttons[k].setAttribute("aria-pressed", String(model.get(trait) === value)));
  return { group, show };
}
