package allowlist

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/route"
)

// SessionPolicy writes the session policy for routes of a stage and returns,
// beside it, the denied routes that stand in it: all of them if they fit, else
// those that overlap what is allowed. The others deny what is not allowed
// anyway, and a long list of them must not keep anybody from asking for less.
// The text may still be longer than MaxPolicy.
func SessionPolicy(stage arn.Stage, allow, deny []route.Route) (policy string, denied []route.Route) {
	policy = route.Policy(stage, allow, deny)
	if len(policy) <= MaxPolicy {
		return policy, deny
	}
	for _, d := range deny {
		if slices.ContainsFunc(allow, d.Overlaps) {
			denied = append(denied, d)
		}
	}
	return route.Policy(stage, allow, denied), denied
}

// sizes refuses grants that could never be put into a session policy.
func (c *compiler) sizes() {
	pairs := slices.Collect(maps.Keys(c.list.index.byCaller))
	for target := range c.list.index.byAny {
		pairs = append(pairs, callerTarget{AnyCaller, target})
	}
	// AnyCaller sorts before every name.
	slices.SortFunc(pairs, func(a, b callerTarget) int {
		return cmp.Or(cmp.Compare(a.target, b.target), cmp.Compare(a.caller, b.caller))
	})
	full := "" // a target where what every caller has is too much already
	for _, who := range pairs {
		t := c.list.targets[who.target]
		if t.RequireRoutes || who.target == full {
			continue
		}
		allow, deny, last := c.list.wholeGrant(who)
		if len(allow) == 0 {
			continue
		}
		policy, _ := SessionPolicy(t.Stage, allow, deny)
		if len(policy) <= MaxPolicy {
			continue
		}
		whose := "of caller " + who.caller
		if who.caller == AnyCaller {
			whose, full = "that every caller has", who.target
		}
		c.at("rules", last, "routes").fail(
			fmt.Sprintf("the whole grant %s for target %s makes a session policy of %d characters; STS takes %d", whose, who.target, len(policy), MaxPolicy),
			"merge routes with wildcards (a `*` method counts seven times), or set require_routes: true on the target, so that each request says what it needs")
	}
}

// wholeGrant is all that a caller is allowed and denied at a target, with the
// shortest values in templates, and the place of the last rule that allows it.
// The name of no caller stands for one that only rules for all callers concern.
func (l *List) wholeGrant(who callerTarget) (allow, deny []route.Route, last int) {
	var callers []*caller
	if k := l.callers[who.caller]; k != nil {
		callers = append(callers, k)
	}
	for _, r := range l.index.rulesFor(callers, who.target) {
		for _, p := range r.routes {
			if r.deny {
				deny = append(deny, p.shortest())
			} else {
				allow, last = append(allow, p.shortest()), r.place
			}
		}
	}
	allow, deny = route.Merge(allow), route.Merge(deny)
	// What is denied wholly is not granted.
	return slices.DeleteFunc(allow, func(r route.Route) bool { return r.Within(deny) }), deny, last
}
