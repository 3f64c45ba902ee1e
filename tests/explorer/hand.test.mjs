// How the page lies in the hand: what stays in sight and still, what can be read and taken back, in which words.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { json, KAFKA, open, pagesOf, predictions, settled, shown, start } from "./browser.mjs";

let running;
before(async () => (running = await start()));
after(async () => {
  assert.equal(await running.stop(), 0);
});
const withPage = pagesOf(() => running);

const addEdit = async (page) => {
  await page.getByRole("button", { name: "Add an edit" }).click();
  await settled(page);
};
const inSight = async (page, view) => {
  await page.locator(`#${view}`).scrollIntoViewIfNeeded();
  await settled(page);
};
const isWithin = (inner, outer) => inner.x >= outer.x - 1 && inner.y >= outer.y - 1 && inner.x + inner.width <= outer.x + outer.width + 1 && inner.y + inner.height <= outer.y + outer.height + 1;
const windowOf = (page) => ({ x: 0, y: 0, ...page.viewportSize() });
const LAST = 23; // token of Kafka's sentence

withPage("the last token is chosen at first, and while one types at the end", {}, async (page) => {
  const chosen = () => page.locator("#text .chip.current").getAttribute("data-index");
  const last = async () => String((await page.locator("#text .chip").count()) - 1);
  assert.equal(await chosen(), String(LAST));
  await page.locator("#text-field").press("End");
  await page.locator("#text-field").pressSequentially(" insect and then", { delay: 5 });
  await settled(page);
  assert.ok(Number(await chosen()) > LAST);
  assert.equal(await chosen(), await last());
  await page.locator("#text .chip").nth(4).click();
  await page.locator("#text-field").press("End");
  await page.locator("#text-field").pressSequentially(" more");
  await settled(page);
  assert.equal(await chosen(), "4");
  await page.locator("#text-field").press("Control+a");
  await page.locator("#text-field").pressSequentially("The old king was wise and", { delay: 5 });
  await settled(page);
  assert.equal(await chosen(), await last());
  // A token stays the same one when the text before it changes.
  await page.locator("#text .chip").filter({ hasText: "·king" }).click();
  await page.locator("#text-field").fill("Here the old king was wise and");
  await settled(page);
  assert.equal(await page.locator("#text .chip.current").innerText(), "·king");
});

withPage("an edit's slider is in sight and stays where it is", { size: [1366, 768] }, async (page) => {
  await addEdit(page);
  const slider = page.getByLabel("Amount of edit 1", { exact: true });
  const box = await slider.boundingBox();
  assert.ok(isWithin(box, windowOf(page)), JSON.stringify(box));
  for (const amount of ["0", "0.4", "1", "2"]) {
    await slider.fill(amount);
    await settled(page);
    assert.deepEqual(await slider.boundingBox(), box);
    assert.equal(await predictions(page).count(), 10);
  }
});

withPage("tooltips lie within the window, with all that they say", { size: [1024, 768] }, async (page) => {
  await page.locator("#lens .scroll").scrollIntoViewIfNeeded();
  await settled(page);
  const region = await page.locator("#lens .scroll").boundingBox();
  await page.evaluate((y) => scrollBy(0, y), region.y + 300 - 740); // the lowest row near the window's edge
  await settled(page);
  const { x, y, width } = await page.locator("#lens .scroll").boundingBox();
  for (const [dx, dy] of [[width - 12, 8 + 12.5 * 20], [width - 12, 12], [60, 8 + 12.5 * 20]]) {
    await page.mouse.move(x + dx, y + dy);
    await page.waitForFunction(() => document.querySelector("#lens .tip")?.innerText.split("\n").length === 12);
    const tip = await page.locator("#lens .tip").boundingBox();
    assert.ok(isWithin(tip, windowOf(page)), JSON.stringify(tip));
  }
});

