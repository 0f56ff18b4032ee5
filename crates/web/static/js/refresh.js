// Asks again by itself: every few seconds, or as soon as something was recorded (Live). Pauses in
// a hidden tab. Where new rows do not appear it says how many came.

import { announce } from "./announce.js";
import { Stream } from "./live.js";
import { afterExchange, isBusy, load, setStale, view } from "./navigate.js";
import { isSearching } from "./search.js";

/** Seconds between two looks while Live: totals and the time range go on also in silence. */
const LIVE_SECONDS = 15;
/** Least ms between two looks while Live. */
const LIVE_GAP = 1000;
/** Most seconds between two looks while the server does not answer. */
const LONGEST = 60;

let mode = "0";
/** Moment of the next look, ms. */
let due = Infinity;
let began = 0;
let failures = 0;
let looking = false;
/** Milliseconds that were left when the tab was hidden. @type {number | null} */
let left = null;
const stream = new Stream(onRecorded, onStream);

function menu() {
  return /** @type {HTMLElement | null} */ (document.querySelector('[data-menu="refresh"]'));
}

function body() {
  return /** @type {HTMLElement | null} */ (document.querySelector('[data-part="body"]'));
}

function seconds() {
  const usual = mode === "live" ? (stream.open ? LIVE_SECONDS : 5) : Number(mode);
  return Math.min(usual * 2 ** failures, Math.max(LONGEST, usual));
}

function plan() {
  began = Date.now();
  due = mode === "0" ? Infinity : began + seconds() * 1000;
}

/** @param {string} value `0`, seconds, or `live` */
export function setMode(value) {
  mode = value;
  failures = 0;
  showMode();
  mode === "live" ? stream.start(body()?.dataset.stream) : stream.stop();
  plan();
}

/** Live on, or off if it is on. @returns {string} the mode now */
export function turnLive() {
  setMode(mode === "live" ? "5" : "live");
  announce(mode === "live" ? "Live" : "Refresh every 5 seconds");
  return mode;
}

function showMode() {
  const element = menu();
  if (!element) return;
  element.dataset.refresh = mode;
  const names = new Map([["0", "Off"], ["live", "Live"]]);
  const label = element.querySelector("[data-refresh-label]");
  if (label) label.textContent = mode === "live" && stream.broken ? "Not live" : (names.get(mode) ?? `${mode} s`);
  for (const button of element.querySelectorAll("button[name=refresh]")) {
    if (button.getAttribute("value") === mode) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  element.querySelector("[data-pulse]")?.toggleAttribute("hidden", mode !== "live");
  element.querySelector("[data-ring]")?.toggleAttribute("hidden", mode === "0" || mode === "live");
}

/** The ring empties towards the next look. */
function turnRing() {
  const ring = menu()?.querySelector("[data-ring]");
  const hand = /** @type {SVGElement | null} */ (ring?.querySelector(".ring-hand") ?? null);
  if (!ring || !hand || ring.hasAttribute("hidden")) return;
  const whole = due - began;
  const share = left === null ? Math.max(0, Math.min(1, (due - Date.now()) / whole)) : left / whole;
  hand.style.strokeDashoffset = String(100 - 100 * share);
  ring.toggleAttribute("data-paused", left !== null || isSearching());
}

async function look() {
  // A view with a mistake in it stays as it is until somebody corrects it.
  if (looking || isBusy() || body()?.hasAttribute("data-mistake")) return;
  // Each step of a search brings the newest rows along; one that was stopped is left alone.
  if (isSearching()) return;
  looking = true;
  due = Infinity;
  try {
    const shown = body()?.hasAttribute("data-front") ? await load(location.href, { push: false, auto: true }) : await countNew();
    failures = shown ? 0 : Math.min(failures + 1, 5);
  } finally {
    looking = false;
    plan();
  }
}

/** How many rows came that do not appear here. @returns {Promise<boolean>} */
async function countNew() {
  const here = body();
  const place = here?.querySelector("[data-new]");
  // Where not all rows were counted nobody can say which are new.
  if (!here || !place || !here.dataset.known) return true;
  const url = new URL(location.href);
  url.searchParams.set("since", here.dataset.since ?? "");
  url.searchParams.set("known", here.dataset.known ?? "");
  url.searchParams.set("refresh", "auto");
  try {
    const response = await fetch(url, { headers: { "X-Fragment": "new" } });
    if (response.redirected || response.status === 401) location.reload();
    if (!response.ok) throw new Error(String(response.status));
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const count = Number(fresh.querySelector("[data-count]")?.getAttribute("data-count") ?? "0");
    setStale(false);
    showNew(place, count);
    return true;
  } catch {
    setStale(true);
    return false;
  }
}

/**
 * @param {Element} place
 * @param {number} count
 */
function showNew(place, count) {
  place.toggleAttribute("hidden", count === 0);
  if (count === 0) return;
  const text = `${count.toLocaleString("en")} new`;
  if (place.textContent === text) return;
  const front = /** @type {HTMLAnchorElement} */ (document.createElement("a"));
  const url = new URL(location.href);
  for (const name of ["cursor", "last", "order", "event"]) url.searchParams.delete(name);
  front.href = url.href;
  front.setAttribute("data-nav", "");
  front.textContent = text;
  place.replaceChildren(front);
  announce(text);
}

function onRecorded() {
  if (document.hidden) return;
  due = Math.min(due, Math.max(Date.now() + 50, began + LIVE_GAP));
}

/** @param {boolean} open */
function onStream(open) {
  menu()?.querySelector("[data-pulse]")?.toggleAttribute("data-broken", !open);
  if (mode !== "live") return;
  showMode();
  // Whether the server is gone, or only the stream, the next look will tell.
  if (open) failures = 0;
  plan();
  due = Math.min(due, Date.now() + LIVE_GAP);
}

function onVisibility() {
  if (document.hidden) {
    left = Number.isFinite(due) ? Math.max(0, due - Date.now()) : null;
    due = Infinity;
    stream.stop();
  } else {
    left = null;
    if (mode !== "0") {
      began = Date.now();
      due = began;
    }
    if (mode === "live") stream.start(body()?.dataset.stream);
  }
  turnRing();
}

export function watchRefresh() {
  if (!view()) return;
  setMode(menu()?.dataset.refresh ?? view()?.dataset.refresh ?? "0");
  if (document.hidden) onVisibility();
  document.addEventListener("visibilitychange", onVisibility);
  afterExchange(() => {
    showMode();
    if (mode === "live" && !document.hidden) stream.start(body()?.dataset.stream);
    if (!looking) plan();
  });
  // Steps of a second where motion is unwelcome.
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  setInterval(() => {
    if (Date.now() >= due) void look();
    turnRing();
  }, calm ? 1000 : 200);
}
