// What somebody does with the live view, in a real browser. Prints a line for
// each check and ends with 1 if one failed.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const { VIEW_URL: url, CONTROL_URL: control, CHROMIUM: executablePath } = process.env;
const profile = mkdtempSync(join(tmpdir(), "view-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath, headless: true, viewport: { width: 1280, height: 900 }, permissions: ["clipboard-read", "clipboard-write"],
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await context.newPage();
page.setDefaultTimeout(10_000);
const complaints = [], strangers = [];
page.on("console", (m) => { if (m.type() === "error" || m.type() === "warning") complaints.push(m.text()); });
page.on("pageerror", (e) => complaints.push(e.message));
page.on("request", (r) => { if (!r.url().startsWith(url) && !r.url().startsWith("data:")) strangers.push(r.url()); });

const tell = (what) => fetch(control + what, { method: "POST" });
const rows = page.locator(".row:visible");
const row = (text) => rows.filter({ hasText: text }).first();
const live = () => page.waitForSelector("#link[data-state=live]");
const lit = (verdict) => page.locator(`svg.wide .node.on.${verdict}`).evaluateAll((all) => all.map((n) => n.dataset.node));
const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.id || document.activeElement.tagName);

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
const until = (f, what) => assertSoon(f, what);
async function assertSoon(f, what) {
  for (const end = Date.now() + 8000; ;) {
    try { return await f(); } catch (e) { if (Date.now() > end) throw new Error(what + ": " + e.message); }
    await new Promise((r) => setTimeout(r, 50));
  }
}

await page.goto(url);
await live();

await check("an empty page says what to do", async () => {
  assert.match(await page.locator("#shown").textContent(), /Nothing has passed yet/);
  assert.equal(await rows.count(), 0);
});

await check("a request lights its way while it passes", async () => {
  await tell("story?n=7"); // places, two calls, and the first vend
  await until(async () => assert.deepEqual(await lit("allowed"), ["door", "credvend", "sts", "role"]), "the way of the vend");
  assert.equal(await rows.count(), 3);
  assert.match(await page.locator("#shown").textContent(), /billing-service may use GET \/orders/);
});

await check("a verdict is announced", () =>
  until(async () => assert.match(await page.locator("#news").textContent(), /^allowed\. billing-service may use/), "the news"));

await check("a refusal stops where it was refused", async () => {
  await tell("story?n=2"); // two calls of Account A
  await until(async () => assert.deepEqual([await lit("allowed"), await lit("refused")], [["role"], ["api"]]), "the way of the call");
});

await check("the whole story is listed", async () => {
  await tell("story");
  await until(async () => assert.equal(await rows.count(), 19), "rows");
  assert.equal((await page.locator("#count").textContent()).trim(), "19");
});

await check("details tell who decided what", async () => {
  await row("may use GET /orders, GET /orders/*").click();
  const text = await page.locator("#detail").innerText();
  for (const want of ["identity policy, statement 1", "billing-reads-orders", "contributes", "nobody-deletes", "restricts", "Session tags", "credvend:callers", "Session policy", "ASIA", "resource policy, statement 1"]) {
    assert.ok(text.includes(want), "no " + want);
  }
  assert.match(await page.locator("#detail pre").textContent(), /\n {2}"Statement": \[/);
  assert.equal(await page.locator('.row[aria-current="true"]').count(), 1);
});

await check("a vend leads to its calls, and a call to its vend", async () => {
  await page.locator("#detail .links button", { hasText: "POST /orders" }).click();
  assert.match(await page.locator("#detail").innerText(), /Account A refused POST \/orders of billing-service/);
  await page.locator("#detail .links button", { hasText: "got these credentials" }).click();
  assert.match(await page.locator("#detail").innerText(), /credvend decides/);
});

await check("what is chosen stays while others pass", async () => {
  const before = await page.locator("#shown").textContent();
  await tell("hostile");
  await until(async () => assert.equal(await rows.count(), 20), "rows");
  assert.equal(await page.locator("#shown").textContent(), before);
  await page.locator("#follow").click();
  await until(async () => assert.match(await page.locator("#shown").textContent(), /<script>/), "the latest");
});

await check("text from the wire stays text", async () => {
  await row("<img").click();
  assert.equal(await page.title(), "credvend local");
  assert.equal(await page.locator("main img, main script").count(), 0);
});

await check("filters", async () => {
  await page.locator("#verdict").selectOption("refused");
  assert.equal(await rows.count(), await page.locator('.row:visible .sign.refused').count());
  await page.locator("#door").selectOption("HTTP API, AWS_IAM");
  await page.locator("#text").fill("stranger");
  assert.equal(await rows.count(), 2);
  assert.match(await page.locator("#count").textContent(), /2 of 20/);
  await page.locator("#text").fill("nothing like it");
  assert.ok(await page.locator("#none").isVisible());
  await page.locator("#text").fill("");
  await page.locator("#door").selectOption("");
  await page.locator("#verdict").selectOption("");
  assert.equal(await rows.count(), 20);
});

await check("keys alone are enough", async () => {
  await page.keyboard.press("Escape");
  await page.locator("h1").click();
  await page.keyboard.press("/");
  assert.equal(await focused(), "text");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  const first = await focused();
  assert.match(first, /^\d+$/, "Tab leads to the list");
  await page.keyboard.press("ArrowDown");
  assert.ok(Number(await focused()) < Number(first), "an arrow leads to an older one");
  assert.match(await page.locator('.row[aria-current="true"]').getAttribute("data-id"), new RegExp("^" + await focused() + "$"));
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid", "the focus shows");
  await page.keyboard.press("End");
  await page.keyboard.press("k");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator('.row[aria-current="true"]').count(), 0);
  await page.locator("#shortcuts").uncheck();
  await page.locator("h1").click();
  await page.keyboard.press("p");
  assert.equal(await page.locator("#pause").getAttribute("aria-pressed"), "false");
  await page.locator("#shortcuts").check();
});

await check("pause holds, resume shows", async () => {
  await page.locator("#pause").click();
  await tell("hostile");
  await until(async () => assert.match(await page.locator("#link").textContent(), /1 waiting/), "the count");
  assert.equal(await rows.count(), 20);
  await page.locator("#pause").click();
  await until(async () => assert.equal(await rows.count(), 21), "rows");
});

await check("copy", async () => {
  const card = page.locator(".card", { hasText: "Step outside the grant" });
  await card.locator(".copy").click();
  await until(async () => assert.equal(await card.locator(".copy").textContent(), "Copied"), "the button");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'vended orders -X DELETE "$CREDVEND_TARGET_URL/orders/42"');
});

