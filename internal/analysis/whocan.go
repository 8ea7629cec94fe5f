package analysis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/analysis/population"
	"github.com/credvend/credvend/internal/route"
)

// Holder is a caller name and how much of what is asked whoever bears it can
// do. What is said holds for one who bears that name and, if the names cannot
// be told apart, those of Also. Who bears other names too may have more by
// their allow rules, or less by their deny rules: WhoCan.Overlaps tells.
type Holder struct {
	Caller   string   `json:"caller"`
	Also     []string `json:"also,omitempty"` // names that come with it
	Extent   Extent   `json:"extent"`
	Pieces   []Piece  `json:"pieces,omitempty"` // of Part: which part
	Can      string   `json:"can,omitempty"`    // a request that passes
	Cannot   string   `json:"cannot,omitempty"` // a request that does not
	Rules    []string `json:"rules,omitempty"`
	DeniedBy []string `json:"deniedBy,omitempty"`
	Refusal  string   `json:"refusal,omitempty"` // why it is none of the target at all
	Who      string   `json:"who"`               // one who bears the name
}

// Overlap is what holds for somebody other than the callers' lines say.
type Overlap struct {
	Callers []string `json:"callers"`
	Notes   []string `json:"notes,omitempty"` // what sets them apart: "a guest of an identity pool"
	Extent  Extent   `json:"extent"`
	Pieces  []Piece  `json:"pieces,omitempty"`
	Differs string   `json:"differs"` // a request that passes for them and by no line, or the other way round
	Refusal string   `json:"refusal,omitempty"`
	Who     string   `json:"who"`
}

// WhoCan is the answer to who can make certain requests.
type WhoCan struct {
	Target   string    `json:"target"`
	Routes   []string  `json:"routes"`
	Holders  []Holder  `json:"callers"` // every caller of the list, those with all of it first
	Overlaps []Overlap `json:"overlaps,omitempty"`
	More     int       `json:"moreOverlaps,omitempty"` // that are not listed
}

// maxOverlaps bounds what is listed.
const maxOverlaps = 50

// standing is a person and what it may have of one target.
type standing struct {
	person population.Person
	access access
}

// Who answers who can make the requests of asked at a target.
func Who(s Subject, target string, asked []route.Route) (WhoCan, error) {
	answer := WhoCan{Target: target, Routes: texts(asked)}
	if _, known := s.Doc.Targets[target]; !known {
		return WhoCan{}, fmt.Errorf("the allowlist has no target %q; it has %s", target, some(sortedKeys(s.Doc.Targets)))
	}
	people, err := People([]Subject{s}, answer.Routes...)
	if err != nil {
		return WhoCan{}, err
	}
	bases := population.Bases(people, 0)
	base := map[string]standing{}
	isBase := map[int]bool{}
	for _, name := range sortedKeys(s.Doc.Callers) {
		i, someone := bases[name]
		if !someone {
			answer.Holders = append(answer.Holders, Holder{Caller: name, Who: "nobody: no identity can match it"})
			continue
		}
		isBase[i] = true
		at := standing{people[i], accessTo(s.List, people[i].Identity, target)}
		base[name] = at
		h, err := hold(s, name, at, target, asked)
		if err != nil {
			return WhoCan{}, err
		}
		answer.Holders = append(answer.Holders, h)
	}
	slices.SortStableFunc(answer.Holders, func(a, b Holder) int { return cmp.Compare(b.Extent, a.Extent) })
	order := make([]int, 0, len(people))
	for i := range people {
		if !isBase[i] {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(len(people[a].Notes), len(people[b].Notes)), cmp.Compare(len(people[a].Names[0]), len(people[b].Names[0])))
	})
	for _, i := range order {
		o, differs, err := overlap(s, people[i], base, target, asked)
		if err != nil {
			return WhoCan{}, err
		}
		if !differs || slices.ContainsFunc(answer.Overlaps, func(known Overlap) bool { return implies(known, o) }) {
			continue
		}
		if len(answer.Overlaps) >= maxOverlaps {
			answer.More++
			continue
		}
		answer.Overlaps = append(answer.Overlaps, o)
	}
	return answer, nil
}

