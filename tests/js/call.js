// Answers calls of the page's functions from another process: a line of JSON for each.
// A call is {module, name, args}, and module is a path below tsne_widget/widgets. An argument
// {"Float64Array": [1, 2]} becomes that typed array.
import { createInterface } from "node:readline";

const ARRAYS = { Float32Array, Float64Array, Uint8Array, Uint16Array, Uint32Array };
const WIDGETS = new URL("../../tsne_widget/widgets/", import.meta.url);

/** A typed array where JSON has {name: values}. */
function revive(_key, value) {
  const [name] = Object.keys(value ?? {});
  return name in ARRAYS ? ARRAYS[name].from(value[name]) : value;
}

/** A list where a typed array is. */
const plain = (_key, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);

for await (const line of createInterface({ input: process.stdin })) {
  const { module, name, args } = JSON.parse(line, revive);
  const functions = await import(new URL(module, WIDGETS));
  console.log(JSON.stringify(await functions[name](...args), plain));
}
