// Saves a file from the page.

const REVOKE_MS = 60_000; // the browser may first ask where to save it

/** @param {string} name @param {string} type  MIME type @param {BlobPart} content */
export function saveFile(name, type, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.hidden = true;
  document.body.append(link); // VS Code sees only clicks that reach the document
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_MS);
}
