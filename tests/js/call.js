// Calls functions of the page for another process: one line of JSON per call, and one per answer.
// A call is {module, name, args}, and module is a path below tsne_widget/widgets. An argument
// {"Float64Array": [1, 2]} becomes that typed array.
import { createInterface } from "node:readline";

const ARRAYS = { Float32Array, Float64Array, Uint8Array, Uint16Array, Uint32Array };
const WIDGETS = new URL("../../tsne_widget/widgets/", import.meta.url);

/** Replace {name: values} by a typed array. */
function revive(_key, value) {
  const [name] = Object.keys(value ?? {});
  return name in ARRAYS ? ARRAYS[name].from(value[name]) : value;
}

/** Replace a typed array by a list. */
const plain = (_key, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);

for await (const line of createInterface({ input: process.stdin })) {
  const { module, name, args } = JSON.parse(line, revive);
  const functions = await import(new URL(module, WIDGETS));
  console.log(JSON.stringify(await functions[name](...args), plain));
}
