package fleet

import (
	"time"

	"github.com/credvend/credvend/simulate/behaviour"
)

// arrive notes when each client begins.
func (e *engine) arrive() {
	n := uint64(e.c.Clients) //nolint:gosec // above 0
	if e.c.Arrival == Daily {
		e.clients.until = make([]uint32, e.c.Clients)
	}
	for id := range uint32(e.c.Clients) { //nolint:gosec // at most maxClients
		var at int64
		switch {
		case e.c.Arrival == Spread && e.c.Ramp == 0:
			at = e.somewhere(id)
		case e.c.Arrival != Daily:
			// Evenly, in an order that has nothing to do with kind or session.
			at = int64(uint64(e.c.Ramp.Milliseconds()) * (uint64(id) * 0x9e3779b1 % (1 << 32)) >> 32) //nolint:gosec // bounded by Ramp
			if n < 1<<16 {
				at = int64(uint64(e.c.Ramp.Milliseconds()) * uint64(id) / n) //nolint:gosec // bounded by Ramp
			}
		default:
			at = e.morning()
			e.clients.until[id] = uint32(at/1000 + int64(e.c.Workday/time.Second)) //nolint:gosec // below 31 days
		}
		e.schedule(-1, at, id)
	}
}

// somewhere is the moment at which a client that has been there for long renews
// next; it has credentials.
func (e *engine) somewhere(id uint32) int64 {
	session := id / uint32(e.c.PerSession) //nolint:gosec // at most maxClients
	k := e.clients.kindOf(session)
	cycle := e.clients.renew(k, session, 0, 0, &e.lots)
	if k.Renews == behaviour.EachCommand {
		return cycle // chance has no memory
	}
	at := int64(e.lots.below(uint64(cycle)))                                  //nolint:gosec // above 0, and below 2^32
	e.clients.all[id].ends = uint32(max(0, at-cycle+e.clients.life)/1000) + 1 //nolint:gosec // at most an hour
	e.r.Started++
	return at
}

// morning is when a person begins: around nine o'clock, give or take an hour.
func (e *engine) morning() int64 {
	sum := 0.0 // of twelve: nearly a normal distribution
	for range 12 {
		sum += float64(e.lots.next()>>11) / (1 << 53)
	}
	hours := 9 + (sum - 6)
	return int64(hours * float64(time.Hour.Milliseconds()))
}
