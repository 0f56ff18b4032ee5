// Preferences that are set in passing (refresh, Hide me) are kept without leaving the page.

import { load, view } from "./navigate.js";
import { setMode } from "./refresh.js";

const ACTION = "/settings/account/preferences";

/**
 * @param {Record<string, string>} values
 * @returns {Promise<void>}
 */
export async function keep(values) {
  try {
    await fetch(ACTION, { method: "POST", body: new URLSearchParams(values), headers: { Accept: "application/json" } });
  } catch {
    // It holds on this page all the same.
  }
}

/** Turns Hide me. */
export async function turnHideMe() {
  const button = /** @type {HTMLElement | null} */ (document.querySelector("[data-hide-me]"));
  if (!button) return;
  const on = button.getAttribute("aria-checked") === "true";
  await keep({ hide_me: on ? "0" : "1" });
  await load(button.dataset.next ?? location.href, { quiet: true });
}

export function watchPreferences() {
  if (!view()) return;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.getAttribute("action") !== ACTION) return;
    const button = event.submitter;
    if (!(button instanceof HTMLButtonElement)) return;
    if (button.matches("[data-hide-me]")) {
      event.preventDefault();
      void turnHideMe();
    } else if (button.name === "refresh") {
      event.preventDefault();
      form.closest("details")?.removeAttribute("open");
      form.closest("details")?.querySelector("summary")?.focus();
      setMode(button.value);
      void keep({ refresh: button.value });
    }
  });
}
