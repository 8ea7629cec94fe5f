"use strict";
// The map: a matrix of callers and targets, or of callers and the routes of one
// target. Everything is made of text nodes; nothing of the list becomes HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const make = (tag, attributes = {}, ...children) => {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) if (v !== undefined && v !== false) e.setAttribute(k, v);
  e.append(...children);
  return e;
};
const count = (n, what) => n + " " + what + (n === 1 ? "" : "s");

const ROWS = 60, COLUMNS = 20;
const words = { a: "allowed", p: "partly denied", d: "denied" }, signs = { a: "✓", p: "◐", d: "✕" };
const readers = new Set(["GET", "HEAD", "OPTIONS"]);
const method = (route) => route.slice(0, route.indexOf(" "));
const path = (route) => route.slice(route.indexOf(" ") + 1);

// What is searched: a text for each cell, and one for each caller.
const cells = data.cells, rows = data.callers.map(() => []);
for (const cell of cells) {
  const caller = data.callers[cell.c], target = data.targets[cell.t];
  cell.text = [caller.name, caller.who, target.name, target.api, target.role,
    ...cell.r.map((r) => r.r + " " + r.by.map((i) => data.rules[i].id).join(" "))].join("\n").toLowerCase();
  const left = cell.r.filter((r) => r.s !== "d");
  cell.state = cell.no !== undefined || !left.length ? "d" : cell.r.some((r) => r.s === "p") ? "p" : "a";
  cell.left = left.length;
  rows[cell.c].push(cell);
}

const filter = { text: [], target: "", method: "", show: "" };
let page = 0, across = 0, chosen = null, found = [];

function matches(cell) {
  if (filter.target !== "" && cell.t !== Number(filter.target)) return false;
  if (!filter.text.every((w) => cell.text.includes(w))) return false;
  const has = (test) => cell.r.some((r) => r.s !== "d" && test(method(r.r)));
  if (filter.method && !has((m) => m === filter.method || m === "*")) return false;
  if (filter.show === "deny" && !cell.r.some((r) => r.s !== "a")) return false;
  if (filter.show === "write" && !has((m) => !readers.has(m))) return false;
  return filter.show !== "none";
}

// find works out the rows to show: callers, each with its matching cells.
function find() {
  const plain = !filter.text.length && filter.target === "" && !filter.method && !filter.show;
  found = [];
  data.callers.forEach((caller, i) => {
    const mine = rows[i].filter(matches);
    const alone = !rows[i].length && (plain || filter.show === "none" || !filter.show && filter.target === "" && !filter.method) &&
      filter.text.every((w) => (caller.name + "\n" + caller.who).toLowerCase().includes(w));
    if (mine.length || alone) found.push({ i, caller, cells: mine });
  });
}

// columns are targets, or the routes of the target that is chosen.
function columns() {
  if (filter.target === "") {
    const used = new Set(found.flatMap((row) => row.cells.map((c) => c.t)));
    return data.targets.map((t, i) => ({ name: t.name, title: t.api, of: (cells) => cells.find((c) => c.t === i), i })).filter((c) => used.has(c.i));
  }
  const routes = new Set(found.flatMap((row) => row.cells.flatMap((c) => c.r.map((r) => r.r))));
  return [...routes]
    .filter((r) => !filter.method || method(r) === filter.method || method(r) === "*")
    .sort((x, y) => path(x) < path(y) ? -1 : path(x) > path(y) ? 1 : method(x) < method(y) ? -1 : 1)
    .map((r) => ({ name: r, mono: true, route: r, of: (cells) => cells.find((c) => c.r.some((x) => x.r === r)) }));
}

function cellButton(row, column) {
  const cell = column.of(row.cells);
  if (!cell) return make("td");
  let state = cell.state, text, told;
  if (column.route !== undefined) {
    state = cell.r.find((r) => r.r === column.route).s;
    text = signs[state];
    told = words[state];
  } else {
    text = state === "d" ? signs.d : signs[state] + " " + cell.left;
    told = state === "d" ? "denied" : count(cell.left, "route") + " allowed" + (state === "p" ? ", with a part denied" : "");
  }
  const button = make("button", { type: "button", class: state, tabindex: "-1", "aria-pressed": String(cell === chosen), "aria-label": row.caller.name + ", " + column.name + ": " + told }, text);
  button.cell = cell;
  return make("td", {}, button);
}

