// An answer that follows the state: asked again whenever what the request reads has changed.
import { untrack } from "svelte";
import { ApiError, Stale } from "./api";
import { afterFirst, first } from "./first";

export class Live<T> {
  value = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  #waiting = $state(0);
  #asked = 0;

  // `request` reads the state and returns how to ask, or null when there is nothing to ask. To be made while a
  // component is. One that goes `first` is painted before the others ask.
  constructor(request: () => (() => Promise<T>) | null, goes: "first" | "then" = "then") {
    $effect(() => {
      const ask = request();
      if (ask) untrack(() => void this.follow(goes === "first" ? () => first(ask) : () => this.later(ask)));
    });
  }

  get busy(): boolean {
    return this.#waiting > 0;
  }

  private async later(ask: () => Promise<T>): Promise<T> {
    const number = ++this.#asked;
    await afterFirst();
    if (number !== this.#asked) throw new Stale();
    return ask();
  }

  private async follow(ask: () => Promise<T>): Promise<void> {
    ++this.#waiting;
    try {
      this.value = await ask();
      this.error = null;
    } catch (error) {
      if (!(error instanceof Stale)) this.error = error instanceof ApiError ? error : new ApiError(0, String(error), "", "");
    }
    --this.#waiting;
  }
}
