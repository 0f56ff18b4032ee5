// Menus are <details>; this closes them and lets arrow keys walk through them.

import { afterExchange } from "./navigate.js";

/** While a menu is open the parts it covers are out of reach, as behind any menu: a click closes it. */
function settle() {
  const open = document.querySelector("details[data-menu][open]");
  for (const part of document.querySelectorAll("[data-part=chips], [data-part=chart], [data-part=body]")) {
    part.toggleAttribute("inert", open !== null && !part.contains(open));
  }
}

/** @param {Element | null} [except] */
function closeMenus(except = null) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (menu !== except) menu.removeAttribute("open");
  }
}

/** Closes the innermost open menu and gives the focus back. @returns {boolean} */
export function closeMenu() {
  const menu = document.querySelector("details[data-menu][open]");
  if (!menu) return false;
  menu.removeAttribute("open");
  if (menu.contains(document.activeElement) || document.activeElement === document.body) menu.querySelector("summary")?.focus();
  return true;
}

export function watchMenus() {
  document.addEventListener("toggle", settle, true);
  afterExchange(settle);
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    closeMenus(target?.closest("details[data-menu]") ?? null);
  });
  document.addEventListener("focusin", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    closeMenus(target?.closest("details[data-menu]") ?? null);
  });
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof HTMLElement ? event.target : null;
    const menu = target?.closest("details[data-menu]");
    if (!menu || !target || target.matches("input")) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    menu.setAttribute("open", "");
    const entries = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll(".menu-link, .menu-box input, .menu-box .btn")]);
    const at = entries.indexOf(target);
    const next = at < 0 ? (step > 0 ? 0 : entries.length - 1) : (at + step + entries.length) % entries.length;
    entries[next]?.focus();
  });
}
