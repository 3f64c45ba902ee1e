// The logit lens of one run. Columns are requested when they are visible; the unembedding is as much work as the run.
import { ApiError, Stale } from "./api";
import { OutdatedTimer } from "./outdated.svelte";
import type { ViewRequest } from "./live.svelte";
import { state as shared } from "./state.svelte";
import { ask, drop, nextTask } from "./batch";
import { quoted } from "./text";
import { tokensOf } from "./window";

type Request = ViewRequest["body"];

// A range of positions of a text.
export interface Columns {
  from: number;
  count: number;
}

// One depth, by column; missing entries are not received yet. In a comparison, the clean probability is that of the
// token of the edited run.
const NUMBERS = ["prob", "entropy", "kl", "clean_prob", "clean_entropy", "clean_kl"] as const;
export type Row = { tokens: string[] } & Record<(typeof NUMBERS)[number], number[]>;

type Rows = (Row | undefined)[]; // by depth; missing ones are not received yet

export interface Grid extends Columns {
  request: Request;
  after: string[]; // the tokens at its positions
  names: string[]; // the same as labels
  labels: string[]; // of the model's depths
  rows: Rows;
}

type Answer = Partial<Row> & { depth: number; positions: number[] };
const FIELDS = ["tokens", ...NUMBERS] as const;

const emptyRow = (): Row => Object.fromEntries(FIELDS.map((field) => [field, []])) as unknown as Row;

function put(rows: Rows, from: number, answer: Answer): void {
  const row = (rows[answer.depth] ??= emptyRow());
  for (const field of FIELDS) answer[field]?.forEach((value, i) => ((row[field] as unknown[])[answer.positions[i] - from] = value));
}

const copied = (rows: Rows): Rows => rows.map((row) => row && (Object.fromEntries(FIELDS.map((field) => [field, [...row[field]]])) as unknown as Row));

const contains = (a: Columns & { key: string }, b: typeof a): boolean => a.key === b.key && a.from <= b.from && b.from + b.count <= a.from + a.count;

// The request for some columns; the last ones reach to the end of a text whose length is not known yet.
export function lensBody(request: Request, { from, count }: Columns): object {
  const positions = from + count >= shared.count ? `${from}:` : `${from}:${from + count}`;
  return { ...request, positions, top: 1, no_effect: true };
}

export class Lens {
  grid = $state.raw<Grid | null>(null);
  error = $state.raw<ApiError | null>(null);
  outdatedTimer = new OutdatedTimer();
  #waiting = $state(0);
  #key = ""; // the request of the known columns
  #known = new Set<number>(); // positions
  #rows: Rows = []; // the results of that request only
  #pending: (Columns & { key: string }) | null = null; // the columns requested

  constructor(private which: "clean" | "edited") {}

  private get slot(): string {
    return `lens.${this.which}`;
  }

  get busy(): boolean {
    return this.#waiting > 0;
  }

  // Requests the unknown ones of the visible columns, which are a part of the window.
  async follow(request: Request, window: Columns, inView: Columns): Promise<void> {
    const key = JSON.stringify([request, window]);
    const end = this.grid ? this.grid.from + this.grid.count : 0; // of the text, or of the window
    const unknown = Array.from({ length: inView.count }, (_, i) => inView.from + i).filter((i) => key !== this.#key || (i < end && !this.#known.has(i)));
    if (unknown.length === 0) {
      if (this.#pending && this.#pending.key !== key) {
        this.#pending = null; // a change was undone before its result or error arrived
        drop(this.slot);
      }
      this.outdatedTimer.update(true);
      this.error = null;
      return;
    }
    const missing = { key, from: unknown[0], count: unknown[unknown.length - 1] - unknown[0] + 1 };
    if (this.#pending && contains(this.#pending, missing)) return;
    this.#pending = missing;
    ++this.#waiting;
    this.outdatedTimer.start();
    try {
      await this.load(request, window, missing, key);
      if (key === this.#key) for (let i = 0; i < missing.count; ++i) this.#known.add(missing.from + i);
      this.error = null;
      this.outdatedTimer.update(this.#pending === missing);
    } catch (error) {
      if (error instanceof Stale) return;
      await nextTask();
      if (this.#pending !== missing) return;
      this.outdatedTimer.update(true);
      if (!(error instanceof ApiError)) this.error = new ApiError(500, "", String(error), "");
      else if (shared.canRequest && !shared.takeError(request, error)) this.error = error;
    } finally {
      if (this.#pending === missing) this.#pending = null;
      --this.#waiting;
    }
  }

  // Throws Stale when a newer request replaces this one.
  private async load(request: Request, window: Columns, missing: Columns, key: string): Promise<void> {
    let mixed: Rows = []; // earlier cells stay until they are replaced
    let planned = 0;
    let grid: Grid | null = null;
    // Depths of one frame are drawn together.
    const show = (rows: Rows): void => {
      cancelAnimationFrame(planned);
      planned = 0;
      this.grid = { ...grid!, rows: [...rows] };
      this.outdatedTimer.update(false);
    };
    const take = (name: string, row: Answer): void => {
      if (name !== "depth") return;
      if (!grid) {
        const before = this.grid;
        const count = Math.min(window.count, shared.count - window.from);
        const labels = shared.depthLabels;
        const fits = before?.from === window.from && before.count === count && before.labels.length === labels.length;
        const after = tokensOf(window.from, count);
        grid = { request, from: window.from, count, after, names: after.map(quoted), labels, rows: [] };
        mixed = fits ? copied(before.rows) : [];
        if (key !== this.#key) {
          this.#key = key;
          this.#known.clear();
          this.#rows = [];
        }
      }
      for (const rows of [this.#rows, mixed]) put(rows, window.from, row);
      planned ||= requestAnimationFrame(() => show(mixed));
    };
    try {
      await ask("/api/lens", lensBody(request, missing), this.slot, take);
      if (grid) show(copied(this.#rows));
    } finally {
      cancelAnimationFrame(planned);
    }
  }
}
