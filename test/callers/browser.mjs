// What a page does that vends and signs, in a real browser. Prints a line for
// each check and ends with 1 if one failed. No line holds a secret.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const { CHROMIUM: executablePath, PAGE_URL: home, STRANGER_URL: stranger, API_URL: api, BARE_API_URL: bareAPI, JWT_URL: door, ISSUER_URL: issuer } = process.env;
const profile = mkdtempSync(join(tmpdir(), "callers-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath, headless: true, ignoreHTTPSErrors: true, // the pages' certificates are a test's
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

let failed = 0;
async function check(name, f) {
  try {
    await f();
    console.log("ok " + name);
  } catch (e) {
    failed++;
    console.log("FAIL " + name + ": " + e.message);
  }
}

// open opens a site's page, and notes what it asks the network for, preflight
// requests too, of which a page and Playwright say nothing.
async function open(url) {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const seen = new Map();
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  network.on("Network.requestWillBeSent", ({ requestId, request, initiator }) =>
    seen.set(requestId, { ...seen.get(requestId), initiator: initiator.type, method: request.method, url: request.url, headers: lower(request.headers) }));
  network.on("Network.responseReceived", ({ requestId, response }) =>
    seen.set(requestId, { ...seen.get(requestId), status: response.status, answer: lower(response.headers) }));
  await page.goto(url + "/");
  return { page, asked: (what, method) => [...seen.values()].find((r) => r.url?.startsWith(what) && r.method === method) };
}
const lower = (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
const words = (list) => (list ?? "").toLowerCase().split(",").map((word) => word.trim());

async function tokenOf(sub, claims = {}) {
  const answer = await fetch(`${issuer}/token`, { method: "POST", body: new URLSearchParams({ sub, groups: "shoppers", ...claims }) });
  assert.equal(answer.status, 200, "the issuer");
  return answer.text();
}

// vend and call run in the page, by the document's lines. What they give back
// holds no secret.
const vend = (page, token) => page.evaluate(async ([door, token]) => {
  const { vend } = await import("/lines.mjs");
  try {
    window.credentials = await vend(door, token, "orders");
    return { routes: window.credentials.Grant.routes, region: window.credentials.Grant.region };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}, [door, token]);
const call = (page, url, init) => page.evaluate(async ([url, init]) => {
  const { signer } = await import("/lines.mjs");
  try {
    const answer = await signer(window.credentials).fetch(url, init);
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}, [url, init]);

const shop = await open(home);
await check("a page with a token vends", async () => {
  assert.deepEqual(await vend(shop.page, await tokenOf("shopper-1")), { routes: ["GET /users/shopper-1/*"], region: "us-east-1" });
});

await check("the browser asked beforehand, and was let", () => {
  const preflight = shop.asked(door, "OPTIONS");
  assert.equal(preflight?.initiator, "preflight");
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers["access-control-request-method"], "POST");
  assert.ok(words(preflight.headers["access-control-request-headers"]).includes("authorization"));
  assert.equal(preflight.answer["access-control-allow-origin"], home);
  for (const name of ["authorization", "content-type"]) assert.ok(words(preflight.answer["access-control-allow-headers"]).includes(name), name);
  assert.ok(!("access-control-allow-credentials" in preflight.answer), "cookies are let in");
  assert.equal(shop.asked(door, "POST").status, 200);
});

await check("it signs, and the API answers", async () => {
  const { status, text, error } = await call(shop.page, `${api}/users/shopper-1/cart`);
  assert.equal(error ?? status, 200);
  assert.match(text, /shopper-1/);
  const preflight = shop.asked(api, "OPTIONS");
  for (const name of ["authorization", "x-amz-date", "x-amz-security-token"]) assert.ok(words(preflight.headers["access-control-request-headers"]).includes(name), name);
});

await check("another's route is refused, and the page can read it", async () => {
  assert.deepEqual(await call(shop.page, `${api}/users/shopper-2/cart`), { status: 403, text: '{"message":"Forbidden"}' });
});

await check("an API whose owner set up no CORS stays out of a page's reach", async () => {
  assert.deepEqual(await call(shop.page, `${bareAPI}/users/shopper-1/cart`), { error: "TypeError: Failed to fetch" });
});

await check("a token that has ended is told", async () => {
  assert.deepEqual(await vend(shop.page, await tokenOf("shopper-1", { exp: -60 })), { error: "Error: 401 front door: Unauthorized" });
});

await check("the service's refusal is told", async () => {
  const { error } = await vend(shop.page, await tokenOf("shopper-1", { groups: "nobody" }));
  assert.match(error, /^Error: 403 denied: ./);
});

await check("a page of another origin gets nothing", async () => {
  const other = await open(stranger);
  assert.deepEqual(await vend(other.page, await tokenOf("shopper-1")), { error: "TypeError: Failed to fetch" });
  assert.equal(other.asked(door, "POST")?.status, undefined, "it was answered");
});

await context.close();
rmSync(profile, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
