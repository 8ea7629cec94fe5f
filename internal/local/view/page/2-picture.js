// The picture: one request lights its way, place by place.
const idle = new Map(); // what stands under each place when nothing is shown
for (const sub of document.querySelectorAll(".node .sub")) idle.set(sub, sub.textContent);

let shownID = 0, timers = [];

// facts is what a request has to say at each place.
function facts(r) {
  const f = r.function || {}, last = (r.sts || []).at(-1) || {};
  const session = last.session || (r.receipt && r.front && r.front.caller) || "";
  return {
    caller: r.who,
    door: r.kind === "call" || !r.front ? "" : r.where,
    credvend: r.hops.some((h) => h.at === "credvend") ? (f.rules || []).join(", ") || f.code || f.action : "",
    sts: last.code || last.verdict || "",
    role: session.split("/").at(-1),
    api: r.kind === "call" ? r.what : "",
  };
}

// clip writes as much of a text as there is room for. The picture that is not
// shown measures nothing: there the room is counted in wide letters.
function clip(sub, text) {
  const room = Number(sub.dataset.width), shown = sub.getClientRects().length > 0;
  sub.textContent = text;
  for (let n = text.length; n > 1 && (shown ? sub.getComputedTextLength() > room : n * 7.2 > room); n--) {
    sub.textContent = text.slice(0, n - 1) + "…";
  }
}

function dark() {
  timers.forEach(clearTimeout);
  timers = [];
  for (const node of document.querySelectorAll("figure .on")) node.classList.remove("on", "allowed", "refused", "failed", "waiting");
  for (const [sub, text] of idle) sub.textContent = text;
}

// draw shows a request; moving lets it travel from place to place.
function draw(r, moving) {
  dark();
  shownID = r ? r.id : 0;
  $("shown-verdict").hidden = !r;
  if (!r) {
    $("shown").textContent = "Nothing has passed yet. Try a command from below.";
    return;
  }
  $("shown-verdict").className = "badge " + r.verdict;
  $("shown-verdict").textContent = signs[r.verdict] + " " + words[r.verdict];
  $("shown").textContent = r.sentence;
  const said = facts(r);
  const light = (kind, name, verdict) => {
    for (const g of document.querySelectorAll(`figure [data-${kind}="${name}"]`)) {
      g.classList.add("on", verdict);
      if (kind !== "node") continue;
      g.querySelector(".mark text").textContent = signs[verdict];
      if (said[name]) clip(g.querySelector(".sub"), said[name]);
    }
  };
  for (const sub of document.querySelectorAll('[data-node="caller"] .sub')) clip(sub, said.caller);
  let wait = 0;
  // A call is judged by the role's session, which it did not pass through.
  const calls = r.kind === "call";
  const steps = calls ? [...r.hops].reverse() : r.hops;
  for (const hop of steps) {
    const bound = calls && hop.at === "role";
    const go = () => light("wire", bound ? "bound" : hop.at, hop.verdict);
    const arrive = () => light("node", hop.at, hop.verdict);
    if (!moving || still.matches) { go(); arrive(); continue; }
    timers.push(setTimeout(go, wait), setTimeout(arrive, wait + 230));
    wait += 300;
  }
}