withPage("the lens keeps its row labels, and the chosen column and the cursor in sight", { size: [1024, 768] }, async (page) => {
  await inSight(page, "lens");
  const left = () => page.locator("#lens .scroll").evaluate((scroller) => scroller.scrollLeft);
  const labels = await page.locator("#lens canvas.rows").boundingBox();
  assert.ok((await left()) > 0);
  await page.locator(".pinned .chip, #text .chip").first().click();
  await settled(page);
  assert.equal(await left(), 0);
  await page.locator("#lens canvas[role=img]").focus();
  for (let i = 0; i < LAST; ++i) await page.keyboard.press("ArrowRight");
  assert.ok((await left()) > 0);
  const after = await page.locator("#lens canvas.rows").boundingBox();
  assert.deepEqual([after.x, after.width], [labels.x, labels.width]);
});

withPage("a wider window asks for nothing beyond the text", { size: [1024, 768] }, async (page) => {
  await addEdit(page);
  await inSight(page, "lens");
  await page.setViewportSize({ width: 3840, height: 2160 });
  await settled(page);
  await page.waitForTimeout(700); // until a view that waits in vain would say so
  assert.equal(await page.locator(".stale, [role=alert]").count(), 0);
});

withPage("text, depth and switch are in sight wherever the page is scrolled to", { size: [1366, 768] }, async (page) => {
  await addEdit(page);
  assert.equal(await page.locator(".pinned").count(), 0);
  await page.locator("#sweep").scrollIntoViewIfNeeded();
  await page.locator(".pinned").waitFor();
  assert.ok(isWithin(await page.locator(".pinned").boundingBox(), windowOf(page)));
  assert.ok(isWithin(await page.locator(".pinned .chip.current").boundingBox(), await page.locator(".pinned .strip").boundingBox()));
  await page.locator(".pinned .chip").nth(LAST - 1).click();
  await page.locator(".pinned").getByLabel("Depth").selectOption("3");
  await page.locator(".pinned").getByText("difference", { exact: true }).click();
  await page.evaluate(() => scrollTo(0, 0));
  await settled(page);
  assert.equal(await page.locator("#text .chip.current").getAttribute("data-index"), String(LAST - 1));
  assert.equal(await page.getByRole("radio", { name: "L2", exact: true }).getAttribute("aria-checked"), "true");
  assert.equal(await page.locator("#predictions header .side").innerText(), "difference");
});

for (const size of [[1024, 768], [1366, 768]])
  withPage(`nothing lies below the header at ${size[0]} px`, { size }, async (page) => {
    await page.evaluate(() => scrollTo(0, 700));
    await page.locator(".pinned").waitFor();
    const strip = await page.locator(".pinned").boundingBox();
    const side = await page.locator(".side").first().evaluate(() => document.querySelector("main > .side").getBoundingClientRect().top);
    assert.ok(side >= strip.y + strip.height, `${side} under ${strip.y + strip.height}`);
    for (const [name, id] of [["Depth", "depth"], ["Logit lens", "lens"], ["Sweep", "sweep"], ["Next token", "predictions"]]) {
      await page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
      await settled(page);
      const title = await page.locator(`#${id}-title`).boundingBox();
      const under = (await page.locator(".pinned").count()) ? await page.locator(".pinned").boundingBox() : await page.locator(".top").boundingBox();
      assert.ok(title.y >= under.y + under.height - 1 && title.y < size[1], `${name}: ${title.y}`);
    }
  });

