package route_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/credvend/credvend/internal/racedetector"
	"github.com/credvend/credvend/internal/route"
)

// The size that a list is checked by is that of the text which is sent.
func TestPolicySizeIsThatOfThePolicy(t *testing.T) {
	s := bruteForce()
	r := rand.New(rand.NewPCG(7, 7))
	some := func(least int) (set []route.Route) {
		for range least + r.IntN(6) {
			if r.IntN(9) == 0 {
				set = append(set, route.Route{}) // emits nothing
			}
			set = append(set, s.routes[r.IntN(len(s.routes))])
		}
		return set
	}
	everything := parse(t, "* /*")
	for range 2000 {
		allow, deny := some(1), some(0)
		if r.IntN(4) == 0 {
			allow = append(allow, everything...)
		}
		if got, want := route.PolicySize(stage, allow, deny), len(route.Policy(stage, allow, deny)); got != want {
			t.Fatalf("%v less %v: a size of %d, a text of %d", allow, deny, got, want)
		}
		var policy struct {
			Statement []struct{ Resource []string }
		}
		if err := json.Unmarshal([]byte(route.Policy(stage, allow, deny)), &policy); err != nil {
			t.Fatal(err)
		}
		for i, routes := range [][]route.Route{allow, deny} {
			var want []string
			for _, r := range routes {
				want = append(want, r.Resources(stage)...)
			}
			if got := policy.Statement[i].Resource; len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
				t.Fatalf("%v: the policy has %q, want %q", routes, got, want)
			}
		}
	}
}

// What a decision compares costs no memory.
func TestComparingAllocatesNothing(t *testing.T) {
	if racedetector.On {
		t.Skip("the race detector allocates too")
	}
	asked, everyMethod := parse(t, "GET /r1/x")[0], parse(t, "* /r14/x")[0]
	var set []route.Route
	for i := range 15 {
		set = append(set, parse(t, fmt.Sprintf("* /r%d/*", i))...)
	}
	for name, f := range map[string]func(){
		"within":       func() { asked.Within(set) },
		"every part":   func() { everyMethod.Within(set) },
		"overlaps":     func() { asked.Overlaps(set[3]) },
		"overlaps any": func() { asked.OverlapsAny(set) },
		"nearest":      func() { route.Nearest(asked, set) },
		"policy size":  func() { route.PolicySize(stage, set, set) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if n := testing.AllocsPerRun(100, func() { route.Merge(set) }); n != 1 {
		t.Errorf("merging: %v allocations, want the result alone", n)
	}
}
