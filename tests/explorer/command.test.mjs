// "Copy as command line": what it gives is run through real shells, with a program in stratoscope's place that tells what it got.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const explorer = fileURLToPath(new URL("../../explorer/", import.meta.url));
const STATE = `export const state = { model: "novella-7m", text: "a", corrupt: "", position: 1, depth: 2, layer: 0, head: 0,
  activeEdits: [], activeRows: [], usesCorrupt: false,
  hooks: { of: (name) => ({ name, axes: ["pos", "d_model"], inBlocks: true, blocks: [0] }) },
  sweep: { hook: "hook_resid_post", operation: "scale", amount: 0.8, over: "layer", target: " x", metric: "log_prob", onTop: false } };`;
const STUBS = { state: STATE, results: "export const results = {};", api: "export const postFile = null;" };
const VIEWS = ["predictions", "depth", "similarity_depths", "similarity_tokens", "profile", "lens", "attention", "sweep"];

let folder, commandLine, state;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "command-"));
  const program = join(folder, "stratoscope");
  writeFileSync(program, `#!/bin/sh
printf '%s\\0' "$#" "$@"
for last; do :; done
[ "$last" != - ] || cat
`);
  chmodSync(program, 0o755);
  const esbuild = createRequire(join(explorer, "package.json"))("esbuild");
  const bundle = join(folder, "command.mjs");
  await esbuild.build({
    stdin: { contents: 'export * from "./command"; export { state } from "./state.svelte";', resolveDir: join(explorer, "src/lib") },
    bundle: true,
    format: "esm",
    outfile: bundle,
    logLevel: "error",
    plugins: [{
      name: "stubs",
      setup(build) {
        build.onResolve({ filter: /^\.\/(state\.svelte|results\.svelte|api)$/ }, ({ path }) => ({ path: path.slice(2).split(".")[0], namespace: "stub" }));
        build.onLoad({ filter: /.*/, namespace: "stub" }, ({ path }) => ({ contents: STUBS[path] }));
      },
    }],
  });
  ({ commandLine, state } = await import(pathToFileURL(bundle)));
});

after(() => rmSync(folder, { recursive: true, force: true }));

// What the program is given when `line` is typed into a shell.
function run(shell, line) {
  const env = { PATH: `${folder}:/usr/bin:/bin`, LC_ALL: "C.UTF-8", HOME: folder };
  const [count, ...rest] = execFileSync(shell, ["-c", line], { cwd: folder, env, encoding: "utf8" }).split("\0");
  const args = rest.slice(0, Number(count));
  return { args, input: args.at(-1) === "-" && args.at(-2) === "--" ? rest.slice(Number(count)).join("\0") : null };
}

const textOf = ({ args, input }) => {
  assert.equal(args.at(-2), "--");
  return input ?? args.at(-1);
};

const NASTY = [
  "plain", "it's", "''", `"`, "\\", "\\'", "a\\", "$(touch pwned)", "`touch pwned`", "$HOME ${HOME} $'x'", "; touch pwned", "| touch pwned",
  "&& touch pwned #", "!!", "!x 'y' !", "~", "*", "{a,b}", "<(x)", "a\nb", "a\n", "\n", "\r\ntouch pwned\r\n", "\t", "\x03\x04\x15\x1b[201~touch pwned\n",
  "\x07'\x07", "\x1b'; touch pwned; '", "%s %d %%", "100%\n", "--help", "--edit=x", "-", "--", "-x", "=ls", "🐧 猫 ä", "\u0085\u009b31m", "\u202etxt\u2066",
  "\u2028", "", " ", " insect", "x".repeat(8000), "\x010", "\x7f7", "\n$(touch pwned)\n`touch pwned`\n",
];
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

test("a text comes back from every shell as it was", () => {
  for (const shell of ["sh", "bash"])
    for (const text of [...NASTY, "a\0b", "\0", "\0'$(touch pwned)"]) {
      Object.assign(state, { text });
      for (const view of VIEWS.slice(0, shell === "sh" ? 1 : VIEWS.length)) {
        const line = commandLine(view);
        assert.ok(!CONTROLS.test(line), JSON.stringify(line));
        assert.equal(textOf(run(shell, line)), text, `${shell}: ${line.slice(0, 200)}`);
      }
    }
  assert.ok(!existsSync(join(folder, "pwned")));
});

test("values of options come back as they were, and are never options", () => {
  state.text = "a";
  for (const value of NASTY.filter((one) => one !== "")) {
    Object.assign(state, { model: value, corrupt: value, usesCorrupt: true, activeEdits: [value, value] });
    Object.assign(state.sweep, { target: value, metric: value, over: value.replaceAll(",", "") });
    for (const [view, command, names] of [["predictions", "predict", ["model", "corrupt", "edit"]], ["sweep", "sweep", ["model", "metric", "target"]]]) {
      const line = commandLine(view);
      assert.ok(!CONTROLS.test(line), JSON.stringify(line));
      const { args } = run("bash", line);
      assert.equal(args[0], command);
      for (const name of names) assert.ok(args.includes(`--${name}=${value}`), `${name}: ${line}`);
      assert.ok(args.slice(1, -2).every((word) => word.startsWith("--")));
      // A shell without $'…' takes other words, but as many, and runs nothing.
      assert.equal(run("sh", line).args.length, args.length);
    }
  }
  assert.deepEqual(readdirSync(folder).sort(), ["command.mjs", "stratoscope"]);
});

test("what no command line can hold is said", () => {
  Object.assign(state, { text: "a", model: "a\0b" });
  assert.match(commandLine("lens"), /^# a zero byte/);
  state.model = "novella-7m";
});

test("an unpaired surrogate becomes a replacement character", () => {
  state.text = "a\ud800b";
  assert.equal(textOf(run("bash", commandLine("lens"))), "a\ufffdb");
});
