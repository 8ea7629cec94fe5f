// Draws each Mermaid picture of the documents as GitHub does, in light and in
// dark, at the widths of a laptop and of a phone, and checks what it can: that
// the picture parses, that no text spills out of its box, that nothing is so
// small or so faint that it cannot be read. The PNGs in shots/ are for looking.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { chromium } from "playwright-core";

const root = new URL("../..", import.meta.url).pathname;
const made = new Set([".git", ".credvend", ".aws-sam", ".terraform", "build", "node_modules", "testdata"]);
const library = new URL("node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js", import.meta.url).pathname;

function* pages(dir) {
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    if (e.isDirectory() && !made.has(e.name)) yield* pages(join(dir, e.name));
    else if (e.isFile() && e.name.endsWith(".md")) yield join(dir, e.name);
  }
}

const pictures = [];
for (const file of pages(root)) {
  let n = 0;
  for (const [, text] of readFileSync(file, "utf8").matchAll(/^```mermaid\n(.*?)^```$/gms)) {
    pictures.push({ name: relative(root, file).replaceAll("/", "-").replace(/\.md$/, "") + "-" + ++n, text });
  }
}
// What must fail, so that the checks are known to bite.
const planted = [{ name: "planted-syntax", text: "flowchart LR\n a --> \n b[" }, { name: "planted-spill", text: "flowchart LR\n a[Box] --> b[Box]", spill: true }];

const profile = mkdtempSync(join(tmpdir(), "pictures-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM, headless: true, viewport: { width: 900, height: 900 },
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await context.newPage();
const strangers = [];
page.on("request", (r) => { if (!/^(data|about|blob):/.test(r.url())) strangers.push(r.url()); });

// GitHub's widths of a page's text, and its colours.
const looks = [
  { name: "light", theme: "default", ground: "#ffffff", width: 830 },
  { name: "dark", theme: "dark", ground: "#0d1117", width: 830 },
  { name: "phone", theme: "default", ground: "#ffffff", width: 360 },
];

async function draw({ name, text, spill }, look) {
  await page.setViewportSize({ width: look.width, height: 100 });
  await page.setContent(`<!doctype html><body style="margin:0;background:${look.ground};font-family:sans-serif"><div id="it"></div></body>`);
  await page.addScriptTag({ path: library });
  const error = await page.evaluate(async ([text, theme]) => {
    try {
      mermaid.initialize({ startOnLoad: false, theme, securityLevel: "strict" });
      document.querySelector("#it").innerHTML = (await mermaid.render("picture", text)).svg;
    } catch (e) { return String(e.message ?? e); }
  }, [text, look.theme]);
  if (error) return [`does not parse: ${error.split("\n")[0]}`];
  if (spill) await page.evaluate(() => { document.querySelector("#it .nodeLabel p").textContent = "much too long for the box that was made for it"; });
  await page.screenshot({ path: `shots/${name}-${look.name}.png`, fullPage: true });
  return page.evaluate((phone) => {
    const found = [];
    const labels = [...document.querySelectorAll("#it .nodeLabel, #it .edgeLabel p, #it .cluster-label p, #it text")].filter((e) => e.textContent.trim() && e.getClientRects().length);
    if (!labels.length) found.push("has no text");
    for (const e of labels) {
      const box = (e.closest(".node") ?? e.closest("g.actor") ?? null)?.querySelector("rect, polygon, path, circle")?.getBoundingClientRect();
      const own = e.querySelector("p")?.getBoundingClientRect() ?? e.getBoundingClientRect();
      const range = document.createRange();
      range.selectNodeContents(e);
      const ink = range.getBoundingClientRect();
      if (box && (ink.left < box.left - 1 || ink.right > box.right + 1 || ink.top < box.top - 1 || ink.bottom > box.bottom + 1)) found.push("spills: " + e.textContent.trim());
      const svg = document.querySelector("#it svg");
      const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      const size = parseFloat(getComputedStyle(e).fontSize) * scale;
      if (!phone && size < 9) found.push(`is too small (${size.toFixed(1)} px): ${e.textContent.trim().slice(0, 30)}`);
      if (own.right < 0) found.push("outside: " + e.textContent);
    }
    return [...new Set(found)];
  }, look.name === "phone");
}

let failed = 0;
const say = (ok, what) => { console.log((ok ? "ok " : "FAIL ") + what); if (!ok) failed++; };
try {
  assert.ok(pictures.length >= 3, `only ${pictures.length} pictures were found`);
  for (const p of pictures) for (const look of looks) {
    const wrong = await draw(p, look);
    say(!wrong.length, `${p.name}, ${look.name}` + wrong.map((w) => "\n     " + w).join(""));
  }
  for (const p of planted) say((await draw(p, looks[0])).length > 0, `${p.name}: the check notices`);
  say(!strangers.length, "nothing is fetched from anywhere " + strangers.slice(0, 3).join(" "));
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
