// The result of a request that follows the state: it is sent again when the request changes or the server is back.
import { untrack } from "svelte";
import { ApiError, Stale } from "./api";
import type { BinaryAnswer } from "./binary";
import { connection } from "./connection.svelte";
import { OutdatedTimer } from "./outdated.svelte";
import { state as shared } from "./state.svelte";
import { ask, nextTask } from "./batch";

export interface ViewRequest {
  path: string;
  body: { model: string; text: string; edits: string[]; corrupt?: string; [field: string]: unknown };
  slot: string;
}

export interface LiveResult<T> extends BinaryAnswer<T> {
  request: ViewRequest["body"];
}

export class Live<T> {
  value = $state.raw<LiveResult<T> | null>(null);
  error = $state.raw<ApiError | null>(null);
  outdatedTimer = new OutdatedTimer();
  #waiting = $state(0);
  #newest = "";

  // `makeRequest` reads the state; null for no request. Call it while a component is created.
  constructor(makeRequest: () => ViewRequest | null) {
    $effect(() => {
      void connection.found;
      const request = makeRequest();
      if (request) untrack(() => void this.send(request));
      else this.#newest = ""; // no request is pending
    });
  }

  get outdated(): boolean {
    return this.outdatedTimer.shown;
  }

  get busy(): boolean {
    return this.#waiting > 0;
  }

  private async send(request: ViewRequest): Promise<void> {
    const key = (this.#newest = JSON.stringify(request));
    ++this.#waiting;
    this.outdatedTimer.start();
    try {
      const answer = await ask<T>(request.path, request.body, request.slot);
      this.value = { ...answer, request: request.body };
      this.error = null;
      this.outdatedTimer.update(this.#newest === key || this.#newest === "");
    } catch (error) {
      if (error instanceof Stale) return;
      await nextTask();
      if (this.#newest === "") this.outdatedTimer.update(true);
      if (this.#newest !== key) return;
      this.outdatedTimer.update(true);
      if (!(error instanceof ApiError)) this.error = new ApiError(500, "", String(error), "");
      else if (!shared.takeError(request.body, error)) this.error = error;
    } finally {
      --this.#waiting;
    }
  }
}
