// The part of a long text that a view shows.
import { untrack } from "svelte";
import { state as shared } from "./state.svelte";
import { quoted } from "./text";

// Where a window of `size` positions begins, which shows the chosen one.
export function windowStart(position: number, count: number, size: number): number {
  return Math.max(0, Math.min(Math.floor(position / (size / 2)) * (size / 2) - size / 4, count - size));
}

// The tokens that an answer is about. They come with it, so that nothing is drawn again for a newer text.
export function tokensOf(from: number, count: number): string[] {
  const tokens = untrack(() => shared.tokens?.tokens ?? []);
  return Array.from({ length: count }, (_, i) => tokens[from + i] ?? "");
}
// The same as labels.
export const namesOf = (from: number, count: number): string[] => tokensOf(from, count).map(quoted);

// A token with its place: texts repeat themselves.
export const placed = (names: string[], from: number, i: number): string => `${names[i]} (token ${from + i})`;
