// The hook points of a model, grouped by their names without the block.

export interface HookPoint {
  name: string; // "blocks.3.attn.hook_q"
  shape: (number | string)[];
  axes: string[]; // "pos", "head", "d_head"
  scope: "before_blocks" | "block" | "after_blocks";
}

export interface Hook {
  name: string; // "attn.hook_q"
  axes: string[];
  inBlocks: boolean;
  blocks: number[]; // that have it, if it is in blocks
}

export class HookTable {
  #hooks = new Map<string, Hook>();

  constructor(points: HookPoint[]) {
    for (const { name, axes, scope } of points) {
      const [, block, rest] = scope === "block" ? /^blocks\.(\d+)\.(.*)$/.exec(name)! : [];
      const hook = rest ?? name;
      if (!this.#hooks.has(hook)) this.#hooks.set(hook, { name: hook, axes, inBlocks: scope === "block", blocks: [] });
      if (block !== undefined) this.#hooks.get(hook)!.blocks.push(Number(block));
    }
  }

  get all(): Hook[] {
    return [...this.#hooks.values()];
  }

  // A hook that the model does not have, such as one of an old address, is written as if every block had it: the server
  // then returns an error.
  of(name: string): Hook {
    const blocks = new Set(this.all.flatMap((hook) => hook.blocks));
    return this.#hooks.get(name) ?? { name, axes: ["pos", "d_model"], inBlocks: true, blocks: [...blocks].sort((a, b) => a - b) };
  }
}

export const hasHeads = (hook: Hook) => hook.axes.includes("head");
export const hasKeys = (hook: Hook) => hook.axes.includes("key");
// Whether the last axis has dimensions to choose from.
export const hasDims = (hook: Hook) => !["key", "one"].includes(hook.axes.at(-1)!);
