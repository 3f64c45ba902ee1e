// The state that all views share: the text, the choices in it, and the edits. The address contains all of it.
import { getJson, postJson, type ApiError, Stale } from "./api";
import { connection } from "./connection.svelte";
import { ask } from "./batch";
import { expression, isEditRow, OPERATIONS, type EditRow, type Operation } from "./edits";
import { HookTable, type HookPoint } from "./hooks";

export const KAFKA =
  "As Gregor Samsa awoke one morning from uneasy dreams, he found himself transformed in his bed into a gigantic";

export interface SweepSettings {
  hook: string;
  operation: Operation;
  amount: number;
  over: "layer" | "layer,position" | "layer,head" | "layer,factor";
  target: string;
  metric: string;
  onTop: boolean; // together with the active edits
}

export type Compare = "edited" | "clean" | "difference";

// The error of an edit, or of all edits together.
interface Fault {
  request: string; // that failed
  row: EditRow | null; // null if no single edit is invalid
  error: ApiError;
}

interface Tokens {
  text: string;
  tokens: string[];
  ids: number[];
  count: number;
  context: number;
  model: { name: string; hash: string };
  requestedModel: string; // its name in the menu: possibly a folder's path, or another name of the same model
}

interface Info {
  config: { n_layers: number; n_heads: number; d_model: number; [name: string]: unknown };
  parameters: number;
  hook_points: HookPoint[];
}

const SWEEP: SweepSettings = {
  hook: "hook_resid_post",
  operation: "scale",
  amount: 0.8,
  over: "layer",
  target: " insect",
  metric: "log_prob",
  onTop: false,
};
const VIEWS = { lensColor: ["prob", "entropy", "kl"], headScore: ["previous", "first", "current", "duplicate", "induction", "entropy"], weights: ["row", "all"] };
// The choices of a sweep, with their names on the page.
export const METRICS = { log_prob: "log-probability", prob: "probability", rank: "rank", logit: "logit", kl: "KL from the clean prediction", entropy: "entropy" };
export const AXES = { layer: "block", "layer,position": "block × position", "layer,head": "block × head", "layer,factor": "block × factor" };
const SWEEP_CHOICES: Partial<Record<keyof SweepSettings, object>> = { metric: METRICS, over: AXES, operation: OPERATIONS };
const LAST = -1; // the last token of any text

// The number of equal entries at the beginnings of two lists.
function sharedStart(a: unknown[], b: unknown[]): number {
  let count = 0;
  while (count < a.length && count < b.length && a[count] === b[count]) ++count;
  return count;
}

class Explorer {
  model = $state("");
  text = $state(KAFKA);
  corrupt = $state("");
  chosen = $state(LAST); // a position, or the last one
  chosenEnd = $state(LAST); // the other end of a chosen range
  depth = $state(6);
  dimension = $state<number | null>(null);
  layer = $state(0); // of the chosen head
  head = $state(0);
  edits = $state<EditRow[]>([]);
  compare = $state<Compare>("edited");
  sweep = $state<SweepSettings>({ ...SWEEP });
  lensColor = $state<"prob" | "entropy" | "kl">("prob");
  headScore = $state("previous");
  weights = $state<"row" | "all">("row"); // the scale of attention's colours

  hoverToken = $state<number | null>(null);
  hoverDepth = $state<number | null>(null);

  tokens = $state.raw<Tokens | null>(null);
  info = $state.raw<Info | null>(null);
  version = $state("");
  problem = $state<ApiError | null>(null);
  fault = $state.raw<Fault | null>(null);
  #restored = false; // the positions belong to the text that is being tokenized

