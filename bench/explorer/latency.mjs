// The time from an input event to the painted result, in headless Chromium:
//   STRATOSCOPE=build/stratoscope node bench/explorer/latency.mjs [--model FOLDER] [--tokens N] [--moves N] [--json]
// Each change is timed twice: until its own view has painted the result, and until all views have. Before that, the
// server alone serves the requests of a slider: next tokens, depths and the lens of an edit at block 0.
import { parseArgs } from "node:util";
import { open, settled, start } from "../../tests/explorer/browser.mjs";

const { values: given } = parseArgs({
  options: {
    model: { type: "string" },
    tokens: { type: "string", default: "22" },
    moves: { type: "string", default: "40" },
    json: { type: "boolean", default: false },
  },
});
const WARM_UP = 5;

// A text of so many tokens of the model.
async function textOf(address, count) {
  const headers = { "Content-Type": "application/json" };
  const text = "the old house by the sea was full of books that nobody had read ".repeat(Math.ceil(count / 4));
  const answer = await fetch(new URL("/api/tokens", address), { method: "POST", headers, body: JSON.stringify({ text }) });
  return (await answer.json()).tokens.slice(0, count).join("");
}

// Here, after pauses as between a user's inputs.
async function timeServer(address, text, moves) {
  const headers = { "Content-Type": "application/json" };
  const times = [];
  for (let i = 0; i < moves; ++i) {
    await new Promise((done) => setTimeout(done, 200));
    const body = { text, edits: [`blocks.0.hook_resid_post *= ${0.1 + 0.01 * (i % 100)}`] };
    const requests = [
      { path: "/api/predict", body: { ...body, compare: true } },
      { path: "/api/activations", body: { ...body, compare: true, no_effect: true } },
      { path: "/api/lens", body: { ...body, positions: "0:", top: 1, no_effect: true } },
    ];
    const begin = performance.now();
    const answer = await fetch(new URL("/api/batch", address), { method: "POST", headers, body: JSON.stringify({ requests }) });
    await answer.arrayBuffer();
    times.push(performance.now() - begin);
  }
  return times;
}

// In the page. `act` gets the number of the input; `view` is the section to wait for.
async function timeMoves({ name, view, moves }) {
  const TIME_LIMIT = 20000;
  const $ = (selector) => document.querySelector(selector);
  const input = (element, value) => {
    element.value = value;
    element.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const press = (element) => {
    element.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
    window.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
    element.click();
  };
  const text = $("#text-field").value;
  const acts = {
    slider: (i) => input($("#edit input[type=range]"), String(0.1 + 0.05 * (i % 30))),
    token: (i) => press(document.querySelectorAll(".chip")[1 + (i % 20)]),
    text: (i) => input($("#text-field"), i % 2 ? text : text.slice(0, -1)),
    switch: () => $("#edit input[type=checkbox]").click(),
    depth: (i) => press(document.querySelectorAll("[aria-label=Depth] button")[1 + (i % 10)]),
    head: (i) => $("#attention canvas").dispatchEvent(new KeyboardEvent("keydown", { key: i % 20 < 10 ? "ArrowDown" : "ArrowUp", bubbles: true })),
    compare: (i) => document.querySelectorAll(".compare input")[(i + 1) % 3].click(),
  };
  // Resolves when the matching sections have become busy and none is busy any more.
  const answered = (selector, begins) =>
    new Promise((done, fail) => {
      let begun = !begins;
      const look = () => {
        if ($(`${selector}[aria-busy=true]`)) begun = true;
        else if (begun) finish(done);
      };
      const watcher = new MutationObserver(look);
      const timer = setTimeout(() => finish(() => fail(new Error(`${name}: nothing was drawn for ${TIME_LIMIT} ms`))), TIME_LIMIT);
      const finish = (call) => {
        watcher.disconnect();
        clearTimeout(timer);
        call();
      };
      watcher.observe(document.body, { subtree: true, attributes: true, attributeFilter: ["aria-busy"] });
      queueMicrotask(look);
    });
  // A task posted in an animation frame runs after the frame has been painted.
  const painted = () =>
    new Promise((done) =>
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done(performance.now());
        channel.port2.postMessage(null);
      }),
    );
  const times = { own: [], all: [] };
  for (let i = 0; i < moves; ++i) {
    await new Promise((done) => setTimeout(done, 150 + 7 * (i % 5)));
    const begin = performance.now();
    const own = answered(view, name !== "compare").then(painted);
    const all = answered("section", name !== "compare").then(painted);
    acts[name](i);
    times.own.push((await own) - begin);
    times.all.push((await all) - begin);
  }
  return times;
}

// The changes, the first view to update for each, and the scroll position of the page.
const CHANGES = [
  ["slider", "#predictions", "top"],
  ["token", "#predictions", "top"],
  ["text", "#predictions", "top"],
  ["compare", "#depth", "top"],
  ["switch", "#predictions", "top"],
  ["depth", "#similarity", "similarity"],
  ["head", "#attention", "attention"],
];

const running = await start(...(given.model ? ["--model", given.model] : []));
const results = { tokens: 0, changes: {} };
let failed = 0;
try {
  const page = await open(running);
  const text = await textOf(running.address, Number(given.tokens));
  results.server = (await timeServer(running.address, text, WARM_UP + Number(given.moves))).slice(WARM_UP);
  await page.locator("#text-field").fill(text);
  await page.waitForFunction((count) => document.querySelectorAll(".chip").length === count, Number(given.tokens));
  results.tokens = await page.locator(".chip").count();
  await page.locator(".chip").last().click();
  await page.getByRole("button", { name: "Add an edit" }).click();
  await page.getByLabel("Block of edit 1").selectOption("0");  // so that no values of the clean run can be reused
  await settled(page);
  for (const [name, view, place] of CHANGES) {
    await page.getByLabel("Edit 1 is on").check();
    await page.evaluate((id) => (id === "top" ? scrollTo(0, 0) : document.getElementById(id).scrollIntoView()), place);
    await settled(page);
    try {
      const { own, all } = await page.evaluate(timeMoves, { name, view, moves: WARM_UP + Number(given.moves) });
      results.changes[name] = { own: own.slice(WARM_UP), all: all.slice(WARM_UP) };
    } catch (error) {
      ++failed;
      console.error(`latency: ${error.message.split("\n")[0]}`);
    }
  }
} finally {
  await running.stop();
}

const at = (times, share) => [...times].sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(share * times.length))].toFixed(0);
if (given.json) console.log(JSON.stringify(results));
else {
  console.log(`${given.model ?? "the built-in model"}, ${results.tokens} tokens; milliseconds from the event to the painted frame`);
  console.log(`the server alone, for a slider: median ${at(results.server, 0.5)}, p95 ${at(results.server, 0.95)}`);
  console.log("change      its view: median  p95  largest   every view: median  p95  largest");
  for (const [name, { own, all }] of Object.entries(results.changes)) {
    const of = (times) => [0.5, 0.95, 1].map((share) => at(times, share).padStart(8)).join("");
    console.log(`${name.padEnd(10)}${of(own)}      ${of(all)}`);
  }
}
process.exitCode = failed ? 1 : 0;
