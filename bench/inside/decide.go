package inside

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/credvend/credvend/bench/inside/hotpath"
	"github.com/credvend/credvend/bench/report"
	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/identity"
)

const (
	decideLimit = 1000 // ns
	loadLimit   = 1    // s, for loadRules
	loadRules   = 100_000
	quickRules  = 10_000
)

// Decide measures deciding under lists of 10 to 1,000,000 rules: for a role
// with three rules of five routes, and for a token whose one rule has a
// template. The rest of each list concerns neither.
func Decide(ctx context.Context, e report.Env) (report.Section, error) {
	s := report.Section{
		Name: "decide", Title: "Decide: from ten rules to a million",
		Note: "A role with 3 rules of 5 routes, and a token with 1 rule with a template, among 1,000 callers with wildcards, whose rules are spread over targets, 3 for each caller and target. " +
			"ns are the median of 2,000 batches of 100, each too short to be interrupted often; the first Decide is that of a list just loaded, in cold caches, and what it works out is kept for the next; loading is from the JSON in memory to the list, as the function does it. Lists are loaded 20 times, of 100,000 rules 3 times, of a million once: the first Decide is the median, the load the quickest. The heap is what the list holds after a collection.",
	}
	curves := map[string]*report.Series{}
	var order []string
	point := func(name, unit string, rules int, y float64) {
		c := curves[name]
		if c == nil {
			c = &report.Series{Name: name, XUnit: "rules", YUnit: unit}
			curves[name], order = c, append(order, name)
		}
		c.Points = append(c.Points, report.Point{X: float64(rules), Y: y})
	}
	var first decided
	for _, rules := range []int{10, 100, 1000, 10_000, 100_000, 1_000_000} {
		if e.Quick && rules > quickRules {
			break
		}
		if err := ctx.Err(); err != nil {
			return s, err
		}
		e.Log("decide: %s rules", thousands(rules))
		d, err := decideUnder(rules, e)
		if err != nil {
			return s, fmt.Errorf("%s rules: %w", thousands(rules), err)
		}
		if first == (decided{}) {
			first = d
		}
		of := thousands(rules) + " rules"
		load := figure(of, "load", d.load.Seconds()*1000, "ms")
		if rules == loadRules {
			load = limited(load, loadLimit*1000)
		}
		s.Figures = append(s.Figures,
			limited(figure(of, "Decide for a role", d.roleNS, "ns"), decideLimit),
			beside(figure(of, "allocations for a role", float64(d.roleAllocations), ""), "10 rules", float64(first.roleAllocations), 1),
			figure(of, "first Decide for a role", d.firstNS/1000, "µs"),
			figure(of, "Decide for a token, with a template", d.tokenNS, "ns"),
			beside(figure(of, "allocations for a token", float64(d.tokenAllocations), ""), "10 rules", float64(first.tokenAllocations), 1),
			load,
			figure(of, "live heap", d.heap, "MiB"),
			figure(of, "file", d.file, "MiB"),
		)
		point("Decide for a role", "ns", rules, d.roleNS)
		point("Decide for a token", "ns", rules, d.tokenNS)
		point("load", "ms", rules, d.load.Seconds()*1000)
		point("live heap", "MiB", rules, d.heap)
	}
	for _, name := range order {
		s.Series = append(s.Series, *curves[name])
	}
	return s, nil
}

// decided is what was measured under one list.
type decided struct {
	roleNS, firstNS, tokenNS          float64
	roleAllocations, tokenAllocations int
	load                              time.Duration
	heap, file                        float64 // MiB
}

func decideUnder(rules int, e report.Env) (d decided, err error) {
	// The document it is made from is garbage before the list is loaded.
	text := hotpath.Crowd(rules).JSON()
	d.file = mebibytes(len(text))
	f, err := hotpath.NewFunction(hotpath.Standing(), nil, nil)
	if err != nil {
		return d, err
	}
	role, err := f.Identify(hotpath.CrowdCaller())
	if err != nil {
		return d, err
	}
	token, err := f.Identify(hotpath.CrowdShopper())
	if err != nil {
		return d, err
	}
	before := liveHeap()
	var list *allowlist.List
	var firsts []float64
	for range loads(rules, e) {
		runtime.GC() // what the last load left is not this one's to collect
		start := time.Now()
		if list, err = hotpath.Load(text); err != nil {
			return d, err
		}
		if took := time.Since(start); d.load == 0 || took < d.load {
			d.load = took
		}
		first, err := nanoseconds(1, 1, func() error { return decideOnce(list, role) })
		if err != nil {
			return d, err
		}
		firsts = append(firsts, first)
	}
	d.firstNS = median(firsts)
	d.heap = mebibytes(liveHeap() - before)
	runtime.KeepAlive(text)
	if _, _, n := list.Size(); n != rules {
		return d, fmt.Errorf("the list has %d rules", n)
	}
	for _, who := range []struct {
		caller      identity.Caller
		ns          *float64
		allocations *int
	}{
		{role, &d.roleNS, &d.roleAllocations},
		{token, &d.tokenNS, &d.tokenAllocations},
	} {
		decide := func() error { return decideOnce(list, who.caller) }
		if *who.allocations, err = hotpath.Allocations(500, decide); err != nil {
			return d, err
		}
		if *who.ns, err = nanoseconds(e.Rounds(2000, 200), 100, decide); err != nil {
			return d, err
		}
	}
	return d, nil
}

// loads is how often a list is loaded: other work on the machine only ever makes
// it slower.
func loads(rules int, e report.Env) int {
	switch {
	case rules > loadRules:
		return 1
	case rules > quickRules:
		return 3
	default:
		return e.Rounds(20, 3)
	}
}

var errDenied = errors.New("denied, and so not what was to be measured")

func decideOnce(list *allowlist.List, c identity.Caller) error {
	if d := list.Decide(c, allowlist.Request{Target: "orders"}); !d.Allowed() {
		return errDenied
	}
	return nil
}

// nanoseconds is what one run of f takes: the median of batches, each of so many
// runs.
func nanoseconds(batches, runs int, f func() error) (float64, error) {
	took := make([]float64, batches)
	for i := range took {
		start := time.Now()
		for range runs {
			if err := f(); err != nil {
				return 0, err
			}
		}
		took[i] = float64(time.Since(start)) / float64(runs)
	}
	return median(took), nil
}

// liveHeap is what is reachable: a second collection frees what the first found
// with a finaliser or a cleanup.
func liveHeap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc) //nolint:gosec // no machine has 2^63 bytes
}

func mebibytes(n int) float64 { return float64(n) / (1 << 20) }
