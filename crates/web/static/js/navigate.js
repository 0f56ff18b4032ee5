// Exchanges the parts of a view instead of loading the page anew: what has the focus keeps it,
// rows that stay are not touched, and old rows remain while new ones are on their way.

import { announce } from "./announce.js";
import { takeRows } from "./rows.js";
import { isSearching, takeSearch } from "./search.js";

/**
 * @typedef {object} Load
 * @property {boolean} [push] a new entry in the history (default true)
 * @property {boolean} [auto] the page asks by itself: nothing that is in use is exchanged
 * @property {boolean} [quiet] stay where one has scrolled to
 */

/** @type {AbortController | null} */
let running = null;
/** @type {Set<() => void>} */
const listeners = new Set();

/** Calls back after each exchange. @param {() => void} then */
export function afterExchange(then) {
  listeners.add(then);
}

/** @returns {HTMLElement | null} */
export function view() {
  return document.querySelector("[data-view]");
}

/** Whether a request is under way that a person asked for. */
export function isBusy() {
  return running !== null;
}

/**
 * Shows another view.
 * @param {string} address
 * @param {Load} [options]
 * @returns {Promise<boolean>} whether it is shown now
 */
export async function load(address, options = {}) {
  const { push = true, auto = false, quiet = false } = options;
  const root = view();
  if (!root) {
    location.assign(address);
    return false;
  }
  if (auto && running) return true;
  running?.abort();
  const control = new AbortController();
  if (!auto) {
    running = control;
    root.setAttribute("aria-busy", "true");
  }
  try {
    const url = new URL(address, location.href);
    const asked = new URL(url);
    if (auto) asked.searchParams.set("refresh", "auto");
    const response = await fetch(asked, {
      headers: { "X-Fragment": "view", Accept: "text/html" },
      signal: control.signal,
    });
    if (auto && running) return true;
    if (response.redirected || response.status === 401) {
      // The session ended: the server knows where to go.
      location.assign(url);
      return false;
    }
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!fresh.querySelector("[data-part]")) throw new Error(`answer ${response.status}`);
    if (!response.ok) {
      showMistake(root, fresh);
      return false;
    }
    exchange(root, fresh, auto);
    if (push && url.href !== location.href) history.pushState(null, "", url);
    if (!auto && !quiet) toTop(root);
    setStale(false);
    for (const then of listeners) then();
    return true;
  } catch (error) {
    if (control.signal.aborted) return true;
    setStale(true);
    return false;
  } finally {
    if (running === control) {
      running = null;
      root.removeAttribute("aria-busy");
    }
  }
}

/** A mistake in the box or range: said beside the old rows, which stay. */
function showMistake(/** @type {HTMLElement} */ root, /** @type {Document} */ fresh) {
  const notes = fresh.querySelector('[data-part="chips"]');
  const old = root.querySelector('[data-part="chips"]');
  if (notes && old) old.replaceWith(document.adoptNode(notes));
  const box = /** @type {HTMLInputElement | null} */ (root.querySelector("#q"));
  if (box && root.querySelector("#q-error")) {
    box.setAttribute("aria-invalid", "true");
    box.setAttribute("aria-describedby", "q-error");
  }
}

/** Says that what is shown is old, and how old. @param {boolean} stale */
export function setStale(stale) {
  const old = document.querySelector("[data-stale]");
  if (!stale) {
    old?.remove();
    return;
  }
  if (old) return;
  const drawn = document.querySelector("[data-drawn]")?.getAttribute("data-drawn") ?? "";
  const band = document.createElement("div");
  band.className = "notice notice-warn";
  band.setAttribute("data-stale", "");
  band.setAttribute("role", "status");
  const icon = document.createElement("i");
  icon.className = "icon icon-warning";
  icon.setAttribute("aria-hidden", "true");
  const text = document.createElement("p");
  const live = document.querySelector('[data-menu="refresh"]')?.getAttribute("data-refresh") === "live";
  text.textContent = live ? `Not live: no answer since ${drawn}, trying again.` : `Could not refresh; showing ${drawn}.`;
  band.append(icon, text);
  view()?.querySelector('[data-part="notices"]')?.before(band);
}

/**
 * @param {HTMLElement} root
 * @param {Document} fresh
 * @param {boolean} auto
 */
function exchange(root, fresh, auto) {
  const focus = auto ? null : focusKey();
  // What a search finds is not new.
  const mark = auto && !isSearching();
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const name = part.getAttribute("data-part");
    const old = root.querySelector(`[data-part="${name}"]`);
    const incoming = /** @type {HTMLElement} */ (document.adoptNode(part));
    if (!old) continue;
    if (name === "body") {
      exchangeBody(/** @type {HTMLElement} */ (old), incoming, auto, mark);
    } else if (name === "search") {
      takeSearch(/** @type {HTMLElement} */ (old), incoming);
    } else if (auto) {
      exchangeQuietly(/** @type {HTMLElement} */ (old), incoming);
    } else {
      old.replaceWith(incoming);
    }
  }
  if (focus) restoreFocus(root, focus);
}

