package allowlist

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

// routePattern is a route of a rule: ready, or a template that a caller's
// values make into one.
type routePattern struct {
	fixed    route.Route
	template *template // nil: fixed
}

// rules checks the rules and adds them to the list.
func (c *compiler) rules() {
	routes, callers := 0, 0
	for i := range c.doc.Rules {
		routes += len(c.doc.Rules[i].Routes)
		callers += len(c.doc.Rules[i].Callers)
	}
	room := make([]route.Route, 0, routes) // of all rules together
	c.named = make([]named, 0, callers)
	c.list.rules = make([]rule, len(c.doc.Rules))
	ids := make(map[string]int, len(c.doc.Rules))
	for i := range c.doc.Rules {
		room = c.rule(i, &c.doc.Rules[i], ids, room)
	}
}

// rule checks a rule and adds it to the list. Its routes take room of room.
func (c *compiler) rule(i int, doc *Rule, ids map[string]int, room []route.Route) []route.Route {
	here := c.at("rules", i)
	r := &c.list.rules[i]
	r.id, r.target, r.deny = doc.ID, c.list.targets[doc.Target], doc.Effect == Deny
	switch first, taken := ids[doc.ID]; {
	case !isRuleID(doc.ID):
		here.under("id").fail(fmt.Sprintf("%q is not a rule id", clip(doc.ID)), "give each rule an id of up to 64 letters, digits and ._-, such as billing-reads-orders; it stands in answers and in the audit trail")
	case taken:
		here.under("id").fail(fmt.Sprintf("the id %q is taken by rule %d", doc.ID, first+1), "ids name rules in answers and in the audit trail, so each needs its own")
	default:
		ids[doc.ID] = i
	}
	if doc.Effect != "" && doc.Effect != Allow && doc.Effect != Deny {
		here.under("effect").fail(fmt.Sprintf("%q is not an effect", clip(doc.Effect)), "write allow or deny; without an effect a rule allows")
	}
	if r.target == nil {
		here.under("target").fail(fmt.Sprintf("there is no target %q", clip(doc.Target)), c.suggest(doc.Target, c.targetNames, "targets"))
	}
	callers := c.ruleCallers(here, i, doc, r)
	again := repeats{list: doc.Routes}
	for j, text := range doc.Routes {
		p, err := parseRoutePattern(text)
		if err != nil {
			here.under("routes", j).fail(err.Error(), "")
			continue
		}
		if again.at(j) {
			here.under("routes", j).fail(fmt.Sprintf("the route %q stands twice", clip(text)), "remove one")
		}
		switch {
		case p.template != nil:
			c.suppliable(here.under("routes", j), p.template, callers)
			r.template(p)
		case r.patterns != nil:
			r.patterns = append(r.patterns, p)
		default:
			room = append(room, p.fixed)
			r.fixed = room[len(room)-len(r.fixed)-1 : len(room) : len(room)]
		}
	}
	switch {
	case !r.deny && len(doc.Routes) == 0:
		here.under("routes").fail("an allow rule needs routes", "list what is allowed, such as [\"GET /orders/*\"]; `* /*` allows everything")
	case r.deny && doc.MaxDuration != "":
		here.under("max_duration").fail("a deny rule has no duration", "remove max_duration")
	case doc.MaxDuration != "":
		r.maxDuration = here.duration("max_duration", doc.MaxDuration, MaxDuration)
	}
	return room
}

// template adds a template to the rule's routes.
func (r *rule) template(p routePattern) {
	if r.patterns == nil {
		for _, fixed := range r.fixed {
			r.patterns = append(r.patterns, routePattern{fixed: fixed})
		}
		r.fixed = nil
	}
	r.patterns = append(r.patterns, p)
}

// routes is how many routes the rule has.
func (r *rule) routes() int { return max(len(r.fixed), len(r.patterns)) }

