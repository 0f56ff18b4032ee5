// Copy buttons: hidden in the markup, since without a script they could do nothing.

import { announce } from "./announce.js";
import { afterExchange } from "./navigate.js";

function show() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.removeAttribute("hidden");
}

/** @param {Element} button */
function textFor(button) {
  const selector = button.getAttribute("data-copy");
  const from = selector ? document.querySelector(selector) : button.closest("[data-field]")?.querySelector("[data-value]");
  if (from instanceof HTMLInputElement) return from.hasAttribute("data-share") ? new URL(from.value, location.href).href : from.value;
  return from?.textContent ?? "";
}

export function watchCopy() {
  show();
  afterExchange(show);
  const share = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-share]"));
  if (share) share.value = new URL(share.value, location.href).href;
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
    if (!button) return;
    void navigator.clipboard.writeText(textFor(button)).then(
      () => {
        button.setAttribute("data-done", "");
        announce("Copied");
        const icon = button.querySelector(".icon");
        icon?.classList.replace("icon-copy", "icon-check");
        setTimeout(() => {
          button.removeAttribute("data-done");
          icon?.classList.replace("icon-check", "icon-copy");
        }, 1500);
      },
      () => announce("Could not copy"),
    );
  });
}
