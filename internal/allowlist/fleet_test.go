package allowlist_test

import (
	"flag"
	"fmt"
	"runtime"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/racedetector"
)

// million is off where somebody only wants to see the benchmarks run.
var million = flag.Bool("million", false, "let the benchmarks of large lists go up to a million rules")

// fleet is a document of n rules: a thousand callers with wildcards in one
// account, each with three rules of five routes at each of n/3,000 targets.
func fleet(n int) *allowlist.Document {
	doc := &allowlist.Document{Version: allowlist.Version, Targets: map[string]allowlist.Target{}, Callers: map[string]allowlist.Caller{}}
	const callers, rulesEach = 1000, 3
	names := make([]string, callers)
	for i := range names {
		names[i] = fmt.Sprint("caller-", i)
		name := fmt.Sprintf("p%d-*", i)
		if i%2 == 0 {
			name = fmt.Sprintf("*-s%d", i)
		}
		doc.Callers[names[i]] = roleCaller(name)
	}
	for i := range n {
		pair := i / rulesEach
		name := fmt.Sprint("target-", pair/callers)
		if _, there := doc.Targets[name]; !there {
			doc.Targets[name] = story().Targets["orders"]
		}
		r := allowlist.Rule{ID: fmt.Sprint("rule-", i), Callers: []string{names[(pair+17)%callers]}, Target: name}
		for j := range 5 {
			r.Routes = append(r.Routes, fmt.Sprintf("GET /r%d/%c/*", i, 'a'+j))
		}
		doc.Rules = append(doc.Rules, r)
	}
	return doc
}

// of the fleet is the identity p17-build, with its three rules at target-0.
func fleetRequests(t testing.TB) map[string]allowlist.Request {
	return map[string]allowlist.Request{
		"all":   {Target: "target-0"},
		"one":   {Target: "target-0", Routes: parse(t, "GET /r1/b/7")},
		"three": {Target: "target-0", Routes: parse(t, "GET /r0/a/1", "GET /r1/b/7", "GET /r2/e/x/*")},
	}
}

func fleetSizes() []int {
	if *million {
		return []int{10, 1_000, 100_000, 1_000_000}
	}
	return []int{10, 1_000, 100_000}
}

// What a decision costs is the same whatever else stands in the list: the
// reasons, the grant with its names, and its routes.
func TestDecideAllocatesTheReasonsAlone(t *testing.T) {
	if racedetector.On {
		t.Skip("the race detector allocates too")
	}
	for _, n := range []int{1_000, 100_000} {
		list := compile(t, fleet(n))
		for name, req := range fleetRequests(t) {
			got := testing.AllocsPerRun(100, func() {
				if d := list.Decide(role("p17-build"), req); !d.Allowed() || len(d.Tried) != 3 {
					t.Fatal(write(d))
				}
			})
			if got != 3 {
				t.Errorf("%s among %d rules: %v allocations, want Tried, Grant and its routes", name, n, got)
			}
		}
	}
}

// BenchmarkDecide is the shape; crowds of other kinds have their own.
func BenchmarkDecide(b *testing.B) {
	for _, n := range fleetSizes() {
		list := compile(b, fleet(n))
		for name, req := range fleetRequests(b) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				who := role("p17-build")
				for b.Loop() {
					if !list.Decide(who, req).Allowed() {
						b.Fatal("denied")
					}
				}
			})
		}
	}
}

// BenchmarkDecideByTurns has a thousand callers ask, of whom the memo holds
// most.
func BenchmarkDecideByTurns(b *testing.B) {
	list, req := compile(b, fleet(100_000)), allowlist.Request{Target: "target-0"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		name := fmt.Sprintf("p%d-build", i%1000)
		if i%2 == 0 {
			name = fmt.Sprintf("build-s%d", i%1000)
		}
		if !list.Decide(role(name), req).Allowed() {
			b.Fatal("denied")
		}
	}
}

// BenchmarkLoad reads and compiles, and says what of memory stays.
func BenchmarkLoad(b *testing.B) {
	for _, n := range fleetSizes() {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			text := fleet(n).JSON()
			var before, after runtime.MemStats
			collect(&before)
			var list *allowlist.List
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				doc, err := allowlist.Parse(text)
				if err != nil {
					b.Fatal(err)
				}
				if list, err = allowlist.Compile(doc); err != nil {
					b.Fatal(err)
				}
			}
			collect(&after)
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB-live")
			runtime.KeepAlive(list)
			runtime.KeepAlive(text)
		})
	}
}

// collect reads the heap after two collections: pools outlive the first.
func collect(m *runtime.MemStats) {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(m)
}
