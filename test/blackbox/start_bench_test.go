package blackbox

import (
	"testing"
	"time"
)

// BenchmarkStart is the time from the start of the process to its first request
// for an event: what of a cold start is ours.
func BenchmarkStart(b *testing.B) {
	if _, err := bootstrap(); err != nil {
		b.Fatal(err)
	}
	var total time.Duration
	for b.Loop() {
		f := up(b, setup{})
		total += time.Since(f.began)
		f.kill()
	}
	b.ReportMetric(float64(total.Microseconds())/1000/float64(b.N), "ms/start")
}

// BenchmarkInvoke is the time of one event that is answered from memory, through
// the Runtime API and back.
func BenchmarkInvoke(b *testing.B) {
	f := up(b, setup{})
	event := billing(askOrders)
	for b.Loop() {
		if a := f.invoke(b, event); a.Status != 200 {
			b.Fatal(a.Text)
		}
	}
}
