// A server and a browser for tests and measurements of the page.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
export const require = createRequire(join(ROOT, "explorer", "package.json"));
const { chromium } = require("playwright-core");

export async function start(...args) {
  const folder = mkdtempSync(join(tmpdir(), "stratoscope-page-"));
  const server = spawn(process.env.STRATOSCOPE, ["serve", "--port", "0", "--data", folder, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(server, "exit").then(([code]) => {
    throw new Error(`the server ended with status ${code}`);
  });
  ended.catch(() => {}); // later it is expected
  const [line] = await Promise.race([once(server.stdout, "data"), ended]);
  server.stdout.resume();
  const address = /http:\S+/.exec(String(line))[0];
  const context = await chromium.launchPersistentContext(join(folder, "profile"), {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    viewport: { width: 1440, height: 1000 },
    acceptDownloads: true,
    permissions: ["clipboard-read", "clipboard-write"],
  });
  return {
    address,
    context,
    async stop() {
      await context.close();
      server.kill("SIGTERM");
      const [code] = server.exitCode === null ? await once(server, "exit") : [server.exitCode];
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}

// The page once its first answers are there. Faults of the page land in `faults`.
export async function open(running, { theme = "light", size = [1440, 1000], toured = true, address = running.address, faults = [] } = {}) {
  const page = await running.context.newPage();
  page.setDefaultTimeout(30000);
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    // A stale request's 409 is no fault.
    if (message.type() === "error" && !/40[0-9]|41[0-9]/.test(message.text())) faults.push(message.text());
  });
  await page.setViewportSize({ width: size[0], height: size[1] });
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
  await page.addInitScript((seen) => (seen ? localStorage.setItem("toured", "yes") : localStorage.removeItem("toured")), toured);
  await page.goto(address);
  await page.waitForSelector("[data-testid=predictions] li");
  return page;
}

// Until nothing is asked or awaited any more.
export async function settled(page) {
  await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
  await page.waitForTimeout(100);
  await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
}

export const KAFKA = "As Gregor Samsa awoke one morning from uneasy dreams, he found himself transformed in his bed into a gigantic";

// A function that declares a test with a page of its own, which must have no faults. `running` is asked when it begins.
export function pagesOf(running) {
  return (name, options, body) =>
    test(name, { timeout: 60000 }, async () => {
      const faults = [];
      const page = await open(running(), { ...options, faults });
      try {
        await body(page, faults);
        assert.deepEqual(faults, []);
      } finally {
        await page.close();
      }
    });
}

// What the command line prints.
export const json = (...args) => JSON.parse(execFileSync(process.env.STRATOSCOPE, args, { encoding: "utf8" }));

// A token as the page writes it.
export const shown = (token) => token.replace(/ /g, "·");

export const predictions = (page) => page.locator("[data-testid=predictions] li");
export const firstPrediction = async (page) => (await predictions(page).first().innerText()).split("\n").map((part) => part.trim());

// What a view saves. `of` names one of several pictures.
export async function download(page, view, format, of = 0) {
  await page.locator(`#${view}`).getByRole("button", { name: /^Export/ }).click();
  const [file] = await Promise.all([page.waitForEvent("download"), page.locator(`#${view}`).getByRole("button", { name: format, exact: true }).nth(of).click()]);
  await page.keyboard.press("Escape");
  return readFileSync(await file.path());
}
