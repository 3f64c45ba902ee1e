// What stands on the page is what its labels, the switch and the edits say; what is saved is what stands on the page.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { download, firstPrediction, json, KAFKA, pagesOf, predictions, settled, shown, start } from "./browser.mjs";

let running;
before(async () => (running = await start()));
after(async () => {
  assert.equal(await running.stop(), 0);
});
const withPage = pagesOf(() => running);

const EDIT = "blocks.5.hook_resid_post *= 0.5"; // what "Add an edit" adds
const addEdit = async (page) => {
  await page.getByRole("button", { name: "Add an edit" }).click();
  await settled(page);
};
const turn = async (page, side) => {
  await page.locator("#text .compare").getByText(side, { exact: true }).click();
  await settled(page);
};
const sideOf = (page, view) => page.locator(`#${view} header .side`).innerText();
const inSight = async (page, view) => {
  await page.locator(`#${view}`).scrollIntoViewIfNeeded();
  await settled(page);
};
// Of a token after the text's last one.
const probability = (id, ...edits) => json("predict", "--json", KAFKA, "--top", "4096", ...edits).predictions.find((p) => p.id === id)?.prob;

withPage("the lens's difference is the change of the token that is shown", {}, async (page) => {
  await addEdit(page);
  await turn(page, "difference");
  await inSight(page, "lens");
  const { depths, from, count } = JSON.parse(await download(page, "lens", "json"));
  const [top, last] = [depths.at(-1), count - 1];
  const edited = json("predict", "--json", KAFKA, "--top", "1", "--edit", EDIT).predictions[0];
  assert.equal(from + last, (await page.locator(".chip").count()) - 1);
  assert.equal(top.tokens[last], edited.token);
  assert.ok(Math.abs(top.prob[last] - edited.prob) < 1e-6);
  assert.ok(Math.abs(top.clean_prob[last] - probability(edited.id)) < 1e-6);
  // The tooltip and the view beside it say the same.
  await page.locator("#lens canvas[role=img]").focus();
  for (let i = 0; i < 12; ++i) await page.keyboard.press("ArrowUp");
  await page.locator("#lens .tip").getByText("→").first().waitFor();
  const row = predictions(page).filter({ hasText: shown(edited.token) }).first();
  const change = (await row.innerText()).split("\n").at(-1);
  await page.locator("#lens .tip").getByText(`${change} points`).first().waitFor();
});

withPage("of a text that is empty or too long every view says that it shows another one", {}, async (page) => {
  const caption = await page.locator("#predictions .head").innerText();
  for (const text of ["", "the old house by the sea ".repeat(150)]) {
    await page.locator("#text-field").fill(text);
    for (const view of ["predictions", "depth"]) {
      await page.locator(`#${view} .blocked`).waitFor();
      assert.equal(await page.locator(`#${view} .content.stale`).count(), 1);
    }
    assert.equal(await page.locator("#predictions .head").innerText(), caption);
    assert.equal(await page.locator("#text .counts").count(), text ? 1 : 0);
  }
  await page.locator("#text-field").fill("Once upon");
  await settled(page);
  assert.equal(await page.locator(":is(#predictions, #depth):has(.blocked, .stale)").count(), 0);
});

withPage("until an answer comes the old one keeps its labels, and fades when that takes long", {}, async (page) => {
  const caption = await page.locator("#predictions .head").innerText();
  let release;
  const held = new Promise((done) => (release = done));
  await page.route("**/api/batch", async (route) => {
    await held;
    await route.continue();
  });
  await page.locator(".chip").nth(3).click();
  await page.locator("#predictions .content.stale").waitFor();
  assert.equal(await page.locator("#predictions .head").innerText(), caption);
  release();
  await page.locator("#predictions .head").getByText("token 3").waitFor();
  await settled(page);
  assert.equal(await page.locator("#predictions .content.stale").count(), 0);
});

