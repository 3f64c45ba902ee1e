// The sweep on the page: running, finished, or restored from an experiment.
import { ApiError, cancel, postJson, postStream, Stale } from "./api";
import { editsBelow, sweepRequest } from "./command";
import { isEditRow, type EditRow } from "./edits";
import { state as shared } from "./state.svelte";
import { quoted } from "./text";

type SweepBody = ReturnType<typeof sweepRequest>;

export interface Run {
  asked: SweepBody; // the request; saved experiments have this name
  row: Omit<EditRow, "on">; // the edit of a point, without the point's own values
  axes: { name: string; values: string[] }[];
  title: string;
  clean: number;
  below: number | null; // with the other edits alone, for a sweep on top of them
  tokens: string[]; // of its text
  values: Float32Array;
  done: number;
  began: number; // milliseconds of performance.now()
  warnings: string[];
  answer: any; // null until the sweep is finished
}

const withQuotedTokens = (title: string) => title.replace(/“([^”]*)”/g, (_, token) => quoted(token));
const sizeOf = (axes: Run["axes"]) => axes.reduce((product, axis) => product * axis.values.length, 1);

class Sweeping {
  run = $state.raw<Run | null>(null);
  #failed = $state.raw<{ request: string; error: ApiError } | null>(null);
  busy = $state(false);
  revision = $state(0); // counts the events received

  // The error of the current request.
  error = $derived(this.#failed?.request === JSON.stringify(sweepRequest()) ? this.#failed.error : null);
  // Whether the run is that of another request.
  isOutdated = $derived(this.run !== null && JSON.stringify(this.run.asked) !== JSON.stringify(sweepRequest()));

  async start(): Promise<void> {
    const asked = sweepRequest();
    const edits = editsBelow();
    const { hook, operation, amount, over } = shared.sweep;
    const row = { hook, layer: 0, positions: "", heads: "", operation: over === "layer,factor" ? ("scale" as const) : operation, amount };
    const tokens = shared.tokens?.tokens ?? [];
    this.busy = true;
    this.#failed = null;
    try {
      const below = edits.length ? (await postJson<any>("/api/sweep", { ...asked, edits, axes: [] }, "sweep")).results[0].value : null;
      const began = performance.now();
      const answer = await postStream<any>("/api/sweep", asked, "sweep", (name, event) => {
        if (name === "start") {
          const values = new Float32Array(sizeOf(event.axes)).fill(NaN);
          this.run = { asked, row, axes: event.axes, title: withQuotedTokens(event.title), clean: event.clean, below, tokens, values, done: 0, began, warnings: [], answer: null };
        } else if (name === "cells" && this.run) {
          this.run.values.set(event.values.map((value: number | null) => value ?? NaN), event.first);
          this.run.done = event.done;
          ++this.revision;
        }
      });
      if (this.run) this.run = { ...this.run, answer, warnings: answer.warnings ?? [] };
    } catch (error) {
      if (error instanceof Stale) return;
      if (error instanceof ApiError && error.status !== 0) this.#failed = { request: JSON.stringify(asked), error };
    }
    this.busy = false;
  }

  stop(): void {
    cancel("sweep");
    this.busy = false;
  }

  // The fields of a saved experiment besides the result.
  saved() {
    if (!this.run) return null;
    const { asked, row, title, below, tokens, warnings } = this.run;
    return { asked, row, title, below, tokens, warnings };
  }

  // Shows a saved result again, or nothing.
  restore(result: any, saved: any): void {
    this.stop();
    this.#failed = null;
    this.run = null;
    const axes = result?.axes;
    if (!Array.isArray(axes) || !Array.isArray(result.results) || typeof saved?.title !== "string" || !Array.isArray(saved.tokens) || !isEditRow({ on: true, ...saved.row })) return;
    const values = Float32Array.from(result.results, (point: any) => point?.value ?? NaN);
    if (!axes.every((axis: any) => typeof axis?.name === "string" && Array.isArray(axis.values)) || values.length !== sizeOf(axes)) return;
    this.run = {
      asked: saved.asked,
      row: saved.row,
      axes: axes.map(({ name, values }: any) => ({ name, values: values.map(String) })),
      title: saved.title,
      clean: result.clean ?? NaN,
      below: saved.below ?? null,
      tokens: saved.tokens,
      values,
      done: values.length,
      began: 0,
      warnings: saved.warnings ?? [],
      answer: result,
    };
  }
}

export const sweeping = new Sweeping();
