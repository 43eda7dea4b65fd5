// Elements of a view. Text goes into them as text, never as markup.

/** @param {string} tag @param {string} name  class, or several @returns {HTMLElement} */
export function element(tag, name = "") {
  const node = document.createElement(tag);
  if (name) node.className = name;
  return node;
}

/** @param {string} tag @param {string} name  class @param {Record<string, any>} attributes */
export function svgElement(tag, name = "", attributes = {}) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  if (name) node.setAttribute("class", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  return node;
}

/** @param {string} text @param {(event: MouseEvent) => void} [act]  on a click @returns {HTMLButtonElement} */
export function textButton(text, act) {
  const button = /** @type {HTMLButtonElement} */ (element("button"));
  button.type = "button";
  button.textContent = text;
  if (act) button.addEventListener("click", act);
  return button;
}

/** A button of a picture; what it does is said by its title. @param {string} title @param {string} icon  a path in 24 × 24 */
export function iconButton(title, icon) {
  const button = textButton("");
  button.title = title;
  button.setAttribute("aria-label", title);
  const svg = button.appendChild(svgElement("svg", "", { viewBox: "0 0 24 24", "aria-hidden": true }));
  svg.appendChild(svgElement("path", "", { d: icon }));
  return button;
}
