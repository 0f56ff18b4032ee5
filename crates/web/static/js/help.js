// The dialog that lists keys and filter words.

/** @returns {HTMLDialogElement | null} */
function dialog() {
  return document.querySelector("dialog#help");
}

export function toggleHelp() {
  const help = dialog();
  if (!help) return;
  help.open ? help.close() : help.showModal();
}

export function watchHelp() {
  for (const button of document.querySelectorAll("[data-help]")) {
    button.removeAttribute("hidden");
    button.addEventListener("click", toggleHelp);
  }
  dialog()?.addEventListener("click", (event) => {
    if (event.target === event.currentTarget) dialog()?.close();
  });
}
