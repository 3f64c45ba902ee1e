// Chooses clean, edited or difference for a result, by the switch.
import type { FloatArray } from "./binary";
import type { Compare } from "./state.svelte";

export const SIDES: Record<Compare, string> = { edited: "edited", clean: "clean", difference: "edited − clean" };

export interface Sides {
  clean: FloatArray;
  edited?: FloatArray;
}

// An array of a result that was asked to compare: of the clean run, and with the edits where there are some.
export function sidesOf(arrays: Record<string, FloatArray>, name: string): Sides {
  const clean = arrays[`clean_${name}`];
  return clean ? { clean, edited: arrays[name] } : { clean: arrays[name] };
}

// A result without edits has only one side.
export function sideOf(arrays: { edited?: unknown }, compare: Compare): Compare {
  return arrays.edited ? compare : "clean";
}

export function compared(arrays: Sides, compare: Compare): { values: Float32Array; side: Compare; difference: boolean } {
  const side = sideOf(arrays, compare);
  const clean = arrays.clean.values;
  const edited = arrays.edited?.values ?? clean;
  const values = side === "difference" ? edited.map((value, i) => value - clean[i]) : side === "edited" ? edited : clean;
  return { values, side, difference: side === "difference" };
}
