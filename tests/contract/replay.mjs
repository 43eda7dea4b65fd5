// Replays a conversation that kernel.py recorded against the backend of an exported page.
import { openExploration, pageBackend } from "../../tsne_widget/widgets/html_export/page/backend.js";

const ARRAYS = { "<f4": Float32Array, "<u4": Uint32Array };

/** Differences between the page and the kernel at the first step where they differ. */
export async function replay({ record, pictures, dtypes, fields, start, steps }) {
  const backend = pageBackend(openExploration(record, pictures));
  const expected = { ...start };
  const replies = [];
  if ("diagnosis.title" in start) backend("frame").set("panel", "diagnosis");
  const views = new Set(Object.keys(start).map((name) => name.split(".")[0]));
  for (const view of views) {
    backend(view).on("msg:custom", (content, buffers) => {
      const kept = Object.entries(content).filter(([key]) => !fields.includes(key));
      replies.push({ view, content: Object.fromEntries(kept), buffers: buffers.map((one) => numbers(one)) });
    });
  }

  /** Traits and replies that differ from the kernel's. */
  function differences(step, replied) {
    const found = Object.keys(expected)
      .map((name) => [name, expected[name], traitOf(backend, name, dtypes)])
      .concat([["replies", replied, [...replies]]])
      .filter(([, wanted, value]) => canonical(wanted) !== canonical(value));
    return found.map(([name, wanted, value]) => `step ${step}: ${name}: kernel ${short(wanted)}, page ${short(value)}`);
  }

  let found = differences("start", []);
  for (const [number, step] of steps.entries()) {
    if (found.length) break;
    replies.length = 0;
    const said = `${number} ${step.view} ${JSON.stringify(step.content)}`;
    const isAnswered = say(backend(step.view), step);
    await new Promise((resolve) => setImmediate(resolve));
    Object.assign(expected, step.traits);
    found = isAnswered ? differences(said, step.replies) : [`step ${said}: the page has no answer`];
  }
  return found;
}

/** Send a message as a view does. */
function say(model, { content, polygon }) {
  if (content.kind !== "set") {
    return model.send(content, undefined, polygon ? [Float64Array.from(polygon).buffer] : []);
  }
  for (const [name, value] of Object.entries(content.state)) model.set(name, value);
  model.save_changes();
  return true;
}

function traitOf(backend, name, dtypes) {
  const [view, trait] = name.split(".");
  const value = backend(view).get(trait);
  const Type = ARRAYS[dtypes[name]] ?? Uint8Array;
  if (value instanceof DataView) return numbers(value, Type);
  return value === null && !["hovered", "focus"].includes(trait) ? [] : value; // null means no bytes
}

function numbers(view, Type = Uint8Array) {
  return Array.from(new Type(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)));
}

/** JSON with sorted keys, NaN as null and ids as numbers. */
function canonical(value) {
  return JSON.stringify(value, (_key, one) => {
    if (typeof one === "bigint") return Number(one);
    if (!one || typeof one !== "object" || Array.isArray(one)) return one;
    return Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function short(value) {
  const text = canonical(value) ?? "undefined";
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