// Contrast of every text with what lies behind it, by WCAG's formula.
const faint = () => page.evaluate(() => {
  const rgb = (s) => (s.match(/[\d.]+/g) || []).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const own = e.tagName === "g" && e.querySelector(":scope > rect, :scope > circle");
      const c = rgb(own ? getComputedStyle(own).fill : getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; (n = walker.nextNode());) {
    const e = n.parentElement;
    if (!n.data.trim() || !e.getClientRects().length || e.closest("script, .unseen, .skip, option")) continue;
    const style = getComputedStyle(e), ink = e instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [lum(rgb(ink)), lum(behind(e))].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push(`${n.data.trim().slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return [...new Set(bad)];
});

const chosen = "may use GET /orders, GET /orders/*";
for (const [name, colorScheme, width, height] of [["light", "light", 1280, 900], ["dark", "dark", 1280, 900], ["tablet", "light", 800, 1000], ["phone-light", "light", 360, 740], ["phone-dark", "dark", 360, 740]]) {
  await check(name + ": fits, and can be read", async () => {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.goto(url);
    await live();
    await row(chosen).click();
    await page.waitForTimeout(300);
    assert.deepEqual(await faint(), [], "too faint");
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, "wider than the window");
    const cut = await page.evaluate(() => [...document.querySelectorAll("#details *, .card *, #places *")]
      .filter((e) => e.getClientRects().length && !e.closest("pre, thead") && e.getBoundingClientRect().right > innerWidth).map((e) => e.textContent.slice(0, 40)));
    assert.deepEqual(cut, [], "cut off at the right");
    if (width === 360) {
      assert.equal(await focused(), "details-title", "a phone is led to the details");
      await page.locator("#back").click();
      assert.match(await focused(), /^\d+$/);
      assert.ok(await page.locator("svg.tall").isVisible() && !(await page.locator("svg.wide").isVisible()));
    }
    const spilt = await page.evaluate(() => [...document.querySelectorAll("svg .sub, svg .title")].filter((e) => e.getClientRects().length)
      .filter((e) => e.getBBox().x + e.getBBox().width > e.parentNode.querySelector("rect").getBBox().x + e.parentNode.querySelector("rect").getBBox().width).map((e) => e.textContent));
    assert.deepEqual(spilt, [], "text outside its box");
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: `shots/${name}.png`, fullPage: true });
  });
}

await check("no motion for who wants none", async () => {
  await page.setViewportSize({ width: 1280, height: 900 });
  await row("billing-service may use").click();
  assert.deepEqual(await lit("allowed"), ["door", "credvend", "sts", "role"]); // at once
  assert.equal(await page.locator(".wire.on .flow").first().evaluate((e) => getComputedStyle(e).transitionDuration), "0s");
});

await check("everything has a name", async () => {
  const nameless = await page.evaluate(() => [...document.querySelectorAll("button, select, input, pre[tabindex], svg, section")]
    .filter((e) => e.getClientRects().length && !(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML.slice(0, 80)));
  assert.deepEqual(nameless, []);
  const ids = await page.evaluate(() => [...document.querySelectorAll("[id]")].map((e) => e.id));
  assert.equal(new Set(ids).size, ids.length, "an id twice");
});

await check("a flood leaves the last ones, and a page that works", async () => {
  await tell("flood");
  await until(async () => assert.equal(await page.locator(".row").count(), 200), "rows");
  await page.keyboard.press("Escape");
  await until(async () => assert.match(await page.locator(".row").first().innerText(), /\/flood\/999/), "the last");
});

await check("clear, and a page that is opened anew", async () => {
  await page.locator("#clear").click();
  assert.equal(await rows.count(), 0);
  await tell("hostile");
  await until(async () => assert.equal(await rows.count(), 1), "rows");
  await page.goto(url);
  await live();
  await until(async () => assert.equal(await rows.count(), 200), "rows");
});

await check("nothing was asked of anybody else, and nothing complained", async () => {
  assert.deepEqual(strangers, []);
  assert.deepEqual(complaints, []);
});

await context.close();
rmSync(profile, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
