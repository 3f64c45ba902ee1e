// An edit as a row of the page, and as an expression of the edit grammar.
import { hasDims, hasHeads, hasKeys, type Hook, type HookTable } from "./hooks";

export type Operation = "scale" | "add" | "zero" | "mean" | "patch";

export interface EditRow {
  on: boolean;
  hook: string; // "hook_resid_post", or a name outside of the blocks such as "hook_embed"
  layer: number; // of a hook point in a block
  positions: string; // an index list; empty for all
  heads: string;
  dims?: string; // of the last axis; empty or absent for all
  operation: Operation;
  amount: number; // of scale and add
  fromSweep?: boolean; // a point of a sweep; further sweeps ignore it
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

export const operationsOf = (hook: Hook) =>
  (Object.keys(OPERATIONS) as Operation[]).filter((operation) => operation !== "mean" || !hasKeys(hook));

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
  hook: Hook,
  layer: string,
  positions: string,
  heads: string,
  operation: Operation,
  amount: string,
  dims = "",
): string {
  const name = hook.inBlocks ? `blocks.${layer}.${hook.name}` : hook.name;
  const where = positions.trim() ? `[${positions.trim()}]` : "";
  const which = hasHeads(hook) && heads.trim() ? `.head[${heads.trim()}]` : "";
  const some = hasDims(hook) && dims.trim() ? `.dim[${dims.trim()}]` : "";
  return `${name}${where}${which}${some} ${operationText(operation, amount)}`;
}

export function expression(row: EditRow, hooks: HookTable): string {
  return spell(hooks.of(row.hook), String(row.layer), row.positions, row.heads, row.operation, String(row.amount), row.dims);
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
    ["undefined", "string"].includes(typeof row.dims) &&
    row.operation in OPERATIONS &&
    Number.isFinite(row.amount)
  );
}

// Values of the residual stream pass a norm; if that subtracts the mean, it removes what is added to all dimensions.
export const isRemovedByNorm = (row: EditRow, subtractsMean: boolean): boolean => subtractsMean && row.operation === "add" && !row.dims?.trim() && /^(hook_(embed|pos_embed|resid_\w+|attn_out|mlp_out))$/.test(row.hook);

// The reason why edits of a text of `count` tokens have no effect at a position; "" if unknown.
export function noEffectReason(rows: EditRow[], position: number, count: number, subtractsMean: boolean): string {
  if (rows.length && rows.every((row) => isRemovedByNorm(row, subtractsMean))) return ": the next norm subtracts a number added to all dimensions; name a dimension";
  const starts = rows.map((row) => /^\s*(-?\d+)/.exec(row.positions)?.[1]).map((first) => (first === undefined ? 0 : Number(first) < 0 ? count + Number(first) : Number(first)));
  return rows.length && starts.every((start) => start > position) ? ": they are at later tokens, which this one does not attend to" : "";
}
