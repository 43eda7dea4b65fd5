// The notes on a record: a quiet button with their number, which opens the list.
import { keepInside } from "./controls.js";
import { element, textButton } from "./elements.js";

/** @typedef {{of: string, text: string}} Note  of: the record that it is about, "" if there is one */

let made = 0;

/** @param {HTMLElement} parent @returns {(notes: Note[]) => void}  shows them; nothing if there are none */
export function makeNotes(parent) {
  const root = parent.appendChild(element("div", "tw-notes"));
  const button = root.appendChild(textButton("", () => open(list.hidden === true)));
  button.title = "What is inferred or doubtful about these data, and how to settle it";
  const list = root.appendChild(element("ul"));
  list.id = `tw-notes-${++made}`;
  list.tabIndex = 0; // its text can be selected, and scrolled by keys
  list.setAttribute("aria-label", "Notes");
  button.setAttribute("aria-controls", list.id);

  function open(/** @type {boolean} */ isOpen) {
    list.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) keepInside(list);
  }

  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || list.hidden) return;
    event.preventDefault();
    open(false);
    button.focus();
  });
  root.addEventListener("focusout", (event) => {
    if (!root.contains(/** @type {Node | null} */ (event.relatedTarget))) open(false);
  });
  open(false);

  return (notes) => {
    root.hidden = !notes.length;
    const word = element("span", "tw-notes-word", notes.length === 1 ? "note" : "notes");
    button.replaceChildren(`${notes.length} `, word);
    button.setAttribute("aria-label", button.textContent ?? ""); // a narrow header shows only the number
    list.replaceChildren(...notes.map(makeNote));
  };
}

/** @param {Note} note */
function makeNote({ of, text }) {
  const item = element("li");
  if (of) item.append(element("span", "tw-caption tw-muted", of));
  const [fact, ...rest] = text.replace(/\.$/, "").split("; ");
  item.append(element("b", "", sentence(fact)));
  if (rest.length) item.append(element("span", "tw-small tw-muted", `${sentence(rest.join("; "))}.`));
  return item;
}

/** With a capital, unless it begins with code. @param {string} text */
function sentence(text) {
  return /^[a-z]+ /.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
}
