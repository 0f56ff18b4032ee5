// The stream of what is being recorded. It only tells that there is something: rows are drawn by
// the server, in one place.

export class Stream {
  /** @type {EventSource | null} */
  #source = null;
  #address = "";
  /** Whether it is connected. */
  open = false;
  /** Whether it failed since it was connected, or since the start. */
  broken = false;
  /** @type {() => void} */
  #recorded;
  /** @type {(open: boolean) => void} */
  #changed;

  /**
   * @param {() => void} recorded
   * @param {(open: boolean) => void} changed
   */
  constructor(recorded, changed) {
    this.#recorded = recorded;
    this.#changed = changed;
  }

  /** @param {string | undefined} address */
  start(address) {
    if (!address || (this.#source && this.#address === address && this.#source.readyState !== EventSource.CLOSED)) return;
    this.stop();
    this.#address = address;
    const source = new EventSource(address);
    this.#source = source;
    source.addEventListener("open", () => this.#turn(true));
    source.addEventListener("error", () => this.#turn(false));
    for (const name of ["request", "gap", "start", "stop"]) source.addEventListener(name, () => this.#recorded());
  }

  stop() {
    this.#source?.close();
    this.#source = null;
    this.open = false;
    this.broken = false;
  }

  /** @param {boolean} open */
  #turn(open) {
    // The browser fails again with each try; that is said once.
    if (open ? this.open : this.broken) return;
    this.open = open;
    this.broken = !open;
    this.#changed(open);
  }
}
