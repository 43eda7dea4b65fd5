// Paints the points of the canvas with WebGL, where bqplot's own program cannot be loaded.
import { channels } from "../../frontend/palette.js";
import { freeContext, nameOf } from "./webgl.js";

/** @typedef {import("./mark.js").CanvasMark} CanvasMark */
/** @typedef {import("./canvas.js").Sheet} Sheet */
/** @typedef {import("./dress.js").Dressed} Dressed */

const PAD = 32; // CSS pixels around the figure: a marker at the edge is clipped, not omitted
const ROW = 256; // colours in a row of the palette
const VERTEX = `
precision highp float;
attribute float x, y, color, opacity, size, selected;
uniform vec2 from, scale, texels;
uniform float ratio;
uniform sampler2D palette;
varying vec4 fill, edge;
varying vec3 widths; // of the marker without and with its ring, and of its square, pixels of the canvas
vec4 shade(float row) {
  vec2 at = vec2(mod(color, ${ROW}.), floor(color / ${ROW}.) + row * texels.y / 2.);
  return vec4(texture2D(palette, (at + 0.5) / texels).rgb * opacity, opacity);
}
void main() {
  float radius = sqrt(size / 3.14159265) * ratio;
  float ring = selected * ratio;
  widths = vec3(radius - ring / 2., radius + ring / 2., 2. * (radius + ring / 2.) + 2.);
  gl_PointSize = widths.z;
  gl_Position = opacity > 0. ? vec4((vec2(x, y) - from) * scale, 0, 1) : vec4(2, 2, 2, 1);
  fill = shade(0.);
  edge = ring > 0. ? shade(1.) : fill;
}`;
const FRAGMENT = `
precision highp float;
varying vec4 fill, edge;
varying vec3 widths;
void main() {
  float distance = length(gl_PointCoord - 0.5) * widths.z;
  float cover = clamp(widths.y - distance + 0.5, 0., 1.);
  if (cover == 0.) discard;
  gl_FragColor = mix(edge, fill, clamp(widths.x - distance + 0.5, 0., 1.)) * cover;
}`;
const FIELDS = /** @type {const} */ (["x", "y", "color", "opacity", "size", "selected"]);

export class GlPainter {
  #gl;
  #program;
  /** @type {Map<object, {buffer: WebGLBuffer, array: ArrayBufferView}>} */
  #loaded = new Map(); // by field of a mark
  /** @type {Dressed | null} */
  #dressed = null;
  #texels = [1, 1];

  /** @param {HTMLCanvasElement} canvas @returns {GlPainter | null}  null if the browser cannot */
  static on(canvas) {
    const gl = canvas.getContext("webgl", { antialias: false, depth: false });
    const program = gl && linked(gl);
    return program ? new GlPainter(gl, program) : null;
  }

  /** @param {WebGLRenderingContext} gl @param {WebGLProgram} program */
  constructor(gl, program) {
    this.#gl = gl;
    this.renderer = nameOf(gl);
    this.#program = program;
    gl.useProgram(program);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA); // colours are multiplied by their opacity
  }

  /** @param {CanvasMark[]} marks  the last one on top @param {Sheet} sheet @param {Dressed} dressed */
  paint(marks, { width, height, ratio }, dressed) {
    const gl = this.#gl;
    const pad = Math.round(PAD * ratio);
    gl.viewport(-pad, -pad, width + 2 * pad, height + 2 * pad);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    this.#dress(dressed);
    gl.uniform1f(this.#uniform("ratio"), ratio);
    gl.uniform2f(this.#uniform("texels"), this.#texels[0], this.#texels[1]);
    for (const mark of marks) this.#paintMark(mark, width / (width + 2 * pad), height / (height + 2 * pad));
  }

  release() {
    freeContext(this.#gl);
  }

  /** @param {CanvasMark} mark @param {number} across  share of the figure's width in the viewport's @param {number} down */
  #paintMark(mark, across, down) {
    const gl = this.#gl;
    // The arrays of other points arrive one after another.
    const lengths = FIELDS.filter((name) => !isForAll(name, mark[name])).map((name) => mark[name].array.length);
    const count = Math.min(mark.instanced_geometry.maxInstancedCount, ...lengths);
    if (!count) return;
    const [[x0, x1], [y0, y1]] = [mark.scales.x.scale.domain(), mark.scales.y.scale.domain()];
    gl.uniform2f(this.#uniform("from"), (x0 + x1) / 2, (y0 + y1) / 2);
    gl.uniform2f(this.#uniform("scale"), (2 * across) / (x1 - x0), (2 * down) / (y1 - y0));
    for (const name of FIELDS) this.#load(name, mark[name]);
    gl.drawArrays(gl.POINTS, 0, count);
  }

  /** Hand an attribute to the program: one value per point, or one for all. */
  #load(/** @type {string} */ name, /** @type {{array: any}} */ field) {
    const gl = this.#gl;
    const [at, { array }] = [gl.getAttribLocation(this.#program, name), field];
    if (isForAll(name, field)) {
      gl.disableVertexAttribArray(at);
      return gl.vertexAttrib1f(at, array[0] ?? 0);
    }
    const kept = this.#loaded.get(field) ?? { buffer: /** @type {WebGLBuffer} */ (gl.createBuffer()), array: null };
    gl.bindBuffer(gl.ARRAY_BUFFER, kept.buffer);
    if (kept.array !== array) gl.bufferData(gl.ARRAY_BUFFER, array, gl.DYNAMIC_DRAW);
    this.#loaded.set(field, { ...kept, array });
    const type = array instanceof Uint8Array ? gl.UNSIGNED_BYTE : array instanceof Uint16Array ? gl.UNSIGNED_SHORT : gl.FLOAT;
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, 1, type, false, 0, 0);
  }

  /** Load the colours: the points' in the upper half of a texture, the rings' in the lower half. */
  #dress(/** @type {Dressed} */ dressed) {
    if (dressed === this.#dressed) return;
    this.#dressed = dressed;
    const gl = this.#gl;
    const rows = Math.max(1, Math.ceil(dressed.colors.length / ROW));
    const pixels = new Uint8Array(4 * ROW * 2 * rows);
    [dressed.colors, dressed.rings].forEach((colors, half) => colors.forEach((color, k) => pixels.set(channels(color), 4 * (half * rows * ROW + k))));
    this.#texels = [ROW, 2 * rows];
    gl.bindTexture(gl.TEXTURE_2D, this.#texture ??= gl.createTexture());
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, ROW, 2 * rows, 0, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
    for (const wrap of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, wrap, gl.CLAMP_TO_EDGE);
  }

  #texture = /** @type {WebGLTexture | null} */ (null);

  #uniform(/** @type {string} */ name) {
    return this.#gl.getUniformLocation(this.#program, name);
  }
}

/** Whether all points share the one value of an attribute. @param {string} name @param {{array: ArrayLike<number>}} field */
function isForAll(name, { array }) {
  return array.length <= 1 && (name === "size" || name === "selected");
}

/** @param {WebGLRenderingContext} gl @returns {WebGLProgram | null} */
function linked(gl) {
  const program = /** @type {WebGLProgram} */ (gl.createProgram());
  for (const [type, source] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]])) {
    const shader = /** @type {WebGLShader} */ (gl.createShader(type));
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (gl.getProgramParameter(program, gl.LINK_STATUS)) return program;
  console.warn("tsne_widget draws the map without WebGL:", gl.getProgramInfoLog(program));
  return null;
}
