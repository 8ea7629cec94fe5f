package route

import (
	"slices"
	"strings"
)

// Contains reports whether every request that the ARNs of o match is matched
// by the ARNs of r.
func (r Route) Contains(o Route) bool { return r.pattern().contains(o.pattern()) }

// Overlaps reports whether some text is matched by the ARNs of both.
func (r Route) Overlaps(o Route) bool { return r.pattern().overlaps(o.pattern()) }

// OverlapsAny reports whether r overlaps a member of set.
func (r Route) OverlapsAny(set []Route) bool {
	p := r.pattern()
	for _, s := range set {
		if p.overlaps(s.pattern()) {
			return true
		}
	}
	return false
}

// Within reports whether r lies wholly inside the union of set.
//
// With `*` as the only wildcard a single ARN pattern lies inside a union
// exactly when it lies inside one member: put a letter that no member holds in
// the place of each `*`, and only a member that covers the whole pattern can
// match the result. A route of every method is seven patterns, so its parts
// may lie in different members.
func (r Route) Within(set []Route) bool {
	p := r.pattern()
	if p == (pattern{}) {
		return false
	}
	for first, last := p.parts(); first <= last; first++ {
		part := pattern{p.path, first}
		if !part.withinOne(set) {
			return false
		}
	}
	return true
}

func (p pattern) withinOne(set []Route) bool {
	for _, s := range set {
		if s.pattern().contains(p) {
			return true
		}
	}
	return false
}

// Merge returns the smallest part of set, in the order of set, whose union is
// the union of set.
func Merge(set []Route) []Route { return AppendMerged([]Route{}, set) }

// AppendMerged appends what Merge returns of set to out.
func AppendMerged(out, set []Route) []Route {
	// Most sets are small: no memory but the result's.
	var routes [32]Route
	var patterns [len(routes)]pattern
	var dropped [len(routes)]bool
	var wide [len(routes)]int
	m := merger{routes: distinct(routes[:0], set), patterns: patterns[:0], wide: wide[:0]}
	m.dropped = slices.Grow(dropped[:0], len(m.routes))[:len(m.routes)]
	for i, r := range m.routes {
		p := r.pattern()
		m.patterns = append(m.patterns, p)
		if p.method == anyMethod || strings.Contains(p.path, "*") {
			m.wide = append(m.wide, i)
		}
	}
	left := len(m.routes)
	for i := range m.routes {
		if m.needless(i) {
			m.dropped[i] = true
			left--
		}
	}
	out = slices.Grow(out, left)
	for i, r := range m.routes {
		if !m.dropped[i] {
			out = append(out, r)
		}
	}
	return out
}

// distinct appends the routes of set to room, each once.
func distinct(room, set []Route) []Route {
	var seen map[Route]bool
	if len(set) > cap(room) {
		seen = make(map[Route]bool, len(set))
	}
	for _, r := range set {
		switch {
		case r == Route{}:
		case seen == nil && slices.Contains(room, r) || seen[r]:
		default:
			room = append(room, r)
			if seen != nil {
				seen[r] = true
			}
		}
	}
	return room
}

// merger is a set of distinct routes that is being merged.
type merger struct {
	routes   []Route
	patterns []pattern // of routes
	dropped  []bool
	wide     []int // places of the routes that stand for more than one request
}

// needless reports whether a route lies inside the union of the others that
// are left.
func (m *merger) needless(at int) bool {
	p := m.patterns[at]
	for first, last := p.parts(); first <= last; first++ {
		if !m.holds(pattern{p.path, first}, at) {
			return false
		}
	}
	return true
}

// holds reports whether a part of the route at a place lies inside another
// route that is left.
func (m *merger) holds(part pattern, of int) bool {
	holds := func(i int) bool { return i != of && !m.dropped[i] && m.patterns[i].contains(part) }
	if m.patterns[of].method != anyMethod {
		// Only a route that stands for more than one request can hold another;
		// the parts of a route of every method may lie in narrow ones too.
		return slices.ContainsFunc(m.wide, holds)
	}
	for i := range m.patterns {
		if holds(i) {
			return true
		}
	}
	return false
}