withPage("what an edit is refused for stands at the edit, once, in the page's words", {}, async (page) => {
  for (let i = 0; i < 2; ++i) await addEdit(page);
  const rows = page.locator("#edit li");
  const places = () => page.evaluate(() => ["predictions", "depth"].map((id) => document.querySelector(`#${id} .content`).getBoundingClientRect().height));
  let before = await places();
  const complaint = async (words) => {
    await rows.nth(1).getByRole("alert").getByText(words).first().waitFor();
    await settled(page);
    assert.equal(await page.getByRole("alert").count(), 1);
    assert.equal(await page.locator("#predictions .content.stale").count(), 1);
    assert.deepEqual(await places(), before);
    assert.ok(!/--|corrupt|GET|null/.test(await page.getByRole("alert").innerText()));
  };
  await page.getByLabel("Positions of edit 2").fill("99");
  await complaint(/99/);
  assert.equal(await page.getByLabel("Positions of edit 2").getAttribute("aria-invalid"), "true");
  await page.getByLabel("Positions of edit 2").fill("");
  for (const [field, value] of [["Positions", "a"], ["Positions", "5:99"], ["Positions", "-99"], ["Dimensions", "999"], ["Dimensions", "x"]]) {
    await page.getByLabel(`${field} of edit 2`).fill(value);
    await complaint(/./);
    assert.equal(await page.getByLabel(`${field} of edit 2`).getAttribute("aria-invalid"), "true", value);
    await page.getByLabel(`${field} of edit 2`).fill("");
    await settled(page);
  }
  await page.getByLabel("Amount of edit 2 as a number").fill("");
  await complaint(/amount/);
  await page.getByLabel("Amount of edit 2 as a number").fill("1");
  await page.getByLabel("Operation of edit 2").selectOption("patch");
  await settled(page);
  before = await places();
  await page.locator("#edit textarea").fill("too short");
  await complaint(/second text/);
  await page.locator("#edit textarea").fill(KAFKA);
  await settled(page);
  assert.equal(await page.locator("[role=alert], #predictions .stale").count(), 0);
});

withPage("what a sweep is refused for is said in its view, in the page's words", {}, async (page) => {
  const complaint = async (words) => {
    await page.getByRole("button", { name: "Run the sweep" }).click();
    const alert = page.locator("#sweep [role=alert]");
    await alert.getByText(words).first().waitFor();
    assert.ok(!/--|corrupt|GET|null/.test(await alert.innerText()));
    assert.equal(await page.getByRole("alert").count(), 1);
  };
  await page.getByLabel("Target token").fill("");
  await complaint(/target is empty/);
  await page.getByLabel("Target token").fill(" insect");
  await page.getByLabel("Amount of the sweep's edit").fill("");
  await complaint(/amount is missing/);
  await page.getByLabel("Amount of the sweep's edit").fill("0.8"); // mended
  await page.waitForFunction(() => !document.querySelector("[role=alert]"));
  await page.getByLabel("Operation of the sweep's edit").selectOption("patch");
  await page.locator("#edit textarea").fill("short");
  await complaint(/second text/);
});

withPage("Back takes back settled changes, and Undo what was removed", {}, async (page) => {
  const text = () => page.locator("#text-field").inputValue();
  const entries = () => page.evaluate(() => history.length);
  await page.waitForFunction(() => location.hash.length > 2);
  const begun = await entries();
  await page.locator("#text-field").fill("Once upon a time");
  await page.waitForFunction((count) => history.length === count + 1, begun);
  await addEdit(page);
  await page.waitForFunction((count) => history.length === count + 2, begun);
  await page.locator("#text .chip").first().click(); // no entry of its own
  await page.getByRole("button", { name: "Remove all" }).click();
  await page.getByText("1 edit removed.").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.locator("#edit code").waitFor();
  await page.goBack();
  await page.waitForFunction(() => !document.querySelector("#edit code"));
  assert.equal(await text(), "Once upon a time");
  await page.goBack();
  await page.waitForFunction((kafka) => document.getElementById("text-field").value === kafka, KAFKA);
  await page.goForward();
  await page.waitForFunction(() => document.getElementById("text-field").value === "Once upon a time");
  await settled(page);
});

withPage("spaces are seen, and a target without its one is asked about", {}, async (page) => {
  assert.equal(await page.locator("#text .chip").nth(8).innerText(), "·one");
  await page.getByLabel("Target token").fill("man");
  await page.getByRole("button", { name: "did you mean “·man”?" }).click();
  assert.equal(await page.getByLabel("Target token").inputValue(), " man");
  await page.getByLabel("Target token").fill(" gigantic insect");
  await page.getByText(/only “[^”]+”, the first of its \d tokens/).waitFor();
  const token = json("predict", "--json", KAFKA, "--top", "3").predictions[2].token;
  await predictions(page).nth(2).locator("button").click();
  assert.equal(await page.getByLabel("Target token").inputValue(), token);
  await page.locator("#predictions").getByText(`The sweep's target is “${shown(token)}”`).waitFor();
});

