// A time range is drawn on the chart: with the mouse, a finger, or the keys of two sliders.

import { afterExchange, load, view } from "./navigate.js";

/** Less than this many pixels is a click, not a range: it takes the bar under it. */
const CLICK = 4;

class Brush {
  /** @param {HTMLElement} chart */
  constructor(chart) {
    this.chart = chart;
    this.plot = /** @type {HTMLElement} */ (chart.querySelector("[data-plot]"));
    this.from = Number(chart.dataset.from);
    this.width = Number(chart.dataset.bucket);
    this.count = Number(chart.dataset.count);
    /** Bounds of the range in bars: from `start` to before `end`. */
    this.start = 0;
    this.end = this.count;
    this.shade = document.createElement("div");
    this.shade.className = "brush";
    this.shade.hidden = true;
    this.label = document.createElement("div");
    this.label.className = "brush-label";
    this.label.hidden = true;
    this.handles = [this.handle("Start of range", 0), this.handle("End of range", 1)];
    this.plot.append(this.shade, this.label, ...this.handles);
    this.plot.setAttribute("data-ready", "");
    this.plot.addEventListener("pointerdown", (event) => this.press(event));
    this.draw();
  }

  /**
   * @param {string} name
   * @param {number} side 0 the start, 1 the end
   */
  handle(name, side) {
    const handle = document.createElement("div");
    handle.className = "handle";
    handle.tabIndex = 0;
    handle.setAttribute("role", "slider");
    handle.setAttribute("aria-label", name);
    handle.setAttribute("aria-valuemin", "0");
    handle.setAttribute("aria-valuemax", String(this.count));
    handle.addEventListener("keydown", (event) => this.key(event, side));
    handle.addEventListener("blur", () => {
      this.label.hidden = true;
    });
    return handle;
  }

  /**
   * @param {KeyboardEvent} event
   * @param {number} side
   */
  key(event, side) {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -this.count, End: this.count }[event.key];
    if (event.key === "Enter") {
      this.apply();
    } else if (event.key === "Escape") {
      [this.start, this.end] = [0, this.count];
      this.draw();
    } else if (step !== undefined) {
      if (side === 0) this.start = Math.min(Math.max(this.start + step, 0), this.end - 1);
      else this.end = Math.max(Math.min(this.end + step, this.count), this.start + 1);
      this.draw(side);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    const box = this.plot.getBoundingClientRect();
    const bar = (/** @type {number} */ x) => Math.min(Math.max(((x - box.left) / box.width) * this.count, 0), this.count);
    const at = event.clientX;
    const handle = this.handles.findIndex((one) => one === event.target);
    // A handle drags its own side; anywhere else a new range begins.
    const fixed = handle === 0 ? this.end : handle === 1 ? this.start : bar(at);
    const move = (/** @type {PointerEvent} */ moved) => {
      const other = bar(moved.clientX);
      this.start = Math.floor(Math.min(fixed, other));
      this.end = Math.min(Math.max(Math.ceil(Math.max(fixed, other)), this.start + 1), this.count);
      this.plot.setAttribute("data-brushing", "");
      this.draw(other < fixed ? 0 : 1);
    };
    const stop = () => {
      this.plot.removeAttribute("data-brushing");
      this.plot.removeEventListener("pointermove", move);
      this.plot.removeEventListener("pointerup", up);
      this.plot.removeEventListener("pointercancel", cancel);
    };
    const up = (/** @type {PointerEvent} */ released) => {
      stop();
      if (handle < 0 && Math.abs(released.clientX - at) < CLICK) {
        this.start = Math.min(Math.floor(bar(at)), this.count - 1);
        this.end = this.start + 1;
      }
      this.draw();
      this.apply();
    };
    const cancel = () => {
      stop();
      [this.start, this.end] = [0, this.count];
      this.draw();
    };
    this.plot.setPointerCapture(event.pointerId);
    this.plot.addEventListener("pointermove", move);
    this.plot.addEventListener("pointerup", up);
    this.plot.addEventListener("pointercancel", cancel);
    event.preventDefault();
  }

  /** The name of a bound, as the table behind the chart has it. @param {number} at */
  name(at) {
    const line = this.chart.querySelectorAll("tbody th")[at];
    return line?.textContent ?? "the end";
  }

  /** @param {number} [moving] the side that moves */
  draw(moving) {
    const share = (/** @type {number} */ at) => `${(at / this.count) * 100}%`;
    const whole = this.start === 0 && this.end === this.count;
    this.shade.hidden = whole;
    this.shade.style.left = share(this.start);
    this.shade.style.width = share(this.end - this.start);
    this.handles.forEach((handle, side) => {
      const at = side === 0 ? this.start : this.end;
      handle.style.left = share(at);
      handle.setAttribute("aria-valuenow", String(at));
      handle.setAttribute("aria-valuetext", this.name(at));
    });
    this.label.hidden = moving === undefined;
    if (moving !== undefined) {
      this.label.textContent = `${this.name(this.start)} – ${this.name(this.end)}`;
      const at = (this.start + this.end) / 2 / this.count;
      this.label.style.left = `${Math.min(Math.max(at * 100, 12), 88)}%`;
    }
  }

  apply() {
    if (this.start === 0 && this.end === this.count) return;
    const moment = (/** @type {number} */ at) => new Date((this.from + at * this.width) / 1000).toISOString();
    const url = new URL(location.href);
    for (const name of ["cursor", "last", "event"]) url.searchParams.delete(name);
    url.searchParams.set("from", moment(this.start));
    url.searchParams.set("to", moment(this.end));
    void load(url.href);
  }
}

export function watchBrush() {
  if (!view()) return;
  const begin = () => {
    for (const chart of document.querySelectorAll("[data-chart]:not([data-brush])")) {
      if (Number(chart.getAttribute("data-count")) < 2) continue;
      chart.setAttribute("data-brush", "");
      new Brush(/** @type {HTMLElement} */ (chart));
    }
  };
  begin();
  afterExchange(begin);
}
