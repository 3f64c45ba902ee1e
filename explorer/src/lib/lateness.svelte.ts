// Whether a view has shown an answer to another question for so long that it must say so.
const LATE = 600; // milliseconds

export class Lateness {
  is = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;

  // Something else is waited for.
  wait(): void {
    this.#timer ??= setTimeout(() => (this.is = true), LATE);
  }

  // Something new is shown; `isLast` where nothing else is waited for.
  news(isLast: boolean): void {
    this.is = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!isLast) this.wait();
  }
}