/** While nobody asked: only what changed and is not in use. */
function exchangeQuietly(/** @type {HTMLElement} */ old, /** @type {HTMLElement} */ incoming) {
  const changing = [...old.querySelectorAll("[data-volatile]")];
  const successors = [...incoming.querySelectorAll("[data-volatile]")];
  changing.forEach((element, at) => {
    const next = successors[at];
    if (next && !inUse(element)) element.replaceWith(next.cloneNode(true));
  });
  if (without(old) === without(incoming) || inUse(old)) return;
  old.replaceWith(incoming);
}

/** Open, focused, half filled in, or telling of a mistake. @param {Element} element */
function inUse(element) {
  const typed = /** @type {HTMLInputElement[]} */ ([...element.querySelectorAll("input")]).some((input) => input.value !== input.defaultValue && !input.readOnly);
  return typed || element.contains(document.activeElement) || element.matches("details[open]") || element.querySelector("details[open], [data-brushing], .mistake") !== null;
}

/** The markup without what always changes. @param {Element} element */
function without(element) {
  const copy = /** @type {Element} */ (element.cloneNode(true));
  for (const part of copy.querySelectorAll("[data-volatile], [data-ring]")) part.remove();
  for (const button of copy.querySelectorAll("[data-copy]")) button.removeAttribute("hidden");
  return copy.innerHTML.replace(/\s+/g, " ");
}

/**
 * Rows that stay are kept, and the drawer of the same request too.
 * @param {HTMLElement} old
 * @param {HTMLElement} incoming
 * @param {boolean} auto
 * @param {boolean} mark
 */
function exchangeBody(old, incoming, auto, mark) {
  const drawers = [old.querySelector("[data-drawer]"), incoming.querySelector("[data-drawer]")];
  const [was, is] = drawers;
  const same = was && is && was.getAttribute("data-drawer") === is.getAttribute("data-drawer");
  if (same && auto) is.replaceWith(was);
  const kept = takeRows(old, incoming, auto, mark);
  if (kept) {
    if (was && !(same && auto)) was.remove();
    const drawer = incoming.querySelector("[data-drawer]");
    if (drawer) old.append(drawer);
    for (const name of old.getAttributeNames()) if (name.startsWith("data-")) old.removeAttribute(name);
    for (const name of incoming.getAttributeNames()) {
      if (name.startsWith("data-")) old.setAttribute(name, incoming.getAttribute(name) ?? "");
    }
  } else if (!auto || !inUse(old)) {
    old.replaceWith(incoming);
  }
}

/** What has the focus, so that its successor can be found. */
function focusKey() {
  const active = document.activeElement;
  if (!(active instanceof HTMLElement) || active === document.body) return null;
  const row = active.closest("[data-event]")?.getAttribute("data-event");
  const drawer = active.closest("[data-drawer]") !== null;
  const label = active.getAttribute("aria-label") ?? active.textContent?.trim() ?? "";
  return { id: active.id, row, drawer, label, tag: active.tagName };
}

/**
 * @param {HTMLElement} root
 * @param {NonNullable<ReturnType<typeof focusKey>>} key
 */
function restoreFocus(root, key) {
  const active = document.activeElement;
  if (active && active !== document.body && root.contains(active)) return;
  /** @type {HTMLElement | null} */
  let next = key.id ? document.getElementById(key.id) : null;
  if (!next && key.row) next = root.querySelector(`[data-event="${CSS.escape(key.row)}"] [data-open-event]`);
  if (!next && key.label) {
    const named = [...root.querySelectorAll(key.tag)].filter((one) => (one.getAttribute("aria-label") ?? one.textContent?.trim()) === key.label);
    next = /** @type {HTMLElement | null} */ (named[0] ?? null);
  }
  if (!next && key.drawer) next = root.querySelector("[data-drawer]") ?? root.querySelector('tr[aria-current] [data-open-event]');
  (next ?? document.getElementById("main"))?.focus({ preventScroll: true });
}

/** After a step to another page its first row is in sight. @param {HTMLElement} root */
function toTop(root) {
  const list = root.querySelector(".list");
  if (list && list.getBoundingClientRect().top < 0) list.scrollIntoView({ block: "start" });
}

/** The address of a GET form with what stands in it. @param {HTMLFormElement} form */
function addressOf(form) {
  const url = new URL(form.action);
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && (value !== "" || name === "from")) fields.append(name, value);
  }
  url.search = fields.toString();
  return url.href;
}

/** Links and forms marked `data-nav` exchange the view. */
export function watchNavigation() {
  if (!view()) return;
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const link = /** @type {HTMLAnchorElement | null} */ (target?.closest("a[data-nav]") ?? null);
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (new URL(link.href).pathname !== location.pathname) return;
    event.preventDefault();
    link.closest("details[open]")?.removeAttribute("open");
    void load(link.href, { quiet: link.dataset.nav === "quiet" || link.closest("[data-drawer]") !== null });
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches("[data-nav]")) return;
    event.preventDefault();
    form.closest("details[open]")?.removeAttribute("open");
    void load(addressOf(form)).then((shown) => {
      if (shown) announce(spanText());
    });
  });
  addEventListener("popstate", () => void load(location.href, { push: false }));
}

/** "1–50 of 41,208", for ears. */
function spanText() {
  const span = document.querySelector("[data-span]")?.textContent;
  return span ? `Requests ${span}` : (document.querySelector("[data-empty]")?.textContent?.trim() ?? "");
}
