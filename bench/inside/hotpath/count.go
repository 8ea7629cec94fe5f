package hotpath

import (
	"math"
	"runtime"
	"runtime/debug"
)

// Allocations runs f so many times and returns how many allocations one run
// makes, whichever goroutine makes them, to the nearest whole. One processor
// runs meanwhile and the garbage collector is off, so that pools stay filled
// and two counts of one thing are the same. Nothing else may run.
func Allocations(rounds int, f func() error) (int, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for range max(rounds/10, 2) { // until caches are filled and buffers have grown
		if err := f(); err != nil {
			return 0, err
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		if err := f(); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return int(math.Round(float64(after.Mallocs-before.Mallocs) / float64(rounds))), nil
}
