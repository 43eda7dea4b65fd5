// The figure of a shared page: points and rings on a canvas, with the surface of a bqplot figure
// that scatter.js makes use of, so that gestures, hover, keys and zoom are those of the widget.

// As figures.py has them: summed area of all markers in px², its bounds, and the rings.
const MARKERS_AREA = 130_000;
const MARKER_AREAS = [6, 60];
const RING = { palette: ["#d6336c"], pixels: 0.9, area: 2.2 };
const TAU = 2 * Math.PI;

/** @typedef {{texels: Uint16Array, palette: string[]}} Paint  place of each point's colour */

/**
 * @param {Float32Array} x  of each point, in the order of drawing
 * @param {Float32Array} y
 * @param {Uint32Array} ringed  points with a ring, ascending
 * @param {Paint} paint
 */
export function makeFigure(x, y, ringed, paint) {
  const root = document.createElement("div");
  root.className = "bqplot";
  const canvas = root.appendChild(document.createElement("canvas"));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const scales = { x: makeScale(false), y: makeScale(true) };
  const points = makeMark(x, y);
  const rings = makeMark(Float32Array.from(ringed, (i) => x[i]), Float32Array.from(ringed, (i) => y[i]));
  const marks = ringed.length ? [points, rings] : [points];
  let frame = 0;
  let colors = paint;
  const sprites = makeSprites();

  function makeMark(/** @type {Float32Array} */ xs, /** @type {Float32Array} */ ys) {
    /** @type {Record<string, any>} */
    const attributes = { x: xs, y: ys, opacity: new Float32Array(xs.length) };
    return {
      scales,
      // What scatter.js puts on a graphics card: here the array in the model is what is drawn.
      opacity: { array: attributes.opacity, capacity: Infinity, setArray() {}, needsUpdate: false },
      instanced_geometry: { maxInstancedCount: xs.length },
      model: {
        attributes,
        get: (/** @type {string} */ name) => attributes[name],
        set: (/** @type {string} */ name, /** @type {any} */ value) => { attributes[name] = value; },
      },
      listenTo() {}, // the points of a shared map do not move
    };
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
    const area = Math.min(MARKER_AREAS[1], Math.max(MARKER_AREAS[0], MARKERS_AREA / x.length));
    const dots = sprites.of(Math.sqrt(area / Math.PI) * ratio, colors.palette);
    // Faint ones first: what is selected lies on top, with its rings.
    for (const isStrong of [false, true]) {
      drawMark(points, isStrong, ratio, (i) => dots[colors.texels[i]]);
      if (!ringed.length) continue;
      const [circle] = sprites.of(Math.sqrt((area * RING.area) / Math.PI) * ratio, RING.palette, RING.pixels * ratio);
      drawMark(rings, isStrong, ratio, () => circle);
    }
    context.globalAlpha = 1;
  }

  function drawMark(/** @type {any} */ mark, /** @type {boolean} */ isStrong, /** @type {number} */ ratio, /** @type {(i: number) => HTMLCanvasElement} */ spriteOf) {
    const { x: xs, y: ys, opacity } = mark.model.attributes;
    const [sx, sy] = [mark.scales.x.scale, mark.scales.y.scale];
    const [[x0, x1], [y0, y1]] = [sx.domain(), sy.domain()];
    const count = Math.min(xs.length, mark.instanced_geometry.maxInstancedCount);
    let alpha = -1;
    for (let i = 0; i < count; i++) {
      const strength = opacity[i];
      if (!strength || strength === 1 !== isStrong) continue;
      const slack = 0.02 * (x1 - x0); // markers at the edge are cut, not left out
      if (xs[i] < x0 - slack || xs[i] > x1 + slack || ys[i] < y0 - slack || ys[i] > y1 + slack) continue;
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

  const view = {
    el: root,
    rendered: true,
    margin: { left: 0, top: 0 },
    mark_views: { views: marks.map((mark) => Promise.resolve(mark)) },
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
  };

  return {
    view,
    get: () => marks.map((mark) => mark.model), // of its traits scatter.js reads the marks
    /** @param {Paint} next */
    paint(next) {
      colors = next;
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
