package sts

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// FaultKind is a way in which a region fails.
type FaultKind string

// The faults that can be ordered. The zero FaultKind is none.
const (
	Slow     FaultKind = "slow"     // answers rightly, Delay later
	Hang     FaultKind = "hang"     // never answers
	Internal FaultKind = "500"      // InternalFailure
	Throttle FaultKind = "throttle" // Throttling, 400
	Reset    FaultKind = "reset"    // the connection is reset before anything is done
	Garbage  FaultKind = "garbage"  // 200 with a body that is no XML
	Lost     FaultKind = "lost"     // the session is made, the connection reset before the answer
	Disabled FaultKind = "disabled" // RegionDisabledException
)

// AnyRegion orders a fault for every region.
const AnyRegion = "*"

// Fault is one ordered failure.
type Fault struct {
	Kind   FaultKind
	Delay  time.Duration // of Slow
	Times  int           // requests that it hits; 0: until it is cleared
	Action string        // only this action, such as AssumeRole; "": every one
}

// Faults are the failures in force, by the region of the signature's scope. The
// zero value has none. It is safe for concurrent use.
type Faults struct {
	mu       sync.Mutex
	byRegion map[string][]*Fault
}

// Order puts a fault behind those that the region has already.
func (f *Faults) Order(region string, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byRegion == nil {
		f.byRegion = map[string][]*Fault{}
	}
	f.byRegion[region] = append(f.byRegion[region], &fault)
}

// Clear ends the faults of a region. Requests that hang already stay so until
// their client gives up.
func (f *Faults) Clear(region string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.byRegion, region)
}

// take returns the fault that hits this request, if any, and counts it.
func (f *Faults) take(region, action string) Fault {
	if f == nil {
		return Fault{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range []string{region, AnyRegion} {
		for i, fault := range f.byRegion[r] {
			if fault.Action != "" && fault.Action != action {
				continue
			}
			hit := *fault
			if fault.Times == 1 {
				f.byRegion[r] = slices.Delete(f.byRegion[r], i, i+1)
			} else if fault.Times > 1 {
				fault.Times--
			}
			return hit
		}
	}
	return Fault{}
}

// waitFor returns after d, or false if the client gave up first.
func waitFor(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// resetConnection drops the connection with a TCP reset, so that the client
// cannot take it for an orderly end.
func resetConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's own way to drop a connection that cannot be taken over
	}
	if tcp, ok := conn.(interface{ SetLinger(seconds int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