// ruleCallers checks whom a rule names, and returns the callers that exist.
func (c *compiler) ruleCallers(here place, i int, doc *Rule, r *rule) (callers []string) {
	if len(doc.Callers) == 0 {
		here.under("callers").fail("the rule names no callers", `list caller names, or ["*"] for every caller of this document`)
	}
	again := repeats{list: doc.Callers}
	for j, name := range doc.Callers {
		at := here.under("callers", j)
		k := c.callers[name]
		switch {
		case again.at(j):
			at.fail(fmt.Sprintf("the caller %q stands twice", clip(name)), "remove one")
			continue
		case name == AnyCaller:
			if r.target != nil {
				r.target.rules = append(r.target.rules, int32(i)) //nolint:gosec // as for targets
			}
			callers = slices.Clip(c.callerNames)
			if len(doc.Callers) > 1 {
				at.fail("`*` stands beside other callers", "it names every caller of this document, so it stands alone")
			}
			continue
		case k == nil:
			at.fail(fmt.Sprintf("there is no caller %q", clip(name)), c.suggest(name, c.callerNames, "callers"))
			continue
		case r.deny && c.doc.Callers[name].IAM.pinned():
			// A deny must hold for whoever bears the name, or deleting and
			// re-creating a role would be a way out of it.
			at.fail(fmt.Sprintf("the caller %q is pinned to a unique id, so a re-created principal would escape this deny rule", name), "make a second caller without the id and deny that one")
		}
		c.named = append(c.named, named{k, mention{int32(i), int32(j)}}) //nolint:gosec // as for targets
		callers = append(callers, name)
	}
	return callers
}

// suppliable refuses a template with a variable that some of its callers can
// never have.
func (c *compiler) suppliable(at place, t *template, callers []string) {
	for _, v := range t.variables {
		for _, name := range callers {
			k := c.doc.Callers[name]
			switch {
			case v.source == fromClaim && k.IAM != nil:
				at.fail(fmt.Sprintf("the caller %s is an AWS principal and has no claims to fill %s", name, v), "use the variable only in rules whose callers are all jwt")
			case v.source == fromCallerAccount && k.JWT != nil:
				at.fail(fmt.Sprintf("the caller %s is a token and has no account to fill %s", name, v), "use the variable only in rules whose callers are all iam")
			default:
				continue
			}
			return // one such caller says enough
		}
	}
}

// parseRoutePattern reads a route in which variables may fill whole segments.
func parseRoutePattern(text string) (routePattern, error) {
	if len(text) > route.MaxLength {
		return routePattern{}, fmt.Errorf("a route of %d characters; at most %d are allowed", len(text), route.MaxLength)
	}
	if !strings.Contains(text, "${") {
		r, err := route.Parse(text)
		return routePattern{fixed: r}, err
	}
	t, err := parseTemplate(text)
	if err != nil {
		return routePattern{}, fmt.Errorf("route %q: %w", clip(text), err)
	}
	if !t.wholeSegments() {
		return routePattern{}, fmt.Errorf("route %q: a variable must fill a whole path segment, as in GET /users/${claims.sub}/*", clip(text))
	}
	if _, err := route.Parse(t.with(func(variable) string { return "x" })); err != nil {
		return routePattern{}, err
	}
	return routePattern{template: &t}, nil
}

// fill returns the route with a caller's values.
func (p routePattern) fill(c *identity.Caller, callerName string) (route.Route, *fillError) {
	if p.template == nil {
		return p.fixed, nil
	}
	text, failed := p.template.fill(c, callerName)
	if failed != nil {
		return route.Route{}, failed
	}
	r, err := route.Parse(text)
	if err != nil { // a usable value can do nothing else to a route
		return route.Route{}, &fillError{p.template.variables[0], tooLong}
	}
	return r, nil
}

// shortest is the pattern with the shortest value in the place of each
// variable, for checks of size.
func (p routePattern) shortest() route.Route {
	if p.template == nil {
		return p.fixed
	}
	r, err := route.Parse(p.template.with(func(variable) string { return "x" }))
	if err != nil {
		return route.Route{} // not so: parseRoutePattern tried it
	}
	return r
}
