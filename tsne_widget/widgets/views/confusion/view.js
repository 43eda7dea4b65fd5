// The confusion panel: the matrix, the pairs confused most, and each class by itself.
import { element, textButton } from "../../frontend/elements.js";
import { changesOf, follow, once } from "../../frontend/follow.js";
import { keepKeys } from "../../frontend/keys.js";
import { modeOf, MODES_HELP } from "../../frontend/modes.js";
import { fullCount, percent } from "../../frontend/classes.js";
import { describeAll, describeCell, readCounts } from "./counts.js";
import { boxOf, cellAt, drawMatrix, gridIn, isSmall } from "./matrix.js";
import { paintsOf } from "./paints.js";
import { ClassTable, makePairTable } from "./tables.js";

const LABEL_PIXELS = [68, 110]; // least and most room for names beside the matrix …
const TOP_PIXELS = [32, 84]; // … and above it
const PAGE_CELLS = 10; // of the Page keys

/** @type {(context: {model: any, el: HTMLElement}) => () => void} */
function render({ model, el }) {
  /** @type {string[]} */
  const names = model.get("names");
  const root = element("section", "tw-confusion tw-scroll");
  root.setAttribute("aria-label", "Confusion of classes");
  keepKeys(root);
  el.appendChild(root);
  if (model.get("lacking")) {
    root.appendChild(element("p", "tw-remark")).textContent = model.get("lacking");
    return () => {};
  }
  const header = root.appendChild(element("header"));
  const summary = header.appendChild(element("div", "tw-total"));
  const counted = makeSwitch("Samples counted", [["All shown", false], ["Selection", true]], "counts_selection");
  const unit = makeSwitch("Unit", [["Counts", false], ["% of label", true]], "shows_shares");
  const large = /** @type {HTMLButtonElement} */ (textButton("Enlarge"));
  large.setAttribute("aria-pressed", "false");
  large.title = "Cells large enough for every class to be named; the matrix scrolls";
  const switches = header.appendChild(element("div", "tw-switches")); // beside the sum, or beneath it
  switches.append(counted.group, unit.group, large);
  const note = root.appendChild(element("p", "tw-remark"));
  const frame = root.appendChild(element("div", "tw-frame"));
  frame.tabIndex = 0;
  frame.setAttribute("role", "application");
  frame.setAttribute("aria-roledescription", "confusion matrix");
  frame.setAttribute("aria-label",
    "Confusion matrix, label by prediction. Arrow keys move, to the headings too; Enter selects the samples. " + MODES_HELP);
  const canvas = /** @type {HTMLCanvasElement} */ (frame.appendChild(element("canvas")));
  const key = root.appendChild(element("div", "tw-scale"));
  const spoken = root.appendChild(element("div", "tw-spoken"));
  spoken.setAttribute("role", "status");
  const tip = root.appendChild(element("div", "tw-celltip"));
  tip.setAttribute("aria-hidden", "true"); // spoken says the same
  tip.hidden = true;
  const tables = root.appendChild(element("div", "tw-tables"));
  const pairTable = makePairTable(tables, names, select);
  const classTable = new ClassTable(tables, names, select);

  /** @type {import("./matrix.js").Grid | null} */
  let grid = null;
  /** @type {number[] | null} */
  let hovered = null; // row and column under the pointer
  let place = [0, 0]; // row and column that the keys have come to
  let isFocused = false;
  let pending = 0;
  let drawnWidth = 0;

  function makeSwitch(/** @type {string} */ label, /** @type {[string, boolean][]} */ choices, /** @type {string} */ name) {
    const group = element("div", "tw-switch");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", label);
    const buttons = choices.map(([text, value]) => {
      const button = group.appendChild(textButton(text));
      button.addEventListener("click", () => {
        model.set(name, value);
        model.save_changes();
        update();
      });
      return /** @type {[HTMLElement, boolean]} */ ([button, value]);
    });
    return { group, show: () => buttons.forEach(([button, value]) => button.setAttribute("aria-pressed", String(model.get(name) === value))) };
  }

  // ---- what is counted ----

  let data = readCounts(model);
  const words = (/** @type {number[]} */ place) => describeCell(data, names, place);

  function showSummary() {
    summary.textContent = describeAll(data);
    const [tooMany, nothing] = [names.length > 0 && !data.all.length && data.allReport.length > 0, data.isSelection && !data.chosenReport.length];
    note.textContent = tooMany
      ? `A matrix of ${fullCount(names.length)} classes could not be read (up to 100 are drawn): these are the pairs confused most.`
      : nothing ? "Nothing is selected." : "";
    note.hidden = !note.textContent;
    counted.show();
    unit.show();
  }

  // ---- the matrix ----

  function draw() {
    pending = 0;
    drawnWidth = root.clientWidth;
    const isDrawn = data.all.length > 0 && drawnWidth > 0;
    frame.hidden = key.hidden = unit.group.hidden = data.all.length === 0;
    if (!isDrawn) {
      large.hidden = true;
      return;
    }
    const paints = paintsOf(root);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.font = `600 11px ${paints.font}`;
    const widest = names.reduce((most, name) => Math.max(most, context.measureText(name).width), 0) + 12;
    const isLarge = large.getAttribute("aria-pressed") === "true";
    const room = {
      count: names.length, isLarge, width: frame.clientWidth, height: root.clientHeight - frame.offsetTop - 30,
      left: clamp(widest, LABEL_PIXELS), top: clamp(widest, TOP_PIXELS),
    };
    large.hidden = !isSmall(gridIn({ ...room, isLarge: false }));
    grid = gridIn(room);
    const scale = window.devicePixelRatio || 1;
    const size = [Math.ceil(grid.width * scale), Math.ceil(grid.height * scale)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    canvas.style.width = `${grid.width}px`;
    canvas.style.height = `${grid.height}px`;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const isShare = model.get("shows_shares");
    const c = names.length;
    const values = Float64Array.from(data.table, (count, k) => (isShare ? count / (data.report[3 * Math.floor(k / c)] || 1) : count));
    const marked = Uint8Array.from(data.all, (_, k) => Number(data.chosen[k] > 0));
    const empty = Uint8Array.from(names, (_, code) => Number(!data.report[3 * code]));
    const at = hovered ?? (isFocused ? place : null);
    drawMatrix(context, scale, grid, { values, isShare, marked, names, empty, at, isFocused: isFocused && !hovered }, paints);
    canvas.dataset.grid = [grid.cell, grid.left, grid.top].join(" "); // where things are, for tests
    showKey(values, isShare, c);
    showTip(at);
  }

  function schedule() {
    pending ||= requestAnimationFrame(draw);
  }

  function showKey(/** @type {Float64Array} */ values, /** @type {boolean} */ isShare, /** @type {number} */ c) {
    const most = [0, 0];
    values.forEach((value, k) => {
      const kind = Number(k % (c + 1) !== 0);
      most[kind] = Math.max(most[kind], value);
    });
    const text = (/** @type {number} */ value) => (isShare ? percent(value) || "0" : fullCount(value));
    key.replaceChildren(...["right", "wrong"].map((name, kind) => {
      const item = element("span", `tw-${name}`);
      item.append(`${name} 0 `, element("i"), ` ${text(most[kind])}`);
      return item;
    }));
    const outline = element("span", "tw-outlined");
    outline.append(element("i"), " holds some of the selection");
    if (data.chosenReport.length) key.appendChild(outline);
  }

  function showTip(/** @type {number[] | null} */ at) {
    tip.hidden = !at || !grid;
    if (!at || !grid) return;
    tip.textContent = words(at);
    const [x0, y0, x1, y1] = boxOf(grid, at[0], at[1]);
    const left = canvas.offsetLeft + frame.offsetLeft - frame.scrollLeft;
    const top = canvas.offsetTop + frame.offsetTop - frame.scrollTop;
    const wanted = left + (at[1] < 0 ? x0 + 8 : (x0 + x1) / 2) - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(4, Math.min(root.clientWidth - tip.offsetWidth - 4, wanted))}px`;
    const below = top + y1 + 6;
    const hasRoom = below + tip.offsetHeight < root.scrollTop + root.clientHeight;
    tip.style.top = `${hasRoom ? below : Math.max(root.scrollTop, top + y0 - tip.offsetHeight - 6)}px`;
  }

  function select(/** @type {number[]} */ [row, column], /** @type {MouseEvent | KeyboardEvent} */ event) {
    const mode = modeOf(event);
    if (column < 0) model.send({ kind: "label", code: row, mode });
    else if (row < 0) model.send({ kind: "prediction", code: column, mode });
    else model.send({ kind: "cell", label: row, prediction: column, mode });
  }

  function cellUnder(/** @type {MouseEvent} */ event) {
    const box = canvas.getBoundingClientRect();
    return grid && cellAt(grid, event.clientX - box.left, event.clientY - box.top);
  }

  canvas.addEventListener("pointermove", (event) => {
    const under = cellUnder(event);
    if (String(under) === String(hovered)) return;
    hovered = under;
    canvas.style.cursor = under ? "pointer" : "";
    schedule();
  });
  canvas.addEventListener("pointerleave", () => { hovered = null; schedule(); });
  canvas.addEventListener("click", (event) => {
    const under = cellUnder(event);
    if (!under) return;
    place = under;
    select(under, event);
  });
  frame.addEventListener("focus", () => {
    isFocused = frame.matches(":focus-visible");
    if (isFocused) moveTo(place);
    schedule();
  });
  frame.addEventListener("blur", () => { isFocused = false; schedule(); });
  frame.addEventListener("keydown", (event) => {
    const [row, column] = place;
    const last = names.length - 1;
    /** @type {Record<string, number[]>} */
    const ways = {
      ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      PageUp: [row - PAGE_CELLS, column], PageDown: [row + PAGE_CELLS, column], Home: [row, 0], End: [row, last],
    };
    if (event.key === "Enter" || event.key === " ") {
      if (!event.repeat) select(place, event);
    } else if (ways[event.key] && !event.altKey && !event.metaKey && !event.ctrlKey) {
      const least = (/** @type {number} */ other) => (other < 0 ? 0 : -1); // the corner is no place
      const to = ways[event.key];
      if (event.key.startsWith("Page") || event.key === "ArrowUp" || event.key === "ArrowDown") to[0] = clamp(to[0], [least(column), last]);
      else to[1] = clamp(to[1], [least(row), last]);
      isFocused = true;
      hovered = null;
      moveTo(to);
    } else return;
    event.preventDefault();
  });

  function moveTo(/** @type {number[]} */ to) {
    place = to;
    spoken.textContent = words(to);
    if (grid) {
      const [x0, y0, x1, y1] = boxOf(grid, to[0], to[1]);
      // Names are kept in sight where there is room for them.
      frame.scrollLeft = clamp(frame.scrollLeft, [x1 - frame.clientWidth + 4, Math.max(0, x0 - grid.left)]);
      const [top, bottom] = [frame.offsetTop + y0 - grid.top - 4, frame.offsetTop + y1 + 50];
      root.scrollTop = clamp(root.scrollTop, [bottom - root.clientHeight, Math.max(0, top)]);
    }
    schedule();
  }

  large.addEventListener("click", () => {
    large.setAttribute("aria-pressed", String(large.getAttribute("aria-pressed") !== "true"));
    schedule();
  });

  // ---- in step ----

  function update() {
    data = readCounts(model);
    showSummary();
    if (data.allReport.length) {
      pairTable.show(data);
      classTable.show(data);
    }
    tables.hidden = !data.allReport.length;
    if (isFocused) spoken.textContent = words(place);
    schedule();
  }

  frame.addEventListener("scroll", () => { if (!tip.hidden) schedule(); }, { passive: true });
  root.addEventListener("scroll", () => { hovered = null; if (!tip.hidden) schedule(); }, { passive: true });
  const resized = new ResizeObserver(() => { if (root.clientWidth !== drawnWidth) schedule(); });
  resized.observe(root);
  const themed = new MutationObserver(schedule); // JupyterLab marks its theme on the body
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] });
  const fields = ["counts", "chosen", "report", "chosen_report", "pairs", "chosen_pairs", "counts_selection", "shows_shares"];
  const unfollow = follow(model, [[changesOf(...fields), once(update)]]);
  update();
  return () => {
    unfollow();
    resized.disconnect();
    themed.disconnect();
    cancelAnimationFrame(pending);
  };
}

function clamp(/** @type {number} */ value, /** @type {number[]} */ [least, most]) {
  return Math.max(least, Math.min(most, value));
}

export default render;
