// Package analysis answers questions about allowlists before they serve: who
// can make a request, what can a caller do, what does a change change, do the
// assertions hold, and why.
//
// Every answer comes from the compiler and the decisions that the function
// runs, asked for each person of package population; what those decisions
// grant is compared by package globset, exactly, deny rules included. So an
// answer is about what the session policies let pass, request by request, and
// "all of it" means that no request is missing. Paths that every policy denies
// (dot segments, doubled slashes) count nowhere.
//
// It is pure: no clock, no I/O. It must never be linked into the function.
package analysis

import (
	"slices"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/analysis/population"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
	"github.com/credvend/credvend/internal/scope"
)

// Subject is one allowlist that is asked about.
type Subject struct {
	Doc  *allowlist.Document
	List *allowlist.List
}

func (s Subject) source() population.Source { return population.Source(s) }

// People are the identities that the lists are about; see package population.
func People(subjects []Subject, extra ...string) ([]population.Person, error) {
	sources := make([]population.Source, len(subjects))
	for i, s := range subjects {
		sources[i] = s.source()
	}
	return population.Of(sources, extra...)
}

// access is all that an identity may have of a target.
type access struct {
	language
	decision allowlist.Decision
	refusal  string // why it is nothing
}

// accessTo asks the list. What a session could never carry, as too many tags,
// is no access.
func accessTo(list *allowlist.List, c identity.Caller, target string) access {
	d := list.AccessTo(c, target)
	if !d.Allowed() {
		return access{decision: d, refusal: d.Refusal().Public()}
	}
	one := *d.Grant
	one.Routes, one.Denied = one.Routes[:1], nil
	if _, err := scope.New(c, one, 0); err != nil {
		if f := fault.Of(err); f.Kind == fault.Denied {
			return access{decision: d, refusal: f.Public()}
		}
	}
	return access{language{d.Grant.Routes, d.Grant.Denied}, d, ""}
}

// rulesFor are the ids of the rules that allow some of what is asked, and of
// those that deny some of it.
func rulesFor(list *allowlist.List, c identity.Caller, target string, asked []route.Route) (allow, deny []string) {
	for _, t := range list.Decide(c, allowlist.Request{Target: target, Routes: asked}).Tried {
		switch t.Verdict {
		case allowlist.Contributes:
			allow = append(allow, t.Rule)
		case allowlist.Restricts:
			deny = append(deny, t.Rule)
		case allowlist.Refuses:
			deny = append(deny, t.Rule)
		case allowlist.NoMatch:
		}
	}
	return allow, deny
}

func texts(routes []route.Route) []string {
	out := make([]string, len(routes))
	for i, r := range routes {
		out[i] = r.String()
	}
	return out
}

// named puts the names of claims where values stand for any.
func named(v population.Values, pieces []Piece) []Piece {
	pieces = slices.Clone(pieces)
	for i, p := range pieces {
		p.Route, p.And, p.Example = v.Name(p.Route), v.Name(p.And), v.Name(p.Example)
		p.Except = slices.Clone(p.Except)
		for j := range p.Except {
			p.Except[j] = v.Name(p.Except[j])
		}
		pieces[i] = p
	}
	return pieces
}
