// Frames that grow with the output, as in VS Code and Colab: their height says nothing about the window around them.

const NAMES = ["--vscode-editor-background", "--colab-primary-surface-color"]; // style variables of these frames
const AROUND = 130; // pixels of the screen that the browser takes

/** Whether this page is a frame that grows with its content. */
export function isGrowing() {
  const style = getComputedStyle(document.documentElement);
  return window.parent !== window && NAMES.some((name) => style.getPropertyValue(name));
}

/** Height of the window around such a frame, in pixels, judged by the screen. */
export function heightAround() {
  return Math.max(600, window.screen.availHeight - AROUND);
}
