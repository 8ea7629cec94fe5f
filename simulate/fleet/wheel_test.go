package fleet

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestWheel: each client comes out in the second that it was noted for, once,
// and chunks are used again.
func TestWheel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const seconds = 50
		w := newWheel(seconds)
		want := make([][]uint32, seconds)
		id := uint32(0)
		note := func(from int) {
			for range rapid.IntRange(0, 600).Draw(t, "clients") {
				at := rapid.IntRange(from, seconds+5).Draw(t, "second")
				w.later(int64(at), id)
				if at < seconds {
					want[at] = append(want[at], id)
				}
				id++
			}
		}
		note(0)
		for second := range seconds {
			var got []uint32
			w.open(int64(second), func(client uint32) { got = append(got, client) })
			slices.Sort(got)
			slices.Sort(want[second])
			if !slices.Equal(got, want[second]) {
				t.Fatalf("second %d: %v, want %v", second, got, want[second])
			}
			if second%10 == 0 && second+1 < seconds {
				note(second + 1)
			}
		}
		if len(w.slabs) > 1 {
			t.Fatalf("%d slabs for %d clients: chunks are not used again", len(w.slabs), id)
		}
	})
}

// TestDraws: the tables have the means and medians that they are named for.
func TestDraws(t *testing.T) {
	r := random{1}
	e, l := exponential(10*time.Second), lognormal(45*time.Millisecond, 0.4, stsTimeout)
	const n = 200_000
	var sum float64
	calls := make([]int64, n)
	for i := range n {
		sum += float64(r.draw(e))
		calls[i] = r.draw(l)
	}
	slices.Sort(calls)
	if mean := sum / n; math.Abs(mean-10_000) > 100 {
		t.Errorf("a mean of %g ms", mean)
	}
	if calls[n/2] != 45 || calls[n-1] > 400 || math.Abs(float64(calls[n*99/100])-45*math.Exp(0.4*2.326)) > 3 {
		t.Errorf("median %d, p99 %d, at most %d", calls[n/2], calls[n*99/100], calls[n-1])
	}
	for range 1000 {
		if r.below(7) > 6 {
			t.Error("7 is not below 7")
		}
	}
}

// TestQuantile: by hand.
func TestQuantile(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 {
		t.Error("nothing has no wait")
	}
	for _, s := range []int64{0, 0, 0, 5, 100} {
		h.add(s)
	}
	for q, want := range map[float64]time.Duration{0.5: 0, 0.8: 5 * time.Second, 1: 100 * time.Second} {
		if got := h.Quantile(q); got != want {
			t.Errorf("%g: %v, want %v", q, got, want)
		}
	}
}

// TestRest: an environment leaves a region alone that throttled it, for half a
// minute; not where all do.
func TestRest(t *testing.T) {
	l := DefaultLimits()
	l.STSRate, l.STSRegions = 1, 2
	s, e, lots := newSTS(l, DefaultService()), &environment{}, &random{1}
	for _, c := range []struct {
		at   int64
		ok   bool
		want [2]int // asked of each region, this second
	}{
		{0, true, [2]int{1, 0}},
		{1, true, [2]int{2, 1}},      // the first throttles, the second issues
		{2, false, [2]int{2, 2}},     // the first is left alone
		{3, false, [2]int{3, 3}},     // both are, so both are asked
		{29_000, true, [2]int{1, 0}}, // and rest still: both are asked in order, and the first issues
	} {
		if _, ok := s.assume(c.at, e, lots); ok != c.ok || s.asked[0] != c.want[0] || s.asked[1] != c.want[1] {
			t.Errorf("at %d: %v, asked %v, want %+v", c.at, ok, s.asked, c)
		}
	}
}
