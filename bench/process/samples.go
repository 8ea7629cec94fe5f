package process

import (
	"slices"
	"time"

	"github.com/credvend/credvend/bench/report"
)

// samples are what one program was measured to take, in rounds that all
// programs shared.
type samples struct {
	all    []float64 // in microseconds
	rounds []float64 // the median of each round
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// add takes one round.
func (s *samples) add(round []time.Duration) {
	us := make([]float64, len(round))
	for i, d := range round {
		us[i] = microseconds(d)
	}
	s.all = append(s.all, us...)
	s.rounds = append(s.rounds, quantile(us, 0.5))
}

// ratio is the median of the ratios of the rounds: what disturbed a round
// disturbed both.
func (s *samples) ratio(beside *samples) float64 {
	ratios := make([]float64, 0, len(s.rounds))
	for i := range s.rounds {
		ratios = append(ratios, s.rounds[i]/beside.rounds[i])
	}
	return quantile(ratios, 0.5)
}

// quantile is the value below which a share of the values lies; 0 of none.
func quantile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := share * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// figure is a value alone.
func figure(of, what string, value float64, unit string) report.Figure {
	return report.Figure{Of: of, What: what, Value: value, Unit: unit}
}

// beside is a figure with its ratio to another's.
func beside(f report.Figure, other string, ratio, limit float64) report.Figure {
	f.Beside, f.Ratio, f.Limit = other, ratio, limit
	return f
}
