package allowlist

import (
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

// Decide answers whether a caller may have what it asks for. It tries every
// rule that concerns the caller and the target, whatever the first one says,
// so that the reasons are complete.
func (l *List) Decide(c identity.Caller, req Request) Decision {
	var room [8]*caller
	return l.decide(&c, l.index.match(room[:0], &c), req, false)
}

// Access returns, for each target that a caller may have anything of, the
// decision on all of it, in the order of the targets' names. Targets that
// require routes are included.
func (l *List) Access(c identity.Caller) []Decision {
	callers := l.index.match(nil, &c)
	var targets []string
	if len(callers) > 0 {
		targets = slices.Clone(l.reachedByAll)
	}
	for _, k := range callers {
		for _, r := range k.reach {
			if r.allows {
				targets = append(targets, r.target.Name)
			}
		}
	}
	slices.Sort(targets)
	var all []Decision
	for _, target := range slices.Compact(targets) {
		if d := l.decide(&c, callers, Request{Target: target}, true); d.Allowed() {
			all = append(all, d)
		}
	}
	return all
}

// AccessTo returns the decision on all that a caller may have of one target,
// whether or not a request would have to name its routes.
func (l *List) AccessTo(c identity.Caller, target string) Decision {
	return l.decide(&c, l.index.match(nil, &c), Request{Target: target}, true)
}

// decide answers for an identity that is these callers. With describe it tells
// of all that is granted, even where a request would have to name its routes.
func (l *List) decide(c *identity.Caller, callers []*caller, req Request, describe bool) Decision {
	t := l.targets[req.Target]
	if t == nil || len(callers) == 0 {
		return Decision{Callers: names(callers), refusal: nothing(req.Target)}
	}
	p := l.planFor(c, callers, t)
	tried := p.tried(req)
	var room [8]route.Route
	routes, refusal := p.answer(room[:0], req, describe)
	if refusal != nil {
		return Decision{Callers: names(callers), Tried: tried, refusal: refusal}
	}
	return p.confer(req, routes, tried)
}

// nothing is the refusal in the words that a target that does not exist gets,
// so that the two cannot be told apart from outside.
func nothing(target string) *fault.Error {
	return fault.New(fault.Denied, "no rule lets you have credentials for target %q; GET /v1/targets lists what you may have", clip(target))
}

// answer returns the routes that are granted, or why nothing is. It has room
// for a few.
func (p *plan) answer(room []route.Route, req Request, describe bool) ([]route.Route, *fault.Error) {
	switch {
	case !p.entitled, p.closed:
		// Whatever else a deny rule has to say would tell a stranger that the
		// target exists; one for the whole target gives the least away.
		return nil, nothing(req.Target)
	case p.refusal != nil:
		return nil, p.refusal
	case p.target.RequireRoutes && len(req.Routes) == 0 && !describe:
		return nil, p.askForRoutes()
	}
	routes, refusal := p.narrow(room, req)
	switch {
	case refusal != nil:
		return nil, refusal
	case p.tagsClash != nil:
		return nil, p.tagsClash
	case !p.target.SessionTags && len(p.callers) > 1:
		// Without tags the session bears one name only: the others could be
		// neither seen nor revoked in Account A.
		return nil, fault.New(fault.Denied, "you match the callers %s, and target %s sends no session tags to tell them apart; its operator must keep the callers apart or switch session_tags on",
			strings.Join(names(p.callers), ", "), p.target.Name)
	}
	return routes, nil
}

// askForRoutes is the answer to a request without routes where they are
// required.
func (p *plan) askForRoutes() *fault.Error {
	open := p.open()
	if len(open) == 0 {
		return nothing(p.target.Name)
	}
	return fault.New(fault.InvalidRequest, "target %s asks each request to name its routes; add routes, such as [%q]", p.target.Name, open[0])
}

// narrow returns the routes that the credentials shall be good for: those
// asked for, each wholly inside the grant, or else all of the grant.
func (p *plan) narrow(room []route.Route, req Request) ([]route.Route, *fault.Error) {
	if len(req.Routes) == 0 {
		if all := p.all().allow; len(all) > 0 {
			return all, nil
		}
		return nil, nothing(req.Target)
	}
	for _, asked := range req.Routes {
		if asked.Within(p.denied) {
			return nil, fault.New(fault.Denied, "route %q is denied by rule %s", asked, strings.Join(p.deniersOf(asked), ", "))
		}
		// A rule with a route that holds a part of what is asked for overlaps
		// it, so that all that is available may be looked at.
		if asked.Within(p.available) {
			continue
		}
		if nearest, ok := route.Nearest(asked, p.open()); ok {
			return nil, fault.New(fault.Denied, "route %q is not wholly inside your grant for target %s; the nearest granted route is %q", asked, clip(req.Target), nearest)
		}
		return nil, nothing(req.Target)
	}
	return route.AppendMerged(room, req.Routes), nil
}

// confer makes the decision that grants routes. All of its memory is its own.
func (p *plan) confer(req Request, routes []route.Route, tried []Tried) Decision {
	g := &roomyGrant{Grant: Grant{
		Target: p.target.TargetInfo, Tags: slices.Clone(p.tags), whole: p.whole.Load(),
		MaxDuration: p.target.MaxDuration, LimitedBy: p.target.limit,
	}}
	names := g.names[:0]
	if n := 2*len(p.callers) + len(tried); n > cap(names) {
		names = make([]string, 0, n)
	}
	for i := range tried {
		if tried[i].Verdict != Contributes {
			continue
		}
		t := &p.tries[i]
		if g.CallerName == "" {
			if g.CallerName = t.offers[0].caller.name; len(t.offers) > 1 {
				g.CallerName = t.contributes(req).name
			}
		}
		if d := t.rule.maxDuration; d > 0 && d < g.MaxDuration {
			g.MaxDuration, g.LimitedBy = d, t.limit
		}
		names = append(names, t.rule.id)
	}
	g.Rules, names = carve(names)
	for _, k := range p.callers {
		names = append(names, k.name)
	}
	g.Callers, names = carve(names)
	d := Decision{Grant: &g.Grant, Tried: tried}
	d.Callers, _ = carve(append(names, g.Callers...))
	both := make([]route.Route, 0, len(routes)+len(p.denied))
	g.Routes, both = carve(append(both, routes...))
	g.Denied, _ = carve(append(both, p.denied...))
	return d
}

// carve parts what stands in room from what is free behind it, so that neither
// can grow into the other.
func carve[T any](room []T) (full, free []T) {
	return slices.Clip(room), room[len(room):]
}
