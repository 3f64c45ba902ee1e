// A server that is reached through a proxy's folder, and one that goes away and comes back.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as ask } from "node:http";
import { after, before } from "node:test";
import { download, firstPrediction, open, pagesOf, settled, start } from "./browser.mjs";

const FOLDER = "/user/x/proxy/8080/";
let running, proxy, address;

// Maps FOLDER to the server, as notebook servers do; everything else is not there.
before(async () => {
  running = await start();
  const server = new URL(running.address);
  proxy = createServer((incoming, outgoing) => {
    if (!incoming.url.startsWith(FOLDER)) return void outgoing.writeHead(404).end("not behind this proxy");
    const { origin, referer, ...headers } = incoming.headers;
    const path = "/" + incoming.url.slice(FOLDER.length);
    const onward = ask({ host: server.hostname, port: server.port, path, method: incoming.method, headers: { ...headers, host: server.host } }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.writeHead(502).end());
    outgoing.on("close", () => onward.destroy());
    incoming.pipe(onward);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  address = `http://127.0.0.1:${proxy.address().port}${FOLDER}`;
});
after(async () => {
  proxy.close();
  assert.equal(await running.stop(), 0);
});
const withPage = pagesOf(() => running);

withPage("all of the page works in a folder of a proxy", {}, async (_, faults) => {
  const page = await open(running, { address, faults });
  const outside = [];
  page.on("request", (request) => !request.url().startsWith(address) && !request.url().startsWith("blob:") && outside.push(request.url()));
  await page.locator("#text-field").fill("Once upon a time");
  await settled(page);
  assert.equal((await firstPrediction(page)).length, 2);
  await page.getByRole("button", { name: "Run the sweep" }).click();
  await page.getByRole("button", { name: /^block 11:/ }).waitFor();
  assert.match(String(await download(page, "depth", "svg")), /^<\?xml/);
  await page.getByRole("button", { name: "Experiments" }).click();
  await page.getByRole("dialog").getByText("Nothing saved yet").waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await page.locator("#depth").getByRole("button", { name: "explain this" }).click();
  const [help] = await Promise.all([running.context.waitForEvent("page"), page.getByRole("link", { name: /^More on Depth/ }).click()]);
  await help.getByRole("heading", { name: "Logit lens" }).waitFor();
  assert.ok(help.url().startsWith(address), help.url());
  await help.getByRole("link", { name: "Back to the explorer" }).click();
  await help.waitForSelector("[data-testid=predictions] li");
  assert.equal(new URL(help.url()).pathname, FOLDER);
  await help.close();
  await page.close();
  assert.deepEqual(outside, []);
});

withPage("a server that is gone is told once, and found again by itself", {}, async (page, faults) => {
  const before = await firstPrediction(page);
  await page.route("**/api/**", (route) => route.abort("connectionrefused"));
  await page.locator("#text-field").fill("Once upon a time there was a");
  await page.locator(".lost").waitFor();
  assert.equal(await page.locator("[role=alert]").count(), 1);
  assert.equal(await page.locator("#predictions .content.stale").count(), 1);
  await page.locator(".strip.old").waitFor(); // the tokens are those of the text before
  await page.locator(".chip").nth(2).click();
  assert.equal(await page.locator("[role=alert]").count(), 1);
  await page.unroute("**/api/**");
  await page.waitForFunction(() => !document.querySelector(".lost"));
  await settled(page);
  await page.locator("#predictions .head").getByText("after “·a”").waitFor();
  assert.notDeepEqual(await firstPrediction(page), before);
  assert.equal(await page.locator("[role=alert], #predictions .stale").count(), 0);
  faults.splice(0, faults.length, ...faults.filter((fault) => !/ERR_CONNECTION_REFUSED/.test(fault)));
});

withPage("a sweep that the server leaves says how far it came", {}, async (page, faults) => {
  await page.getByLabel("Sweep over").selectOption("layer,position");
  await page.route("**/api/sweep", async (route) => {
    const answer = await route.fetch();
    const body = await answer.text();
    const cells = body.split("\n\n").filter((event) => event.startsWith("event: cells"));
    const begun = body.slice(0, body.indexOf(cells[1] ?? cells[0]));
    await route.fulfill({ response: answer, headers: { "content-type": "text/event-stream" }, body: begun });
  });
  await page.getByRole("button", { name: "Run the sweep" }).click();
  await page.locator("#sweep").getByText(/^Stopped at [\d,]+ of 288 points\.$/).waitFor();
  assert.equal(await page.locator("#sweep progress").count(), 0);
  faults.length = 0;
});
