// The rows: a click anywhere opens one, and a refresh leaves those alone that stay.

import { load } from "./navigate.js";

/** The markup a row came with: what the page does to it later must not make it look changed.
 * @type {WeakMap<Element, string>} */
const sources = new WeakMap();

/** @param {Element} row */
function source(row) {
  const known = sources.get(row);
  if (known !== undefined) return known;
  sources.set(row, row.innerHTML);
  return row.innerHTML;
}

/** How long a new row is marked, in ms. */
const MARKED = 2000;

/**
 * Brings the rows of `old` to the state of `incoming`; rows that are in both are not touched.
 * @param {HTMLElement} old
 * @param {HTMLElement} incoming
 * @param {boolean} auto nobody asked: what is in use stays
 * @param {boolean} mark whether rows that came are marked as new
 * @returns {boolean} false where one of them has no table: the caller exchanges the whole
 */
export function takeRows(old, incoming, auto, mark) {
  const [here, there] = [old.querySelector("[data-rows]"), incoming.querySelector("[data-rows]")];
  const [body, fresh] = [here?.querySelector("tbody"), there?.querySelector("tbody")];
  if (!here || !there || !body || !fresh) return false;
  if (!old.querySelector("[data-empty]") !== !incoming.querySelector("[data-empty]")) return false;

  const rows = [...fresh.children];
  const arriving = new Map(rows.map((row) => [row.getAttribute("data-event"), row]));
  /** @type {Map<string | null, Element>} */
  const staying = new Map();
  const known = new Set();
  for (const row of [...body.children]) {
    const id = row.getAttribute("data-event");
    known.add(id);
    const next = arriving.get(id);
    if (next && source(row) === source(next)) {
      staying.set(id, row);
      next.hasAttribute("aria-current") ? row.setAttribute("aria-current", "true") : row.removeAttribute("aria-current");
    } else {
      row.remove();
    }
  }
  rows.forEach((row, at) => {
    const id = row.getAttribute("data-event");
    const node = staying.get(id) ?? row;
    if (node === row) {
      source(row);
      if (mark && !known.has(id)) {
        row.classList.add("is-new");
        setTimeout(() => row.classList.remove("is-new"), MARKED);
      }
    }
    if (body.children[at] !== node) body.insertBefore(node, body.children[at] ?? null);
  });

  for (const selector of ["thead", "caption"]) {
    const [was, is] = [here.querySelector(selector), there.querySelector(selector)];
    if (was && is && was.innerHTML !== is.innerHTML) was.replaceWith(is);
  }
  const [pager, nextPager] = [old.querySelector("[data-pager]"), incoming.querySelector("[data-pager]")];
  if (pager && nextPager && pager.innerHTML !== nextPager.innerHTML) {
    if (!auto || (!pager.contains(document.activeElement) && !pager.querySelector("details[open]"))) pager.replaceWith(nextPager);
  }
  if (!auto) old.querySelector("[data-new]")?.setAttribute("hidden", "");
  return true;
}

/** A click anywhere on a row opens it, unless one selects text or follows a link. */
export function watchRows() {
  for (const row of document.querySelectorAll("[data-rows] tbody > tr")) source(row);
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const overview = target?.closest("[data-table] tbody > tr");
    if (overview && !target?.closest("a, button") && event.button === 0 && String(getSelection()) === "") {
      /** @type {HTMLElement | null} */ (overview.querySelector(".row-link"))?.click();
      return;
    }
    const row = target?.closest("[data-rows] tbody > tr");
    if (!target || !row || event.defaultPrevented || event.button !== 0) return;
    const link = target.closest("a, button");
    const open = /** @type {HTMLAnchorElement | null} */ (row.querySelector("[data-open-event]"));
    if (!open || (link && link !== open)) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (!link && String(getSelection()) !== "") return;
    event.preventDefault();
    void openRow(row);
  });
}

/** Opens the drawer of a row, or closes it if it is the one that is open. @param {Element} row */
export async function openRow(row) {
  const link = /** @type {HTMLAnchorElement | null} */ (row.querySelector("[data-open-event]"));
  const close = /** @type {HTMLAnchorElement | null} */ (document.querySelector("[data-drawer] [data-close]"));
  if (!link) return;
  link.focus({ preventScroll: true });
  if (row.hasAttribute("aria-current") && close) {
    await load(close.href, { quiet: true });
    return;
  }
  const shown = await load(link.href, { quiet: true });
  if (shown) /** @type {HTMLElement | null} */ (document.querySelector("[data-drawer]"))?.focus({ preventScroll: true });
}
