// The colours of the matrix, from the styles of the page.

/** @param {HTMLElement} root @returns {import("./matrix.js").Paints} */
export function paintsOf(root) {
  const styles = getComputedStyle(root);
  const probe = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
  const numbers = (/** @type {string} */ name) => {
    probe.fillStyle = styles.getPropertyValue(name).trim();
    const hex = String(probe.fillStyle); // the browser returns #rrggbb
    return [1, 3, 5].map((start) => Number.parseInt(hex.slice(start, start + 2), 16));
  };
  const text = (/** @type {string} */ name) => styles.getPropertyValue(name).trim();
  return {
    ground: numbers("--tw-ground"), right: numbers("--tw-right"), wrong: numbers("--tw-wrong"), font: styles.fontFamily,
    text: text("--tw-text"), muted: text("--tw-muted"), line: text("--tw-line"), accent: text("--tw-accent"),
  };
}
