// The stream, and the controls.
let run = "", live = false, paused = false, held = new Map(), queue = new Set(), touched = new Set(), frame = 0;

function state(name, text) {
  $("link").dataset.state = name;
  $("link").textContent = text;
}

function showState() {
  if (!live) return;
  if (paused) state("paused", held.size ? "paused, " + held.size + " waiting" : "paused");
  else state("live", "live");
}

// settle shows what came since the last frame.
function settle() {
  frame = 0;
  refresh();
  const fresh = [...queue].map((id) => requests.get(id)).filter((r) => r && fitsFilter(r) && r.verdict !== "waiting");
  queue.clear();
  if (chosen) {
    // Nothing is redrawn under somebody who reads it, unless it changed.
    if (touched.has(chosen) && requests.has(chosen)) { details(requests.get(chosen)); draw(requests.get(chosen), false); }
    touched.clear();
    return;
  }
  touched.clear();
  const r = fresh.sort((a, b) => a.id - b.id).at(-1) || latest();
  if (r ? fresh.length || r.id !== shownID : shownID) draw(r, live && fresh.length > 0);
}

function soon() { if (!frame) frame = requestAnimationFrame(settle); }

function arrived(r) {
  const before = requests.get(r.id);
  put(r, live && !before);
  touched.add(r.id);
  // What changes later without a new verdict, as a link does, is no news.
  if (!before || before.verdict !== r.verdict || before.kind !== r.kind || before.status !== r.status) {
    queue.add(r.id);
    if (live && r.verdict !== "waiting" && fitsFilter(r)) announce(words[r.verdict] + ". " + r.sentence);
  }
  soon();
}

function forget() {
  for (const id of [...requests.keys()]) take(id);
  held.clear();
  queue.clear();
  soon();
}

const source = new EventSource("/events");
const on = (name, f) => source.addEventListener(name, (e) => f(JSON.parse(e.data)));
on("start", (s) => {
  live = false;
  if (s.run !== run) { run = s.run; cleared = 0; }
  const again = chosen;
  forget();
  chosen = again;
});
on("places", places);
on("request", (r) => { if (paused && live) { held.set(r.id, r); showState(); } else arrived(r); });
on("gone", (id) => { held.delete(id); if (paused && live) held.set(id, null); else { take(id); soon(); } });
on("live", () => {
  live = true;
  if (!requests.has(chosen)) choose(0); else choose(chosen);
  showState();
});
source.addEventListener("error", () => { live = false; state("gone", "not connected, trying again"); });

function pause() {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  $("pause").textContent = paused ? "Resume" : "Pause";
  if (!paused) {
    for (const [id, r] of held) { if (r) arrived(r); else take(id); }
    held.clear();
    soon();
  }
  showState();
  announce(paused ? "Paused." : "Resumed.");
}

function clear() {
  cleared = Math.max(0, ...requests.keys());
  choose(0);
  refresh();
  announce("Cleared.");
}

$("pause").addEventListener("click", pause);
$("clear").addEventListener("click", clear);
$("follow").addEventListener("click", () => { choose(0); $("requests").focus({ preventScroll: true }); });
$("back").addEventListener("click", () => {
  const b = shownRows().find((row) => Number(row.dataset.id) === focusID);
  $("requests").scrollIntoView({ block: "start" });
  if (b) b.focus({ preventScroll: true });
});
for (const id of ["text", "door", "verdict"]) {
  $(id).addEventListener("input", () => { refresh(); if (!chosen) draw(latest(), false); });
}
$("list").addEventListener("keydown", (e) => {
  const by = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[e.key];
  if (by && !e.ctrlKey && !e.altKey && !e.metaKey) { e.preventDefault(); walk(by); }
});
$("shortcuts").checked = remembered.get("shortcuts") !== "off";
$("shortcuts").addEventListener("change", () => remembered.set("shortcuts", $("shortcuts").checked ? "on" : "off"));
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.altKey || e.metaKey || e.defaultPrevented) return;
  const typing = e.target.matches("input, select, textarea");
  if (e.key === "Escape") {
    if (e.target === $("text") && $("text").value) return; // the field empties itself
    choose(0);
    if (typing) e.target.blur();
    return;
  }
  if (typing || !$("shortcuts").checked) return;
  const action = { "/": () => $("text").focus(), j: () => walk(1), k: () => walk(-1), p: pause, c: clear }[e.key];
  if (action) { e.preventDefault(); action(); }
});
