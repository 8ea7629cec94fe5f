// Package map_test shows maps of allowlists to a browser. test/map/run.sh runs
// it; a plain go test has no browser and passes it over.
package map_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/allowmap"
)

// list writes an allowlist of so many rules, with something of everything:
// templates, deny rules that cut and that refuse, callers of both kinds,
// callers that may do nothing, and a target whose requests must name routes.
func list(rules int) string {
	var b strings.Builder
	targets, callers := max(3, rules/40), max(8, rules/4)
	b.WriteString("version: 1\ntargets:\n")
	words := strings.Fields("orders invoices reports shipments customers products stock prices carts payments refunds audits")
	word := func(i int) string { return words[i%len(words)] }
	for i := range targets {
		fmt.Fprintf(&b, "  %s-%d:\n    role: arn:aws:iam::111122223333:role/%s-invoke-%d\n    api: arn:aws:execute-api:us-east-1:111122223333:a1b2c3d%03d/$default\n", word(i), i, word(i), i, i)
		if i%7 == 3 {
			b.WriteString("    require_routes: true\n")
		}
	}
	b.WriteString("callers:\n")
	for i := range callers {
		switch i % 5 {
		case 0:
			fmt.Fprintf(&b, "  shopper-%d:\n    jwt: { issuer: \"https://idp.example.com\", audience: app-%d, claims: { groups: [\"g-%d\"] } }\n", i, i, i)
		case 1:
			fmt.Fprintf(&b, "  ci-%d:\n    iam: { role: \"arn:aws:iam::444455556666:role/ci-%d-*\" }\n", i, i)
		default:
			fmt.Fprintf(&b, "  %s-service-%d:\n    iam: { role: \"arn:aws:iam::444455556666:role/%s-service-%d\" }\n    tags: { team: %s }\n", word(i), i, word(i), i, word(i))
		}
	}
	name := func(i int) string {
		switch i % 5 {
		case 0:
			return fmt.Sprintf("shopper-%d", i)
		case 1:
			return fmt.Sprintf("ci-%d", i)
		default:
			return fmt.Sprintf("%s-service-%d", word(i), i)
		}
	}
	b.WriteString("rules:\n")
	for i := range rules {
		t := (i * 7) % targets
		target := fmt.Sprintf("%s-%d", word(t), t)
		switch who := name((i * 3) % (callers - 2)); {
		case i%29 == 5:
			fmt.Fprintf(&b, "  - { id: r-%d-no-admin, effect: deny, callers: [%s], target: %s, routes: [\"* /%s/admin/*\"] }\n", i, who, target, word(i))
		case i%97 == 40:
			fmt.Fprintf(&b, "  - { id: r-%d-closed, effect: deny, callers: [%s], target: %s }\n", i, who, target)
		case strings.HasPrefix(who, "shopper"):
			fmt.Fprintf(&b, "  - { id: r-%d-own, callers: [%s], target: %s, routes: [\"GET /users/${claims.sub}/*\", \"GET /%s/*\"] }\n", i, who, target, word(i))
		case i%3 == 0:
			fmt.Fprintf(&b, "  - { id: r-%d-writes, callers: [%s], target: %s, routes: [\"POST /%s\", \"PUT /%s/*\"], max_duration: 30m }\n", i, who, target, word(i), word(i))
		default:
			fmt.Fprintf(&b, "  - { id: r-%d-reads, callers: [%s], target: %s, routes: [\"GET /%s\", \"GET /%s/*\"] }\n", i, who, target, word(i), word(i))
		}
	}
	return b.String()
}

// hostile holds text that would be something else if it became HTML or script.
const hostile = `version: 1
targets:
  t: { role: "arn:aws:iam::111122223333:role/r", api: "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default" }
callers:
  evil:
    jwt: { issuer: "https://idp.example.com/</script><script>document.title='taken'</script>", audience: "<img/src=x/onerror=alert(1)>", claims: { "<!--": ["</script><svg/onload=alert(1)>", "]]>${'DATA'}"] } }
rules:
  - { id: r, callers: [evil], target: t, routes: ["GET /a'&+*"] }
`

func TestInBrowser(t *testing.T) {
	browser := os.Getenv("CREDVEND_MAP_BROWSER")
	if browser == "" {
		t.Skip("test/map/run.sh runs this with a browser")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"100": list(100), "2000": list(2000), "hostile": hostile} {
		file := name + ".yaml"
		if name == "hostile" {
			file = "</title><script>document.title='taken'</script>.yaml"
		}
		f, compiled, err := yamldoc.Load(file, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		m, err := allowmap.New(file, f.Doc, compiled)
		if err != nil {
			t.Fatal(err)
		}
		page, err := m.HTML()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d callers, %d targets, %d cells, %d KiB", name, len(m.Callers), len(m.Targets), len(m.Cells), len(page)>>10)
		if err := os.WriteFile(filepath.Join(dir, name+".html"), page, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "node", "browser.mjs")
	cmd.Env = append(os.Environ(), "MAPS="+dir, "CHROMIUM="+browser)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("the browser's checks: %v", err)
	}
}
