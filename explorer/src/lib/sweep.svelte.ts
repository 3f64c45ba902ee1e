// The sweep that is shown: as it runs, as it ended, or as it was saved.
import { ApiError, cancel, postJson, postStream, Stale } from "./api";
import { editsBelow, sweepRequest } from "./command";
import { isEditRow, type EditRow } from "./edits";
import { state as shared } from "./state.svelte";
import { quoted } from "./text";

type Asked = ReturnType<typeof sweepRequest>;

export interface Run {
  asked: Asked;
  row: Omit<EditRow, "on">; // the edit of a point, but for the point's own values
  axes: { name: string; values: string[] }[];
  title: string;
  clean: number;
  below: number | null; // with the edits that the sweep is made on top of
  tokens: string[]; // of its text
  values: Float32Array;
  done: number;
  began: number; // milliseconds of performance.now()
  warnings: string[];
  answer: any; // the whole one, once it is there
}

const inPageWords = (title: string) => title.replace(/“([^”]*)”/g, (_, token) => quoted(token));
const sizeOf = (axes: Run["axes"]) => axes.reduce((product, axis) => product * axis.values.length, 1);

class Sweeping {
  run = $state.raw<Run | null>(null);
  #refused = $state.raw<{ asked: string; error: ApiError } | null>(null);
  busy = $state(false);
  stamp = $state(0); // counts what came in

  // Of what is asked for now.
  error = $derived(this.#refused?.asked === JSON.stringify(sweepRequest()) ? this.#refused.error : null);
  // Whether the run answers what is asked for now.
  isOld = $derived(this.run !== null && JSON.stringify(this.run.asked) !== JSON.stringify(sweepRequest()));

  async start(): Promise<void> {
    const asked = sweepRequest();
    const edits = editsBelow();
    const { hook, operation, amount, over } = shared.sweep;
    const row = { hook, layer: 0, positions: "", heads: "", operation: over === "layer,factor" ? ("scale" as const) : operation, amount };
    const tokens = shared.tokens?.tokens ?? [];
    this.busy = true;
    this.#refused = null;
    try {
      const below = edits.length ? (await postJson<any>("/api/sweep", { ...asked, edits, axes: [] }, "sweep")).results[0].value : null;
      const began = performance.now();
      const answer = await postStream<any>("/api/sweep", asked, "sweep", (name, event) => {
        if (name === "start") {
          const values = new Float32Array(sizeOf(event.axes)).fill(NaN);
          this.run = { asked, row, axes: event.axes, title: inPageWords(event.title), clean: event.clean, below, tokens, values, done: 0, began, warnings: [], answer: null };
        } else if (name === "cells" && this.run) {
          this.run.values.set(event.values.map((value: number | null) => value ?? NaN), event.first);
          this.run.done = event.done;
          ++this.stamp;
        }
      });
      if (this.run) this.run = { ...this.run, answer, warnings: answer.warnings ?? [] };
    } catch (error) {
      if (error instanceof Stale) return;
      if (error instanceof ApiError && error.status !== 0) this.#refused = { asked: JSON.stringify(asked), error };
    }
    this.busy = false;
  }

  stop(): void {
    cancel("sweep");
    this.busy = false;
  }

  // What a saved experiment holds of it beside its answer.
  memory() {
    if (!this.run) return null;
    const { asked, row, title, below, tokens, warnings } = this.run;
    return { asked, row, title, below, tokens, warnings };
  }

  // Shows a saved answer again; without one nothing.
  recall(result: any, memory: any): void {
    this.stop();
    this.#refused = null;
    this.run = null;
    const axes = result?.axes;
    if (!Array.isArray(axes) || !Array.isArray(result.results) || typeof memory?.title !== "string" || !Array.isArray(memory.tokens) || !isEditRow({ on: true, ...memory.row })) return;
    const values = Float32Array.from(result.results, (point: any) => point?.value ?? NaN);
    if (!axes.every((axis: any) => typeof axis?.name === "string" && Array.isArray(axis.values)) || values.length !== sizeOf(axes)) return;
    this.run = {
      asked: memory.asked,
      row: memory.row,
      axes: axes.map(({ name, values }: any) => ({ name, values: values.map(String) })),
      title: memory.title,
      clean: result.clean ?? NaN,
      below: memory.below ?? null,
      tokens: memory.tokens,
      values,
      done: values.length,
      began: 0,
      warnings: memory.warnings ?? [],
      answer: result,
    };
  }
}

export const sweeping = new Sweeping();
