// The page as a person uses it: types, clicks, drags, sweeps, saves, exports; themes, sizes, the keyboard alone.
// With SCREENSHOTS=FOLDER the pictures of the documentation are written there.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { download, firstPrediction, json, KAFKA, open, pagesOf, require, settled, shown, start } from "./browser.mjs";

let running;

before(async () => (running = await start()));
after(async () => {
  assert.equal(await running.stop(), 0);
});

const withPage = pagesOf(() => running);

async function picture(page, name) {
  if (!process.env.SCREENSHOTS) return;
  await settled(page);
  await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) });
}


withPage("a first visit is toured, and the tour can be left at once", { toured: false }, async (page) => {
  assert.equal(await page.locator("#text-field").inputValue(), KAFKA);
  await page.getByRole("dialog", { name: /tour/ }).waitFor();
  await page.getByRole("button", { name: "Next", exact: true }).click();
  await page.getByText("What comes next").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("dialog").count(), 0);
});

withPage("typing changes the tokens and what the model expects", {}, async (page) => {
  await page.locator("#text-field").fill("Once upon a");
  await page.waitForFunction(() => document.querySelectorAll(".chip").length < 8);
  await page.keyboard.press("Tab");
  await page.keyboard.press("End");
  await settled(page);
  const expected = json("predict", "--json", "Once upon a", "--top", "1").predictions[0];
  const [token, probability] = await firstPrediction(page);
  assert.equal(token, shown(expected.token));
  assert.ok(Math.abs(parseFloat(probability) - 100 * expected.prob) < 0.06, `${probability} is not ${expected.prob}`);
  await page.locator("#text-field").fill("");
  await page.getByText("its tokens appear here").waitFor();
});

withPage("what one change asks for travels together, the tokens of a new text first", {}, async (page) => {
  const asked = [];
  page.on("request", (request) => asked.push(request));
  await page.locator("#text-field").fill("Once upon a time there was a king");
  await settled(page);
  await page.locator(".chip").first().click();
  await settled(page);
  const paths = asked.map((request) => [new URL(request.url()).pathname, ...request.postDataJSON().requests.map(({ path }) => path)]);
  assert.deepEqual(paths[0].slice(0, 3), ["/api/batch", "/api/tokens", "/api/predict"]);
  assert.ok(paths.every(([path, ...inside]) => path === "/api/batch" && inside.includes("/api/predict")), JSON.stringify(paths));
  assert.equal(paths.length, 2);
});

withPage("the chosen token stays in a text that gets shorter, and no view complains", {}, async (page) => {
  const complaints = [];
  await page.exposeFunction("complain", (text) => complaints.push(text));
  await page.evaluate(() =>
    new MutationObserver(() => {
      for (const alert of document.querySelectorAll("section [role=alert]")) window.complain(alert.innerText);
    }).observe(document.body, { subtree: true, childList: true, characterData: true }),
  );
  await page.locator(".chip").last().click();
  await settled(page);
  await page.locator("#text-field").fill("Once upon");
  await settled(page);
  const last = (await page.locator(".chip").count()) - 1;
  assert.equal(await page.locator(".chip.current").getAttribute("data-index"), String(last));
  const expected = json("predict", "--json", "Once upon", "--top", "1").predictions[0];
  assert.equal((await firstPrediction(page))[0], shown(expected.token));
  assert.deepEqual(complaints, []);
  await page.locator("#text-field").fill("the old house by the sea ".repeat(150));
  await page.getByText("shorten the text").waitFor();
  await settled(page);
  assert.ok(complaints.length > 0 && complaints.every((text) => text.includes("shorten the text")), complaints.join());
  await page.locator("#text-field").fill("Once upon");
  await settled(page);
  assert.equal(await page.locator("section [role=alert]").count(), 0);
});

withPage("clicks, arrow keys and drags choose tokens; the address keeps them", {}, async (page, faults) => {
  const chips = page.locator(".chip");
  await chips.nth(3).click();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  assert.equal(await page.locator(".chip[aria-selected=true]").count(), 2);
  const [from, to] = [await chips.nth(8).boundingBox(), await chips.nth(11).boundingBox()];
  await page.mouse.move(from.x + 5, from.y + 5);
  await page.mouse.down();
  await page.mouse.move(to.x + 5, to.y + 5, { steps: 6 });
  await page.mouse.up();
  assert.equal(await page.locator(".chip[aria-selected=true]").count(), 4);
  await page.getByRole("radio", { name: "L3" }).click();
  await settled(page);
  await page.waitForTimeout(400);
  const again = await open(running, { address: page.url(), faults });
  assert.equal(await again.locator(".chip[aria-selected=true]").count(), 4);
  assert.equal(await again.getByRole("radio", { name: "L3" }).getAttribute("aria-checked"), "true");
  await again.close();
});

