// An answer that follows the state: asked again whenever what the request reads has changed.
import { untrack } from "svelte";
import { ApiError, Stale } from "./api";
import { moment } from "./together";

export class Live<T> {
  value = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  #waiting = $state(0);
  #current: (() => Promise<T>) | null = null;

  // `request` reads the state and returns how to ask, or null when there is nothing to ask. To be made while a
  // component is.
  constructor(request: () => (() => Promise<T>) | null) {
    $effect(() => {
      const ask = (this.#current = request());
      if (ask) untrack(() => void this.follow(ask));
    });
  }

  get busy(): boolean {
    return this.#waiting > 0;
  }

  private async follow(ask: () => Promise<T>): Promise<void> {
    ++this.#waiting;
    try {
      this.value = await ask();
      this.error = null;
    } catch (error) {
      if (error instanceof Stale) return;
      await moment();
      if (this.#current === ask) this.error = error instanceof ApiError ? error : new ApiError(0, String(error), "", "");
    } finally {
      --this.#waiting;
    }
  }
}
