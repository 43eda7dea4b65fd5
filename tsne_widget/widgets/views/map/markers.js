// Lets bqplot's WebGL marks draw their markers as points instead of instanced squares. Without a graphics card,
// browsers draw one instance after the other: 70,000 squares take two seconds, as many points a twentieth of it.

const PAD = 32; // CSS pixels around the figure: a marker at the edge is clipped, not omitted
const READ = ["x", "y", "color", "opacity", "size", "selected"]; // attributes that the program for points reads

/** What bqplot-gl 0.1 says, and what it says for points. @typedef {[from: string | RegExp, to: string][]} Changes */
/** @type {Changes} */
const VERTEX = [
  [/attribute float (\w+)_previous;/g, "#define $1_previous $1"], // the figure has no animations
  ["attribute float rotation;", "const float rotation = 0.;"],
  ["attribute vec3 position;", "const vec3 position = vec3(0.);"],
  ["attribute vec2 uv;", "const vec2 uv = vec2(0.5);\nuniform float tw_ratio;\nuniform vec2 tw_inner;\nvarying float v_full_size;"],
  [/gl_Position =[^;]+;/, `
    v_full_size = full_size + 2.; // room for the smooth edge; bqplot counts half pixels
    gl_PointSize = v_full_size / 2. * tw_ratio;
    gl_Position = projectionMatrix * modelViewMatrix * vec4(center_pixels / 2., 1.);
    gl_Position = opacity_value > 0. ? vec4(gl_Position.xy * tw_inner, 0., 1.) : vec4(2., 2., 2., 1.);`],
];
/** @type {Changes} */
const FRAGMENT = [
  ["varying vec2 v_pixel;", "varying float v_full_size;\n#define v_pixel (vec2(gl_PointCoord.x - 0.5, 0.5 - gl_PointCoord.y) * v_full_size)"],
];

/**
 * Draw the markers of a mark as points. A mark with an unknown program keeps its squares.
 * @param {any} mark  before its first frame
 */
export function drawAsPoints(mark) {
  const { mesh, material, instanced_geometry: geometry } = mark;
  const [vertexShader, fragmentShader] = [changed(material.vertexShader, VERTEX), changed(material.fragmentShader, FRAGMENT)];
  if (!vertexShader || !fragmentShader) return;
  Object.assign(material, { vertexShader, fragmentShader, needsUpdate: true });
  Object.assign(material.uniforms, { tw_ratio: { value: 1 }, tw_inner: { value: [1, 1] } });
  // three.js decides by these flags what it draws.
  Object.assign(mesh, { isMesh: false, isPoints: true, frustumCulled: false });
  Object.assign(geometry, { isInstancedBufferGeometry: false, index: null });
  Object.defineProperty(geometry, "maxInstancedCount", {
    get: () => geometry.drawRange.count,
    set: (count) => { geometry.drawRange.count = count; },
  });
  geometry.maxInstancedCount = mark.markers_number;

  /** Attributes that have one value for all points. @type {Set<string>} */
  const shared = new Set();
  function take(/** @type {string} */ name, /** @type {any} */ attribute) {
    attribute.isInstancedBufferAttribute = false;
    const isShared = attribute.meshPerAttribute > 1;
    if (isShared || !READ.includes(name)) geometry.removeAttribute(name);
    if (isShared && READ.includes(name)) shared.add(name);
    else shared.delete(name);
    return attribute;
  }
  for (const [name, attribute] of Object.entries(geometry.attributes)) take(name, attribute);
  const { initializeAttribute, renderGL } = mark;
  mark.initializeAttribute = (/** @type {string} */ name, /** @type {any} */ values) => take(name, initializeAttribute.call(mark, name, values));
  mark.renderGL = () => {
    for (const name of shared) material.defaultAttributeValues[name] = mark[name].array;
    makeRoom(mark);
    renderGL.call(mark);
  };
}

/** Draw into a larger area than the figure, because a point is omitted if its centre is outside. */
function makeRoom(/** @type {any} */ { parent, material: { uniforms } }) {
  const { renderer } = parent.extras.webGLRenderer;
  const [width, height] = [parent.plotareaWidth, parent.plotareaHeight];
  renderer.setViewport(-PAD, -PAD, width + 2 * PAD, height + 2 * PAD);
  uniforms.tw_inner.value = [width / (width + 2 * PAD), height / (height + 2 * PAD)];
  uniforms.tw_ratio.value = renderer.getPixelRatio();
}

/** The text after all changes; "" if one of them finds nothing. @param {string} text @param {Changes} changes */
function changed(text, changes) {
  let made = text;
  for (const [from, to] of changes) {
    const next = made.replace(from, to);
    if (next === made) return "";
    made = next;
  }
  return made;
}