withPage("every view obeys the switch, and says so", { size: [1440, 3600] }, async (page) => {
  const asked = [];
  page.on("request", (request) => asked.push(...(request.postDataJSON()?.requests ?? [])));
  await addEdit(page);
  const views = ["predictions", "depth", "lens", "similarity", "attention"];
  const activations = (...edits) => json("activations", "--json", KAFKA, "--token", "-1", ...edits).layers;
  const variances = async () => (await page.locator("#depth tbody tr td:nth-child(3)").allInnerTexts()).map((text) => Number(text.replace("−", "-")));
  const of = (rows) => rows.map((row) => row.variance);
  const [clean, edited] = [of(activations()), of(activations("--edit", EDIT))];
  const near = (a, b) => a.forEach((value, i) => assert.ok(Math.abs(value - b[i]) <= 0.006 * Math.max(1, Math.abs(b[i])), `${value} is not ${b[i]} at depth ${i}`));
  near(await variances(), edited);
  for (const view of views) assert.equal(await sideOf(page, view), "edited", view);
  await turn(page, "clean");
  near(await variances(), clean);
  for (const view of views) assert.equal(await sideOf(page, view), "clean", view);
  assert.equal((await firstPrediction(page))[0], shown(json("predict", "--json", KAFKA, "--top", "1").predictions[0].token));
  assert.equal((await firstPrediction(page)).length, 2);
  await turn(page, "difference");
  near(await variances(), edited.map((value, i) => value - clean[i]));
  for (const view of views) assert.equal(await sideOf(page, view), "difference", view);
  assert.equal(asked.filter(({ path, body }) => path === "/api/attention" && body.thumbnails).at(-1).body.compare, true);
  const profile = JSON.parse(await download(page, "similarity", "json", 2));
  const changes = profile.edited.map((row, d) => row.map((value, i) => value - profile.clean[d][i]).sort((a, b) => a - b));
  for (const [d, row] of changes.entries()) assert.ok(Math.abs(profile.median_changes[d] - (row[Math.floor((row.length - 1) / 2)] + row[Math.ceil((row.length - 1) / 2)]) / 2) < 1e-6);
  const rows = JSON.parse(await download(page, "predictions", "json")).predictions;
  const sizes = rows.map((row) => Math.abs(row.edited.prob - row.clean.prob));
  assert.deepEqual(sizes, [...sizes].sort((a, b) => b - a));
});

withPage("a point of a sweep becomes an edit and leaves the sweep as it is", {}, async (page) => {
  const run = async () => {
    await page.getByRole("button", { name: "Run the sweep" }).click();
    await page.getByRole("button", { name: /^block 11:/ }).waitFor();
    await settled(page);
  };
  const curve = () => page.locator("#sweep circle").evaluateAll((all) => all.map((point) => point.getAttribute("aria-label")));
  await run();
  const first = await curve();
  await page.getByRole("button", { name: /^block 3:/ }).press("Enter");
  await settled(page);
  assert.equal(await page.getByText("run it again").count(), 0);
  await run();
  assert.deepEqual(await curve(), first);
  // On top of other edits, which are then a line of their own, the point is not one of them.
  await addEdit(page);
  await page.getByLabel("Amount of edit 2", { exact: true }).fill("0.5");
  await page.getByLabel("on top of the edits").check();
  await run();
  const onTop = await curve();
  assert.notDeepEqual(onTop, first);
  const base = json("predict", "--json", KAFKA, "--top", "4096", "--edit", (await page.locator("#edit code").last().innerText()).trim());
  const { with_edits } = JSON.parse(await download(page, "sweep", "json"));
  const target = base.predictions.find((p) => p.token === " insect");
  assert.ok(Math.abs(with_edits - Math.log(target.prob)) < 1e-6, `${with_edits} is not ${Math.log(target.prob)}`);
  await page.locator("#sweep").getByText("with the edits", { exact: false }).first().waitFor();
  await page.getByRole("button", { name: /^block 7:/ }).press("Enter");
  await settled(page);
  assert.equal(await page.getByText("run it again").count(), 0);
  await run();
  assert.deepEqual(await curve(), onTop);
});

withPage("a saved sweep comes back with its curve", {}, async (page) => {
  const dialog = page.getByRole("dialog", { name: "Experiments" });
  const curve = () => page.locator("#sweep circle").evaluateAll((all) => all.map((point) => point.getAttribute("aria-label")));
  const runWith = async (amount) => {
    await page.getByLabel("Amount of the sweep's edit").fill(amount);
    await page.getByRole("button", { name: "Run the sweep" }).click();
    await settled(page);
    return curve();
  };
  const kept = await runWith("0.8");
  await page.getByRole("button", { name: "Experiments" }).click();
  await dialog.getByLabel("Note").fill("by 0.8");
  await dialog.getByRole("button", { name: "Save this one" }).click();
  await dialog.getByText("saved", { exact: true }).waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  assert.notDeepEqual(await runWith("0.5"), kept);
  await page.getByRole("button", { name: "Experiments" }).click();
  await dialog.locator("li .open", { hasText: "by 0.8" }).first().click();
  await settled(page);
  assert.deepEqual(await curve(), kept);
  assert.equal(await page.getByLabel("Amount of the sweep's edit").inputValue(), "0.8");
  assert.equal(await page.getByText("run it again").count(), 0);
});

