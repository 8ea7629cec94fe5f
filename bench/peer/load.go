package peer

import (
	"context"
	"slices"
	"sync"
	"time"
)

// asker asks one side for credentials, one request after the other.
type asker interface {
	// ask tells how long it was from the request's sending to its answer, which
	// held credentials.
	ask(ctx context.Context) (time.Duration, error)
}

// run is what was seen of one side.
type run struct {
	times   []time.Duration // of every request
	medians []time.Duration // of every round
	wall    time.Duration
}

// perSecond is the throughput.
func (r *run) perSecond() float64 { return float64(len(r.times)) / r.wall.Seconds() }

// quantile is the time that a share q of the requests did not pass, in µs.
func (r *run) quantile(q float64) float64 { return microseconds(quantile(r.times, q)) }

// ratio is the median of the rounds' ratios of medians: what disturbed a round
// disturbed both.
func (r *run) ratio(beside *run) float64 {
	ratios := make([]float64, len(r.medians))
	for i := range ratios {
		ratios[i] = float64(r.medians[i]) / float64(beside.medians[i])
	}
	return quantile(ratios, 0.5)
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func quantile[T time.Duration | float64](values []T, q float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// interleave has the askers of two sides ask in turns, a block of requests each,
// all of a side at once: what else happens on the machine meanwhile happens to
// both. Every other round goes the other way round. failed is the side that an
// error is about.
func interleave(ctx context.Context, sides [2][]asker, rounds, block int) (runs [2]run, failed int, err error) {
	for round := range rounds {
		for i := range sides {
			i = (i + round) % len(sides)
			if err := runs[i].block(ctx, sides[i], block); err != nil {
				return runs, i, err
			}
		}
	}
	return runs, 0, nil
}

func (r *run) block(ctx context.Context, askers []asker, block int) error {
	times, errs := make([][]time.Duration, len(askers)), make([]error, len(askers))
	var all sync.WaitGroup
	start := time.Now()
	for i, asker := range askers {
		all.Go(func() {
			for range block {
				took, err := asker.ask(ctx)
				if err != nil {
					errs[i] = err
					return
				}
				times[i] = append(times[i], took)
			}
		})
	}
	all.Wait()
	r.wall += time.Since(start)
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	seen := slices.Concat(times...)
	r.times = append(r.times, seen...)
	r.medians = append(r.medians, quantile(seen, 0.5))
	return nil
}