  count = $derived(this.tokens?.count ?? 0);
  subtractsMean = $derived(this.info?.config.normalization_type === "LN");
  layers = $derived(this.info?.config.n_layers ?? 0);
  heads = $derived(this.info?.config.n_heads ?? 0);
  hooks = $derived(new HookTable(this.info?.hook_points ?? []));
  depthLabels = $derived(["Emb", ...Array.from({ length: this.layers }, (_, i) => `L${i}`)]);
  #last = $derived(Math.max(0, this.count - 1));
  position = $derived(this.chosen === LAST ? this.#last : Math.min(this.chosen, this.#last));
  lastPosition = $derived(this.chosenEnd === LAST ? this.#last : Math.min(this.chosenEnd, this.#last));
  // The position for requests: the last one can be requested before the text's length is known.
  requestPosition = $derived(this.position === this.#last ? LAST : this.position);
  // A patch without a second text would be an error, so it is inactive until there is one.
  activeRows = $derived(this.edits.filter((row) => row.on && (row.operation !== "patch" || this.corrupt !== "")));
  activeEdits = $derived(this.activeRows.map((row) => expression(row, this.hooks)));
  isEdited = $derived(this.activeEdits.length > 0);
  usesCorrupt = $derived(this.corrupt !== "" && this.edits.some((row) => row.on && row.operation === "patch"));
  wantsCorrupt = $derived(this.sweep.operation === "patch" || this.edits.some((row) => row.operation === "patch"));
  // The chosen positions as an index list.
  range = $derived.by(() => {
    const low = Math.min(this.position, this.lastPosition);
    const high = Math.max(this.position, this.lastPosition);
    return low === high ? String(low) : `${low}:${high + 1}`;
  });

  // The fields of all requests about the text.
  request = $derived.by(() => ({
    model: this.model,
    text: this.text,
    edits: this.activeEdits,
    ...(this.usesCorrupt ? { corrupt: this.corrupt } : {}),
  }));
  isTokenized = $derived(this.tokens !== null && this.tokens.text === this.text && this.tokens.requestedModel === this.model);
  tooLong = $derived(this.tokens !== null && this.count > this.tokens.context);
  // The model can run the text.
  ready = $derived(this.info !== null && this.isTokenized && this.count > 0 && !this.tooLong && !this.problem);
  // Requests for a new text are sent in one batch with that for its tokens, before its length is known; most texts fit.
  canRequest = $derived(
    this.ready ||
      (this.info !== null && !this.isTokenized && this.tokens?.requestedModel === this.model && this.text !== "" && !this.problem),
  );

  // The error of the edits, until they or the text change.
  editFault = $derived(this.fault?.request === JSON.stringify(this.request) ? this.fault : null);
  // The reason why the views cannot follow the state; they show earlier results then.
  blocked = $derived.by(() => {
    if (connection.lost) return "from before the server stopped responding";
    if (this.text === "") return "of the previous text: there is none now";
    if (this.isTokenized && this.tooLong) return "of the previous text: this one is too long";
    if (this.problem) return "of the previous text";
    if (this.editFault) return `from before: ${this.editFault.row ? `edit ${this.edits.indexOf(this.editFault.row) + 1} is invalid` : "the edits are invalid"}`;
    return "";
  });

  // Loads the model's description, unless it is loaded already.
  async open(): Promise<void> {
    if (this.info) return;
    try {
      const status = await getJson<{ version: string; model: string }>("/api/status");
      this.version = status.version;
      if (!this.model) this.model = status.model;
      this.info = await postJson<Info>("/api/info", { model: this.model });
      this.chooseDepth(this.depth);
      this.problem = null;
    } catch (error) {
      this.problem = error as ApiError;
    }
  }

  // After each change of the text or the model.
  async tokenize(text: string, model: string): Promise<void> {
    try {
      await ask("/api/tokens", { text, model }, "tokens", (name, tokens) => {
        if (name !== "result") return;
        if (this.tokens?.text !== text && !this.#restored) this.follow(this.tokens?.tokens ?? [], tokens.tokens);
        this.#restored = false;
        this.tokens = { ...tokens, requestedModel: model };
        this.problem = null;
      });
    } catch (error) {
      if (!(error instanceof Stale) && (error as ApiError).status !== 0) this.problem = error as ApiError;
    }
  }

  // The chosen token stays the same one in a text that changes before or after it; else the last one is chosen.
  private follow(before: string[], after: string[]): void {
    const start = sharedStart(before, after);
    const end = sharedStart([...before].reverse(), [...after].reverse());
    const moved = (chosen: number): number => {
      if (chosen === LAST || chosen >= before.length - 1) return LAST;
      const at = chosen < start ? chosen : before.length - chosen <= end ? chosen + after.length - before.length : LAST;
      return at >= after.length - 1 ? LAST : at;
    };
    const ends = [moved(this.chosen), moved(this.chosenEnd)];
    [this.chosen, this.chosenEnd] = ends.includes(LAST) ? [LAST, LAST] : ends;
  }

  // True for an error that the view need not show: of an edit, which is stored in `fault`, or of the connection.
  takeError(request: { edits?: string[] }, error: ApiError): boolean {
    if (error.status === 0) return true; // shown once for the page
    const [isEdit, number] = /^edit(?: (\d+))?$/.exec(error.where) ?? [];
    if (isEdit === undefined || !request.edits?.length) return false;
    const { model, text, edits, corrupt } = request as any;
    this.fault = { request: JSON.stringify({ model, text, edits, ...(corrupt === undefined ? {} : { corrupt }) }), row: number ? this.activeRows[Number(number) - 1] ?? null : null, error };
    return true;
  }

  choose(position: number, extend = false): void {
    this.chosen = position >= this.#last ? LAST : Math.max(0, position);
    if (!extend) this.chosenEnd = this.chosen;
  }

  chooseDepth(depth: number): void {
    this.depth = Math.max(0, Math.min(this.layers, depth));
  }

  // The state to save, as plain data.
  snapshot() {
    return {
      text: this.text,
      corrupt: this.corrupt,
      position: this.chosen,
      lastPosition: this.chosenEnd,
      depth: this.depth,
      dimension: this.dimension,
      layer: this.layer,
      head: this.head,
      edits: $state.snapshot(this.edits),
      compare: this.compare,
      sweep: $state.snapshot(this.sweep),
      lensColor: this.lensColor,
      headScore: this.headScore,
      weights: this.weights,
    };
  }

  // Restores the valid fields of untrusted data, and keeps the others.
  restore(data: any): void {
    if (typeof data?.text === "string") {
      this.#restored = data.text !== this.tokens?.text;
      this.text = data.text;
    }
    if (typeof data?.corrupt === "string") this.corrupt = data.corrupt;
    const whole = (value: unknown, least: number) => Number.isInteger(value) && (value as number) >= least;
    if (whole(data?.position, LAST)) this.chosen = this.chosenEnd = data.position;
    if (whole(data?.lastPosition, LAST)) this.chosenEnd = data.lastPosition;
    for (const name of ["depth", "layer", "head"] as const) if (whole(data?.[name], 0)) this[name] = data[name];
    for (const [name, values] of Object.entries(VIEWS)) if (values.includes(data?.[name])) (this as any)[name] = data[name];
    this.dimension = Number.isInteger(data?.dimension) ? data.dimension : null;
    if (Array.isArray(data?.edits)) this.edits = data.edits.filter(isEditRow);
    if (["edited", "clean", "difference"].includes(data?.compare)) this.compare = data.compare;
    for (const name of Object.keys(SWEEP) as (keyof SweepSettings)[])
      if (typeof data?.sweep?.[name] === typeof SWEEP[name] && Object.hasOwn(SWEEP_CHOICES[name] ?? { [data.sweep[name]]: "" }, data.sweep[name]))
        (this.sweep as any)[name] = data.sweep[name];
  }

  address(): string {
    const state = JSON.stringify({ model: this.model, ...this.snapshot() });
    const bytes = new TextEncoder().encode(state);
    return "#" + btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  readAddress(): boolean {
    const coded = location.hash.slice(1);
    if (!coded || coded.startsWith("token=")) return false;
    try {
      const bytes = Uint8Array.from(atob(coded.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
      const data = JSON.parse(new TextDecoder().decode(bytes));
      if (typeof data.model === "string") this.model = data.model;
      this.restore(data);
      return true;
    } catch {
      return false; // another kind of address
    }
  }
}

export const state = new Explorer();
