package fleet

import (
	"time"

	"github.com/credvend/credvend/simulate/behaviour"
)

// lots are as many places as the mix of kinds is laid out on.
const lots = 1 << 14

// kind is a kind of client in milliseconds.
type kind struct {
	behaviour.Kind
	left, spread, persists, pause, patience int64
	waits                                   []int64
	gap                                     *table // between signings, or commands
}

// clients is the state of all of them, in a few bytes each.
type clients struct {
	kinds  []kind
	places [lots]uint8 // index of kinds
	seed   uint64
	life   int64
	min    int64

	all   []client
	until []uint32 // Daily: when it leaves, in seconds
}

// client is one client's state, of eight bytes: of ten million, only what lies
// in one cache line can be had at once.
type client struct {
	// ends is when its credentials end, in seconds + 1. With the upper bit it has
	// none yet, and it is since when it wants some. 0: it was never here.
	ends   uint32
	tries  uint8 // that failed, of this signing
	starts uint8 // that failed
	hurt   bool  // a signing of it failed
}

const waiting = 1 << 31

func newClients(c *Config) *clients {
	every, command := exponential(c.Every), exponential(c.Command)
	s := &clients{
		seed: mix(c.Seed + 0x5eed), life: c.Lifetime.Milliseconds(), min: behaviour.MinUse.Milliseconds(),
		all: make([]client, c.Clients),
	}
	part, place := 0.0, 0
	for i, share := range c.Mix {
		k := kind{
			Kind: share.Kind, left: share.Kind.Left.Milliseconds(), persists: share.Kind.Persists.Milliseconds(),
			pause: share.Kind.Pause.Milliseconds(), patience: share.Kind.Patience.Milliseconds(), gap: every,
		}
		if share.Kind.LeftTo > 0 {
			k.spread = k.left - share.Kind.LeftTo.Milliseconds()
		}
		if share.Kind.Commands {
			k.gap = command
		}
		for _, w := range share.Kind.Waits {
			k.waits = append(k.waits, w.Milliseconds())
		}
		s.kinds = append(s.kinds, k)
		part += share.Part
		for ; place < lots && float64(place) < part*lots-1e-9; place++ {
			s.places[place] = uint8(i)
		}
	}
	return s
}

// kindOf is a client's kind. Clients of one session are of one kind.
func (s *clients) kindOf(session uint32) *kind {
	return &s.kinds[s.places[mix(s.seed^uint64(session))>>50]]
}

// fraction is a number from 0 to 1 that belongs to an individual.
func (s *clients) fraction(individual uint32) float64 {
	return float64(mix(s.seed+0x9e3779b97f4a7c15*uint64(individual+1))>>11) / (1 << 53)
}

// renew is when a client with an issuance asks again: it has its answer at now.
func (s *clients) renew(k *kind, individual uint32, issued, now int64, r *random) int64 {
	switch k.Renews {
	case behaviour.RefreshAfter:
		from := float64(s.life) * behaviour.RefreshFrom
		at := issued + int64(from+float64(s.life)*(behaviour.RefreshTo-behaviour.RefreshFrom)*s.fraction(individual))
		return max(at, now+s.min) + r.draw(k.gap)
	case behaviour.ByLeft:
		at := issued + s.life - k.left
		if k.spread > 0 {
			at += int64(r.below(uint64(k.spread))) //nolint:gosec // both are above 0
		}
		if at <= now { // it would ask at each signing
			return now + max(r.draw(k.gap), 1)
		}
		return at + r.draw(k.gap)
	case behaviour.EachCommand:
	}
	return now + max(r.draw(k.gap), 1)
}

// left is the life that a client's credentials have; 0 where it has none.
func (c *client) left(now int64) int64 {
	if c.ends != 0 && c.ends < waiting {
		return max(0, int64(c.ends-1)*1000-now)
	}
	return 0
}

// restart is how long a program that cannot begin is left alone, after so many
// failed starts: as Kubernetes does, 10 s and twice as long each time, at most
// five minutes; and a tenth by lot.
func restart(failed uint8, r *random) int64 {
	wait := min((10*time.Second).Milliseconds()<<min(failed, 5), (5 * time.Minute).Milliseconds())
	return wait + int64(r.below(uint64(wait/10))) //nolint:gosec // it is above 0
}
