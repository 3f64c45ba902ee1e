// How long the page takes from an input event to the painted answer, in headless Chromium:
//   STRATOSCOPE=build/stratoscope node bench/explorer/latency.mjs [MODEL-FOLDER] [TOKENS]
import { open, settled, start } from "../../tests/explorer/browser.mjs";

const [folder, tokens = "24"] = process.argv.slice(2);
const running = await start(...(folder ? ["--model", folder] : []));
const page = await open(running);
if (Number(tokens) !== 24) {
  await page.locator("#text-field").fill("one ".repeat(Number(tokens)).trim().slice(0, 4 * Number(tokens)));
  await page.waitForFunction(() => document.querySelectorAll(".chip").length > 1);
}
const count = await page.locator(".chip").count();
await page.locator(".chip").last().click();
await page.getByRole("button", { name: "Add an edit" }).click();
await settled(page);

// From the event to the frame after the list of predictions has changed; the page's views are all in use.
const moves = await page.evaluate(async () => {
  const slider = document.querySelector("#edit input[type=range]");
  const list = document.querySelector("#predictions .content");
  const times = [];
  for (let i = 0; i < 40; ++i) {
    const changed = new Promise((done) => {
      const watcher = new MutationObserver(() => {
        watcher.disconnect();
        requestAnimationFrame(() => setTimeout(done));
      });
      watcher.observe(list, { subtree: true, childList: true, characterData: true, attributes: true });
    });
    const begin = performance.now();
    slider.value = String(0.1 + 0.04 * i);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await changed;
    times.push(performance.now() - begin);
    await new Promise((done) => setTimeout(done, 400));
  }
  return times.slice(5).sort((a, b) => a - b);
});
const at = (share) => moves[Math.min(moves.length - 1, Math.floor(share * moves.length))].toFixed(1);
console.log(`${folder ?? "novella-7m"}, ${count} tokens, slider to painted predictions: median ${at(0.5)} ms, p90 ${at(0.9)} ms, largest ${at(1)} ms (${moves.length} moves)`);
await running.stop();
