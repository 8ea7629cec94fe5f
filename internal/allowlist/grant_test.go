package allowlist_test

import (
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
)

// Once the whole grant was asked for, its session policy is at hand. Nobody
// gets it who was granted less, nor for a grant that was changed since.
func TestSessionPolicyIsOfThisGrant(t *testing.T) {
	list := compile(t, rules(allow("a", "billing", "GET /x/*", "GET /y"), deny("d", "billing", "GET /x/1")))
	whole := func() *allowlist.Grant { return list.Decide(role("billing"), ask(t)).Grant }
	whole()
	for name, g := range map[string]*allowlist.Grant{
		"all of it":         whole(),
		"a route asked for": list.Decide(role("billing"), ask(t, "GET /y")).Grant,
		"less":              change(whole(), func(g *allowlist.Grant) { g.Routes = g.Routes[:1] }),
		"another route":     change(whole(), func(g *allowlist.Grant) { g.Routes[0] = parse(t, "GET /z")[0] }),
		"nothing denied":    change(whole(), func(g *allowlist.Grant) { g.Denied = nil }),
		"another denied":    change(whole(), func(g *allowlist.Grant) { g.Denied[0] = parse(t, "GET /x/2")[0] }),
		"another stage":     change(whole(), func(g *allowlist.Grant) { g.Target.Stage.Name = "dev" }),
	} {
		got, _ := g.SessionPolicy()
		if want, _ := allowlist.SessionPolicy(g.Target.Stage, g.Routes, g.Denied); got != want {
			t.Errorf("%s: got  %s\nwant %s", name, got, want)
		}
	}
}

func change(g *allowlist.Grant, by func(*allowlist.Grant)) *allowlist.Grant {
	by(g)
	return g
}
