// The same experiment as a command line.
import { expression, spell } from "./edits";
import { state } from "./state.svelte";

const quote = (text: string) => `'${text.replace(/'/g, `'\\''`)}'`;

function common(edits = state.activeEdits, usesCorrupt = state.usesCorrupt): string[] {
  const words = [quote(state.text)];
  if (state.model !== "novella-7m") words.push("--model", quote(state.model));
  for (const edit of edits) words.push("--edit", quote(edit));
  if (usesCorrupt) words.push("--corrupt", quote(state.corrupt));
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

// The edits that the sweep's own one comes after: none, or those of the stack but the point of a sweep.
const rowsBelow = () => (state.sweep.onTop ? state.activeRows.filter((row) => !row.fromSweep) : []);
const sweepNeedsCorrupt = () => sweepUsesCorrupt() || rowsBelow().some((row) => row.operation === "patch");
export const editsBelow = () => rowsBelow().map(expression);

export function sweepRequest() {
  return {
    model: state.model,
    text: state.text,
    edits: [...editsBelow(), sweepTemplate()],
    axes: sweepAxes(),
    metric: state.sweep.metric,
    ...(needsTarget(state.sweep.metric) ? { targets: [state.sweep.target] } : {}),
    ...(sweepNeedsCorrupt() ? { corrupt: state.corrupt } : {}),
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
      words.push("sweep", ...common(editsBelow(), sweepNeedsCorrupt()));
      words.push("--edit", quote(sweepTemplate()), "--metric", state.sweep.metric);
      for (const axis of sweepAxes()) words.push("--over", axis);
      if (needsTarget(state.sweep.metric)) words.push("--target", quote(state.sweep.target));
      break;
  }
  return words.join(" ");
}