let all = []; // columns, of all pages
function draw(keepFocus) {
  find();
  all = columns();
  page = Math.min(page, Math.max(0, Math.ceil(found.length / ROWS) - 1));
  across = Math.min(across, Math.max(0, Math.ceil(all.length / COLUMNS) - 1));
  const shown = found.slice(page * ROWS, (page + 1) * ROWS), some = all.slice(across * COLUMNS, (across + 1) * COLUMNS);
  const one = filter.target === "" ? null : data.targets[Number(filter.target)];
  byId("matrix-title").textContent = one ? "Callers and routes of " + one.name : "Callers and targets";
  byId("legend").replaceChildren(...["a", "p", "d"].map((s) => make("span", { class: s }, signs[s] + " " + words[s])), make("span", {}, one ? "" : "The number counts routes."));
  const scroll = byId("scroll");
  if (!found.length) {
    scroll.replaceChildren(make("p", { class: "empty" }, data.callers.length ? "Nothing matches these filters." : "The list has no callers."));
  } else {
    const head = make("tr", {}, make("th", { scope: "col" }, "caller"), ...some.map((c) => make("th", { scope: "col", title: c.title }, make("span", { class: c.mono && "mono" }, c.name))));
    const body = shown.map((row) => make("tr", {}, make("th", { scope: "row" }, row.caller.name), ...some.map((c) => cellButton(row, c))));
    scroll.replaceChildren(make("table", {}, make("caption", { class: "unseen" }, byId("matrix-title").textContent + ". Arrow keys move between cells, Enter shows one."), make("thead", {}, head), make("tbody", {}, ...body)));
    const first = scroll.querySelector('button[aria-pressed="true"]') || scroll.querySelector("td button");
    if (first) first.tabIndex = 0;
  }
  if (!keepFocus) scroll.scrollTo(0, 0);
  byId("count").textContent = "Showing " + found.length + " of " + count(data.callers.length, "caller") + ", " +
    (one ? count(all.length, "route") + " of " + one.name : all.length + " of " + count(data.targets.length, "target")) + ".";
  pager();
}

function pager() {
  const nav = byId("pages"), parts = [];
  const add = (name, at, size, total, go) => {
    if (total <= size) return;
    const last = Math.ceil(total / size) - 1;
    const step = (text, label, to, off) => {
      const b = make("button", { type: "button", "aria-label": label, disabled: off && "" }, text);
      b.addEventListener("click", () => { go(to); draw(); byId("matrix").focus(); });
      return b;
    };
    parts.push(step("‹", "Previous " + name, at - 1, at === 0),
      make("span", {}, name + " " + (at * size + 1) + "–" + Math.min(total, (at + 1) * size) + " of " + total),
      step("›", "Next " + name, at + 1, at === last));
  };
  add("callers", page, ROWS, found.length, (to) => { page = to; });
  add(filter.target === "" ? "targets" : "routes", across, COLUMNS, all.length, (to) => { across = to; });
  nav.replaceChildren(...parts);
}

const pretty = (policy) => { try { return JSON.stringify(JSON.parse(policy), null, 2); } catch { return policy; } };

function show(cell) {
  chosen = cell;
  for (const b of byId("scroll").querySelectorAll("td button")) b.setAttribute("aria-pressed", String(b.cell === cell));
  byId("detail").hidden = !cell;
  document.querySelector("main").classList.toggle("open", Boolean(cell));
  if (!cell) return;
  const caller = data.callers[cell.c], target = data.targets[cell.t];
  byId("detail-title").textContent = caller.name + " on " + target.name;
  const facts = make("dl");
  const fact = (name, ...what) => facts.append(make("dt", {}, name), make("dd", {}, ...what));
  fact("caller", make("code", {}, caller.who));
  if (cell.too) fact("is also", cell.too.join(", "));
  fact("target", make("code", {}, target.api));
  fact("role", make("code", {}, target.role));
  if (target.asks) fact("requests", "must name their routes");
  if (cell.life) fact("lives", cell.life);
  if (cell.tags) fact("tags", ...cell.tags.map((t) => make("div", {}, make("code", {}, t.k + " = " + t.v))));
  const parts = [facts];
  if (cell.no !== undefined) parts.push(make("p", { class: "no" }, "Refused: " + cell.no));
  parts.push(make("h3", {}, "Routes and rules"), make("ul", {}, ...cell.r.map((r) => make("li", {},
    make("span", { class: r.s }, signs[r.s] + " " + words[r.s]), make("code", {}, r.r),
    make("small", {}, r.by.map((i) => data.rules[i].effect + " by " + data.rules[i].id + (data.rules[i].max ? " (" + data.rules[i].max + ")" : "")).join(", "))))));
  if (cell.note) parts.push(make("p", { class: "no" }, cell.note));
  if (cell.p >= 0) {
    const policy = data.policies[cell.p];
    parts.push(make("h3", { id: "policy" }, "Session policy of all of it, " + policy.length + " characters"),
      make("pre", { tabindex: "0", "aria-labelledby": "policy" }, pretty(policy)));
  }
  byId("body").replaceChildren(...parts);
  const mine = byId("scroll").querySelector('button[aria-pressed="true"]');
  if (mine) mine.scrollIntoView({ block: "nearest", inline: "center" }); // the matrix has become narrower
  byId("detail").scrollTo(0, 0);
  byId("detail-title").focus();
}

