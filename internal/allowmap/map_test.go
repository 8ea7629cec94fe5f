package allowmap_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/allowmap"
)

const list = `version: 1
targets:
  orders:
    role: arn:aws:iam::111122223333:role/orders-invoke
    api: arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default
    external_id: external-7f3c9a
  shut:
    role: arn:aws:iam::111122223333:role/shut-invoke
    api: arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default
callers:
  account:
    iam: { account: "444455556666" }
  billing:
    iam: { role: "arn:aws:iam::444455556666:role/billing" }
    tags: { team: billing }
  idle:
    iam: { role: "arn:aws:iam::777788889999:role/idle" }
  shopper:
    jwt: { issuer: "https://idp.example.com", audience: app, claims: { "g": ["</script><script>alert(1)</script>"] } }
rules:
  - { id: reads, callers: [billing], target: orders, routes: ["GET /orders", "GET /orders/*"], max_duration: 30m }
  - { id: all-read, callers: [account], target: orders, routes: ["GET /health"] }
  - { id: own, callers: [shopper], target: orders, routes: ["GET /users/${claims.sub}/*", "GET /a"] }
  - { id: no-secrets, effect: deny, callers: ["*"], target: orders, routes: ["* /orders/secret", "GET /a"] }
  - { id: shut-reads, callers: [billing], target: shut, routes: ["GET /orders"] }
  - { id: shut-now, effect: deny, callers: ["*"], target: shut }
`

func draw(t *testing.T, text string) *allowmap.Map {
	t.Helper()
	f, compiled, err := yamldoc.Load("list.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m, err := allowmap.New("list.yaml", f.Doc, compiled)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMap: a line for each cell, as the page tells of it.
func TestMap(t *testing.T) {
	m := draw(t, list)
	var got []string
	for _, c := range m.Cells {
		line := m.Callers[c.Caller].Name + " on " + m.Targets[c.Target].Name + ":"
		for _, r := range c.Routes {
			line += " " + string(r.State) + " " + r.Text
			for _, i := range r.Rules {
				line += " (" + m.Rules[i].ID + ")"
			}
		}
		if c.Refusal != "" {
			line += " refused"
		}
		if len(c.Too) > 0 {
			line += " too " + fmt.Sprint(c.Too)
		}
		got = append(got, line)
	}
	want := []string{
		"account on orders: a GET /health (all-read) d * /orders/secret (no-secrets) d GET /a (no-secrets)",
		"billing on orders: a GET /orders (reads) p GET /orders/* (reads) a GET /health (all-read) d * /orders/secret (no-secrets) d GET /a (no-secrets) too [account]",
		"billing on shut: d GET /orders (shut-reads) d * /* (shut-now) refused too [account]",
		"shopper on orders: a GET /users/${claims.sub}/* (own) d GET /a (own) (no-secrets) d * /orders/secret (no-secrets)",
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, c := range m.Cells {
		if (c.Policy >= 0) == (c.Refusal != "") {
			t.Errorf("%+v", c)
		}
	}
	if p := strings.Join(m.Policies, "\n"); !strings.Contains(p, "/GET/users/<claims.sub>/*") || !strings.Contains(p, "/GET/orders/*") {
		t.Errorf("%s", p)
	}
}

// TestPage: one page, which asks nobody for anything, whose script is known by
// its hash, and which no text of the list gets out of.
func TestPage(t *testing.T) {
	m := draw(t, list)
	m.File = `"><script>alert(1)</script>/*DATA*/<!--POLICY-->`
	html, err := m.HTML()
	if err != nil {
		t.Fatal(err)
	}
	page := string(html)
	if n := strings.Count(page, "<script"); n != 2 {
		t.Errorf("%d scripts", n)
	}
	for _, never := range []string{"/*STYLE*/", "/*SCRIPT*/", "external-7f3c9a", "</script><script>alert", "innerHTML", " onclick=", " style=", "@import", "url(", "fetch("} {
		if strings.Contains(page, never) {
			t.Errorf("%q stands in the page", never)
		}
	}
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(page)
	script := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindStringSubmatch(page)
	for directive, part := range map[string][]string{"script-src": script, "style-src": style} {
		if len(part) != 2 {
			t.Fatalf("no part for %s", directive)
		}
		sum := sha256.Sum256([]byte(part[1]))
		if want := directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if refs := regexp.MustCompile(`(?:src|href)="([^"#][^"]*)"`).FindAllStringSubmatch(page, -1); len(refs) != 1 || refs[0][1] != "data:," {
		t.Errorf("%q", refs)
	}
	data := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindStringSubmatch(page)
	var back allowmap.Map
	if len(data) != 2 || strings.ContainsAny(data[1], "<>&\u2028") || json.Unmarshal([]byte(data[1]), &back) != nil || back.File != m.File || len(back.Cells) != len(m.Cells) {
		t.Errorf("the data: %.300q", data)
	}
	for _, name := range []string{"index.html", "style.css", "script.js"} {
		if text, err := os.ReadFile("page/" + name); err != nil || len(text) < 500 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\ntargets:\n")
	for i := range 150 {
		fmt.Fprintf(&b, "  t%d: { role: \"arn:aws:iam::111122223333:role/r\", api: \"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default\" }\n", i)
	}
	b.WriteString("callers:\n")
	for i := range 150 {
		fmt.Fprintf(&b, "  c%d: { iam: { role: \"arn:aws:iam::444455556666:role/c%d\" } }\n", i, i)
	}
	b.WriteString("rules:\n")
	for i := range 150 {
		fmt.Fprintf(&b, "  - { id: r%d, callers: [\"*\"], target: t%d, routes: [\"GET /\"] }\n", i, i)
	}
	f, compiled, err := yamldoc.Load("list.yaml", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := allowmap.New("list.yaml", f.Doc, compiled); err == nil || !strings.Contains(err.Error(), "too many for one page") {
		t.Error(err)
	}
}
