// The same experiment as a command line.
import { expression, spell } from "./edits";
import { state } from "./state.svelte";

// Characters that a shell's line editor or a terminal interprets: control characters, direction overrides, line
// separators.
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
const PLAIN = /^[A-Za-z0-9_-][A-Za-z0-9_.,:=+-]*$/;

const octal = (character: string) =>
  Array.from(new TextEncoder().encode(character), (byte) => "\\" + byte.toString(8).padStart(3, "0")).join("");

// Escaped for '…', after a $ or for printf: no quotes, expansions or control characters.
const escaped = (text: string) =>
  Array.from(text, (c) => (CONTROLS.test(c) || c === "\\" || c === "'" || c === "!" ? octal(c) : c)).join("");

// One word for a shell. The form with control characters needs bash or zsh; other shells read it as one word with another
// content.
function quote(word: string): string {
  if (PLAIN.test(word)) return word;
  return CONTROLS.test(word) ? `$'${escaped(word)}'` : `'${word.replace(/'/g, `'\\''`)}'`;
}

// A name and its value; null for an option without one.
type Option = [name: string, value: string | null];

// Omits options without a value. Values and texts cannot be mistaken for options.
function line(command: string, options: Option[], text = state.text): string {
  if (options.some(([, value]) => value?.includes("\0"))) return "# a zero byte cannot stand on a command line";
  const words = ["stratoscope", command];
  for (const [name, value] of options) if (value !== "") words.push(quote(value === null ? `--${name}` : `--${name}=${value}`));
  // "-" means standard input, which also serves for texts that cannot be arguments.
  if (text === "-" || CONTROLS.test(text)) return `printf '${escaped(text).replace(/%/g, "%%")}' | ${words.join(" ")} -- -`;
  return [...words, "--", text === "" ? "''" : quote(text)].join(" ");
}

function common(edits = state.activeEdits, usesCorrupt = state.usesCorrupt): Option[] {
  const options: Option[] = [];
  if (state.model !== "novella-7m") options.push(["model", state.model]);
  for (const edit of edits) options.push(["edit", edit]);
  if (usesCorrupt) options.push(["corrupt", state.corrupt]);
  return options;
}

export const FACTORS = "0,0.2,0.4,0.6,0.8,1,1.2,1.4";

export function sweepTemplate(): string {
  const { hook, operation, amount, over } = state.sweep;
  return spell(
    state.hooks.of(hook),
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

// The edits before that of the sweep: none, or the active ones except a point of a sweep.
const rowsBelow = () => (state.sweep.onTop ? state.activeRows.filter((row) => !row.fromSweep) : []);
const sweepNeedsCorrupt = () => sweepUsesCorrupt() || rowsBelow().some((row) => row.operation === "patch");
export const editsBelow = () => rowsBelow().map((row) => expression(row, state.hooks));

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
      return line("sweep", [
        ...common(editsBelow(), sweepNeedsCorrupt()),
        ["edit", sweepTemplate()],
        ["metric", state.sweep.metric],
        ...sweepAxes().map((axis): Option => ["over", axis]),
        ...(needsTarget(state.sweep.metric) ? [["target", state.sweep.target] as Option] : []),
      ]);
    default:
      return "stratoscope";
  }
}
