package inside

import (
	"fmt"
	"time"

	"github.com/credvend/credvend/bench/report"
	"github.com/credvend/credvend/internal/assume"
)

const (
	clients       = 10_000
	lifetime      = 30 * time.Minute
	stockAdvance  = 5 * time.Minute // before the end, of the Go and JavaScript SDKs
	refreshWindow = 2 * time.Hour
)

// refreshes adds what refreshing comes to, by when the clients began and by
// whether they follow refreshAfter.
func refreshes(figures []report.Figure) []report.Figure {
	for _, began := range []struct {
		title string
		over  time.Duration
	}{
		{"10,000 clients that began together", 0},
		{"10,000 clients that began over a minute", time.Minute},
	} {
		without := refreshing(began.over, stock)
		with := refreshing(began.over, advised)
		figures = append(figures,
			figure(began.title+", without refreshAfter", "peak STS calls a second", float64(without.peak()), "calls"),
			beside(figure(began.title+", with refreshAfter", "peak STS calls a second", float64(with.peak()), "calls"), "without", float64(without.peak()), 0),
		)
	}
	return figures
}

// stock is when a client asks again that goes by the expiration alone.
func stock(issued assume.Issued, _ string) time.Time { return issued.Expiration.Add(-stockAdvance) }

// advised is when one asks again that follows refreshAfter.
func advised(issued assume.Issued, individual string) time.Time {
	return assume.RefreshAfter(issued, individual)
}

// load is how many calls come in each second.
type load []int

// refreshing counts the calls of clients whose first vends are spread over a
// time, from those first ones on. Each client is an individual, so each refresh
// is a call.
func refreshing(over time.Duration, next func(assume.Issued, string) time.Time) load {
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	seconds := make(load, refreshWindow/time.Second)
	for i := range clients {
		individual := fmt.Sprintf("\x00arn:aws:iam::444455556666:role/billing-service\x00AROAEXAMPLEBILLING00\x00i-%017d", i)
		at := start.Add(over * time.Duration(i) / clients)
		for at.Sub(start) < refreshWindow {
			seconds[at.Sub(start)/time.Second]++
			at = next(assume.Issued{IssuedAt: at, Expiration: at.Add(lifetime)}, individual)
		}
	}
	return seconds
}

// firstVends is the time in which clients begin: what comes in it is no refresh.
const firstVends = 2 * time.Minute

// peak is the most calls in one second, once all have begun.
func (l load) peak() (most int) {
	for _, n := range l[firstVends/time.Second:] {
		most = max(most, n)
	}
	return most
}