withPage("an edit answers while its slider moves, and can be switched off", {}, async (page) => {
  const clean = await firstPrediction(page);
  await page.getByRole("button", { name: "Add an edit" }).click();
  await page.getByLabel("Block of edit 1").selectOption("0");
  await page.getByLabel("Amount of edit 1", { exact: true }).fill("0.2");
  await page.getByText(/the edits moved the prediction/).waitFor();
  await settled(page);
  const expected = json("predict", "--json", KAFKA, "--top", "1", "--edit", "blocks.0.hook_resid_post *= 0.2");
  assert.equal((await firstPrediction(page))[0], shown(expected.predictions[0].token));
  await picture(page, "explorer-edit");
  await page.getByText("difference", { exact: true }).click();
  await page.getByText("activation (edited − clean)").count();
  await page.getByLabel("Edit 1 is on").uncheck();
  await page.waitForFunction(() => !/the edits moved/.test(document.body.innerText));
  await settled(page);
  assert.deepEqual(await firstPrediction(page), clean);
});

withPage("an edit that cannot be is explained and forgotten when it is mended", {}, async (page) => {
  await page.getByRole("button", { name: "Add an edit" }).click();
  await page.getByLabel("Positions of edit 1").fill("99");
  await page.getByRole("alert").first().waitFor();
  assert.match(await page.getByRole("alert").first().innerText(), /99/);
  await page.getByLabel("Positions of edit 1").fill("");
  await page.waitForFunction(() => !document.querySelector("[role=alert]"));
  // At any moment of the complaint's way.
  for (let wait = 0; wait < 24; wait += 2) {
    await page.evaluate(async (wait) => {
      const field = document.querySelector("[aria-label='Positions of edit 1']");
      for (const value of ["99", ""]) {
        field.value = value;
        field.dispatchEvent(new Event("input", { bubbles: true }));
        await new Promise((done) => setTimeout(done, wait));
      }
    }, wait);
    await settled(page);
    assert.equal(await page.locator("section [role=alert]").count(), 0, `mended after ${wait} ms`);
  }
});

withPage("a sweep streams, a point of it becomes the edit, and its export is the command line's", {}, async (page) => {
  await page.getByRole("button", { name: "Run the sweep" }).click();
  const point = page.getByRole("button", { name: /^block 11:/ });
  await point.waitFor();
  const expected = json("sweep", "--json", KAFKA, "--edit", "blocks.{layer}.hook_resid_post *= 0.8", "--over", "layer=all", "--target", " insect");
  const saved = JSON.parse(await download(page, "sweep", "json"));
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, saved[key]])), expected);
  await page.getByRole("button", { name: /^block 2:/ }).press("Enter");
  await page.getByText("blocks.2.hook_resid_post *= 0.8", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Remove all" }).click();
  await page.locator("#sweep select").nth(2).selectOption("layer,position");
  await page.getByRole("button", { name: "Run the sweep" }).click();
  await page.locator("#sweep canvas[role=img]").waitFor();
  await settled(page);
  await page.locator("#sweep").scrollIntoViewIfNeeded();
  await page.getByRole("button", { name: "Close", exact: true }).click(); // what was removed is forgotten
  await picture(page, "explorer-sweep");
  await page.locator("#sweep canvas[role=img]").click({ position: { x: 200, y: 30 } });
  await page.locator("#edit code").waitFor();
  assert.match(await page.locator("#edit code").innerText(), /^blocks\.1\.hook_resid_post\[\d+\] \*= 0\.8$/);
});

withPage("figures and numbers are files, the command line is copied", {}, async (page) => {
  assert.match(String(await download(page, "depth", "svg")), /^<\?xml/);
  for (const view of ["depth", "predictions"])
    assert.equal((await download(page, view, "npz")).subarray(0, 2).toString(), "PK");
  await page.locator("#depth").getByRole("button", { name: /^Export/ }).click();
  await page.locator("#depth").getByText("copy as command line").click();
  await page.getByText("in the clipboard").waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, `stratoscope activations --token=${(await page.locator(".chip").count()) - 1} -- '${KAFKA}'`);
});

