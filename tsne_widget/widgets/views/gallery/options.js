// The options of a drop-down; unavailable options display their requirement.

/** @typedef {{key: string, words: string, lacks: string}} Entry */

/**
 * Show entries as the options of a drop-down.
 * @param {HTMLSelectElement} select
 * @param {Entry[]} entries
 * @param {string} chosen  key of the selected option
 */
export function setOptions(select, entries, chosen) {
  // Change only what differs: otherwise an open drop-down would close.
  entries.forEach(({ key, words, lacks }, i) => {
    const option = select.options[i] ?? select.appendChild(document.createElement("option"));
    const text = lacks ? `${words} (${lacks})` : words;
    if (option.value !== key) option.value = key;
    if (option.textContent !== text) option.textContent = text;
    option.disabled = Boolean(lacks);
  });
  while (select.options.length > entries.length) select.options[entries.length].remove();
  if (select.value !== chosen) select.value = chosen;
}
