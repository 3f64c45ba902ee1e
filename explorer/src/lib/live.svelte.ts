// An answer that follows the state: asked again whenever the question changes, or the server was gone meanwhile.
import { untrack } from "svelte";
import { ApiError, Stale } from "./api";
import type { BinaryAnswer } from "./binary";
import { connection } from "./connection.svelte";
import { Lateness } from "./lateness.svelte";
import { state as shared } from "./state.svelte";
import { ask, moment } from "./batch";

export interface Question {
  path: string;
  body: { model: string; text: string; edits: string[]; corrupt?: string; [field: string]: unknown };
  slot: string;
}

export interface Answered<T> extends BinaryAnswer<T> {
  asked: Question["body"]; // what it is an answer to
}

export class Live<T> {
  value = $state.raw<Answered<T> | null>(null);
  error = $state.raw<ApiError | null>(null);
  lateness = new Lateness();
  #waiting = $state(0);
  #newest = "";

  // `question` reads the state; null when there is nothing to ask. To be made while a component is.
  constructor(question: () => Question | null) {
    $effect(() => {
      void connection.found;
      const asked = question();
      if (asked) untrack(() => void this.follow(asked));
      else this.#newest = ""; // nothing is waited for
    });
  }

  get late(): boolean {
    return this.lateness.is;
  }

  get busy(): boolean {
    return this.#waiting > 0;
  }

  private async follow(question: Question): Promise<void> {
    const key = (this.#newest = JSON.stringify(question));
    ++this.#waiting;
    this.lateness.wait();
    try {
      const answer = await ask<T>(question.path, question.body, question.slot);
      this.value = { ...answer, asked: question.body };
      this.error = null;
      this.lateness.news(this.#newest === key || this.#newest === "");
    } catch (error) {
      if (error instanceof Stale) return;
      await moment();
      if (this.#newest === "") this.lateness.news(true);
      if (this.#newest !== key) return;
      this.lateness.news(true);
      if (!(error instanceof ApiError)) this.error = new ApiError(500, "", String(error), "");
      else if (!shared.blame(question.body, error)) this.error = error;
    } finally {
      --this.#waiting;
    }
  }
}
