// Clean, edited, or what the edits changed: what an answer can show of what the switch asks for.
import type { FloatArray } from "./binary";
import type { Compare } from "./state.svelte";

export const SIDES: Record<Compare, string> = { edited: "edited", clean: "clean", difference: "edited − clean" };

// Of an answer without edits there is only one side.
export function sideOf(arrays: Record<string, unknown>, compare: Compare): Compare {
  return arrays.edited ? compare : "clean";
}

export function compared(arrays: Record<string, FloatArray>, compare: Compare): { values: Float32Array; side: Compare; difference: boolean } {
  const side = sideOf(arrays, compare);
  const clean = arrays.clean.values;
  const values = side === "difference" ? arrays.edited.values.map((value, i) => value - clean[i]) : arrays[side].values;
  return { values, side, difference: side === "difference" };
}
