// Whether a view has shown the result of an earlier request for so long that it must say so.
const DELAY = 600; // milliseconds

export class OutdatedTimer {
  shown = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;

  // Call it when a request is sent.
  start(): void {
    this.#timer ??= setTimeout(() => (this.shown = true), DELAY);
  }

  // Call it when a result is shown; `isLast` if no other request is pending.
  update(isLast: boolean): void {
    this.shown = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!isLast) this.start();
  }
}
