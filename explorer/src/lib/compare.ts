// Chooses clean, edited or difference for a result, by the switch.
import type { FloatArray } from "./binary";
import type { Compare } from "./state.svelte";

export const SIDES: Record<Compare, string> = { edited: "edited", clean: "clean", difference: "edited − clean" };

// A result without edits has only one side.
export function sideOf(arrays: Record<string, unknown>, compare: Compare): Compare {
  return arrays.edited ? compare : "clean";
}

export function compared(arrays: Record<string, FloatArray>, compare: Compare): { values: Float32Array; side: Compare; difference: boolean } {
  const side = sideOf(arrays, compare);
  const clean = arrays.clean.values;
  const values = side === "difference" ? arrays.edited.values.map((value, i) => value - clean[i]) : arrays[side].values;
  return { values, side, difference: side === "difference" };
}
