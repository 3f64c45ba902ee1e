// The logit lens of one pass. Columns are computed when they come into sight; the unembedding is as much work as the pass.
import { ApiError, Stale } from "./api";
import { state as shared } from "./state.svelte";
import { ask, moment } from "./together";
import { namesOf } from "./window";

// Of positions of a text.
export interface Columns {
  from: number;
  count: number;
}

// One depth, by column; holes are still to come.
export interface Row {
  tokens: string[];
  prob: number[];
  entropy: number[];
  kl: number[];
}

export interface Grid extends Columns {
  names: string[]; // of its positions
  rows: Row[]; // by depth; missing ones are still to come
}

type Answer = Row & { depth: number; from: number };
const FIELDS = ["tokens", "prob", "entropy", "kl"] as const;

function put(rows: Row[], from: number, answer: Answer): void {
  const row = (rows[answer.depth] ??= { tokens: [], prob: [], entropy: [], kl: [] });
  for (const field of FIELDS) answer[field].forEach((value, i) => ((row[field] as unknown[])[answer.from - from + i] = value));
}

const copied = (rows: Row[]): Row[] => rows.map(({ tokens, prob, entropy, kl }) => ({ tokens: [...tokens], prob: [...prob], entropy: [...entropy], kl: [...kl] }));

export class Lens {
  grid = $state.raw<Grid | null>(null);
  error = $state.raw<ApiError | null>(null);
  #waiting = $state(0);
  #of = ""; // what the known columns are answers to
  #known = new Set<number>(); // positions
  #asked = "";

  constructor(private which: "clean" | "edited") {}

  get busy(): boolean {
    return this.#waiting > 0;
  }

  // Asks for what is not yet known of the columns in sight, which are a part of the window.
  async follow(request: object, window: Columns, seen: Columns): Promise<void> {
    const of = JSON.stringify([request, window]);
    const wanted = Array.from({ length: seen.count }, (_, i) => seen.from + i).filter((i) => of !== this.#of || !this.#known.has(i));
    if (wanted.length === 0) return;
    const missing = { from: wanted[0], count: wanted[wanted.length - 1] - wanted[0] + 1 };
    const asked = JSON.stringify([of, missing]);
    if (asked === this.#asked) return; // it is on its way
    this.#asked = asked;
    ++this.#waiting;
    try {
      await this.ask(request, window, missing, of);
      if (this.#asked === asked) for (const i of wanted) this.#known.add(i);
      this.error = null;
    } catch (error) {
      if (error instanceof Stale) return;
      await moment();
      if (this.#asked === asked && shared.hopeful) this.error = error as ApiError;
    } finally {
      if (this.#asked === asked) this.#asked = "";
      --this.#waiting;
    }
  }

  private async ask(request: object, window: Columns, missing: Columns, of: string): Promise<void> {
    let all: Row[] = []; // answers to this request alone
    let mixed: Row[] = []; // old cells stay until the new ones are there
    let planned = 0;
    let grid: Grid | null = null;
    // Depths that arrive together are drawn together.
    const show = (rows: Row[]): void => {
      cancelAnimationFrame(planned);
      planned = 0;
      this.grid = { ...grid!, rows: [...rows] };
    };
    await ask("/api/lens", { ...request, ...missing, which: this.which }, `lens.${this.which}`, (name, row: Answer) => {
      if (name !== "depth") return;
      if (!grid) {
        const before = this.grid;
        const count = Math.min(window.count, shared.count - window.from);
        const fits = before?.from === window.from && before.count === count;
        grid = { from: window.from, count, names: namesOf(window.from, count), rows: [] };
        mixed = fits ? copied(before.rows) : [];
        if (of === this.#of) all = mixed;
        else this.#known.clear();
        this.#of = of;
      }
      for (const rows of new Set([all, mixed])) put(rows, window.from, row);
      planned ||= requestAnimationFrame(() => show(mixed));
    });
    if (grid) show(all);
  }
}
