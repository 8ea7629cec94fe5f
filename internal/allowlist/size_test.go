package allowlist_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/route"
)

// long gives n routes that do not merge and take some 140 characters each in a
// policy.
func long(n int) (routes []string) {
	for i := range n {
		routes = append(routes, fmt.Sprintf("GET /%02d/%s", i, strings.Repeat("x", 65)))
	}
	return routes
}

func TestSize(t *testing.T) {
	const one = "merge routes with wildcards (a `*` method counts seven times), or set require_routes: true on the target, so that each request says what it needs"
	for _, tc := range []struct {
		name  string
		rules []allowlist.Rule
		want  string // where and whose; empty: it fits
	}{
		{"what fits", []allowlist.Rule{allow("a", "billing", long(8)...)}, ""},
		{"one rule", []allowlist.Rule{allow("a", "billing", long(20)...)}, "rules[0].routes: the whole grant of caller billing "},
		{"two rules", []allowlist.Rule{allow("a", "billing", long(20)[:8]...), allow("b", "billing ci", long(20)[8:16]...), allow("c", "ci", long(20)[16:18]...)}, "rules[1].routes: the whole grant of caller billing "},
		{"a rule for everyone and one's own", []allowlist.Rule{allow("a", "billing", long(16)[:8]...), allow("b", "*", long(16)[8:]...)}, "rules[1].routes: the whole grant of caller billing "},
		{"a rule for everyone", []allowlist.Rule{allow("a", "*", long(16)...), allow("b", "billing", "GET /y")}, "rules[0].routes: the whole grant that every caller has "},
		{"merged routes", []allowlist.Rule{allow("a", "billing", long(20)...), allow("b", "billing", "GET /*")}, ""},
		{"every method, seven times", []allowlist.Rule{allow("a", "billing", "* /"+strings.Repeat("x", 200))}, "rules[0].routes: the whole grant of caller billing "},
		{"denied routes count", []allowlist.Rule{allow("a", "billing", "GET /*"), deny("d", "*", long(16)...)}, "rules[0].routes: the whole grant of caller billing "},
		{"denied routes that overlap nothing do not", []allowlist.Rule{allow("a", "billing", "POST /*"), deny("d", "*", long(16)...)}, ""},
		{"what is denied is not granted", []allowlist.Rule{allow("a", "billing", long(20)...), allow("b", "billing", "GET /y"), deny("d", "billing", "GET /0*", "GET /1*")}, ""},
		{"denials alone", []allowlist.Rule{allow("a", "ci", "POST /x"), deny("d", "billing", long(30)...)}, ""},
		{"templates at their shortest", []allowlist.Rule{allow("a", "shopper", "* /${claims.sub}/a/${claims.sub}/*")}, ""},
		{"templates too long at their shortest", []allowlist.Rule{allow("a", "shopper", "* /${claims.sub}/"+strings.Repeat("x", 200))}, "rules[0].routes: the whole grant of caller shopper "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, require := range []bool{false, true} {
				doc := rules(tc.rules...)
				target := doc.Targets["orders"]
				target.RequireRoutes = require
				doc.Targets["orders"] = target
				got := problems(t, doc)
				switch {
				case require || tc.want == "":
					if got != nil {
						t.Errorf("require_routes %v: %q", require, got)
					}
				case len(got) != 1 || !strings.HasPrefix(got[0], tc.want) || !strings.HasSuffix(got[0], one):
					t.Errorf("got %q\nwant one with %q", got, tc.want)
				}
			}
		})
	}
}

// The compiler and the policy agree to the character: what compiles is vended.
func TestSizeIsExact(t *testing.T) {
	fits := 0
	for n := range 450 {
		routes := append(long(8), "GET /"+strings.Repeat("y", n+1))
		doc := rules(allow("a", "billing", routes...))
		got := problems(t, doc)
		target := doc.Targets["orders"]
		target.RequireRoutes = true
		doc.Targets["orders"] = target
		g := compile(t, doc).Decide(role("billing"), ask(t, routes...)).Grant
		size := len(route.Policy(g.Target.Stage, g.Routes, g.Denied))
		if (got == nil) != (size <= allowlist.MaxPolicy) {
			t.Errorf("%d characters: %q", size, got)
		}
		if size == allowlist.MaxPolicy || size == allowlist.MaxPolicy+1 {
			fits++
		}
	}
	if fits != 2 {
		t.Errorf("the limit itself was not tried")
	}
}
