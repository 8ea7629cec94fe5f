package analysis

import (
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/analysis/globset"
	"github.com/credvend/credvend/internal/route"
)

// Extent says how much of something is meant. Its zero value is none.
type Extent uint8

// The extents.
const (
	None Extent = iota
	Part
	All
)

// String is the extent's words.
func (e Extent) String() string {
	switch e {
	case All:
		return "all of it"
	case Part:
		return "part of it"
	default:
		return "none"
	}
}

// MarshalText writes all, part or none.
func (e Extent) MarshalText() ([]byte, error) {
	word, _, _ := strings.Cut(e.String(), " ")
	return []byte(word), nil
}

// otherMethod stands for every method that no route can name. Only `* /*`,
// which IAM is given as <stage>/*, lets requests with it pass.
const otherMethod = "TRACE"

// readOtherwise are the paths that backends may read as others. Every session
// policy denies them, so no access has them, and no question is about them.
// Their encoded forms need no place here: routes hold no percent sign.
var readOtherwise = []string{"*//*", "*/./*", "*/.", "*/../*", "*/.."}

// language is a set of requests: those that a route of allow matches and none
// of deny, as a session policy says it.
type language struct{ allow, deny []route.Route }

func methods() []string { return append(route.Methods(), otherMethod) }

// under are the paths of the routes that have a method.
func under(method string, routes []route.Route) (paths []string) {
	for _, r := range routes {
		switch {
		case r == route.Route{}:
		case r.Method() == method, r.Method() == route.AnyMethod && (method != otherMethod || r.Path() == "/*"):
			paths = append(paths, r.Path())
		}
	}
	return paths
}

// find returns a request, METHOD PATH, of which accept says yes, told which of
// the sets have a route for it; "" if there is none.
func find(sets [][]route.Route, accept func(in func(set int) bool) bool) (string, error) {
	for _, method := range methods() {
		groups := make([][]string, len(sets), len(sets)+1)
		some := false
		for i, set := range sets {
			groups[i] = under(method, set)
			some = some || len(groups[i]) > 0
		}
		if !some {
			continue
		}
		last := len(groups)
		path, found, err := globset.Shortest(append(groups, readOtherwise), func(in func(int) bool) bool { return !in(last) && accept(in) })
		if err != nil {
			return "", err
		}
		if found {
			return method + " " + path, nil
		}
	}
	return "", nil
}

// near keeps the routes that have something in common with one of others.
func near(routes, others []route.Route) []route.Route {
	return slices.DeleteFunc(slices.Clone(routes), func(r route.Route) bool { return !slices.ContainsFunc(others, r.Overlaps) })
}

// coverage says how much of the requests of asked is in l, with a request
// that is and, unless that is none, one that is not.
func (l language) coverage(asked []route.Route) (extent Extent, in, out string, err error) {
	allow := near(l.allow, asked)
	if len(allow) == 0 {
		return None, "", "", nil
	}
	sets := [][]route.Route{asked, allow, near(l.deny, asked)}
	if in, err = find(sets, func(in func(int) bool) bool { return in(0) && in(1) && !in(2) }); err != nil {
		return None, "", "", err
	}
	if in == "" {
		return None, "", "", nil
	}
	if out, err = find(sets, func(in func(int) bool) bool { return in(0) && (!in(1) || in(2)) }); err != nil {
		return None, "", "", err
	}
	if out == "" {
		return All, in, "", nil
	}
	return Part, in, out, nil
}

// minus returns a request that is in l and not in o; "" if there is none.
func (l language) minus(o language) (string, error) {
	allow := near(o.allow, l.allow)
	return find([][]route.Route{l.allow, near(l.deny, l.allow), allow, near(o.deny, allow)}, func(in func(int) bool) bool {
		return in(0) && !in(1) && (!in(2) || in(3))
	})
}

