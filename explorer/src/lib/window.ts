// The part of a long text that a view shows.
import { untrack } from "svelte";
import { state as shared } from "./state.svelte";
import { quoted } from "./text";

// The start of a window of `size` positions around the chosen one.
export function windowStart(position: number, count: number, size: number): number {
  return Math.max(0, Math.min(Math.floor(position / (size / 2)) * (size / 2) - size / 4, count - size));
}

// The window as the field "positions" of a request: to the end of a text that fits, so that it is constant as it grows.
export const windowPositions = (from: number, count: number, size: number): string => (count <= size ? "0:" : `${from}:${from + size}`);

// The tokens of a result. They are stored with it, so that a newer text does not redraw it.
export function tokensOf(from: number, count: number): string[] {
  const tokens = untrack(() => shared.tokens?.tokens ?? []);
  return Array.from({ length: count }, (_, i) => tokens[from + i] ?? "");
}
// The same as labels.
export const namesOf = (from: number, count: number): string[] => tokensOf(from, count).map(quoted);

// A token with its position, since tokens repeat.
export const placed = (names: string[], from: number, i: number): string => `${names[i]} (token ${from + i})`;
