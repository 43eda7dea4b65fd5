// Uses internals of bqplot's WebGL marks: their buffers and shaders on the graphics card, and how to release them.
import { channels } from "../../frontend/palette.js";

const GROWTH = 1.5; // a buffer that is too small gets larger by this factor

/** Upload some points to the graphics card; the model's arrays do not change. */
export function gather(/** @type {any} */ mark, /** @type {Uint32Array} */ points, /** @type {string[]} */ names) {
  for (const name of names) {
    const values = mark.model.get(name);
    if (!values) continue;
    const taken = new Float32Array(points.length);
    for (let k = 0; k < taken.length; k++) taken[k] = values[points[k]];
    upload(mark, name, taken);
  }
}

/** Upload values of the points above the others, one per point; attributes that are left out stay. */
export function loadAbove(/** @type {any} */ mark, /** @type {Record<string, Float32Array>} */ values) {
  if (!Object.keys(values).length) return;
  for (const [name, array] of Object.entries(values)) upload(mark, name, array);
  // Without animations, the former values are never seen; they only have to exist.
  for (const name of ["x", "y", "opacity", "size"]) mark.instanced_geometry.addAttribute?.(`${name}_previous`, mark[name]);
}

/**
 * Let the marker of each point have a ring of its own width, in the point's colour mixed with ink.
 * bqplot has one width and one colour for all; its attribute `selected` is free to carry the width.
 * @param {any} mark  before its first frame
 */
export function giveRings(mark) {
  const { material } = mark;
  material.uniforms.tw_ink = { value: [0, 0, 0, 0] }; // red, green, blue, and share of the ink
  material.vertexShader = material.vertexShader
    .replace("void main(void) {", "uniform vec4 tw_ink;\nvoid main(void) {\n float stroke_width = selected;")
    .replace("v_stroke_color = color_rgba;", "v_stroke_color = vec4(mix(color_rgba.rgb, tw_ink.rgb, selected > 0. ? tw_ink.a : 0.), color_rgba.a);");
  material.needsUpdate = true;
  // All points have the one rotation, however many there are.
  for (const name of ["rotation", "rotation_previous"]) {
    mark[name] = mark.initializeAttribute(name, { array: new Float32Array(1), item_size: 1, mesh_per_attribute: 2 ** 24, normalized: false });
  }
}

/** Draw a mark in other colours, which bqplot's own model does not get. @param {any} mark @param {string[]} texture */
export function recolor(mark, texture) {
  const colormap = mark.material.uniforms.colormap.value;
  if (!colormap || colormap.twTexture === texture) return;
  colormap.twTexture = texture;
  texture.forEach((color, k) => colormap.image.data.set(channels(color), 3 * k));
  colormap.needsUpdate = true;
}

export function upload(/** @type {any} */ mark, /** @type {string} */ name, /** @type {Float32Array} */ values) {
  const attribute = mark[name];
  attribute.capacity ??= attribute.array.length; // length of the buffer on the card
  if (values.length > attribute.capacity) {
    const array = new Float32Array(Math.ceil(values.length * GROWTH));
    array.set(values);
    mark[name] = mark.initializeAttribute(name, { array, item_size: 1, mesh_per_attribute: 1, normalized: attribute.normalized });
    return;
  }
  attribute.setArray(values);
  attribute.needsUpdate = true;
}

/** Remove bqplot's view and release its graphics memory. */
export function release(/** @type {any} */ view) {
  const three = view.extras?.webGLRenderer?.renderer;
  view.remove();
  // bqplot 0.13 leaves a box at the end of the page, and listeners on the window.
  view.tooltip_div?.remove();
  view.popper?.destroy();
  if (three) Object.defineProperty(view.extras, "webGLMarks", { value: [] }); // see beforeFirstFrame
  view.el.replaceChildren(); // the model keeps this element, see forget.js
  three?.dispose();
  if (three) freeContext(three.context);
}

/** Give a figure a plain context: its markers smooth their own edges, so antialiasing costs time and changes nothing. */
export function usePlainContext(/** @type {any} */ view) {
  Object.defineProperty(view, "needsWebGLContext", {
    get: () => Boolean(view.webGLContext),
    set: () => { view.webGLContext ??= view.webGLCanvas.getContext("webgl", { antialias: false, depth: false }); },
  });
}

/** Call a function with each WebGL mark of a figure before it is drawn; bqplot has no event for this. */
export function beforeFirstFrame(/** @type {any} */ view, /** @type {(mark: any) => void} */ prepare) {
  /** @type {any[]} */
  let marks;
  Object.defineProperty(view.extras, "webGLMarks", {
    configurable: true,
    get: () => marks,
    set: (/** @type {any[]} */ list) => {
      marks = list;
      list.push = (mark) => {
        prepare(mark);
        return Array.prototype.push.call(list, mark);
      };
    },
  });
}

/** Keep the canvas while its size is the same. bqplot sets the size before each frame, which makes browsers recreate the canvas. */
export function keepCanvas(/** @type {any} */ holder) {
  if (holder.isKept) return;
  holder.isKept = true;
  const three = holder.renderer;
  const { setSize, setPixelRatio } = three;
  three.setPixelRatio = (/** @type {number} */ ratio) => {
    if (ratio !== three.getPixelRatio()) setPixelRatio.call(three, ratio);
  };
  three.setSize = (/** @type {number} */ width, /** @type {number} */ height, /** @type {any[]} */ ...rest) => {
    const [canvas, ratio] = [three.domElement, three.getPixelRatio()];
    const isThatSize = canvas.width === Math.trunc(width * ratio) && canvas.height === Math.trunc(height * ratio);
    if (!isThatSize || canvas.style.width !== `${width}px` || canvas.style.height !== `${height}px`) setSize.call(three, width, height, ...rest);
  };
}

export function isSoftware(/** @type {string | null} */ renderer) {
  return /swiftshader|llvmpipe|software|basic render/i.test(renderer ?? "");
}

/**
 * Name of the WebGL renderer; null if there is none. A software renderer takes a tenth of a second to
 * make a context, so the page keeps the answer for the next map.
 * @returns {string | null}
 */
export function webglRenderer() {
  const page = /** @type {any} */ (window);
  if (page.tsneWidgetRenderer) return page.tsneWidgetRenderer;
  const context = document.createElement("canvas").getContext("webgl");
  if (!context) return null;
  page.tsneWidgetRenderer = nameOf(context);
  freeContext(context);
  return page.tsneWidgetRenderer;
}

/** Name of a context's renderer. @param {WebGLRenderingContext} context */
export function nameOf(context) {
  const names = context.getExtension("WEBGL_debug_renderer_info");
  return String(context.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : context.RENDERER));
}

/** Release a context. Browsers allow about 16 at a time and collect unused ones late. */
export function freeContext(/** @type {WebGLRenderingContext} */ context) {
  context.getExtension("WEBGL_lose_context")?.loseContext();
}
