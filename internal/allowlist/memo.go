package allowlist

import (
	"slices"
	"sync/atomic"
)

// memo keeps plans that depend on nothing but the names an identity bears and
// the target. It holds a bounded number of bounded plans, and gives back only
// what would be made anew in the same form: nobody can tell by a decision
// whether it was there. Its zero value is empty; it is safe for concurrent use.
//
// A key has four slots to stand in, so that callers that ask by turns rarely
// drive each other out.
type memo struct {
	slots [memoSlots]atomic.Pointer[plan]
	turn  atomic.Uint32 // which of the four makes room next
}

const (
	memoSlots = 2048
	memoWays  = 4
	// Larger plans are made each time, which takes little longer than to look at
	// so many routes: a rule for every caller stands in the plan of each, and
	// two thousand of them must not fill a function of 128 MiB.
	maxMemoBearings = 64
	maxMemoRoutes   = 128
)

func (m *memo) set(callers []*caller, t *target) []atomic.Pointer[plan] {
	h := uint64(uint32(t.place)) + 1 //nolint:gosec // places are not negative
	for _, k := range callers {
		h = (h ^ uint64(uint32(k.place))) * 0x9e3779b97f4a7c15 //nolint:gosec // as above
		h ^= h >> 32
	}
	first := h % (memoSlots / memoWays) * memoWays
	return m.slots[first : first+memoWays]
}

// get returns the plan for callers and a target; nil if it is not there.
func (m *memo) get(callers []*caller, t *target) *plan {
	if m == nil {
		return nil
	}
	set := m.set(callers, t)
	for i := range set {
		if p := set[i].Load(); p != nil && p.target == t && slices.Equal(p.callers, callers) {
			return p
		}
	}
	return nil
}

func (m *memo) put(p *plan) {
	if m == nil || !p.keeps() {
		return
	}
	p.kept = true
	set := m.set(p.callers, p.target)
	for i := range set {
		if set[i].CompareAndSwap(nil, p) {
			return
		}
	}
	set[m.turn.Add(1)%memoWays].Store(p)
}