// Piece is a set of requests in words: those of Route that are also of And, if
// it is given, and of none of Except.
type Piece struct {
	Route   string   `json:"route"`
	And     string   `json:"and,omitempty"`
	Except  []string `json:"except,omitempty"`
	Example string   `json:"example"` // a request of the piece
}

// String writes the piece as GET /orders/*, except GET /orders/secret.
func (p Piece) String() string {
	s := p.Route
	if p.And != "" {
		s += " that are also " + p.And
	}
	if len(p.Except) > 0 {
		s += ", except " + strings.Join(p.Except, ", ")
	}
	return s
}

// beyond writes what is in l and not in o as pieces. They say exactly that,
// and may overlap.
func (l language) beyond(o language) ([]Piece, error) {
	var pieces []Piece
	for _, r := range route.Merge(l.allow) {
		one := []route.Route{r}
		taken := route.Merge(append(near(l.deny, one), near(o.allow, one)...))
		if err := addPiece(&pieces, r, route.Route{}, taken); err != nil {
			return nil, err
		}
		// What o denies of what it allows is beyond it too.
		for _, d := range route.Merge(near(o.deny, one)) {
			if len(near(o.allow, []route.Route{d})) == 0 {
				continue // the piece above has it
			}
			both, and := intersect(r, d)
			for _, b := range both {
				if err := addPiece(&pieces, b, and, route.Merge(near(l.deny, []route.Route{b}))); err != nil {
					return nil, err
				}
			}
		}
	}
	return pieces, nil
}

// within writes what is in both as pieces.
func (l language) within(asked []route.Route) ([]Piece, error) {
	var pieces []Piece
	for _, q := range route.Merge(asked) {
		for _, r := range route.Merge(near(l.allow, []route.Route{q})) {
			both, and := intersect(q, r)
			for _, b := range both {
				if err := addPiece(&pieces, b, and, route.Merge(near(l.deny, []route.Route{b}))); err != nil {
					return nil, err
				}
			}
		}
	}
	return pieces, nil
}

// addPiece adds a piece if it is not empty and none of the others holds it.
func addPiece(pieces *[]Piece, r, and route.Route, except []route.Route) error {
	sets := [][]route.Route{{r}, {and}, except}
	example, err := find(sets, func(in func(int) bool) bool { return in(0) && (and == route.Route{} || in(1)) && !in(2) })
	if err != nil || example == "" {
		return err
	}
	p := Piece{Route: r.String(), And: and.String(), Example: example}
	for _, e := range except {
		if e.Method() == route.AnyMethod && r.Method() != route.AnyMethod {
			e = with(r.Method(), e.Path())
		}
		p.Except = append(p.Except, e.String())
	}
	for _, o := range *pieces {
		if o.String() == p.String() || len(o.Except) == 0 && o.And == "" && r.Within([]route.Route{must(o.Route)}) {
			return nil
		}
	}
	*pieces = append(*pieces, p)
	return nil
}

// intersect writes what two routes share as routes; where that has no short
// form, as the first, and the second beside it.
func intersect(a, b route.Route) (both []route.Route, and route.Route) {
	method := a.Method()
	if method == route.AnyMethod {
		method = b.Method()
	}
	switch {
	case a.Within([]route.Route{b}):
		return []route.Route{a}, route.Route{}
	case b.Within([]route.Route{a}):
		return []route.Route{b}, route.Route{}
	}
	paths, ok := globset.Intersect(a.Path(), b.Path())
	if !ok {
		return []route.Route{a}, b
	}
	for _, p := range paths {
		// A path that is no route, such as /a//b, is denied to everybody.
		if r := with(method, p); r != (route.Route{}) {
			both = append(both, r)
		} else if len(method)+1+len(p) > route.MaxLength {
			return []route.Route{a}, b
		}
	}
	return both, route.Route{}
}

// with is the route of a method and a path; the zero Route if there is none.
func with(method, path string) route.Route { return must(method + " " + path) }

func must(text string) route.Route {
	r, err := route.Parse(text)
	if err != nil {
		return route.Route{}
	}
	return r
}
