// Clean, edited, or what the edits changed.
import type { FloatArray } from "./binary";
import type { Compare } from "./state.svelte";

export function compared(arrays: Record<string, FloatArray>, compare: Compare): { values: ArrayLike<number>; difference: boolean } {
  const edited = arrays.edited ?? arrays.clean;
  if (compare === "clean" || !arrays.edited) return { values: arrays.clean.values, difference: false };
  if (compare === "edited") return { values: edited.values, difference: false };
  return { values: edited.values.map((value, i) => value - arrays.clean.values[i]), difference: true };
}
