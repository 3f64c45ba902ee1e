// An edit as the page shows it, and as the engine's grammar spells it.

export type Operation = "scale" | "add" | "zero" | "mean" | "patch";

export interface EditRow {
  on: boolean;
  hook: string; // "hook_resid_post", or a name outside of the blocks such as "hook_embed"
  layer: number; // of a hook point in a block
  positions: string; // an index list; empty for all
  heads: string;
  operation: Operation;
  amount: number; // of scale and add
}

export const OPERATIONS: Record<Operation, string> = {
  scale: "scale by",
  add: "add",
  zero: "set to zero",
  mean: "set to the mean",
  patch: "patch from the second text",
};

export function hasAmount(operation: Operation): boolean {
  return operation === "scale" || operation === "add";
}

const OUTSIDE = new Set(["hook_embed", "hook_pos_embed", "ln_final.hook_scale", "ln_final.hook_normalized", "unembed.hook_in", "unembed.hook_out"]);
const WITH_HEADS = new Set(["attn.hook_q", "attn.hook_k", "attn.hook_v", "attn.hook_z", "attn.hook_result", "attn.hook_pattern", "attn.hook_attn_scores"]);
const WITH_KEYS = new Set(["attn.hook_pattern", "attn.hook_attn_scores"]);

export const isInBlocks = (hook: string) => !OUTSIDE.has(hook);
export const hasHeads = (hook: string) => WITH_HEADS.has(hook);
export const operationsOf = (hook: string) =>
  (Object.keys(OPERATIONS) as Operation[]).filter((operation) => operation !== "mean" || !WITH_KEYS.has(hook));

function operationText(operation: Operation, amount: string): string {
  switch (operation) {
    case "scale":
      return `*= ${amount}`;
    case "add":
      return `+= ${amount}`;
    case "zero":
      return "= zero";
    case "mean":
      return "= mean";
    case "patch":
      return "= corrupt";
  }
}

// `layer`, `positions`, `heads` and `amount` may be placeholders of a sweep: "{layer}".
export function spell(
  hook: string,
  layer: string,
  positions: string,
  heads: string,
  operation: Operation,
  amount: string,
): string {
  const name = isInBlocks(hook) ? `blocks.${layer}.${hook}` : hook;
  const where = positions.trim() ? `[${positions.trim()}]` : "";
  const which = hasHeads(hook) && heads.trim() ? `.head[${heads.trim()}]` : "";
  return `${name}${where}${which} ${operationText(operation, amount)}`;
}

export function expression(row: EditRow): string {
  return spell(row.hook, String(row.layer), row.positions, row.heads, row.operation, String(row.amount));
}

export function isEditRow(value: unknown): value is EditRow {
  const row = value as EditRow;
  return (
    typeof row === "object" &&
    row !== null &&
    typeof row.on === "boolean" &&
    typeof row.hook === "string" &&
    Number.isInteger(row.layer) &&
    typeof row.positions === "string" &&
    typeof row.heads === "string" &&
    row.operation in OPERATIONS &&
    Number.isFinite(row.amount)
  );
}
