// Uses internals of bqplot's WebGL marks: their buffers on the graphics card, and how to release them.

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

export function upload(/** @type {any} */ mark, /** @type {string} */ name, /** @type {Float32Array} */ values) {
  const attribute = mark[name];
  attribute.capacity ??= attribute.array.length; // length of the buffer on the card
  if (values.length > attribute.capacity) {
    mark[name] = mark.initializeAttribute(name, { array: values, item_size: 1, mesh_per_attribute: 1, normalized: attribute.normalized });
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
  const names = context.getExtension("WEBGL_debug_renderer_info");
  const name = String(context.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : context.RENDERER));
  freeContext(context);
  page.tsneWidgetRenderer = name;
  return name;
}

/** Release a context. Browsers allow about 16 at a time and collect unused ones late. */
function freeContext(/** @type {WebGLRenderingContext} */ context) {
  context.getExtension("WEBGL_lose_context")?.loseContext();
}
