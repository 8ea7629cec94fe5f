// Where everything is, and what to try.
function table(title, lines) {
  return lines.length && el("table", null, el("caption", null, title),
    el("tbody", null, lines.map(([name, value]) => el("tr", null, el("th", { scope: "row" }, name), el("td", null, el("code", null, value))))));
}

function places(p) {
  if (!p) return;
  $("commands").replaceChildren(...(p.commands || []).map((c) => el("div.card", null,
    copyable(c.text, c.title), c.note && el("p.note", null, c.note))));
  $("places").replaceChildren(...[
    table("Account B: front doors", (p.doors || []).map((d) => [d.name, d.url])),
    table("Account A: APIs", (p.targets || []).map((t) => ["target " + t.name, t.url])),
    table("Services", [["STS", p.sts], ["OIDC issuer", p.issuer], ["region", p.region]].filter((l) => l[1])),
    table("Profiles", (p.profiles || []).map((f) => [f.name, f.who || ""])),
    table("Files, for your eyes only", (p.files || []).map((f) => [f.what, f.path])),
    (p.notes || []).length && el("ul", null, p.notes.map((n) => el("li", null, n))),
  ].filter(Boolean));
}
