// How often the page draws during continuous input, in headless Chromium:
//   STRATOSCOPE=build/stratoscope node bench/explorer/drag.mjs [--model FOLDER] [--seconds N] [--json]
// A change every 17 ms: an edit's slider, then the depths, then the tokens. A drawing counts when the numbers of the
// view have changed on the screen.
import { parseArgs } from "node:util";
import { open, settled, start } from "../../tests/explorer/browser.mjs";

const { values: given } = parseArgs({
  options: { model: { type: "string" }, seconds: { type: "string", default: "4" }, json: { type: "boolean", default: false } },
});

// In the page: makes a change every 17 ms for a while; returns the times at which `view` was painted, and the time of
// the last painting after the input.
async function drag({ name, view, seconds }) {
  const input = (element, value) => {
    element.value = value;
    element.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const press = (element) => {
    element.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
    window.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
    element.click();
  };
  const there = (i, count) => Math.abs((i % (2 * count)) - count); // to and fro
  const acts = {
    slider: (i) => input(document.querySelector("#edit input[type=range]"), String(0.05 * there(i, 40))),
    depth: (i) => press(document.querySelectorAll("[aria-label=Depth] button")[there(i, 11)]),
    token: (i) => press(document.querySelectorAll(".chip")[1 + there(i, 20)]),
  };
  // The content of a view: its text, and a few pixels of its pictures.
  const face = () =>
    [document.querySelector(`${view} .content`).textContent, ...[...document.querySelectorAll(`${view} canvas`)].map((canvas) => canvas.toDataURL("image/webp", 0.1))].join();
  const times = [];
  let shown = face();
  let looking = true;
  const look = () => {
    const now = face();
    if (now !== shown) times.push(performance.now());
    shown = now;
    if (looking) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  const begin = performance.now();
  for (let i = 0; performance.now() - begin < 1000 * seconds; ++i) {
    acts[name](i);
    await new Promise((done) => setTimeout(done, Math.max(0, begin + 17 * (i + 1) - performance.now())));
  }
  const end = performance.now();
  await new Promise((done) => setTimeout(done, 1500));
  looking = false;
  const during = times.filter((time) => time <= end);
  const edges = [begin, ...during, end];
  return { drawn: during.length, seconds: (end - begin) / 1000, gap: Math.max(...edges.slice(1).map((time, i) => time - edges[i])) };
}

const running = await start(...(given.model ? ["--model", given.model] : []));
const results = {};
try {
  const page = await open(running);
  await page.getByRole("button", { name: "Add an edit" }).click();
  await page.getByLabel("Block of edit 1").selectOption({ index: 0 });  // so that no values of the clean run can be reused
  await settled(page);
  for (const [name, view] of [["slider", "#predictions"], ["token", "#predictions"], ["depth", "#similarity"]]) {
    if (name === "depth") await page.locator("#similarity").scrollIntoViewIfNeeded();
    await settled(page);
    results[name] = await page.evaluate(drag, { name, view, seconds: Number(given.seconds) });
  }
} finally {
  await running.stop();
}
if (given.json) console.log(JSON.stringify(results));
else {
  console.log(`${given.model ?? "the built-in model"}: a change each 17 ms for ${given.seconds} s`);
  console.log("change      drawn a second   longest gap (ms)");
  for (const [name, { drawn, seconds, gap }] of Object.entries(results)) console.log(`${name.padEnd(10)}${(drawn / seconds).toFixed(1).padStart(12)}${gap.toFixed(0).padStart(20)}`);
}
