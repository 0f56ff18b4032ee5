// A search that is not at its end goes on by itself: the same view is asked for again until the
// server has looked at everything. Pauses in a hidden tab; Stop ends it, Continue takes it up again.

import { announce } from "./announce.js";
import { afterExchange, isBusy, load, view } from "./navigate.js";

/** Milliseconds between an answer and the next question. */
const GAP = 150;
/** So often the same answer: asking again leads nowhere. */
const PATIENCE = 4;
/** Most milliseconds between two questions while the server does not answer. */
const LONGEST = 60_000;

/** @type {"searching" | "stopped" | "stuck"} */
let state = "searching";
/** The view that was stopped: another one searches anew. */
let address = "";
let asking = false;
let failures = 0;
/** How far it was, and how often in a row. */
let mark = "";
let same = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** The view's address, whichever event is open in it. */
function where() {
  const url = new URL(location.href);
  url.searchParams.delete("event");
  return url.href;
}

function band() {
  return /** @type {HTMLElement | null} */ (document.querySelector("[data-search]"));
}

/** Whether a search has the word, so that nobody else asks by the clock. */
export function isSearching() {
  return band() !== null;
}

/**
 * Brings the band to where the search is now; its button keeps the focus.
 * @param {HTMLElement} old
 * @param {HTMLElement} incoming
 */
export function takeSearch(old, incoming) {
  const [here, there] = [old.querySelector("[data-search]"), incoming.querySelector("[data-search]")];
  if (!here || !there) {
    if (here) over(old, here);
    else if (there) old.replaceChildren(...incoming.childNodes);
    return;
  }
  for (const name of ["data-search", "data-at"]) here.setAttribute(name, there.getAttribute(name) ?? "");
  for (const part of ["[data-search-state]", "[data-search-found]"]) {
    const [was, is] = [here.querySelector(part), there.querySelector(part)];
    if (was && is && was.innerHTML !== is.innerHTML) was.replaceChildren(...is.childNodes);
  }
  const [bar, next] = [here.querySelector("[role=progressbar]"), there.querySelector("[role=progressbar]")];
  for (const name of ["aria-valuenow", "aria-valuetext"]) {
    const value = next?.getAttribute(name);
    value == null ? bar?.removeAttribute(name) : bar?.setAttribute(name, value);
  }
  const [done, reached] = [bar?.querySelector("rect"), next?.querySelector("rect")];
  // Set only where it changed, or the movement would begin anew.
  for (const name of ["width", "class"]) {
    const value = reached?.getAttribute(name) ?? "";
    if (done && done.getAttribute(name) !== value) done.setAttribute(name, value);
  }
}

/**
 * The search came to its end.
 * @param {HTMLElement} slot
 * @param {Element} was
 */
function over(slot, was) {
  const focused = was.contains(document.activeElement);
  slot.replaceChildren();
  if (focused) document.getElementById("main")?.focus({ preventScroll: true });
  announce("The search is done");
}

/** Words and button as the state has them. */
function show() {
  const here = band();
  const text = here?.querySelector("[data-search-state]");
  const button = /** @type {HTMLButtonElement | null} */ (here?.querySelector("[data-search-turn]") ?? null);
  if (!here || !text || !button) return;
  here.dataset.state = state;
  button.hidden = false;
  button.textContent = state === "searching" ? "Stop" : "Continue";
  if (state === "stopped") text.textContent = `Stopped at ${here.dataset.at}`;
  if (state === "stuck") text.textContent = `Got no further than ${here.dataset.at}; a shorter time range helps`;
}

/** @param {number} [after] */
function plan(after = GAP) {
  clearTimeout(timer);
  if (state === "searching" && band() && !document.hidden) timer = setTimeout(() => void next(), after);
}

async function next() {
  if (asking || state !== "searching" || !band() || document.hidden) return;
  if (isBusy()) {
    plan();
    return;
  }
  asking = true;
  let shown = false;
  try {
    shown = await load(location.href, { push: false, auto: true });
  } finally {
    asking = false;
  }
  failures = shown ? 0 : failures + 1;
  plan(Math.min(GAP * 2 ** (failures * 2), LONGEST));
}

function look() {
  const here = band();
  const shown = where();
  if (shown !== address) [address, state, mark, same] = [shown, "searching", "", 0];
  if (!here) return;
  same = here.dataset.search === mark ? same + 1 : 0;
  mark = here.dataset.search ?? "";
  if (state === "searching" && same >= PATIENCE) turn("stuck");
  show();
  plan();
}

/** @param {typeof state} to */
function turn(to) {
  state = to;
  same = 0;
  show();
  announce(band()?.querySelector("[data-search-state]")?.textContent ?? "");
}

export function watchSearch() {
  if (!view()) return;
  look();
  afterExchange(look);
  document.addEventListener("visibilitychange", () => plan());
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-search-turn]") : null;
    if (!button) return;
    turn(state === "searching" ? "stopped" : "searching");
    plan(0);
  });
}
