package allowlist

import (
	"cmp"
	"fmt"
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
	denied = toDeny(stage, allow, deny)
	return route.Policy(stage, allow, denied), denied
}

// toDeny is what of deny must stand in the session policy.
func toDeny(stage arn.Stage, allow, deny []route.Route) (denied []route.Route) {
	if route.PolicySize(stage, allow, deny) <= MaxPolicy {
		return deny
	}
	for _, d := range deny {
		if d.OverlapsAny(allow) {
			denied = append(denied, d)
		}
	}
	return denied
}

// sizes refuses grants that could never be put into a session policy.
func (c *compiler) sizes() {
	var pairs []callerTarget
	for _, name := range c.targetNames {
		if t := c.list.targets[name]; len(t.rules) > 0 && !t.RequireRoutes {
			pairs = append(pairs, callerTarget{target: t})
		}
	}
	for _, k := range c.list.callers {
		for _, r := range k.reach {
			if !r.target.RequireRoutes {
				pairs = append(pairs, callerTarget{k, r.target})
			}
		}
	}
	// By target, then by caller: what every caller has comes first.
	slices.SortStableFunc(pairs, func(a, b callerTarget) int { return cmp.Compare(a.target.place, b.target.place) })
	var full *target // where what every caller has is too much already
	var w whole
	for _, who := range pairs {
		t := who.target
		if t == full {
			continue
		}
		w.of(c.list, who)
		if len(w.allow) == 0 || route.PolicySize(t.Stage, w.allow, w.deny) <= MaxPolicy {
			continue // merging makes it no longer
		}
		w.merge()
		if len(w.allow) == 0 {
			continue
		}
		size := route.PolicySize(t.Stage, w.allow, toDeny(t.Stage, w.allow, w.deny))
		if size <= MaxPolicy {
			continue
		}
		whose := "that every caller has"
		if who.caller != nil {
			whose = "of caller " + who.caller.name
		} else {
			full = t
		}
		c.at("rules", w.last, "routes").fail(
			fmt.Sprintf("the whole grant %s for target %s makes a session policy of %d characters; STS takes %d", whose, t.Name, size, MaxPolicy),
			"merge routes with wildcards (a `*` method counts seven times), or set require_routes: true on the target, so that each request says what it needs")
	}
}

// callerTarget is a caller and a target that rules name it for. No caller
// stands for one that only rules for all callers concern.
type callerTarget struct {
	caller *caller
	target *target
}

// whole is all that a caller is allowed and denied at a target, with the
// shortest values in templates, and the place of the last rule that allows it.
type whole struct {
	allow, deny []route.Route
	last        int
}

// of works it out, in the memory of the one before.
func (w *whole) of(l *List, who callerTarget) {
	w.allow, w.deny, w.last = w.allow[:0], w.deny[:0], 0
	all := who.target.rules
	if who.caller != nil {
		for _, m := range who.caller.at(who.target) {
			for len(all) > 0 && all[0] < m.rule {
				w.add(l, all[0])
				all = all[1:]
			}
			w.add(l, m.rule)
		}
	}
	for _, r := range all {
		w.add(l, r)
	}
}

func (w *whole) add(l *List, place int32) {
	r := &l.rules[place]
	to := &w.allow
	if r.deny {
		to = &w.deny
	} else {
		w.last = int(place)
	}
	*to = append(*to, r.fixed...)
	for _, p := range r.patterns {
		*to = append(*to, p.shortest())
	}
}

func (w *whole) merge() {
	w.allow, w.deny = route.Merge(w.allow), route.Merge(w.deny)
	// What is denied wholly is not granted.
	w.allow = slices.DeleteFunc(w.allow, func(r route.Route) bool { return r.Within(w.deny) })
}