// hold measures one caller's standing.
func hold(s Subject, name string, at standing, target string, asked []route.Route) (Holder, error) {
	p := at.person
	h := Holder{Caller: name, Refusal: at.access.refusal, Who: p.Describe()}
	h.Also = slices.DeleteFunc(slices.Clone(p.Names[0]), func(n string) bool { return n == name })
	var err error
	if h.Extent, h.Can, h.Cannot, err = at.access.coverage(asked); err != nil {
		return h, err
	}
	h.Rules, h.DeniedBy = rulesFor(s.List, p.Identity, target, asked)
	switch h.Extent {
	case Part:
		// Of all that deny some of it, those that deny the example.
		h.DeniedBy = nil
		if r := must(h.Cannot); r != (route.Route{}) {
			_, h.DeniedBy = rulesFor(s.List, p.Identity, target, []route.Route{r})
		}
		pieces, err := at.access.within(asked)
		if err != nil {
			return h, err
		}
		h.Pieces = named(p.Values, pieces)
	case All:
		h.DeniedBy = nil // they overlap in paths that count nowhere
	case None:
		if len(h.Rules) == 0 {
			h.Rules = nil
		}
	}
	if h.Extent != None {
		h.Refusal = ""
	}
	h.Can, h.Cannot = p.Values.Name(h.Can), p.Values.Name(h.Cannot)
	return h, nil
}

// overlap says whether somebody can do other than the lines of the names it
// bears say together.
func overlap(s Subject, p population.Person, base map[string]standing, target string, asked []route.Route) (Overlap, bool, error) {
	own := accessTo(s.List, p.Identity, target)
	sets := [][]route.Route{asked, near(own.allow, asked), near(own.deny, asked)}
	for _, name := range p.Names[0] {
		b := base[name].access
		if allow := near(filled(p, b.allow), asked); len(allow) > 0 {
			sets = append(sets, allow, near(filled(p, b.deny), asked))
		}
	}
	if len(sets) == 3 && len(sets[1]) == 0 {
		return Overlap{}, false, nil // nobody has any of it
	}
	differs, err := find(sets, func(in func(int) bool) bool {
		by := false
		for i := 3; i < len(sets); i += 2 {
			by = by || in(i) && !in(i+1)
		}
		return in(0) && (in(1) && !in(2)) != by
	})
	if err != nil {
		return Overlap{}, false, err
	}
	if differs == "" {
		// It is what the lines say of each one's own. Yet if that is more of
		// this question than anybody has, the question names it.
		if len(p.Notes) == 0 {
			return Overlap{}, false, nil
		}
		if differs, err = mostOf(own, p, base, asked); err != nil || differs == "" {
			return Overlap{}, false, err
		}
	}
	o := Overlap{Callers: p.Names[0], Notes: p.Notes, Differs: p.Values.Name(differs), Refusal: own.refusal, Who: p.Describe()}
	if o.Extent, _, _, err = own.coverage(asked); err != nil {
		return o, false, err
	}
	if o.Extent == Part {
		pieces, err := own.within(asked)
		if err != nil {
			return o, false, err
		}
		o.Pieces = named(p.Values, pieces)
	}
	return o, true, nil
}

// mostOf returns a request that passes for a person who can do more of what is
// asked than any of its lines says; "" if it cannot.
func mostOf(own access, p population.Person, base map[string]standing, asked []route.Route) (string, error) {
	extent, in, _, err := own.coverage(asked)
	if err != nil || extent == None {
		return "", err
	}
	for _, name := range p.Names[0] {
		line, _, _, err := base[name].access.coverage(asked)
		if err != nil || line >= extent {
			return "", err
		}
	}
	return in, nil
}

// filled are routes with an identity's values where base's stand for any: what
// a line that says <claims.sub> says of this one.
func filled(p population.Person, routes []route.Route) []route.Route {
	out := make([]route.Route, 0, len(routes))
	for _, r := range routes {
		if f := must(p.Values.Fill(r.String(), p.Identity)); f != (route.Route{}) {
			out = append(out, f)
		}
	}
	return out
}

// implies reports whether a known overlap says the same of fewer names.
func implies(known, o Overlap) bool {
	return known.Extent == o.Extent && slices.Equal(known.Notes, o.Notes) && fmt.Sprint(known.Pieces) == fmt.Sprint(o.Pieces) &&
		!slices.ContainsFunc(known.Callers, func(n string) bool { return !slices.Contains(o.Callers, n) })
}

// some lists a few names.
func some(names []string) string {
	const few = 10
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > few:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
	}
	return strings.Join(names, ", ")
}
