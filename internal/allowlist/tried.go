package allowlist

import (
	"slices"

	"github.com/credvend/credvend/internal/route"
)

// contributes returns the first name that an allow rule has a requested route
// for; nil if there is none.
func (t *try) contributes(req Request) *caller {
	if t.rule.deny {
		return nil
	}
	for _, o := range t.offers {
		if concerns(o.routes, req) {
			return o.caller
		}
	}
	return nil
}

// concerns reports whether routes overlap what is asked for.
func concerns(routes []route.Route, req Request) bool {
	if len(req.Routes) == 0 {
		return true
	}
	for _, asked := range req.Routes {
		if asked.OverlapsAny(routes) {
			return true
		}
	}
	return false
}

// tried says of each rule what came of it for a request.
func (p *plan) tried(req Request) []Tried {
	if len(p.tries) == 0 {
		return nil
	}
	all := make([]Tried, len(p.tries))
	if w := p.whole.Load(); w != nil && len(req.Routes) == 0 {
		copy(all, w.tried)
		return all
	}
	for i := range p.tries {
		all[i] = p.tries[i].tried(req)
	}
	return all
}

func (t *try) tried(req Request) Tried {
	said := Tried{Rule: t.rule.id, Effect: Allow, Verdict: t.verdict, Why: t.why}
	if t.rule.deny {
		said.Effect = Deny
	}
	switch {
	case said.Verdict != "":
	case t.rule.deny && slices.ContainsFunc(t.offers, func(o offer) bool { return concerns(o.routes, req) }):
		said.Verdict, said.Why = Restricts, "its routes are carved out of the grant"
	case t.contributes(req) != nil:
		said.Verdict, said.Why = Contributes, "its routes overlap the request"
	default:
		said.Verdict, said.Why = NoMatch, "its routes do not overlap the request"
	}
	return said
}

// deniersOf names the deny rules that a refused route lies inside. A route of
// every method may lie inside several rules together.
func (p *plan) deniersOf(asked route.Route) (ids []string) {
	for _, t := range p.tries {
		if !t.rule.deny {
			continue
		}
		inside := func(e route.Route) bool {
			return slices.ContainsFunc(t.offers, func(o offer) bool { return e.Within(o.routes) })
		}
		if slices.ContainsFunc(asked.Expand(), inside) {
			ids = append(ids, t.rule.id)
		}
	}
	return ids
}
