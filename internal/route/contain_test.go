package route_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/route"
)

var stage = arn.Stage{Partition: "aws", Region: "us-east-1", Account: "111122223333", API: "a1b2c3d4e5", Name: "$default"}

// small is every route over {a, b, /, *} with a path of up to four letters,
// and which requests each one matches.
type small struct {
	routes []route.Route
	bits   map[route.Route]bitset
}

// bitset has a bit for each request of the universe.
type bitset []uint64

func (b bitset) each(o bitset, f func(x, y uint64) uint64) bitset {
	out := make(bitset, len(b))
	for i := range b {
		out[i] = f(b[i], o[i])
	}
	return out
}

func (b bitset) or(o bitset) bitset  { return b.each(o, func(x, y uint64) uint64 { return x | y }) }
func (b bitset) and(o bitset) bitset { return b.each(o, func(x, y uint64) uint64 { return x & y }) }
func (b bitset) empty() bool         { return !slices.ContainsFunc(b, func(x uint64) bool { return x != 0 }) }

var bruteForce = sync.OnceValue(func() small {
	requests := universe()
	s := small{bits: map[route.Route]bitset{}}
	level := []string{"/"}
	for range 4 {
		var next []string
		for _, p := range level {
			for _, m := range []string{"GET", "POST", "*"} {
				if r, err := route.Parse(m + " " + p); err == nil {
					s.routes = append(s.routes, r)
					s.bits[r] = matched(r, requests)
				}
			}
			for _, c := range "ab/*" {
				next = append(next, p+string(c))
			}
		}
		level = next
	}
	for _, m := range route.Methods() { // for unions of seven
		if r, err := route.Parse(m + " /a"); err == nil {
			s.bits[r] = matched(r, requests)
		}
	}
	return s
})

// universe is every request that could tell two of those routes apart: all
// methods and one that no route names, with all paths of up to four letters.
// The letter c occurs in no pattern, which makes the enumeration exact: each
// pattern with c in the place of its stars is among the requests.
func universe() []string {
	var paths []string
	level := []string{"/"}
	for range 4 {
		var next []string
		for _, p := range level {
			for _, c := range "abc/" {
				next = append(next, p+string(c))
			}
		}
		paths, level = append(paths, level...), next
	}
	paths = append(paths, level...)
	var out []string
	for _, m := range append(slices.Clone(route.Methods()), "TRACE") {
		for _, p := range paths {
			out = append(out, stage.ARN()+"/"+m+p)
		}
	}
	return out
}

// matched judges by the emitted text alone.
func matched(r route.Route, requests []string) bitset {
	bits := make(bitset, (len(requests)+63)/64)
	for _, resource := range r.Resources(stage) {
		for i, u := range requests {
			if naive(resource, u) {
				bits[i/64] |= 1 << (i % 64)
			}
		}
	}
	return bits
}

// naive says what `*` means in the fewest words.
func naive(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return naive(pattern[1:], text) || text != "" && naive(pattern, text[1:])
	}
	return text != "" && pattern[0] == text[0] && naive(pattern[1:], text[1:])
}

func (s small) union(set []route.Route) bitset {
	all := make(bitset, len(s.bits[s.routes[0]]))
	for _, r := range set {
		all = all.or(s.bits[r])
	}
	return all
}

// disagreements counts where within and brute force differ on random unions,
// of cases cases, and how often brute force said yes.
func disagreements(t *testing.T, cases int, within func(route.Route, []route.Route) bool) (wrong, yes int) {
	t.Helper()
	s := bruteForce()
	random := rand.New(rand.NewPCG(1, 2))
	for range cases {
		set := make([]route.Route, 1+random.IntN(4))
		for i := range set {
			set[i] = s.routes[random.IntN(len(s.routes))]
		}
		r := s.routes[random.IntN(len(s.routes))]
		if random.IntN(3) > 0 { // a likely part of the union
			if near, err := route.Parse(narrowed(random, set[0])); err == nil && s.bits[near] != nil {
				r = near
			}
		}
		inside := s.bits[r].each(s.union(set), func(x, y uint64) uint64 { return x &^ y }).empty()
		if inside {
			yes++
		}
		if within(r, set) != inside {
			if wrong++; wrong == 1 {
				t.Logf("first disagreement: %v within %v: brute force says %v", r, set, inside)
			}
		}
	}
	return wrong, yes
}