withPage("shares have a decimal and a unit, and none runs over", {}, async (page) => {
  await addEdit(page);
  for (const amount of ["0", "0.7", "1.9"]) {
    await page.getByLabel("Amount of edit 1", { exact: true }).fill(amount);
    await settled(page);
    for (const text of await page.locator("#predictions .value").allInnerTexts()) assert.match(text, /^(\d\d?\d?\.\d|0\.\d{2,4}|<0\.001|0) %$/);
    for (const text of await page.locator("#predictions .change").allInnerTexts()) assert.match(text, /^([+−](\d\d?\.\d|0\.\d{2,4}|<0\.001)|0)$/);
    assert.equal(await page.locator("#predictions .change").evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).length), 0);
  }
  await page.locator("#text-field").fill("A");
  await page.getByText("1 token of at most 512").waitFor();
});

for (const width of [390, 1024, 1366, 1920])
  withPage(`nothing sticks out of its card at ${width} px`, { size: [width, 3000] }, async (page) => {
    await addEdit(page);
    await page.locator("#text .compare").getByText("difference", { exact: true }).click();
    await page.getByRole("button", { name: "Run the sweep" }).click();
    await settled(page);
    const out = await page.evaluate(() =>
      [...document.querySelectorAll("section[aria-labelledby]")].flatMap((card) => {
        const edge = card.getBoundingClientRect().right;
        return [...card.querySelectorAll("button, select, input, p, td, span, h2, svg text")].filter((part) => part.getBoundingClientRect().right > edge && !part.closest(".hidden")).map((part) => `${card.id}: ${part.textContent.slice(0, 30)}`);
      }),
    );
    assert.deepEqual(out, []);
  });

withPage("a tap shows what the pointer would", { size: [390, 844] }, async (page) => {
  const tap = (selector, dx, dy) =>
    page.locator(selector).evaluate((canvas, [dx, dy]) => {
      const box = canvas.getBoundingClientRect();
      const at = { bubbles: true, clientX: box.left + dx, clientY: box.top + dy, pointerType: "touch", pointerId: 7 };
      for (const type of ["pointerdown", "pointerup", "pointerleave"]) canvas.dispatchEvent(new PointerEvent(type, at));
      canvas.dispatchEvent(new PointerEvent("click", at));
    }, [dx, dy]);
  await inSight(page, "similarity");
  await tap("#similarity figure:first-child canvas[role=img]", 100, 60);
  assert.match(await page.locator("#similarity .tip").innerText(), / and L?\w+\n/);
  await inSight(page, "attention");
  await tap("#attention .pair > div:first-child canvas", 60, 40);
  assert.match(await page.locator("#attention .tip").innerText(), /^block 0, head \d\nprevious/);
  assert.equal(await page.locator("#similarity .tip").count(), 0);
  assert.ok(isWithin(await page.locator("#attention .tip").boundingBox(), windowOf(page)));
});

withPage("heads are ranked by their score, and the picture of the chosen one stays in sight", { size: [1366, 768] }, async (page) => {
  await inSight(page, "attention");
  await page.locator("#attention select").first().selectOption("first");
  await settled(page);
  const heads = json("attention", "--json", KAFKA).heads.sort((a, b) => b.first - a.first);
  const ranked = await page.locator("#attention ol button").allInnerTexts();
  assert.deepEqual(ranked, heads.slice(0, ranked.length).map(({ layer, head, first }) => `L${layer}H${head} ${first.toFixed(2)}`));
  await page.locator("#attention ol button").nth(3).click();
  await page.getByText(`block ${heads[3].layer}, head ${heads[3].head}: the weight`).waitFor();
  await page.locator("#attention .pair > div canvas").evaluate((canvas) => scrollTo(0, canvas.getBoundingClientRect().bottom + scrollY - 700));
  const figure = await page.locator("#attention figure").boundingBox();
  assert.ok(figure.y >= 0 && figure.y < 400, `${figure.y}`);
});