function close() {
  if (!chosen) return;
  const was = chosen;
  show(null);
  const buttons = [...byId("scroll").querySelectorAll("td button")];
  (buttons.find((b) => b.cell === was) || byId("matrix")).focus();
}

byId("scroll").addEventListener("click", (e) => {
  const b = e.target.closest("td button");
  if (b) { rove(b); show(b.cell); }
});
function rove(b) {
  for (const other of byId("scroll").querySelectorAll('td button[tabindex="0"]')) other.tabIndex = -1;
  b.tabIndex = 0;
}
byId("scroll").addEventListener("keydown", (e) => {
  const b = e.target.closest("td button"), steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0], Home: [0, -Infinity], End: [0, Infinity] }[e.key];
  if (!b || !steps || e.ctrlKey || e.metaKey || e.altKey) return;
  e.preventDefault();
  const [down, right] = steps, td = b.parentNode, tr = td.parentNode;
  let next = null;
  if (!down) {
    const mine = [...tr.querySelectorAll("button")], at = mine.indexOf(b);
    next = mine[Math.max(0, Math.min(mine.length - 1, at + right))];
  } else { // the nearest cell with something in it, row by row
    for (let row = down > 0 ? tr.nextElementSibling : tr.previousElementSibling; row && !next; row = down > 0 ? row.nextElementSibling : row.previousElementSibling) {
      const theirs = [...row.querySelectorAll("button")], to = td.cellIndex;
      next = theirs.sort((x, y) => Math.abs(x.parentNode.cellIndex - to) - Math.abs(y.parentNode.cellIndex - to))[0] || null;
    }
  }
  if (next) { rove(next); next.focus(); next.scrollIntoView({ block: "nearest", inline: "nearest" }); }
});
document.addEventListener("keydown", (e) => { if (e.key === "Escape") close(); });
byId("close").addEventListener("click", close);

let waiting = 0;
function changed() {
  filter.text = byId("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  filter.target = byId("target").value;
  filter.method = byId("method").value;
  filter.show = byId("show").value;
  page = across = 0;
  if (chosen) show(null);
  draw();
}
byId("text").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(changed, 80); });
for (const id of ["target", "method", "show"]) byId(id).addEventListener("change", changed);
byId("filters").addEventListener("submit", (e) => e.preventDefault());
byId("filters").addEventListener("reset", () => setTimeout(changed, 0));

// On paper a matrix has no use: there what the filters leave is a list.
addEventListener("beforeprint", () => {
  const parts = [];
  for (const row of found) {
    parts.push(make("h2", {}, row.caller.name), make("p", { class: "quiet mono" }, row.caller.who));
    const lines = row.cells.flatMap((c) => c.r.map((r) => make("tr", {}, make("td", {}, data.targets[c.t].name), make("td", { class: r.s }, signs[r.s] + " " + words[r.s]),
      make("td", { class: "mono" }, r.r), make("td", {}, r.by.map((i) => data.rules[i].id).join(", ")))));
    parts.push(lines.length ? make("table", {}, make("thead", {}, make("tr", {}, ...["target", "", "route", "rules"].map((t) => make("th", { scope: "col" }, t)))), make("tbody", {}, ...lines)) : make("p", {}, "may do nothing"));
  }
  byId("list").replaceChildren(...parts);
});
addEventListener("afterprint", () => byId("list").replaceChildren());

byId("digest").textContent = data.digest.slice(0, 19) + "…";
byId("digest").title = data.digest;
byId("counts").textContent = count(data.callers.length, "caller") + ", " + count(data.targets.length, "target") + ", " + count(data.rules.length, "rule");
byId("target").append(...data.targets.map((t, i) => make("option", { value: i }, t.name)));
byId("method").append(...["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map((m) => make("option", { value: m }, m)));
draw();
