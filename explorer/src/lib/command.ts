// The same experiment as a command line, and as a file.
import { postFile } from "./api";
import { spell } from "./edits";
import { results } from "./results.svelte";
import { state } from "./state.svelte";

// What a shell's line editor would act on when it is pasted, or a terminal obey: control characters, those that turn the
// direction of writing, separators of lines.
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
const PLAIN = /^[A-Za-z0-9_-][A-Za-z0-9_.,:=+-]*$/;

const octal = (character: string) =>
  Array.from(new TextEncoder().encode(character), (byte) => "\\" + byte.toString(8).padStart(3, "0")).join("");

// Within '…', after a $ or for printf: no quote, nothing that a shell expands, and nothing to obey.
const escaped = (text: string) =>
  Array.from(text, (c) => (CONTROLS.test(c) || c === "\\" || c === "'" || c === "!" ? octal(c) : c)).join("");

// One word for a shell. The form for controls is that of bash and zsh; another shell takes it for one word too, of another
// spelling.
function quote(word: string): string {
  if (PLAIN.test(word)) return word;
  return CONTROLS.test(word) ? `$'${escaped(word)}'` : `'${word.replace(/'/g, `'\\''`)}'`;
}

// `options` are pairs of a name and its value; those without a value are left out, those of null have none. No value and
// no text can be taken for an option.
function line(command: string, options: [name: string, value: string | null][], text = state.text): string {
  if (options.some(([, value]) => value?.includes("\0"))) return "# a zero byte cannot stand on a command line";
  const words = ["stratoscope", command];
  for (const [name, value] of options) if (value !== "") words.push(quote(value === null ? `--${name}` : `--${name}=${value}`));
  // "-" would be standard input; and what cannot be an argument comes that way.
  if (text === "-" || CONTROLS.test(text)) return `printf '${escaped(text).replace(/%/g, "%%")}' | ${words.join(" ")} -- -`;
  return [...words, "--", text === "" ? "''" : quote(text)].join(" ");
}

function common(): [string, string | null][] {
  const options: [string, string | null][] = [];
  if (state.model !== "novella-7m") options.push(["model", state.model]);
  for (const edit of state.activeEdits) options.push(["edit", edit]);
  if (state.usesCorrupt) options.push(["corrupt", state.corrupt]);
  return options;
}

export const FACTORS = "0,0.2,0.4,0.6,0.8,1,1.2,1.4";

export function sweepTemplate(): string {
  const { hook, operation, amount, over } = state.sweep;
  return spell(
    hook,
    "{layer}",
    over === "layer,position" ? "{position}" : "",
    over === "layer,head" ? "{head}" : "",
    over === "layer,factor" ? "scale" : operation,
    over === "layer,factor" ? "{factor}" : String(amount),
  );
}

export const sweepAxes = () => state.sweep.over.split(",").map((axis) => `${axis}=${axis === "factor" ? FACTORS : "all"}`);
export const needsTarget = (metric: string) => !["kl", "entropy"].includes(metric);
export const sweepUsesCorrupt = () => state.sweep.operation === "patch" && state.sweep.over !== "layer,factor";

export function sweepRequest() {
  return {
    model: state.model,
    text: state.text,
    edits: [...state.activeEdits, sweepTemplate()],
    axes: sweepAxes(),
    metric: state.sweep.metric,
    ...(needsTarget(state.sweep.metric) ? { targets: [state.sweep.target] } : {}),
    ...(state.usesCorrupt || sweepUsesCorrupt() ? { corrupt: state.corrupt } : {}),
  };
}

export function commandLine(view: string): string {
  const options = common();
  switch (view) {
    case "predictions":
      return line("predict", [...options, ["position", String(state.position)]]);
    case "depth":
      return line("activations", [...options, ["token", String(state.position)]]);
    case "similarity_depths":
      return line("similarity", [...options, ["across", "layers"], ["tokens", String(state.position)]]);
    case "similarity_tokens":
      return line("similarity", [...options, ["across", "tokens"], ["layers", String(state.depth)]]);
    case "profile":
      return line("similarity", [...options, ["profile", null]]);
    case "lens":
      return line("lens", options);
    case "attention":
      return line("attention", [...options, ["heads", `L${state.layer}H${state.head}`]]);
    case "sweep":
      if (!state.usesCorrupt && sweepUsesCorrupt()) options.push(["corrupt", state.corrupt]);
      options.push(["edit", sweepTemplate()], ["metric", state.sweep.metric]);
      for (const axis of sweepAxes()) options.push(["over", axis]);
      if (needsTarget(state.sweep.metric)) options.push(["target", state.sweep.target]);
      return line("sweep", options);
    default:
      return "stratoscope";
  }
}

// The fields of POST /api/export that say which part of a view is meant.
export function exportRequest(view: string, format: string, theme: string) {
  const base = { what: view, format, theme };
  if (view === "sweep") return { ...base, ...sweepRequest() };
  return {
    ...base,
    ...state.request,
    token: String(state.position),
    depth: String(state.depth),
    position: String(state.position),
    head: `L${state.layer}H${state.head}`,
  };
}

// What `stratoscope replay` runs again and compares: the last sweep, or without one the prediction.
async function record() {
  const common = {
    ...(state.model === "novella-7m" ? {} : { model: [state.model] }),
    ...(state.usesCorrupt || (results.sweep && sweepUsesCorrupt()) ? { corrupt: [state.corrupt] } : {}),
  };
  const asked = results.sweep?.request;
  if (asked && JSON.stringify(asked) === JSON.stringify(sweepRequest())) {
    const { values, title, warnings, ...result } = results.sweep!.answer;
    const target = "targets" in asked ? { target: asked.targets } : {};
    return { command: "sweep", options: { ...common, edit: asked.edits, over: asked.axes, metric: [asked.metric], ...target }, result };
  }
  const body = { ...state.request, what: "predictions", format: "json", position: String(state.position) };
  const result = JSON.parse(await (await postFile("/api/export", body)).text());
  return { command: "predict", options: { ...common, edit: state.activeEdits, position: [String(state.position)] }, result };
}

export async function experiment(note: string) {
  const { command, options, result } = await record();
  const sweep = sweepRequest();
  return {
    stratoscope: "experiment",
    record: 1,
    command,
    text: state.text,
    options,
    model: result.model,
    version: result.version,
    precision: result.precision,
    isa: result.isa,
    result,
    edits: state.activeEdits,
    ...(state.usesCorrupt ? { corrupt: state.corrupt } : {}),
    sweep: {
      edits: sweep.edits,
      axes: sweep.axes,
      metric: sweep.metric,
      ...("targets" in sweep ? { targets: sweep.targets } : {}),
    },
    note,
    state: state.snapshot(),
  };
}
