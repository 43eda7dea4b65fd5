// The map's figure without bqplot: points and rings on a canvas, with the part of a bqplot view's
// interface that view.js uses, so that gestures, hover, keys and zoom are the same.
import { WRONG_COLOR } from "../../frontend/constants.js";

// As figure.py has them: summed area of all markers in px², its bounds, and the rings.
const MARKERS_AREA = 130_000;
const MARKER_AREAS = [6, 60];
const RING = { palette: [WRONG_COLOR], pixels: 0.9, area: 2.2 };
const TAU = 2 * Math.PI;

/** A view without points: they come by `move` and `paint`. */
export function makeCanvas() {
  const root = document.createElement("div");
  root.className = "tw-canvas";
  const canvas = root.appendChild(document.createElement("canvas"));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const scales = { x: makeScale(false), y: makeScale(true) };
  const points = makeMark();
  const rings = makeMark();
  /** @type {string[]} */
  let colors = [];
  let frame = 0;
  const sprites = makeSprites();

  function makeMark() {
    const none = new Float32Array(0);
    /** @type {Record<string, any>} */
    const attributes = { x: none, y: none, color: none, opacity: none };
    // What scatter.js would put on a graphics card: these are drawn, the attributes are kept.
    const loaded = () => ({
      array: none, capacity: Infinity, needsUpdate: false,
      setArray(/** @type {any} */ values) { this.array = values; },
    });
    const mark = {
      scales,
      x: loaded(), y: loaded(), color: loaded(), opacity: loaded(),
      instanced_geometry: { maxInstancedCount: 0 },
      model: {
        attributes,
        get: (/** @type {string} */ name) => attributes[name],
        set: (/** @type {string} */ name, /** @type {any} */ value) => { attributes[name] = value; },
      },
      /** @type {(changed: {hasChanged: (name: string) => boolean}) => void} */
      changed() {},
      listenTo(/** @type {any} */ _model, /** @type {string} */ _event, /** @type {any} */ callback) { mark.changed = callback; },
      /** Change attributes, and draw them as they are. */
      put(/** @type {Record<string, any>} */ values) {
        Object.assign(attributes, values);
        for (const name of /** @type {const} */ (["x", "y", "color", "opacity"])) mark[name].array = attributes[name];
        mark.instanced_geometry.maxInstancedCount = attributes.x.length;
      },
    };
    return mark;
  }

  function makeScale(/** @type {boolean} */ isDown) {
    let [min, max, length] = [0, 1, 1];
    const scale = Object.assign(
      (/** @type {number} */ value) => (isDown ? max - value : value - min) / (max - min) * length,
      {
        invert: (/** @type {number} */ pixel) => (isDown ? max - pixel / length * (max - min) : min + pixel / length * (max - min)),
        domain: () => [min, max],
        range: () => (isDown ? [length, 0] : [0, length]),
      },
    );
    const model = {
      set(/** @type {{min: number, max: number}} */ next) {
        ({ min, max } = next);
        request();
      },
    };
    return { scale, model, offset: 0, resize: (/** @type {number} */ pixels) => { length = Math.max(1, pixels); } };
  }

  // ---- drawing ----

  function request() {
    frame ||= requestAnimationFrame(draw);
  }

  function draw() {
    cancelAnimationFrame(frame);
    frame = 0;
    const ratio = window.devicePixelRatio || 1;
    const size = [Math.round(root.clientWidth * ratio), Math.round(root.clientHeight * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    context.clearRect(0, 0, canvas.width, canvas.height);
    const area = Math.min(MARKER_AREAS[1], Math.max(MARKER_AREAS[0], MARKERS_AREA / points.model.attributes.x.length));
    const dots = sprites.of(Math.sqrt(area / Math.PI) * ratio, colors);
    const [circle] = sprites.of(Math.sqrt((area * RING.area) / Math.PI) * ratio, RING.palette, RING.pixels * ratio);
    // Faint ones first: what is selected lies on top, with its rings.
    for (const isStrong of [false, true]) {
      drawMark(points, isStrong, ratio, (i) => dots[points.color.array[i]]);
      drawMark(rings, isStrong, ratio, () => circle);
    }
    context.globalAlpha = 1;
  }

  function drawMark(/** @type {typeof points} */ mark, /** @type {boolean} */ isStrong, /** @type {number} */ ratio, /** @type {(i: number) => HTMLCanvasElement} */ spriteOf) {
    const [xs, ys, opacity] = [mark.x.array, mark.y.array, mark.opacity.array];
    const [sx, sy] = [scales.x.scale, scales.y.scale];
    const [[x0, x1], [y0, y1]] = [sx.domain(), sy.domain()];
    const [slackX, slackY] = [0.02 * (x1 - x0), 0.02 * (y1 - y0)]; // markers at the edge are cut, not left out
    const count = Math.min(xs.length, mark.instanced_geometry.maxInstancedCount);
    let alpha = -1;
    for (let i = 0; i < count; i++) {
      const strength = opacity[i];
      if (!strength || strength === 1 !== isStrong) continue;
      if (xs[i] < x0 - slackX || xs[i] > x1 + slackX || ys[i] < y0 - slackY || ys[i] > y1 + slackY) continue;
      if (strength !== alpha) context.globalAlpha = alpha = strength;
      const sprite = spriteOf(i);
      context.drawImage(sprite, Math.round(sx(xs[i]) * ratio - sprite.width / 2), Math.round(sy(ys[i]) * ratio - sprite.height / 2));
    }
  }

  const resized = new ResizeObserver(() => {
    if (!root.clientWidth) return;
    measure();
    request();
  });

  function measure() {
    scales.x.resize(root.clientWidth);
    scales.y.resize(root.clientHeight);
  }

  return {
    el: root,
    rendered: true,
    margin: { left: 0, top: 0 },
    mark_views: { views: [points, rings].map((mark) => Promise.resolve(mark)) },
    extras: { webGLRequestRender: request, webGLRender: draw },
    /** The figure is in the page. */
    trigger() {
      measure();
      resized.observe(root);
      request();
    },
    remove() {
      resized.disconnect();
      cancelAnimationFrame(frame);
      root.remove();
    },
    /**
     * @param {Float32Array} x  of each point, in the order of drawing
     * @param {Float32Array} y
     * @param {Uint32Array} ringed  points with a ring, ascending
     */
    move(x, y, ringed) {
      const fitting = (/** @type {any} */ mark, /** @type {number} */ count) => (
        mark.model.get("opacity").length === count ? mark.model.get("opacity") : new Float32Array(count)
      );
      rings.put({ x: Float32Array.from(ringed, (i) => x[i]), y: Float32Array.from(ringed, (i) => y[i]), opacity: fitting(rings, ringed.length) });
      points.put({ x, y, opacity: fitting(points, x.length) });
      points.changed({ hasChanged: (name) => name === "x" });
      request();
    },
    /**
     * @param {Uint8Array | Uint16Array} color  place of each point's colour in the palette
     * @param {string[]} palette
     */
    paint(color, palette) {
      colors = palette;
      points.put({ color });
      points.changed({ hasChanged: (name) => name === "color" });
      request();
    },
  };
}

/** A small picture of each marker, drawn once: to copy one is several times faster than to draw it. */
function makeSprites() {
  /** @type {WeakMap<string[], {size: string, made: HTMLCanvasElement[]}>} */
  const kept = new WeakMap();
  function of(/** @type {number} */ radius, /** @type {string[]} */ palette, line = 0) {
    const size = `${radius} ${line}`;
    const known = kept.get(palette);
    if (known?.size === size) return known.made;
    const made = palette.map((color) => {
      const sprite = document.createElement("canvas");
      sprite.width = sprite.height = Math.ceil(2 * (radius + line) + 2);
      const context = /** @type {CanvasRenderingContext2D} */ (sprite.getContext("2d"));
      context.fillStyle = context.strokeStyle = color;
      context.lineWidth = line;
      context.beginPath();
      context.arc(sprite.width / 2, sprite.width / 2, radius, 0, TAU);
      if (line) context.stroke();
      else context.fill();
      return sprite;
    });
    kept.set(palette, { size, made });
    return made;
  }
  return { of };
}
