// The list of requests, newest first, with filter, pause and choice.
const requests = new Map(); // by id
const rows = new Map();     // their list items
let chosen = 0;             // the request that was chosen; 0: the latest is shown
let cleared = 0;            // requests up to this id were cleared away
let focusID = 0;            // the row that Tab leads to

function fillRow(li, r) {
  const button = li.firstElementChild;
  button.replaceChildren(
    el("span.sign." + r.verdict, { "aria-hidden": "true" }, signs[r.verdict]),
    el("span.top", null, el("span.unseen", null, words[r.verdict] + ": "), el("strong", null, r.who), " ", el("code", null, r.what)),
    el("time", { datetime: r.at }, clock(r.at)),
    el("span.said", null, r.sentence));
}

function put(r, fresh) {
  requests.set(r.id, r);
  let li = rows.get(r.id);
  if (!li) {
    li = el("li", null, el("button.row", { type: "button", tabindex: "-1", "data-id": r.id, onclick: () => choose(r.id, true) }));
    rows.set(r.id, li);
    let before = $("list").firstElementChild;
    while (before && Number(before.firstElementChild.dataset.id) > r.id) before = before.nextElementSibling;
    $("list").insertBefore(li, before);
    if (fresh) li.className = "new";
  }
  fillRow(li, r);
  li.hidden = !fitsFilter(r);
}

function take(id) {
  requests.delete(id);
  const li = rows.get(id);
  if (li) li.remove();
  rows.delete(id);
  if (chosen === id) choose(0);
}

// everything is what the text filter looks at.
const everything = (r) => [r.who, r.what, r.where, r.sentence, r.receipt, r.status, r.front && [r.front.caller, r.front.accessKey, r.front.requestId],
  r.function && [r.function.caller, r.function.target, r.function.rules, r.function.code, r.function.requestId, r.function.accessKeyId],
  (r.sts || []).map((a) => [a.role, a.code])].flat(3).filter(Boolean).join(" ").toLowerCase();

function fitsFilter(r) {
  const text = $("text").value.trim().toLowerCase();
  return r.id > cleared && (!$("door").value || r.where === $("door").value) && (!$("verdict").value || r.verdict === $("verdict").value) &&
    text.split(/\s+/).every((word) => everything(r).includes(word));
}

function shownRows() { return [...$("list").children].filter((li) => !li.hidden).map((li) => li.firstElementChild); }

function refresh() {
  for (const [id, li] of rows) li.hidden = !fitsFilter(requests.get(id));
  const where = [...new Set([...requests.values()].map((r) => r.where).filter(Boolean))].sort();
  const now = $("door").value;
  const options = where.includes(now) || !now ? where : [...where, now];
  if ([...$("door").options].slice(1).map((o) => o.value).join("\n") !== options.join("\n")) {
    $("door").replaceChildren(el("option", { value: "" }, "all doors"), ...options.map((w) => el("option", { value: w }, w)));
    $("door").value = now;
  }
  tally();
}

function tally() {
  const visible = shownRows(), all = [...requests.keys()].filter((id) => id > cleared).length;
  $("count").textContent = visible.length === all ? (all ? String(all) : "") : visible.length + " of " + all;
  $("none").hidden = visible.length > 0;
  $("none").textContent = all ? "No request fits the filter." : cleared ? "Cleared. New requests will stand here." : "Nothing has passed yet.";
  if (!visible.some((b) => Number(b.dataset.id) === focusID)) focusID = visible.length ? Number(visible[0].dataset.id) : 0;
  for (const b of visible) {
    const id = Number(b.dataset.id);
    b.tabIndex = id === focusID ? 0 : -1;
    if (id === chosen) b.setAttribute("aria-current", "true"); else b.removeAttribute("aria-current");
  }
}

const latest = () => { const [b] = shownRows(); return b && requests.get(Number(b.dataset.id)); };
const narrow = matchMedia("(max-width: 54rem)");

// choose shows a request and holds it; 0 follows the latest again.
function choose(id, move) {
  const r = requests.get(id);
  chosen = r ? id : 0;
  $("follow").hidden = !chosen;
  if (r) {
    focusID = id;
    details(r);
    draw(r, true);
    $("details").scrollTop = 0;
  } else {
    $("detail").replaceChildren(el("p.note", null, "Choose a request to see who decided what about it, and by which statement."));
    draw(latest(), false);
  }
  $("back").toggleAttribute("data-idle", !chosen);
  tally();
  if (r && move && narrow.matches) {
    $("details").scrollIntoView({ block: "start", behavior: still.matches ? "auto" : "smooth" });
    $("details-title").focus({ preventScroll: true });
  }
}

function walk(by) {
  const all = shownRows();
  if (!all.length) return;
  const at = all.findIndex((b) => b === document.activeElement);
  const next = all[at < 0 ? Math.max(0, all.findIndex((b) => Number(b.dataset.id) === focusID)) : Math.min(all.length - 1, Math.max(0, at + by))];
  focusID = Number(next.dataset.id);
  choose(focusID);
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}
