// Other models than the built-in one: switched to while the page goes on, refused in words, and with long texts.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { download, open, ROOT, settled, start } from "./browser.mjs";

const SHAPE = ["n_embd=48", "n_head=3", "n_layer=3", "vocab_size=600", "n_positions=1024"];
const CONTEXT = 1024;
let folder, small, torn, foreign, running;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "stratoscope-models-"));
  [small, torn, foreign] = ["small", "torn", "foreign"].map((name) => join(folder, name));
  execFileSync(process.env.PYTHON ?? "python3", ["-B", join(ROOT, "bench", "make_checkpoint.py"), small, ...SHAPE]);
  for (const copy of [torn, foreign]) cpSync(small, copy, { recursive: true });
  writeFileSync(join(torn, "model.safetensors"), "torn");
  writeFileSync(join(foreign, "config.json"), '{"model_type": "llama"}');
  running = await start("--models", small, "--models", torn, "--models", foreign);
});
after(async () => {
  assert.equal(await running.stop(), 0);
  rmSync(folder, { recursive: true, force: true });
});

const json = (...args) => JSON.parse(execFileSync(process.env.STRATOSCOPE, args, { encoding: "utf8" }));
const menu = (page) => page.getByLabel("Model", { exact: true });

// A page of its own, without faults.
function withPage(name, body) {
  test(name, { timeout: 120000 }, async () => {
    const faults = [];
    const page = await open(running, { faults });
    try {
      await body(page, faults);
      assert.deepEqual(faults, []);
    } finally {
      await page.close();
    }
  });
}

async function choose(page, model) {
  await menu(page).selectOption(model);
  await page.waitForFunction((name) => document.querySelector(".menu select").value === name, model);
  await settled(page);
}

withPage("the page goes on with the old model while another one loads", async (page, faults) => {
  let release;
  const held = new Promise((done) => (release = done));
  await page.route("**/api/models/load", async (route) => {
    await held;
    await route.continue();
  });
  const text = await page.locator("#text-field").inputValue();
  const chips = await page.locator(".chip").count();
  await menu(page).selectOption(small);
  await page.getByText("loading small").waitFor();
  await page.locator(".chip").nth(3).click();
  await page.getByText("token 3", { exact: false }).first().waitFor();
  assert.equal(await menu(page).inputValue(), "novella-7m");
  release();
  await page.waitForFunction((before) => document.querySelectorAll(".chip").length !== before, chips);
  await settled(page);
  assert.equal(await page.getByText("loading small").count(), 0);
  assert.equal(await page.getByRole("radio", { name: /^L\d+$/ }).count(), 3);
  const expected = json("predict", "--json", text, "--model", small, "--position", "3", "--top", "1").predictions[0];
  const shown = await page.locator("[data-testid=predictions] li").first().innerText();
  assert.ok(Math.abs(parseFloat(shown.split("\n")[1]) - 100 * expected.prob) < 0.06, `${shown} is not ${expected.prob}`);
  // The address follows.
  await page.waitForFunction((model) => atob(location.hash.slice(1).replace(/-/g, "+").replace(/_/g, "/")).includes(JSON.stringify(model)), small);
  const again = await open(running, { address: page.url(), faults });
  assert.equal(await menu(again).inputValue(), small);
  await again.close();
  await choose(page, "novella-7m");
  assert.equal(await page.locator(".chip").count(), chips);
});

withPage("a model that cannot be run is told, and the page stays with the one it has", async (page) => {
  assert.equal(await menu(page).locator("option", { hasText: "foreign" }).isDisabled(), true);
  await menu(page).selectOption(torn);
  await page.locator(".menu [role=alert]").waitFor();
  assert.match(await page.locator(".menu [role=alert]").innerText(), /model\.safetensors/);
  assert.equal(await menu(page).inputValue(), "novella-7m");
  await page.locator(".chip").nth(2).click();
  await page.getByText("token 2", { exact: false }).first().waitFor();
});

withPage("views keep the labels of the model that their numbers are of", async (page) => {
  await choose(page, small);
  await page.locator("#text-field").fill("x".repeat(CONTEXT));
  await page.waitForFunction((count) => document.querySelectorAll("#text .chip").length === count, CONTEXT);
  await page.locator("#lens").scrollIntoViewIfNeeded();
  await settled(page);
  const labels = await page.locator("#depth tbody th").allInnerTexts();
  assert.deepEqual(labels, ["Emb", "L0", "L1", "L2"]);
  await menu(page).selectOption("novella-7m"); // whose context is shorter
  await page.locator("#lens .blocked").waitFor();
  await settled(page);
  assert.deepEqual(await page.locator("#depth tbody th").allInnerTexts(), labels);
  assert.deepEqual(JSON.parse(await download(page, "lens", "json")).depths.map(({ depth }) => depth), labels);
});

withPage("a text of 1,024 tokens is walked through", async (page) => {
  await choose(page, small);
  await page.locator("#text-field").fill("x".repeat(CONTEXT));
  await page.waitForFunction((count) => document.querySelectorAll(".chip").length === count, CONTEXT);
  await page.getByRole("button", { name: "Add an edit" }).click();
  await settled(page);
  await page.locator(".chip").nth(500).click();
  await page.keyboard.press("End");
  await settled(page);
  const shown = await page.locator(".chip[data-index='1023']").boundingBox();
  const strip = await page.locator(".strip[role=listbox]").boundingBox();
  assert.ok(shown.y >= strip.y && shown.y + shown.height <= strip.y + strip.height + 1, "the chosen token is in sight");
  await page.getByText("positions 960 to 1023 of 1024", { exact: false }).waitFor();
  await page.locator("#attention").scrollIntoViewIfNeeded();
  await page.getByText(/the weight of each query/).waitFor();
  await page.getByLabel("Sweep over").selectOption("layer,position");
  await page.getByRole("button", { name: "Run the sweep" }).click();
  await page.locator("#sweep canvas[role=img]").waitFor();
  // The sweep goes on, and a slider answers meanwhile.
  const before = await page.locator("#predictions [role=status]").last().innerText();
  await page.getByLabel("Amount of edit 1", { exact: true }).fill("1.5");
  await page.waitForFunction((old) => [...document.querySelectorAll("#predictions [role=status]")].pop().innerText !== old, before);
});