withPage("figures are the screen, with text, model and edits; tables and documents hold its numbers", {}, async (page) => {
  await addEdit(page);
  await turn(page, "difference");
  await inSight(page, "lens");
  await page.locator("#lens select").selectOption("entropy");
  const words = async (view, of = 0) => String(await download(page, view, "svg", of)).replace(/<(?!\/?title)[^>]*>/g, " ").replace(/\s+/g, " ");
  const svg = await words("lens");
  for (const part of ["change of the entropy (nats)", "Model: novella-7m", EDIT, "Shown: edited − clean", "<title>Logit lens", "Text: As Gregor Samsa"]) assert.ok(svg.includes(part), part);
  const csv = String(await download(page, "depth", "csv")).trim().split("\r\n");
  assert.equal(csv[0], "depth,dimension,clean,edited");
  const { clean, edited, edits, text, model } = JSON.parse(await download(page, "depth", "json"));
  assert.deepEqual([edits, text, model.name], [[EDIT], KAFKA, "novella-7m"]);
  assert.equal(csv.length - 1, clean.length * clean[0].length);
  const [label, dimension, was, is] = csv.at(-1).split(",");
  assert.deepEqual([label, Number(dimension), Number(was), Number(is)], ["L11", clean[0].length - 1, clean.at(-1).at(-1), edited.at(-1).at(-1)]);
  for (const view of ["predictions", "depth"]) {
    const picture = await words(view);
    assert.ok(picture.includes("Shown: edited − clean") && picture.includes(EDIT), view);
  }
  await page.getByRole("button", { name: "Run the sweep" }).click();
  await page.getByRole("button", { name: /^block 11:/ }).waitFor();
  await settled(page);
  const sweep = await words("sweep");
  for (const part of ["clean", "blocks.{layer}.hook_resid_post"]) assert.ok(sweep.includes(part), part);
  await inSight(page, "similarity");
  for (const of of [0, 1, 2]) assert.match(await words("similarity", of), /Shown: edited − clean/);
  await inSight(page, "attention");
  assert.match(await words("attention"), /Attention of head 0 in block 0/);
  assert.equal((await download(page, "lens", "png")).subarray(1, 4).toString(), "PNG");
  assert.equal((await download(page, "predictions", "pdf")).subarray(0, 4).toString(), "%PDF");
});

withPage("what adds nothing says why, and a dimension can be named", {}, async (page) => {
  await addEdit(page);
  await page.getByLabel("Operation of edit 1").selectOption("add");
  await page.getByLabel("Amount of edit 1 as a number").fill("10");
  await page.locator("#edit").getByText("name a dimension").waitFor();
  await page.locator("#predictions").getByText(/next to nothing: .*next norm subtracts/).waitFor();
  await page.getByLabel("Dimensions of edit 1").fill("3");
  await page.waitForFunction(() => !/next to nothing/.test(document.getElementById("predictions").innerText));
  assert.equal((await page.locator("#edit code").innerText()).trim(), "blocks.5.hook_resid_post.dim[3] += 10");
});

withPage("a request that is on its way is drawn, and of those that come meanwhile the newest is sent", {}, async (page) => {
  await addEdit(page);
  const asked = [];
  let release;
  const held = new Promise((done) => (release = done));
  await page.route("**/api/batch", async (route) => {
    asked.push(route.request().postDataJSON().requests.find(({ path }) => path === "/api/predict")?.body.edits[0]);
    if (asked.length === 1) await held;
    await route.continue();
  });
  await page.evaluate(() => {
    window.drawn = new Set();
    new MutationObserver(() => window.drawn.add(document.querySelector("#predictions [role=status]").innerText)).observe(document.getElementById("predictions"), { subtree: true, childList: true, characterData: true });
  });
  const amounts = Array.from({ length: 20 }, (_, i) => String(0.1 + i / 20));
  await page.evaluate(async (amounts) => {
    const slider = document.querySelector("#edit input[type=range]");
    for (const amount of amounts) {
      slider.value = amount;
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      await new Promise((done) => setTimeout(done, 5));
    }
  }, amounts);
  release();
  await settled(page);
  const amountOf = (edit) => Number(edit.split("= ")[1]);
  assert.deepEqual(asked.filter(Boolean).map(amountOf), [0.1, 1.05]);
  assert.equal((await page.evaluate(() => [...window.drawn])).length, 2);
});
