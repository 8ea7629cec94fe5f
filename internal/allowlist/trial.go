package allowlist

import (
	"slices"

	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

// trial is one decision in the making: what the rules tried so far say.
type trial struct {
	caller  identity.Caller
	req     Request
	callers []*caller // whom allow rules are tried for
	barred  []*caller // whom deny rules are tried for: these, and more for a guest

	decision  Decision
	entitled  bool          // an allow rule has something for the caller, usable or not
	available []route.Route // of every allow rule, whether asked for or not
	granted   []route.Route // of the allow rules that overlap the request
	denied    []route.Route
	deniers   []denier
	rules     []string
	bearer    string // caller name of the first contributing rule
	limit     *rule  // the contributing rule of the shortest max_duration
	refusal   *fault.Error
}

// denier is a deny rule with its routes as this caller has them.
type denier struct {
	id     string
	routes []route.Route
}

// try tries one rule and records what came of it.
func (t *trial) try(r *rule) {
	if r.deny {
		t.tryDeny(r)
	} else {
		t.tryAllow(r)
	}
}

func (t *trial) tried(r *rule, v Verdict, why string) {
	effect := Allow
	if r.deny {
		effect = Deny
	}
	t.decision.Tried = append(t.decision.Tried, Tried{r.id, effect, v, why})
}

// cannotApply records that the request is refused because r cannot be worked
// out for the caller. The first such rule gives the text.
func (t *trial) cannotApply(r *rule, why *fillError) {
	t.tried(r, Refuses, why.Error())
	if t.refusal == nil {
		t.refusal = fault.New(fault.Denied, "rule %s cannot be applied to you: %s", r.id, why)
	}
}

func (t *trial) tryDeny(r *rule) {
	if len(r.routes) == 0 {
		t.tried(r, Refuses, "denies the whole target")
		t.refusal = t.nothing() // over any other text: it gives the least away
		return
	}
	d := denier{id: r.id}
	for _, name := range r.bearers(t.barred) {
		routes, failed := r.expand(t.caller, name)
		if failed != nil {
			// A deny that cannot be worked out denies everything.
			t.cannotApply(r, failed)
			return
		}
		d.routes = append(d.routes, routes...)
	}
	t.denied = append(t.denied, d.routes...)
	t.deniers = append(t.deniers, d)
	if !t.concerns(d.routes) {
		t.tried(r, NoMatch, notAsked)
		return
	}
	t.tried(r, Restricts, "its routes are carved out of the grant")
}

func (t *trial) tryAllow(r *rule) {
	var missing *fillError
	contributes, expanded := false, false
	for _, name := range r.bearers(t.callers) {
		routes, failed := r.expand(t.caller, name)
		switch {
		case failed != nil && failed.reason != missingValue:
			t.entitled = true
			t.cannotApply(r, failed)
			return
		case failed != nil:
			missing = failed
			continue
		}
		expanded = true
		t.available = append(t.available, routes...)
		if !t.concerns(routes) {
			continue
		}
		contributes = true
		t.granted = append(t.granted, routes...)
		if t.bearer == "" {
			t.bearer = name
		}
	}
	t.entitled = t.entitled || expanded
	switch {
	case !expanded && missing != nil:
		t.tried(r, NoMatch, missing.Error())
	case !contributes:
		t.tried(r, NoMatch, notAsked)
	default:
		t.tried(r, Contributes, "its routes overlap the request")
		t.rules = append(t.rules, r.id)
		if r.maxDuration > 0 && (t.limit == nil || r.maxDuration < t.limit.maxDuration) {
			t.limit = r
		}
	}
}

const notAsked = "its routes do not overlap the request"

// concerns reports whether routes overlap what is asked for.
func (t *trial) concerns(routes []route.Route) bool {
	if len(t.req.Routes) == 0 {
		return true
	}
	for _, asked := range t.req.Routes {
		if slices.ContainsFunc(routes, asked.Overlaps) {
			return true
		}
	}
	return false
}
