package route

import "strings"

// Contains reports whether every request that the ARNs of o match is matched
// by the ARNs of r.
func (r Route) Contains(o Route) bool {
	switch {
	case r == Route{} || o == Route{}:
		return false
	case r.everything():
		return true
	case o.everything(): // <stage>/* also matches methods that r cannot name
		return false
	case r.method != AnyMethod && r.method != o.method:
		return false
	}
	return match(r.path, o.path)
}

// Overlaps reports whether some text is matched by the ARNs of both.
func (r Route) Overlaps(o Route) bool {
	switch {
	case r == Route{} || o == Route{}:
		return false
	case r.method != AnyMethod && o.method != AnyMethod && r.method != o.method:
		return false
	}
	return intersect(r.path, o.path)
}

// Within reports whether r lies wholly inside the union of set.
//
// With `*` as the only wildcard a single ARN pattern lies inside a union
// exactly when it lies inside one member: put a letter that no member holds in
// the place of each `*`, and only a member that covers the whole pattern can
// match the result. A route of every method is seven patterns, so its parts
// may lie in different members.
func (r Route) Within(set []Route) bool {
	if r == (Route{}) {
		return false
	}
	for _, e := range r.Expand() {
		if !e.withinOne(set) {
			return false
		}
	}
	return true
}

func (r Route) withinOne(set []Route) bool {
	for _, s := range set {
		if s.Contains(r) {
			return true
		}
	}
	return false
}

// Merge returns the smallest part of set, in the order of set, whose union is
// the union of set.
func Merge(set []Route) []Route {
	kept := make(map[Route]bool, len(set))
	var distinct, wide []Route
	for _, r := range set {
		if r == (Route{}) || kept[r] {
			continue
		}
		kept[r] = true
		distinct = append(distinct, r)
		if r.method == AnyMethod || strings.Contains(r.path, "*") {
			wide = append(wide, r)
		}
	}
	for _, r := range distinct {
		// Only a route that stands for more than one request can hold another;
		// the parts of a route of every method may lie in narrow ones too.
		holders := wide
		if r.method == AnyMethod {
			holders = distinct
		}
		others := make([]Route, 0, 8)
		for _, h := range holders {
			if h != r && kept[h] && h.Overlaps(r) {
				others = append(others, h)
			}
		}
		if r.Within(others) {
			delete(kept, r)
		}
	}
	out := make([]Route, 0, len(kept))
	for _, r := range distinct {
		if kept[r] {
			out = append(out, r)
		}
	}
	return out
}
