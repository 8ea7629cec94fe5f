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
	return l.decide(c, l.match(c), req, false)
}

// Access returns, for each target that a caller may have anything of, the
// decision on all of it, in the order of the targets' names. Targets that
// require routes are included.
func (l *List) Access(c identity.Caller) []Decision {
	callers := l.match(c)
	var targets []string
	if len(callers) > 0 {
		targets = slices.Clone(l.index.reachAny)
	}
	for _, k := range callers {
		targets = append(targets, l.index.reach[k.name]...)
	}
	slices.Sort(targets)
	var all []Decision
	for _, target := range slices.Compact(targets) {
		if d := l.decide(c, callers, Request{Target: target}, true); d.Allowed() {
			all = append(all, d)
		}
	}
	return all
}

// AccessTo returns the decision on all that a caller may have of one target,
// whether or not a request would have to name its routes.
func (l *List) AccessTo(c identity.Caller, target string) Decision {
	return l.decide(c, l.match(c), Request{Target: target}, true)
}

// decide tries the rules. With describe it tells of all that is granted, even
// where a request would have to name its routes.
func (l *List) decide(c identity.Caller, callers []*caller, req Request, describe bool) Decision {
	t := trial{caller: c, req: req, callers: callers, barred: callers}
	if c.Guest {
		// An account's callers leave guests out so that they are allowed
		// nothing by it. What the account is denied they must be denied too.
		member := c
		member.Guest = false
		t.barred = l.match(member)
	}
	t.decision.Callers = names(callers)
	target := l.targets[req.Target]
	if target == nil || len(callers) == 0 {
		return t.refuse(t.nothing())
	}
	for _, r := range l.index.rulesFor(t.barred, req.Target) {
		if r.deny || len(r.bearers(callers)) > 0 {
			t.try(r)
		}
	}
	switch {
	case !t.entitled:
		// Whatever a deny rule has to say would tell a stranger that the
		// target exists.
		return t.refuse(t.nothing())
	case t.refusal != nil:
		return t.refuse(t.refusal)
	case target.RequireRoutes && len(req.Routes) == 0 && !describe:
		return t.refuse(t.askForRoutes(target.Name))
	}
	routes, refusal := t.narrow()
	if refusal != nil {
		return t.refuse(refusal)
	}
	grant := Grant{
		Target: *target, CallerName: t.bearer, Callers: slices.Clone(t.decision.Callers),
		Routes: routes, Denied: route.Merge(t.denied), Rules: t.rules,
		MaxDuration: target.MaxDuration, LimitedBy: "target " + target.Name,
	}
	if t.limit != nil && t.limit.maxDuration < target.MaxDuration {
		grant.MaxDuration, grant.LimitedBy = t.limit.maxDuration, "rule "+t.limit.id
	}
	if target.SessionTags {
		if grant.Tags, refusal = t.tags(); refusal != nil {
			return t.refuse(refusal)
		}
	} else if len(callers) > 1 {
		// Without tags the session bears one name only: the others could be
		// neither seen nor revoked in Account A.
		return t.refuse(fault.New(fault.Denied, "you match the callers %s, and target %s sends no session tags to tell them apart; its operator must keep the callers apart or switch session_tags on",
			strings.Join(t.decision.Callers, ", "), target.Name))
	}
	t.decision.Grant = &grant
	return t.decision
}

func (t *trial) refuse(why *fault.Error) Decision {
	t.decision.refusal = why
	return t.decision
}

// nothing is the refusal in the words that a target that does not exist gets,
// so that the two cannot be told apart from outside.
func (t *trial) nothing() *fault.Error {
	return fault.New(fault.Denied, "no rule lets you have credentials for target %q; GET /v1/targets lists what you may have", clip(t.req.Target))
}

// askForRoutes is the answer to a request without routes where they are
// required.
func (t *trial) askForRoutes(target string) *fault.Error {
	open := t.open()
	if len(open) == 0 {
		return t.nothing()
	}
	return fault.New(fault.InvalidRequest, "target %s asks each request to name its routes; add routes, such as [%q]", target, open[0])
}

// open returns every route that the caller is allowed and not wholly denied,
// whether asked for or not.
func (t *trial) open() []route.Route {
	return slices.DeleteFunc(slices.Clone(t.available), func(r route.Route) bool { return r.Within(t.denied) })
}

// narrow returns the routes that the credentials shall be good for: those
// asked for, each wholly inside the grant, or else all of the grant.
func (t *trial) narrow() ([]route.Route, *fault.Error) {
	if len(t.req.Routes) == 0 {
		all := route.Merge(t.open())
		if len(all) == 0 {
			return nil, t.nothing()
		}
		return all, nil
	}
	for _, asked := range t.req.Routes {
		if asked.Within(t.denied) {
			return nil, fault.New(fault.Denied, "route %q is denied by rule %s", asked, strings.Join(t.deniersOf(asked), ", "))
		}
		if asked.Within(t.granted) {
			continue
		}
		if nearest, ok := route.Nearest(asked, t.open()); ok {
			return nil, fault.New(fault.Denied, "route %q is not wholly inside your grant for target %s; the nearest granted route is %q", asked, clip(t.req.Target), nearest)
		}
		return nil, t.nothing()
	}
	return route.Merge(t.req.Routes), nil
}

// deniersOf names the deny rules that a refused route lies inside. A route of
// every method may lie inside several rules together.
func (t *trial) deniersOf(asked route.Route) (ids []string) {
	for _, d := range t.deniers {
		if slices.ContainsFunc(asked.Expand(), func(e route.Route) bool { return e.Within(d.routes) }) {
			ids = append(ids, d.id)
		}
	}
	return ids
}
