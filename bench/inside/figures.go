// Package inside measures credvend within one process, where nothing comes in
// between: the handler beside the minimal one, deciding under lists of any
// length, and what is asked of STS when many come at once.
package inside

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/credvend/credvend/bench/report"
)

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// median is the middle of the values; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// thousands writes a count for people: 1,000,000.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	var s strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			s.WriteByte(',')
		}
		s.WriteRune(d)
	}
	return s.String()
}

func figure(of, what string, value float64, unit string) report.Figure {
	return report.Figure{Of: of, What: what, Value: value, Unit: unit}
}

// limited is a figure whose value must not pass a limit.
func limited(f report.Figure, limit float64) report.Figure {
	f.Limit = limit
	return f
}

// beside is a figure with its ratio to another's, which must not pass a limit.
func beside(f report.Figure, other string, value, limit float64) report.Figure {
	f.Beside, f.Limit = other, limit
	if value != 0 {
		f.Ratio = f.Value / value
	}
	return f
}
