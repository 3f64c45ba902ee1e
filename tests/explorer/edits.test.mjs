// Edits as the page spells them, from the hook points that the program lists.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const explorer = fileURLToPath(new URL("../../explorer/", import.meta.url));
const program = (...args) => JSON.parse(execFileSync(process.env.STRATOSCOPE, args, { encoding: "utf8" }));

const OUTSIDE = ["hook_embed", "hook_pos_embed", "ln_final.hook_scale", "ln_final.hook_normalized", "unembed.hook_in", "unembed.hook_out"];
const WITH_KEYS = ["attn.hook_attn_scores", "attn.hook_pattern"];
const WITH_HEADS = ["attn.hook_q", "attn.hook_k", "attn.hook_v", ...WITH_KEYS, "attn.hook_z", "attn.hook_result"];
const WITHOUT_DIMS = ["ln1.hook_scale", ...WITH_KEYS, "ln2.hook_scale", "ln_final.hook_scale"];

let folder, page, hooks;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "edits-"));
  const bundle = join(folder, "edits.mjs");
  const esbuild = createRequire(join(explorer, "package.json"))("esbuild");
  await esbuild.build({
    stdin: { contents: 'export * from "./edits"; export * from "./hooks";', resolveDir: join(explorer, "src/lib") },
    bundle: true,
    format: "esm",
    outfile: bundle,
    logLevel: "error",
  });
  page = await import(pathToFileURL(bundle));
  hooks = new page.HookTable(program("info", "--json").hook_points);
});

after(() => rmSync(folder, { recursive: true, force: true }));

const namesOf = (list) => list.map((hook) => hook.name);
const edit = (hook, fields = {}) => ({ on: true, hook, layer: 3, positions: "", heads: "", operation: "scale", amount: 0.5, ...fields });

test("the page's hooks are those of the program", () => {
  assert.equal(hooks.all.length, 26);
  assert.deepEqual(namesOf(hooks.all.filter((hook) => !hook.inBlocks)), OUTSIDE);
  assert.deepEqual(namesOf(hooks.all.filter(page.hasHeads)), WITH_HEADS);
  assert.deepEqual(namesOf(hooks.all.filter(page.hasKeys)), WITH_KEYS);
  assert.deepEqual(namesOf(hooks.all.filter((hook) => !page.hasDims(hook))), WITHOUT_DIMS);
  assert.deepEqual(namesOf(hooks.all.filter((hook) => !page.operationsOf(hook).includes("mean"))), WITH_KEYS);
  for (const hook of hooks.all) assert.equal(hook.blocks.length, hook.inBlocks ? 12 : 0);
});

test("an edit is spelled with the parts that its hook has", () => {
  const all = { positions: "1:3", heads: "0,2", dims: "0" };
  const spelled = (hook) => page.expression(edit(hook, all), hooks);
  assert.equal(spelled("hook_resid_post"), "blocks.3.hook_resid_post[1:3].dim[0] *= 0.5");
  assert.equal(spelled("attn.hook_q"), "blocks.3.attn.hook_q[1:3].head[0,2].dim[0] *= 0.5");
  assert.equal(spelled("attn.hook_pattern"), "blocks.3.attn.hook_pattern[1:3].head[0,2] *= 0.5");
  assert.equal(spelled("ln1.hook_scale"), "blocks.3.ln1.hook_scale[1:3] *= 0.5");
  assert.equal(spelled("hook_embed"), "hook_embed[1:3].dim[0] *= 0.5");
  assert.equal(page.expression(edit("hook_mlp_out", { operation: "mean" }), hooks), "blocks.3.hook_mlp_out = mean");
});

test("the program takes an edit of every hook, with every operation", () => {
  for (const operation of ["scale", "add", "zero", "mean"]) {
    const taking = hooks.all.filter((hook) => page.operationsOf(hook).includes(operation));
    assert.ok(taking.length >= 22);
    const edits = taking.map(({ name }) => page.expression(edit(name, { positions: "1", heads: "0", dims: "0", operation }), hooks));
    const { predictions } = program("predict", "--json", "The king and the", ...edits.flatMap((one) => ["--edit", one]));
    assert.equal(predictions.length, 10);
  }
});

test("a hook may be in some blocks alone, and one that no block has is left to the server", () => {
  const point = (name, axes, scope) => ({ name, shape: axes.map(() => 1), axes, scope });
  const some = new page.HookTable([
    point("hook_embed", ["pos", "d_model"], "before_blocks"),
    point("blocks.0.hook_resid_pre", ["pos", "d_model"], "block"),
    point("blocks.1.hook_resid_pre", ["pos", "d_model"], "block"),
    point("blocks.1.attn.hook_q", ["pos", "head", "d_head"], "block"),
    point("blocks.10.attn.hook_q", ["pos", "head", "d_head"], "block"),
  ]);
  assert.deepEqual(namesOf(some.all), ["hook_embed", "hook_resid_pre", "attn.hook_q"]);
  assert.deepEqual(some.of("hook_resid_pre").blocks, [0, 1]);
  assert.deepEqual(some.of("attn.hook_q").blocks, [1, 10]);
  assert.deepEqual(some.of("hook_nothing").blocks, [0, 1, 10]);
  assert.equal(page.expression(edit("hook_nothing", { heads: "1" }), some), "blocks.3.hook_nothing *= 0.5");
});
