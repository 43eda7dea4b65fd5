// Makes elements. Text is set as text, never as markup.

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} name  one or more CSS classes
 * @param {string} text
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, name = "", text = "") {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text) node.textContent = text;
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
  const button = element("button", "", text);
  button.type = "button";
  if (act) button.addEventListener("click", act);
  return button;
}

/** A field for text without the browser's suggestions. @param {string} label @param {"text" | "search"} type */
export function textInput(label, type = "text") {
  const input = element("input");
  input.type = type;
  input.setAttribute("aria-label", label);
  input.autocomplete = "off";
  input.spellcheck = false;
  return input;
}

/** The nearest element around the target of an event that matches a selector. @param {Event} event @param {string} selector */
export function closest(event, selector) {
  const target = event.target instanceof Element ? event.target : null;
  return /** @type {HTMLElement | null} */ (target?.closest(selector) ?? null);
}
