// Replaces the edits, with undo.
import type { EditRow } from "./edits";
import { notice } from "./notice.svelte";
import { state as shared } from "./state.svelte";

export function replaceEdits(edits: EditRow[], said: string): void {
  const before: EditRow[] = JSON.parse(JSON.stringify(shared.edits));
  shared.edits = edits;
  if (before.length) notice.show(said, () => (shared.edits = before));
}
