// The logit lens of one pass. Columns are computed when they come into sight; the unembedding is as much work as the pass.
import { ApiError, Stale } from "./api";
import { Lateness } from "./lateness.svelte";
import type { Question } from "./live.svelte";
import { state as shared } from "./state.svelte";
import { ask, drop, moment } from "./batch";
import { quoted } from "./text";
import { tokensOf } from "./window";

type Request = Question["body"];

// Of positions of a text.
export interface Columns {
  from: number;
  count: number;
}

// One depth, by column; holes are still to come. The clean numbers of a comparison: the probability is of the token
// shown, which is the edited run's.
const NUMBERS = ["prob", "entropy", "kl", "clean_prob", "clean_entropy", "clean_kl"] as const;
export type Row = { tokens: string[] } & Record<(typeof NUMBERS)[number], number[]>;

type Rows = (Row | undefined)[]; // by depth; missing ones are still to come

export interface Grid extends Columns {
  asked: Request;
  after: string[]; // the tokens at its positions
  names: string[]; // the same as labels
  labels: string[]; // of the model's depths
  rows: Rows;
}

type Answer = Partial<Row> & { depth: number; from: number };
const FIELDS = ["tokens", ...NUMBERS] as const;

const emptyRow = (): Row => Object.fromEntries(FIELDS.map((field) => [field, []])) as unknown as Row;

function put(rows: Rows, from: number, answer: Answer): void {
  const row = (rows[answer.depth] ??= emptyRow());
  for (const field of FIELDS) answer[field]?.forEach((value, i) => ((row[field] as unknown[])[answer.from - from + i] = value));
}

const copied = (rows: Rows): Rows => rows.map((row) => row && (Object.fromEntries(FIELDS.map((field) => [field, [...row[field]]])) as unknown as Row));

const contains = (a: Columns & { of: string }, b: typeof a): boolean => a.of === b.of && a.from <= b.from && b.from + b.count <= a.from + a.count;

export class Lens {
  grid = $state.raw<Grid | null>(null);
  error = $state.raw<ApiError | null>(null);
  lateness = new Lateness();
  #waiting = $state(0);
  #of = ""; // what the known columns are answers to
  #known = new Set<number>(); // positions
  #rows: Rows = []; // what came for it, and nothing older
  #coming: (Columns & { of: string }) | null = null; // what is asked for

  constructor(private which: "clean" | "edited") {}

  private get slot(): string {
    return `lens.${this.which}`;
  }

  get busy(): boolean {
    return this.#waiting > 0;
  }

  // Asks for what is not yet known of the columns in sight, which are a part of the window.
  async follow(request: Request, window: Columns, seen: Columns): Promise<void> {
    const of = JSON.stringify([request, window]);
    const end = this.grid ? this.grid.from + this.grid.count : 0; // of the text, or of the window
    const wanted = Array.from({ length: seen.count }, (_, i) => seen.from + i).filter((i) => of !== this.#of || (i < end && !this.#known.has(i)));
    if (wanted.length === 0) {
      if (this.#coming && this.#coming.of !== of) {
        this.#coming = null; // a change was taken back before its answer came, or before its error was told
        drop(this.slot);
      }
      this.lateness.news(true);
      this.error = null;
      return;
    }
    const missing = { of, from: wanted[0], count: wanted[wanted.length - 1] - wanted[0] + 1 };
    if (this.#coming && contains(this.#coming, missing)) return;
    this.#coming = missing;
    ++this.#waiting;
    this.lateness.wait();
    try {
      await this.ask(request, window, missing, of);
      if (of === this.#of) for (let i = 0; i < missing.count; ++i) this.#known.add(missing.from + i);
      this.error = null;
      this.lateness.news(this.#coming === missing);
    } catch (error) {
      if (error instanceof Stale) return;
      await moment();
      if (this.#coming !== missing) return;
      this.lateness.news(true);
      if (!(error instanceof ApiError)) this.error = new ApiError(500, "", String(error), "");
      else if (shared.hopeful && !shared.blame(request, error)) this.error = error;
    } finally {
      if (this.#coming === missing) this.#coming = null;
      --this.#waiting;
    }
  }

  // Throws Stale when something else is asked for meanwhile.
  private async ask(request: Request, window: Columns, missing: Columns, of: string): Promise<void> {
    let mixed: Rows = []; // old cells stay until the new ones are there
    let planned = 0;
    let grid: Grid | null = null;
    // Depths that arrive together are drawn together.
    const show = (rows: Rows): void => {
      cancelAnimationFrame(planned);
      planned = 0;
      this.grid = { ...grid!, rows: [...rows] };
      this.lateness.news(false);
    };
    const { from, count } = missing;
    const take = (name: string, row: Answer): void => {
      if (name !== "depth") return;
      if (!grid) {
        const before = this.grid;
        const count = Math.min(window.count, shared.count - window.from);
        const labels = shared.depthLabels;
        const fits = before?.from === window.from && before.count === count && before.labels.length === labels.length;
        const after = tokensOf(window.from, count);
        grid = { asked: request, from: window.from, count, after, names: after.map(quoted), labels, rows: [] };
        mixed = fits ? copied(before.rows) : [];
        if (of !== this.#of) {
          this.#of = of;
          this.#known.clear();
          this.#rows = [];
        }
      }
      for (const rows of [this.#rows, mixed]) put(rows, window.from, row);
      planned ||= requestAnimationFrame(() => show(mixed));
    };
    try {
      await ask("/api/lens", { ...request, from, count, which: this.which }, this.slot, take);
      if (grid) show(copied(this.#rows));
    } finally {
      cancelAnimationFrame(planned);
    }
  }
}
