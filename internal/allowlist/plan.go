package allowlist

import (
	"slices"
	"sync/atomic"

	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

// plan is all that can be said of callers at a target before it is known which
// routes are asked for. It is not changed once made, but for whole.
type plan struct {
	target  *target
	callers []*caller // whom allow rules are tried for
	tries   []try

	entitled  bool          // an allow rule has something for the caller, usable or not
	closed    bool          // a deny rule without routes
	refusal   *fault.Error  // a rule, or a tag, that cannot be worked out
	available []route.Route // of every allow rule
	denied    []route.Route // of every deny rule, merged
	tags      []Tag
	tagsClash *fault.Error

	personal bool // it holds what only this identity's values, or its being a guest, give
	kept     bool // in the memo
	bearings int
	whole    atomic.Pointer[wholeGrant] // nil: not asked for yet, or not kept
}

// try is one rule with what it has for the caller.
type try struct {
	rule    *rule
	offers  []offer
	verdict Verdict // empty: it depends on the request
	why     string
	limit   string // names the rule, if it shortens the life of credentials
}

// offer is a rule's routes for one caller name.
type offer struct {
	caller *caller
	routes []route.Route
}

// planFor returns the plan for an identity that is these callers.
func (l *List) planFor(c *identity.Caller, callers []*caller, t *target) *plan {
	if !c.Guest {
		if p := l.memo.get(callers, t); p != nil {
			return p
		}
	}
	p := &plan{target: t, callers: slices.Clone(callers), personal: c.Guest}
	barred := p.callers
	if c.Guest {
		// An account's callers leave guests out so that they are allowed
		// nothing by it. What the account is denied they must be denied too.
		member := *c
		member.Guest = false
		barred = l.index.match(nil, &member)
	}
	var room [16]bearing
	all := l.bearings(room[:0], barred, t)
	p.bearings = len(all)
	p.tries = make([]try, 0, len(all))
	offers := make([]offer, 0, len(all)) // of all tries together
	for len(all) > 0 {
		same := 1
		for same < len(all) && all[same].rule == all[0].rule {
			same++
		}
		offers = p.try(c, &l.rules[all[0].rule], all[:same], offers)
		all = all[same:]
	}
	p.denied = route.Merge(p.denied)
	if t.SessionTags {
		p.tags, p.tagsClash = p.tagsOf(c)
	}
	l.memo.put(p)
	return p
}

// keeps reports whether a plan may stand in the memo.
func (p *plan) keeps() bool {
	return !p.personal && p.refusal == nil && p.tagsClash == nil && p.bearings <= maxMemoBearings && len(p.available)+len(p.denied) <= maxMemoRoutes
}

// try works out what one rule has for those of its callers that the identity
// is, and appends that to offers.
func (p *plan) try(c *identity.Caller, r *rule, who []bearing, offers []offer) []offer {
	t := try{rule: r}
	if r.maxDuration > 0 {
		t.limit = "rule " + r.id
	}
	first := len(offers)
	var missing *fillError
	if r.deny && r.routes() == 0 {
		p.closed = true
		t.verdict, t.why = Refuses, "denies the whole target"
		p.tries = append(p.tries, t)
		return offers
	}
	concerned := false
	for _, b := range who {
		if !r.deny && !slices.Contains(p.callers, b.caller) {
			continue // it bars a guest, and allows it nothing
		}
		concerned = true
		routes, failed := p.expand(c, r, b.caller)
		switch {
		case failed != nil && !r.deny && failed.reason == missingValue:
			missing = failed
			continue
		case failed != nil:
			// A deny that cannot be worked out denies everything.
			p.entitled = p.entitled || !r.deny
			t.verdict, t.why = Refuses, failed.Error()
			if p.refusal == nil { // the first such rule gives the text
				p.refusal = fault.New(fault.Denied, "rule %s cannot be applied to you: %s", r.id, failed)
			}
			p.tries = append(p.tries, t)
			return offers
		}
		offers = append(offers, offer{b.caller, routes})
	}
	if !concerned {
		return offers
	}
	t.offers = offers[first:len(offers):len(offers)]
	switch {
	case r.deny:
		for _, o := range t.offers {
			p.denied = append(p.denied, o.routes...)
		}
	case len(t.offers) > 0:
		p.entitled = true
		for _, o := range t.offers {
			p.available = append(p.available, o.routes...)
		}
	default:
		t.verdict, t.why = NoMatch, missing.Error()
	}
	p.tries = append(p.tries, t)
	return offers
}

// expand returns a rule's routes with a caller's values filled in. A value
// that may not be used counts for more than one that is missing, wherever the
// two stand: the first refuses the request, the second only the rule.
func (p *plan) expand(c *identity.Caller, r *rule, k *caller) ([]route.Route, *fillError) {
	if r.patterns == nil {
		return r.fixed, nil
	}
	p.personal = true
	routes := make([]route.Route, 0, len(r.patterns))
	var missing *fillError
	for _, pattern := range r.patterns {
		filled, failed := pattern.fill(c, k.name)
		switch {
		case failed == nil:
			routes = append(routes, filled)
		case failed.reason != missingValue:
			return nil, failed
		case missing == nil:
			missing = failed
		}
	}
	if missing != nil {
		return nil, missing
	}
	return routes, nil
}

// open returns every route that the caller is allowed and not wholly denied,
// whether asked for or not.
func (p *plan) open() []route.Route {
	if len(p.denied) == 0 {
		return p.available
	}
	return slices.DeleteFunc(slices.Clone(p.available), func(r route.Route) bool { return r.Within(p.denied) })
}

// all returns the whole grant. It is worked out when it is first asked for:
// where a request must name its routes it may be large, and of no use.
func (p *plan) all() *wholeGrant {
	if w := p.whole.Load(); w != nil {
		return w
	}
	w := &wholeGrant{stage: p.target.Stage, allow: route.Merge(p.open()), deny: p.denied}
	if !p.kept {
		return w
	}
	w.tried = p.tried(Request{Target: p.target.Name})
	if route.PolicySize(w.stage, w.allow, w.deny) <= MaxPolicy {
		w.policy = route.Policy(w.stage, w.allow, w.deny)
	}
	p.whole.Store(w)
	return w
}
