package lint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/route"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func (l *linter) unusedTargets() {
	for _, name := range l.targets {
		if len(l.allows[name]) == 0 {
			l.aboutKey(fmt.Sprintf("no rule allows anything of target %s", name), "remove it, or write a rule for it", "targets", name)
		}
	}
}

// minExternalID is the shortest external id that passes for one's own.
const minExternalID = 8

// guesses are what anybody would try.
const guesses = " external-id externalid external_id credvend broker password changeme change-me secret example test testing default none todo 12345678 123456789 1234567890 00000000 "

func (l *linter) weakExternalIDs() {
	bearers := map[string]string{} // external id → the first target with it
	for _, name := range l.targets {
		t := l.doc.Targets[name]
		id := t.ExternalID
		if id == "" {
			continue
		}
		role, _ := arn.ParseTargetRole(t.Role)
		stage, _ := arn.ParseStage(t.API)
		const remedy = "make a random one of your own, such as `openssl rand -hex 16` prints, and put it in the role's trust policy too"
		weak := func(text string) { l.report(text, remedy, "targets", name, "external_id") }
		roleName := t.Role[strings.LastIndexByte(t.Role, '/')+1:]
		switch low := strings.ToLower(id); {
		case low == strings.ToLower(name) || low == strings.ToLower(roleName):
			weak("the external id is a name that stands elsewhere, so anybody can guess it")
		case id == role.Account || id == stage.API || l.isAccount(id):
			weak("the external id is the id of an account or of an API, which is no secret")
		case strings.Contains(guesses, " "+low+" "):
			weak("the external id is one that anybody would try")
		case strings.Trim(id, id[:1]) == "":
			weak("the external id is one letter over and over")
		case len(id) < minExternalID:
			weak(fmt.Sprintf("the external id has %d characters, so it can be tried out", len(id)))
		}
		first, taken := bearers[id]
		switch {
		case !taken:
			bearers[id] = name
		case l.doc.Targets[first].Role != t.Role:
			weak(fmt.Sprintf("targets %s and %s have one external id for two roles, so who knows that of the one knows the other's", first, name))
		}
	}
}

func (l *linter) isAccount(id string) bool {
	if !arn.IsAccount(id) {
		return false
	}
	for _, k := range l.doc.Callers {
		if k.IAM != nil && account(k.IAM) == id {
			return true
		}
	}
	return false
}

// The sizes from which a grant is told of.
const (
	nearPolicy = allowlist.MaxPolicy * 85 / 100
	// packedPolicy is about where one team's sessions began to fail: STS packs
	// policy and tags, and publishes neither the form nor its limit.
	packedPolicy = 1050
)

// grant is all that a caller is granted at a target, tags included.
type grant struct {
	caller, target string
	last           *rule // that allows it
	policy, tags   int   // characters
}

// grants calls f with the size of each caller's whole grant for each target
// where a request need not name its routes. Variables count as long as a UUID.
func (l *linter) grants(f func(grant)) {
	const someone = ""
	for _, target := range l.targets {
		if l.doc.Targets[target].RequireRoutes {
			continue
		}
		stage, err := arn.ParseStage(l.doc.Targets[target].API)
		if err != nil {
			continue // not so: it compiled
		}
		byCaller := map[string][]*rule{}
		var byAny []*rule
		for _, r := range slices.Concat(l.allows[target], l.denies[target]) {
			if r.anyone {
				byAny = append(byAny, r)
				continue
			}
			for _, name := range r.Callers {
				byCaller[name] = append(byCaller[name], r)
			}
		}
		if len(byAny) > 0 {
			byCaller[someone] = nil // whoever no other rule names
		}
		for _, name := range sortedKeys(byCaller) {
			g := grant{caller: cmp.Or(name, "every caller"), target: target}
			var allow, deny []route.Route
			for _, r := range slices.Concat(byAny, byCaller[name]) {
				for _, p := range r.patterns {
					switch long := long(p); {
					case r.deny():
						deny = append(deny, long)
					default:
						allow, g.last = append(allow, long), later(g.last, r)
					}
				}
			}
			if g.last == nil {
				continue
			}
			policy, _ := allowlist.SessionPolicy(stage, route.Merge(allow), route.Merge(deny))
			g.policy = len(policy)
			for key, value := range l.doc.Callers[name].Tags {
				g.tags += len(key) + len(value)
			}
			f(g)
		}
	}
}

func later(a, b *rule) *rule {
	if a == nil || b.place > a.place {
		return b
	}
	return a
}

// long is a route with a UUID for each variable.
func long(p pattern) route.Route {
	if !p.template() {
		return p.fresh
	}
	text := p.fresh.String()
	for _, v := range p.variables {
		text = strings.ReplaceAll(text, stand(v), "123e4567-e89b-42d3-a456-426614174000")
	}
	r, err := route.Parse(text)
	if err != nil {
		return p.fresh
	}
	return r
}

func (l *linter) nearLimit() {
	l.grants(func(g grant) {
		if g.policy > nearPolicy {
			l.add(found{rule: g.last.ID, path: []any{"rules", g.last.place, "routes"},
				text:   fmt.Sprintf("the whole grant of %s for target %s makes a session policy of about %d characters; STS takes %d, so the next route may not fit", g.caller, g.target, g.policy, allowlist.MaxPolicy),
				remedy: "merge routes with wildcards (a `*` method counts seven times), or set require_routes: true on the target"})
		}
	})
}

func (l *linter) packed() {
	l.grants(func(g grant) {
		if size := g.policy + g.tags; size > packedPolicy && g.policy <= nearPolicy {
			l.add(found{rule: g.last.ID, path: []any{"rules", g.last.place, "routes"},
				text:   fmt.Sprintf("the whole grant of %s for target %s takes about %d characters with its tags; by estimate that may be over STS's packed size, whose limit is not published", g.caller, g.target, size),
				remedy: "watch packedPolicyPercent in the answers; merge routes, shorten tags, or set require_routes: true on the target"})
		}
	})
}
