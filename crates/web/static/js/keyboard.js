// Single keys, while no field has the focus. `j` and `k` move the focus itself, so Enter, the ring
// around it and screen readers need nothing of their own.

import { toggleHelp } from "./help.js";
import { closeMenu } from "./menu.js";
import { afterExchange, load, view } from "./navigate.js";
import { keep, turnHideMe } from "./preferences.js";
import { turnLive } from "./refresh.js";

/** The cell the pointer is over. @type {HTMLElement | null} */
let pointed = null;
/** The cell that ← and → chose in the row with the focus. @type {HTMLElement | null} */
let chosen = null;

function rows() {
  return /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-rows] tbody > tr")]);
}

function currentRow() {
  const focused = document.activeElement?.closest("[data-rows] tbody > tr");
  return /** @type {HTMLElement | null} */ (focused ?? document.querySelector("[data-rows] tbody > tr[aria-current]"));
}

/** @param {number} step */
async function move(step) {
  const all = rows();
  const row = currentRow();
  const next = all[row ? all.indexOf(row) + step : 0];
  if (!next) return;
  choose(null);
  const link = /** @type {HTMLAnchorElement | null} */ (next.querySelector("[data-open-event]"));
  link?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  // With a drawer open one reads on in it.
  if (link && document.querySelector("[data-drawer]")) await load(link.href, { quiet: true });
}

/** @param {HTMLElement | null} cell */
function choose(cell) {
  chosen?.classList.remove("is-cell");
  chosen = cell;
  chosen?.classList.add("is-cell");
}

/** @param {number} step */
function moveCell(step) {
  const row = currentRow();
  if (!row) return;
  const cells = /** @type {HTMLElement[]} */ ([...row.querySelectorAll("td[data-term]")]).filter((cell) => cell.offsetParent !== null);
  const at = chosen && row.contains(chosen) ? cells.indexOf(chosen) : -1;
  const next = at < 0 ? (step > 0 ? 0 : cells.length - 1) : Math.min(Math.max(at + step, 0), cells.length - 1);
  choose(cells[next] ?? null);
}

/** The filter word under the cursor: the chosen cell, else the one the pointer is over, else the admin of the row. */
function wordUnderCursor() {
  const row = currentRow();
  const cell = chosen?.isConnected && row?.contains(chosen) ? chosen : pointed?.isConnected ? pointed : row?.querySelector('[data-col="admin"]');
  return cell?.getAttribute("data-term") ?? null;
}

/** @param {boolean} leaveOut */
function narrow(leaveOut) {
  const word = wordUnderCursor();
  const box = /** @type {HTMLInputElement | null} */ (document.getElementById("q"));
  if (!word || !box?.form) return;
  const added = leaveOut ? `-${word}` : word;
  const words = ` ${box.value.trim()} `.replace(` ${leaveOut ? word : `-${word}`} `, " ");
  if (words.includes(` ${added} `)) return;
  box.value = `${words.trim()} ${added}`.trim();
  choose(null);
  box.form.requestSubmit();
}

function closeWhatIsOpen() {
  if (closeMenu()) return true;
  const close = /** @type {HTMLElement | null} */ (document.querySelector("[data-drawer] [data-close]"));
  if (close) {
    const row = /** @type {HTMLElement | null} */ (document.querySelector("tr[aria-current] [data-open-event]"));
    row?.focus({ preventScroll: true });
    close.click();
    return true;
  }
  if (chosen) {
    choose(null);
    return true;
  }
  return false;
}

/** @param {string} key */
function act(key) {
  switch (key) {
    case "/": {
      const box = /** @type {HTMLInputElement | null} */ (document.getElementById("q"));
      box?.focus();
      box?.select();
      return box !== null;
    }
    case "j":
      void move(1);
      return true;
    case "k":
      void move(-1);
      return true;
    case "f":
    case "x":
      narrow(key === "x");
      return true;
    case "l":
      if (!document.querySelector('[data-menu="refresh"]')) return false;
      void keep({ refresh: turnLive() });
      return true;
    case "h":
      void turnHideMe();
      return true;
    case "?":
      toggleHelp();
      return true;
    case "ArrowLeft":
    case "ArrowRight":
      if (!document.activeElement?.closest("[data-rows]")) return false;
      moveCell(key === "ArrowRight" ? 1 : -1);
      return true;
    default:
      return false;
  }
}

export function watchKeyboard() {
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof HTMLElement ? event.target : null;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      if (target?.matches("input, textarea, select")) target.blur();
      else if (closeWhatIsOpen()) event.preventDefault();
      return;
    }
    if (document.body.dataset.keyboard === "off") return;
    if (target?.matches("input, textarea, select, [contenteditable], [role=slider]")) return;
    if (act(event.key)) event.preventDefault();
  });
  if (!view()) return;
  document.addEventListener("pointerover", (event) => {
    pointed = event.target instanceof Element ? event.target.closest("td[data-term]") : null;
  });
  document.addEventListener("focusin", (event) => {
    if (chosen && event.target instanceof Element && !event.target.closest("tr")?.contains(chosen)) choose(null);
  });
  afterExchange(() => {
    if (!chosen?.isConnected) chosen = null;
  });
}