withPage("experiments are saved, found, opened, compared, exported, imported and deleted", {}, async (page) => {
  const dialog = page.getByRole("dialog", { name: "Experiments" });
  for (const [note, text] of [["with penguins", "Penguins are cute."], ["with Kafka", KAFKA]]) {
    await page.locator("#text-field").fill(text);
    await settled(page);
    await page.getByRole("button", { name: "Experiments" }).click();
    await dialog.getByLabel("Note").fill(note);
    await dialog.getByRole("button", { name: "Save this one" }).click();
    await dialog.getByText(note).waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
  }
  await page.getByRole("button", { name: "Experiments" }).click();
  await dialog.getByRole("checkbox", { name: /penguins/ }).check();
  await dialog.getByRole("checkbox", { name: /Kafka/ }).check();
  await dialog.getByRole("button", { name: "Compare two" }).click();
  await dialog.getByText("Side by side").waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("button", { name: "Export as a file" }).click()]);
  const replayed = execFileSync(process.env.STRATOSCOPE, ["replay", await file.path()], { encoding: "utf8" });
  assert.match(replayed, /the same, bit for bit/);
  await dialog.locator("input[type=file]").setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from('{"no": 1}') });
  await dialog.getByText(/not an experiment/).waitFor();
  await dialog.locator("input[type=file]").setInputFiles({ name: "y.json", mimeType: "application/json", buffer: readFileSync(await file.path()) });
  await dialog.getByText("y.json is in the list").waitFor();
  await dialog.getByLabel("Search").fill("penguins");
  await page.waitForFunction(() => document.querySelectorAll("dialog li").length === 1);
  await dialog.locator("li .open").click();
  await page.waitForFunction(() => document.getElementById("text-field").value === "Penguins are cute.");
  await page.getByRole("button", { name: "Experiments" }).click();
  await dialog.getByRole("button", { name: /^Delete “with penguins”/ }).click();
  await page.waitForFunction(() => !/with penguins/.test(document.querySelector("dialog ul").innerText));
});

withPage("the keyboard is enough", {}, async (page) => {
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "depth-title");
  await page.locator("#lens canvas[role=img]").focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowUp");
  await page.locator("#lens .tip").waitFor();
  await page.keyboard.press("Enter");
  assert.equal(await page.locator(".chip[aria-selected=true]").getAttribute("data-index"), String((await page.locator(".chip").count()) - 2));
  await page.locator("#attention canvas[role=img]").first().focus();
  await page.keyboard.press("ArrowDown");
  await page.getByText("block 1, head 0: the weight of each query").waitFor();
});

withPage("every view explains itself, and a page of the program says more", {}, async (page) => {
  for (const button of await page.getByRole("button", { name: "explain this" }).all()) await button.click();
  const links = page.getByRole("link", { name: /^More on/ });
  const targets = await links.evaluateAll((all) => all.map((link) => link.href));
  assert.equal(targets.length, 7);
  const [help] = await Promise.all([running.context.waitForEvent("page"), links.first().click()]);
  await help.getByRole("heading", { name: "Logit lens" }).waitFor();
  for (const target of targets) {
    assert.ok(target.startsWith(running.address), target);
    assert.equal(await help.locator(`h3[id="${new URL(target).hash.slice(1)}"]`).count(), 1, target);
  }
  assert.ok(!/(^|\s)--[a-z]/.test(await help.locator("main").innerText()), "the page speaks of options");
  assert.equal((await help.request.get(await help.getByRole("link", { name: "the HTTP interface" }).evaluate((link) => link.href))).status(), 200);
  await help.close();
});

