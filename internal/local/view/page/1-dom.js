// Small helpers. Text from requests goes in as text, never as HTML.
const $ = (id) => document.getElementById(id);

// el makes an element: el("p.note", {id: "x"}, "text", child, …).
function el(name, props, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((c) => c !== undefined && c !== null && c !== ""));
  return node;
}

const signs = { allowed: "✓", refused: "✕", failed: "!", waiting: "…" };
const words = { allowed: "allowed", refused: "refused", failed: "failed", waiting: "under way" };
const badge = (verdict, word) => el("span.badge." + verdict, null, signs[verdict] + " " + (word || words[verdict]));

const two = (n) => String(n).padStart(2, "0");
function clock(text) {
  const t = new Date(text);
  return two(t.getHours()) + ":" + two(t.getMinutes()) + ":" + two(t.getSeconds());
}

function life(seconds) {
  return seconds % 60 ? Math.floor(seconds / 60) + " min " + (seconds % 60) + " s" : seconds / 60 + " min";
}

const still = matchMedia("(prefers-reduced-motion: reduce)");

// remembered keeps a setting of this page, where the browser lets it.
const remembered = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(key, value); } catch { /* it lasts as long as the page */ } },
};

// copyable is a titled text with a button that copies it.
function copyable(text, what) {
  const pre = el("pre", { tabindex: "0", "aria-label": what }, el("code", null, text));
  const button = el("button.copy", { type: "button", "aria-label": "Copy: " + what }, "Copy");
  let timer;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      announce("Copied.");
    } catch {
      getSelection().selectAllChildren(pre);
      button.textContent = "Selected";
      announce("The text is selected: copy it with your keyboard.");
    }
    clearTimeout(timer);
    timer = setTimeout(() => { button.textContent = "Copy"; }, 1600);
  });
  return el("div.text", null, el("div.bar", null, el("h3", null, what), button), pre);
}

// announce tells a screen reader, once a second at most: the last one counts.
let news = "", newsTimer = 0;
function announce(text) {
  news = text;
  if (newsTimer) return;
  newsTimer = setTimeout(() => { $("news").textContent = news; newsTimer = 0; }, 700);
}
