package analysis

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/credvend/credvend/internal/analysis/population"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

// RouteHeld is a route of a grant, and how much of it passes.
type RouteHeld struct {
	Route  string   `json:"route"`
	Extent Extent   `json:"extent"`
	Except []string `json:"except,omitempty"` // of Part: what is denied of it
	Rules  []string `json:"rules,omitempty"`
	Denied []string `json:"deniedBy,omitempty"`
}

// Holding is what an identity may have of one target.
type Holding struct {
	Target         string        `json:"target"`
	Extent         Extent        `json:"extent"` // of the whole API
	Routes         []RouteHeld   `json:"routes,omitempty"`
	MaxDuration    time.Duration `json:"-"`
	MaxSeconds     int           `json:"maxSeconds,omitempty"`
	LimitedBy      string        `json:"limitedBy,omitempty"`
	RequiresRoutes bool          `json:"requiresRoutes,omitempty"`
	Refusal        string        `json:"refusal,omitempty"` // why it is nothing
}

// WhatCan is what an identity may have, by target.
type WhatCan struct {
	Callers []string  `json:"callers"` // the names it bears
	Who     string    `json:"who"`
	Targets []Holding `json:"targets"` // every target of the list
}

// What answers what an identity can do. Values names what stands for any value
// of a claim, if the identity stands for others.
func What(s Subject, c identity.Caller, v population.Values) (WhatCan, error) {
	answer := WhatCan{Callers: s.List.Names(c), Who: population.Person{Identity: c, Values: v}.Describe()}
	for _, target := range slices.Sorted(maps.Keys(s.Doc.Targets)) {
		h, err := holding(s, c, v, target)
		if err != nil {
			return WhatCan{}, err
		}
		answer.Targets = append(answer.Targets, h)
	}
	return answer, nil
}

func holding(s Subject, c identity.Caller, v population.Values, target string) (Holding, error) {
	a := accessTo(s.List, c, target)
	h := Holding{Target: target, Refusal: a.refusal}
	everything := []route.Route{must("* /*")}
	var err error
	if h.Extent, _, _, err = a.coverage(everything); err != nil {
		return h, err
	}
	if g := a.decision.Grant; g != nil && a.refusal == "" {
		h.MaxDuration, h.MaxSeconds, h.LimitedBy = g.MaxDuration, int(g.MaxDuration/time.Second), g.LimitedBy
		h.RequiresRoutes = g.Target.RequireRoutes
	}
	for _, r := range a.allow {
		one := []route.Route{r}
		held := RouteHeld{Route: v.Name(r.String())}
		if held.Extent, _, _, err = a.coverage(one); err != nil {
			return h, err
		}
		held.Rules, held.Denied = rulesFor(s.List, c, target, one)
		switch held.Extent {
		case Part:
			for _, d := range route.Merge(near(a.deny, one)) {
				held.Except = append(held.Except, v.Name(d.String()))
			}
		case All, None:
			if held.Extent == All {
				held.Denied = nil
			}
		}
		h.Routes = append(h.Routes, held)
	}
	// What a rule allows and others deny wholly stands in no grant.
	seen := map[string]bool{}
	for _, t := range a.decision.Tried {
		if string(t.Verdict) != "contributes" {
			continue
		}
		for _, text := range s.routesOf(t.Rule) {
			r := must(text)
			if (r == route.Route{}) || strings.Contains(text, "${") || seen[text] || !r.Within(a.deny) && a.refusal == "" {
				continue
			}
			seen[text] = true
			_, by := rulesFor(s.List, c, target, []route.Route{r})
			h.Routes = append(h.Routes, RouteHeld{Route: text, Extent: None, Rules: []string{t.Rule}, Denied: by})
		}
	}
	return h, nil
}

// routesOf are the routes of a rule as written.
func (s Subject) routesOf(id string) []string {
	for i := range s.Doc.Rules {
		if s.Doc.Rules[i].ID == id {
			return s.Doc.Rules[i].Routes
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
