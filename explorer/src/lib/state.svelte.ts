// What every view shares: the text, what is chosen in it, and the edits. All of it lives in the address.
import { getJson, postJson, type ApiError, Stale } from "./api";
import { ask } from "./together";
import { expression, isEditRow, type EditRow, type Operation } from "./edits";

export const KAFKA =
  "As Gregor Samsa awoke one morning from uneasy dreams, he found himself transformed in his bed into a gigantic";

export interface SweepSettings {
  hook: string;
  operation: Operation;
  amount: number;
  over: "layer" | "layer,position" | "layer,head" | "layer,factor";
  target: string;
  metric: string;
}

export type Compare = "edited" | "clean" | "difference";

interface Tokens {
  text: string;
  tokens: string[];
  ids: number[];
  count: number;
  context: number;
  model: { name: string; hash: string };
  askedModel: string; // as the menu names it: a folder's path may be there, or another name of the same model
}

interface Info {
  config: { n_layers: number; n_heads: number; d_model: number; [name: string]: unknown };
  parameters: number;
  hook_points: { name: string; shape: (number | string)[] }[];
}

const SWEEP: SweepSettings = {
  hook: "hook_resid_post",
  operation: "scale",
  amount: 0.8,
  over: "layer",
  target: " insect",
  metric: "log_prob",
};

class Explorer {
  model = $state("");
  text = $state(KAFKA);
  corrupt = $state("");
  position = $state(8);
  lastPosition = $state(8); // the other end of a chosen range
  depth = $state(6);
  dimension = $state<number | null>(null);
  layer = $state(0); // of the head that is looked at
  head = $state(0);
  edits = $state<EditRow[]>([]);
  compare = $state<Compare>("edited");
  sweep = $state<SweepSettings>({ ...SWEEP });

  hoverToken = $state<number | null>(null);
  hoverDepth = $state<number | null>(null);

  tokens = $state.raw<Tokens | null>(null);
  info = $state.raw<Info | null>(null);
  version = $state("");
  problem = $state<ApiError | null>(null);

  count = $derived(this.tokens?.count ?? 0);
  layers = $derived(this.info?.config.n_layers ?? 0);
  heads = $derived(this.info?.config.n_heads ?? 0);
  depthLabels = $derived(["Emb", ...Array.from({ length: this.layers }, (_, i) => `L${i}`)]);
  // A patch without a second text would be refused: it waits for one.
  activeEdits = $derived(this.edits.filter((row) => row.on && (row.operation !== "patch" || this.corrupt !== "")).map(expression));
  isEdited = $derived(this.activeEdits.length > 0);
  usesCorrupt = $derived(this.corrupt !== "" && this.edits.some((row) => row.on && row.operation === "patch"));
  wantsCorrupt = $derived(this.sweep.operation === "patch" || this.edits.some((row) => row.operation === "patch"));
  // The chosen positions as an index list.
  range = $derived.by(() => {
    const low = Math.min(this.position, this.lastPosition);
    const high = Math.max(this.position, this.lastPosition);
    return low === high ? String(low) : `${low}:${high + 1}`;
  });

  // What every request that runs the text says.
  request = $derived.by(() => ({
    model: this.model,
    text: this.text,
    edits: this.activeEdits,
    ...(this.usesCorrupt ? { corrupt: this.corrupt } : {}),
  }));
  isTokenized = $derived(this.tokens !== null && this.tokens.text === this.text && this.tokens.askedModel === this.model);
  // The text is known to be one that the model takes.
  ready = $derived(
    this.info !== null && this.isTokenized && this.count > 0 && this.count <= this.tokens!.context && !this.problem,
  );
  // Views ask for another text before its tokens are known, together with these; mostly they fit.
  hopeful = $derived(
    this.ready ||
      (this.info !== null && !this.isTokenized && this.tokens?.askedModel === this.model && this.text !== "" && !this.problem),
  );

  async start(): Promise<void> {
    this.readAddress();
    try {
      const status = await getJson<{ version: string; model: string }>("/api/status");
      this.version = status.version;
      if (!this.model) this.model = status.model;
      this.info = await postJson<Info>("/api/models/info", { model: this.model });
    } catch (error) {
      this.problem = error as ApiError;
    }
  }

  // After each change of the text or the model.
  async tokenize(text: string, model: string): Promise<void> {
    try {
      await ask("/api/tokens", { text, model }, "tokens", (name, tokens) => {
        if (name !== "result") return;
        this.tokens = { ...tokens, askedModel: model };
        this.problem = null;
        const last = Math.max(0, tokens.count - 1);
        this.position = Math.min(this.position, last);
        this.lastPosition = Math.min(this.lastPosition, last);
      });
    } catch (error) {
      if (!(error instanceof Stale)) this.problem = error as ApiError;
    }
  }

  choose(position: number, extend = false): void {
    this.position = Math.max(0, Math.min(this.count - 1, position));
    if (!extend) this.lastPosition = this.position;
  }

  chooseDepth(depth: number): void {
    this.depth = Math.max(0, Math.min(this.layers, depth));
  }

  // Everything worth keeping, as plain data.
  snapshot() {
    return {
      text: this.text,
      corrupt: this.corrupt,
      position: this.position,
      lastPosition: this.lastPosition,
      depth: this.depth,
      dimension: this.dimension,
      layer: this.layer,
      head: this.head,
      edits: $state.snapshot(this.edits),
      compare: this.compare,
      sweep: $state.snapshot(this.sweep),
    };
  }

  // Takes what fits of foreign data, and leaves the rest as it is.
  restore(data: any): void {
    if (typeof data?.text === "string") this.text = data.text;
    if (typeof data?.corrupt === "string") this.corrupt = data.corrupt;
    for (const name of ["position", "lastPosition", "depth", "layer", "head"] as const)
      if (Number.isInteger(data?.[name]) && data[name] >= 0) this[name] = data[name];
    this.dimension = Number.isInteger(data?.dimension) ? data.dimension : null;
    if (Array.isArray(data?.edits)) this.edits = data.edits.filter(isEditRow);
    if (["edited", "clean", "difference"].includes(data?.compare)) this.compare = data.compare;
    for (const name of Object.keys(SWEEP) as (keyof SweepSettings)[])
      if (typeof data?.sweep?.[name] === typeof SWEEP[name]) (this.sweep as any)[name] = data.sweep[name];
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
      return false; // an address of something else
    }
  }
}

export const state = new Explorer();
