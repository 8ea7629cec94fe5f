// The details of one request: who decided what, in the order it happened.
function list(pairs) {
  const dl = el("dl");
  for (const [name, value] of pairs) {
    if (value === undefined || value === "" || value === null || (Array.isArray(value) && !value.length)) continue;
    dl.append(el("dt", null, name), el("dd", null, value instanceof Node ? value : Array.isArray(value) ? value.join(", ") : String(value)));
  }
  return dl;
}

const code = (text) => text ? el("code", null, text) : "";
const step = (title, verdict, word, ...parts) =>
  el("section.step." + verdict, null, el("h3", null, title, badge(verdict, word)), ...parts);

// pretty indents a policy; one that is no JSON is shown as it is.
function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

function decided(check) {
  return el("div.decided." + (check.allowed ? "allowed" : "refused"), null,
    el("p", null, code(check.action), " ", check.reason || (check.allowed ? "allowed" : "not allowed"), check.statement ? ":" : "."),
    check.statement ? el("p", null, el("strong", null, check.statement)) : el("p", null, "No statement decided: without one that allows it, the answer is no."),
    el("p", null, code(check.resource)));
}

function frontStep(r) {
  const f = r.front, call = r.kind === "call";
  const verdict = f.allowed ? "allowed" : "refused";
  return step(call ? "Account A's API" : "Front door", verdict, f.allowed ? "let in" : "refused",
    f.reason && !(f.checks || []).some((c) => c.reason === f.reason) ? el("p", null, f.reason) : "",
    (f.checks || []).map(decided),
    list([
      ["API", f.name ? f.name + " (" + f.id + ")" : f.id],
      ["request", code(f.method + " " + f.path)],
      ["identity", code(f.caller || (f.subject ? "token of " + f.subject : "")) || "nobody was verified"],
      ["access key id", code(f.accessKey)],
      ["from", f.sourceIp],
      ["answered", f.status + " at " + clock(r.at) + ", after " + r.millis.toFixed(1) + " ms"],
      ["request id", code(f.requestId)],
    ]));
}

const effects = { contributes: "allowed", restricts: "waiting", refuses: "refused", no_match: "waiting" };

function rules(f) {
  const tried = f.rulesTried || [];
  if (!tried.length) return el("p.note", null, f.action === "vend" ? "No rule of the allowlist names this caller and this target." : "");
  return el("table.rules", null,
    el("caption", null, "Rules tried"),
    el("thead", null, el("tr", null, ["rule", "effect", "verdict", "why"].map((t) => el("th", { scope: "col" }, t)))),
    el("tbody", null, tried.map((t) => el("tr", null,
      el("td", null, code(t.id)), el("td", null, t.effect),
      el("td", null, el("span.tone." + (effects[t.verdict] || "refused"), null, t.verdict.replaceAll("_", " "))),
      el("td", null, t.why || "")))));
}

function functionStep(r) {
  const f = r.function, hop = r.hops.find((h) => h.at === "credvend") || { verdict: "waiting" };
  const word = { issued: "granted", reused: "granted, reused", answered: "answered", denied: "granted", refused: "refused" }[f.outcome];
  return step("credvend decides", hop.verdict, word || (f.event === "intent" ? "granted" : f.outcome),
    f.reason ? el("p", null, f.code ? el("strong", null, f.code + ": ") : "", f.reason) : "",
    rules(f),
    list([
      ["caller name", (f.callers || []).length > 1 ? f.caller + " (also matches " + f.callers.filter((c) => c !== f.caller).join(", ") + ")" : f.caller || f.callers],
      ["principal", code(f.principal || f.subject)],
      ["unique id", code(f.uniqueId)],
      ["issuer", code(f.issuer)],
      ["target", f.target],
      [f.outcome === "refused" ? "routes asked for" : "routes granted", code((f.routes || []).join(", "))],
      ["routes carved out", code((f.deniedRoutes || []).join(", "))],
      ["duration", f.grantedSeconds ? life(f.grantedSeconds) + (f.reused ? ", what is left of it" : f.requestedSeconds !== f.grantedSeconds ? ", of " + life(f.requestedSeconds) + " asked for" : "") : ""],
      ["receipt", code(f.receipt)],
      ["access key id", code(f.accessKeyId)],
      ["came in by", r.front ? "" : (f.frontDoor || "an unknown door") + " (no front door here reported it)"],
      ["allowlist", code((f.allowlistDigest || "").slice(0, 19))],
      ["request id", code(f.requestId)],
      ["trace", code(f.traceId)],
    ]));
}

function tags(a) {
  const names = Object.keys(a.tags || {}).sort();
  if (!names.length) return "";
  return el("table", null, el("caption", null, "Session tags"),
    el("tbody", null, names.map((n) => el("tr", null, el("th", { scope: "row" }, code(n)), el("td", null, code(a.tags[n]))))));
}

function stsStep(r, a) {
  const verdict = a.verdict === "granted" ? "allowed" : a.verdict === "refused" ? "refused" : "failed";
  const known = ((r.function || {}).attempts || []).some((t) => t.stsRequestId === a.requestId);
  return step("STS " + a.action, verdict, a.verdict,
    a.reason ? el("div.decided." + verdict, null, a.code ? el("strong", null, a.code + ": ") : "", a.reason) : "",
    list([
      ["role", code(a.role)],
      ["session name", code(a.sessionName)],
      ["source identity", code(a.sourceIdentity)],
      ["duration", a.seconds ? life(a.seconds) : ""],
      ["packed size", a.packedPercent ? a.packedPercent + " % (an estimate)" : ""],
      ["transitive tags", a.transitive],
      ["asked by", code(a.caller)],
      ["region", a.region],
      ["fault played", a.fault],
      ["access key id", code(a.issuedKey)],
      ["request id", code(a.requestId)],
      ["audit trail", r.function && (r.function.attempts || []).length && !known ? "does not know this attempt" : ""],
    ]),
    tags(a),
    a.policy ? copyable(pretty(a.policy), "Session policy") : "");
}

function link(id, word) {
  const r = requests.get(id);
  if (!r) return el("span.note", null, word + " (no longer kept)");
  return el("button." + r.verdict, { type: "button", onclick: () => choose(id, true) }, signs[r.verdict] + " " + word);
}

// details fills the panel.
function details(r) {
  const parts = [el("p.verdict-line", null, badge(r.verdict), el("span", null, r.sentence))];
  const used = r.kind === "call" || r.kind === "sts";
  if (used && r.vend) {
    parts.push(el("div.links", null, link(r.vend, "The request that got these credentials")));
  } else if (used && r.receipt) {
    parts.push(el("p.note", null, "Receipt " + r.receipt + ": the request that got these credentials is no longer kept, or was not seen."));
  } else if (r.vend) {
    parts.push(el("div.links", null, link(r.vend, "The request that these credentials were issued for")));
  }
  if (r.front) parts.push(frontStep(r));
  if (r.function) parts.push(functionStep(r));
  for (const a of r.sts || []) parts.push(stsStep(r, a));
  if (r.calls && r.calls.length) {
    parts.push(el("section.step", null, el("h3", null, "Used for"),
      el("div.links", null, r.calls.map((id) => link(id, (requests.get(id) || { what: "a request" }).what)))));
  }
  $("detail").replaceChildren(...parts);
}