withPage("points of a sweep that change nothing are no warning, and a KL begins at zero", {}, async (page) => {
  await page.getByLabel("Sweep over").selectOption("layer,position");
  await page.locator("#sweep select").nth(3).selectOption("kl");
  await page.getByRole("button", { name: "Run the sweep" }).click();
  await page.locator("#sweep").getByText(/points change next to nothing: only attention/).waitFor();
  assert.equal(await page.locator("#sweep .warning").count(), 0);
  assert.match(await page.locator("#sweep .bar").getAttribute("aria-label"), /^KL.*colours from 0 to/);
});

withPage("the address holds what the views show", {}, async (page) => {
  await inSight(page, "lens");
  await page.locator("#lens select").selectOption("kl");
  await inSight(page, "attention");
  await page.locator("#attention select").first().selectOption("induction");
  await page.locator("#attention select").nth(1).selectOption("all");
  await page.waitForTimeout(500); // browsers bound how often it changes
  const again = await open(running, { address: page.url() });
  assert.equal(await again.locator("#lens select").inputValue(), "kl");
  assert.deepEqual(await again.locator("#attention select").evaluateAll((all) => all.map((one) => one.value)), ["induction", "all"]);
  await again.close();
});

withPage("Escape leaves the focus where the menu was opened", {}, async (page) => {
  const button = page.locator("#depth").getByRole("button", { name: /^Export/ });
  await button.click();
  await page.locator("#depth").getByRole("button", { name: "csv" }).focus();
  await page.keyboard.press("Escape");
  assert.ok(await button.evaluate((element) => element === document.activeElement));
});

withPage("experiments are found by any of their words, named anew, and come back when deleted", {}, async (page) => {
  const dialog = page.getByRole("dialog", { name: "Experiments" });
  await addEdit(page);
  await page.getByRole("button", { name: "Experiments" }).click();
  await dialog.getByLabel("Note").fill("base, no words of note");
  await dialog.getByRole("button", { name: "Save this one" }).click();
  await dialog.locator("li small").getByText("blocks.5.hook_resid_post *= 0.5").waitFor();
  await dialog.getByLabel("Search").fill("note base Gregor");
  await page.waitForFunction(() => document.querySelectorAll("dialog li").length === 1);
  await dialog.getByLabel("Search").fill("base hook_resid_post");
  await page.waitForFunction(() => document.querySelectorAll("dialog li").length === 1);
  await dialog.getByLabel("Search").fill("note base nowhere");
  await dialog.getByText("Nothing found.").waitFor();
  await dialog.getByLabel("Search").fill("");
  await dialog.getByRole("button", { name: /^Rename/ }).click();
  await dialog.getByLabel(/^New note/).fill("another name");
  await dialog.getByRole("button", { name: "Keep" }).click();
  await dialog.locator("strong", { hasText: "another name" }).waitFor();
  await dialog.getByRole("button", { name: /^Delete/ }).click();
  await dialog.getByText("Nothing saved yet").waitFor();
  await dialog.getByRole("button", { name: "Undo" }).click();
  await dialog.locator("strong", { hasText: "another name" }).waitFor();
});

withPage("the tour does not lie on what it shows, and ends with a sweep that has run", { size: [1366, 768], toured: false }, async (page) => {
  const tour = page.getByRole("dialog", { name: /tour/ });
  await tour.waitFor();
  for (;;) {
    await settled(page);
    const [box, target] = [await tour.boundingBox(), await page.locator(".toured").boundingBox()];
    const across = Math.min(box.x + box.width, target.x + target.width) - Math.max(box.x, target.x);
    const down = Math.min(box.y + box.height, target.y + target.height) - Math.max(box.y, target.y);
    const hidden = (Math.max(0, across) * Math.max(0, down)) / (target.width * Math.min(target.height, 768));
    assert.ok(hidden < 0.25, `${await tour.getAttribute("aria-label")}: ${hidden}`);
    if (!(await tour.getByRole("button", { name: "Next", exact: true }).count())) break;
    await tour.getByRole("button", { name: "Next", exact: true }).click();
  }
  await page.getByRole("button", { name: /^block 11:/ }).waitFor();
  await tour.getByRole("button", { name: "Done" }).click();
});