withPage("a long text stays usable", {}, async (page) => {
  await page.locator("#text-field").fill("The house was old and the rain fell. ".repeat(55));
  await page.waitForFunction(() => document.querySelectorAll(".chip").length > 490);
  await settled(page);
  await page.locator(".chip").nth(480).click();
  await settled(page);
  await page.getByText(/positions \d+ to \d+ of/).first().waitFor();
  await page.locator("#text-field").fill("The house was old and the rain fell. ".repeat(60));
  await page.getByText(/are more than the model's context/).waitFor();
});

withPage("the lens computes the columns in sight, and others when they are scrolled to", {}, async (page) => {
  const text = "The house was old and the rain fell. ".repeat(6).trim();
  await page.locator("#text-field").fill(text);
  await page.waitForFunction(() => document.querySelectorAll(".chip").length > 45);
  const count = await page.locator(".chip").count();
  await settled(page);
  const asked = [];
  page.on("request", (request) => {
    for (const { path, body } of request.postDataJSON()?.requests ?? []) {
      if (path !== "/api/lens") continue;
      const [from, end] = body.positions.split(":");
      asked.push([Number(from), end === "" ? count : Number(end)]);
    }
  });
  const scroll = async (left) => {
    await page.locator("#lens .scroll").evaluate((region, left) => (region.scrollLeft = left), left);
    await settled(page);
  };
  await page.locator("#lens").scrollIntoViewIfNeeded();
  await page.getByRole("button", { name: "Add an edit" }).click();
  await settled(page);
  assert.equal(asked.length, 1);
  assert.ok(asked[0][0] >= 16 && asked[0][1] >= count, `${asked[0]} of ${count}`); // the chosen token, the last one, is in sight
  await scroll(0);
  assert.equal(asked.length, 2);
  assert.ok(asked[1][0] === 0 && asked[1][1] <= asked[0][0], `${asked} of ${count}`);
  await scroll(1e6);
  assert.ok(asked.slice(2).every(([from, end]) => from >= asked[1][1] && end <= asked[0][0]), asked.join(" "));
  const box = await page.locator("#lens canvas[role=img]").boundingBox();
  const region = await page.locator("#lens .scroll").boundingBox();
  await page.mouse.move(region.x + region.width - 20, box.y + 8); // the last column's first row: the prediction
  const edit = ["--edit", (await page.locator("#edit code").innerText()).trim()];
  const expected = json("predict", "--json", text, "--top", "1", ...edit).predictions[0];
  await page.locator("#lens .tip").getByText(`“${shown(expected.token)}”`).first().waitFor();
  await page.mouse.move(0, 0);
  asked.length = 0;
  await page.locator("#text-field").fill("Once upon a time there was a king who had"); // nothing is left where the table is
  await settled(page);
  assert.deepEqual(await page.locator("section [role=alert]").allInnerTexts(), []);
  const short = await page.locator(".chip").count();
  const covered = new Set(asked.flatMap(([from, end]) => Array.from({ length: end - from }, (_, i) => from + i)));
  assert.ok(Array.from({ length: short }, (_, i) => i).every((i) => covered.has(i)), asked.join(" "));
});

withPage("a change that is taken back at once leaves what was there", {}, async (page) => {
  await page.getByRole("button", { name: "Add an edit" }).click();
  await page.getByLabel("Block of edit 1").selectOption("0");
  await page.locator("#lens").scrollIntoViewIfNeeded();
  await settled(page);
  const pictures = () => page.evaluate(() => [...document.querySelectorAll("#depth canvas, #lens canvas")].map((canvas) => canvas.toDataURL()));
  const before = await pictures();
  for (const wait of [0, 1, 5, 10, 20, 30, 40]) {
    await page.evaluate(async (wait) => {
      const slider = document.querySelector("#edit input[type=range]");
      const set = (value) => {
        slider.value = value;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
      };
      const old = slider.value;
      set("1.7");
      await new Promise((done) => setTimeout(done, wait));
      set(old);
    }, wait);
    await settled(page);
    assert.deepEqual(await pictures(), before, `after ${wait} ms`);
  }
  await page.getByLabel("Amount of edit 1", { exact: true }).fill("1.7");
  await settled(page);
  assert.notDeepEqual(await pictures(), before);
});

for (const theme of ["light", "dark"])
  withPage(`axe finds no serious fault in the ${theme} theme`, { theme }, async (page) => {
    await page.getByRole("button", { name: "Add an edit" }).click();
    await page.getByRole("button", { name: "Run the sweep" }).click();
    await settled(page);
    await page.evaluate(() => scrollTo(0, 0));
    await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
    const report = await page.evaluate(() => window.axe.run());
    const serious = report.violations.filter((fault) => ["serious", "critical"].includes(fault.impact));
    assert.deepEqual(serious.map((fault) => `${fault.id}: ${fault.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`), []);
    await picture(page, `explorer-${theme}`);
  });

for (const size of [[390, 844], [1024, 768], [3840, 2160]])
  withPage(`nothing spills over the page at ${size[0]} px`, { size }, async (page) => {
    await settled(page);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await picture(page, `explorer-${size[0]}`);
  });