// narrowed replaces stars of r by letters or leaves them.
func narrowed(random *rand.Rand, r route.Route) string {
	var b strings.Builder
	if r.Method() == "*" && random.IntN(2) == 0 {
		b.WriteString("GET ")
	} else {
		b.WriteString(r.Method() + " ")
	}
	for _, c := range r.Path() {
		if c == '*' {
			b.WriteString([]string{"*", "", "a", "b"}[random.IntN(4)])
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func TestContainmentAgreesWithBruteForceOverEmittedARNs(t *testing.T) {
	const cases = 40_000
	wrong, yes := disagreements(t, cases, route.Route.Within)
	t.Logf("%d cases: %d contained, %d not, %d disagreements", cases, yes, cases-yes, wrong)
	if wrong != 0 {
		t.Errorf("%d of %d cases disagree with brute force", wrong, cases)
	}
	if yes < cases/5 || cases-yes < cases/5 {
		t.Errorf("%d of %d contained: less than a fifth of one answer says little", yes, cases)
	}
}

// A check that a fault slips through is no check: each of these is a mistake
// that somebody could make in the matcher.
func TestBruteForceCatchesPlantedFaults(t *testing.T) {
	anyOf := func(contains func(r, s route.Route) bool) func(route.Route, []route.Route) bool {
		return func(r route.Route, set []route.Route) bool {
			return slices.ContainsFunc(set, func(s route.Route) bool { return contains(r, s) })
		}
	}
	faults := map[string]func(route.Route, []route.Route) bool{
		"the answer flipped": func(r route.Route, set []route.Route) bool { return !r.Within(set) },
		"arguments swapped":  anyOf(func(r, s route.Route) bool { return r.Contains(s) }),
		"overlap for containment": anyOf(func(r, s route.Route) bool {
			return r.Overlaps(s)
		}),
		"star stops at a slash": anyOf(func(r, s route.Route) bool {
			return s.Contains(r) && strings.Count(s.Path(), "/") == strings.Count(r.Path(), "/")
		}),
		"the end not anchored": anyOf(func(r, s route.Route) bool {
			return s.Contains(r) || s.Method() == r.Method() && strings.HasPrefix(r.Path(), s.Path())
		}),
		"a method left out": anyOf(func(r, s route.Route) bool {
			return s.Contains(r) || r.Method() == "*" && strings.HasPrefix(s.Path(), "/a") && r.Path() == s.Path()
		}),
		"one member for a whole `*` method": anyOf(func(r, s route.Route) bool { return s.Contains(r) && r.Path() != "/b" }),
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			if wrong, _ := disagreements(t, 4_000, fault); wrong == 0 {
				t.Error("brute force agrees with a planted fault")
			}
		})
	}
}

func TestOverlapAgreesWithBruteForce(t *testing.T) {
	s := bruteForce()
	random := rand.New(rand.NewPCG(3, 4))
	yes := 0
	const cases = 30_000
	for range cases {
		p, q := s.routes[random.IntN(len(s.routes))], s.routes[random.IntN(len(s.routes))]
		common := !s.bits[p].and(s.bits[q]).empty()
		if common {
			yes++
		}
		if p.Overlaps(q) != common || q.Overlaps(p) != common {
			t.Fatalf("%v overlaps %v: brute force says %v", p, q, common)
		}
	}
	t.Logf("%d cases: %d overlap, %d do not", cases, yes, cases-yes)
	if yes < cases/5 || cases-yes < cases/5 {
		t.Errorf("%d of %d overlap: less than a fifth of one answer says little", yes, cases)
	}
}

func TestMergeKeepsTheUnionAndNothingNeedless(t *testing.T) {
	s := bruteForce()
	random := rand.New(rand.NewPCG(5, 6))
	for range 3_000 {
		set := make([]route.Route, random.IntN(8))
		for i := range set {
			set[i] = s.routes[random.IntN(len(s.routes))]
		}
		if random.IntN(2) == 0 { // seven narrow ones make a wide one needless
			for _, m := range route.Methods() {
				set = append(set, parse(t, m+" /a")...)
			}
			set = append(set, parse(t, "* /a")...)
		}
		merged := route.Merge(set)
		if !slices.Equal(s.union(set), s.union(merged)) {
			t.Fatalf("merging %v to %v changes what is matched", set, merged)
		}
		for i, r := range merged {
			if r.Within(slices.Concat(merged[:i], merged[i+1:])) {
				t.Fatalf("merging %v leaves %v in %v, which the others cover", set, r, merged)
			}
		}
	}
}
