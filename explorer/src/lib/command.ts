// The same experiment as a command line, and as a file.
import { postFile } from "./api";
import { spell } from "./edits";
import { results } from "./results.svelte";
import { state } from "./state.svelte";

const quote = (text: string) => `'${text.replace(/'/g, `'\\''`)}'`;

function common(): string[] {
  const words = [quote(state.text)];
  if (state.model !== "novella-7m") words.push("--model", quote(state.model));
  for (const edit of state.activeEdits) words.push("--edit", quote(edit));
  if (state.usesCorrupt) words.push("--corrupt", quote(state.corrupt));
  return words;
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
  const words = ["stratoscope"];
  switch (view) {
    case "predictions":
      words.push("predict", ...common(), "--position", String(state.position));
      break;
    case "depth":
      words.push("activations", ...common(), "--token", String(state.position));
      break;
    case "similarity_depths":
      words.push("similarity", ...common(), "--across", "layers", "--tokens", String(state.position));
      break;
    case "similarity_tokens":
      words.push("similarity", ...common(), "--across", "tokens", "--layers", String(state.depth));
      break;
    case "profile":
      words.push("similarity", ...common(), "--profile");
      break;
    case "lens":
      words.push("lens", ...common());
      break;
    case "attention":
      words.push("attention", ...common(), "--heads", `L${state.layer}H${state.head}`);
      break;
    case "sweep":
      words.push("sweep", ...common());
      if (!state.usesCorrupt && sweepUsesCorrupt()) words.push("--corrupt", quote(state.corrupt));
      words.push("--edit", quote(sweepTemplate()), "--metric", state.sweep.metric);
      for (const axis of sweepAxes()) words.push("--over", axis);
      if (needsTarget(state.sweep.metric)) words.push("--target", quote(state.sweep.target));
      break;
  }
  return words.join(" ");
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
