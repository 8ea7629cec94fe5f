package fleet

import "time"

// As internal/assume has them: what a pool keeps, and when it is reused.
const (
	poolCapacity = 1000
	minLeft      = 16 * time.Minute
)

// issuance is one that an environment keeps.
type issuance struct {
	at   int64  // when STS issued, in milliseconds
	used uint32 // the environment's count of issuances when this was last used
}

// pools are what all environments keep for reuse. Only what could be asked for
// again in time is noted; the rest counts, for it takes its place.
type pools struct {
	window int64 // an issuance is reused while it is no older
	// Two generations by age, so that what is too old goes without being looked for.
	young, old map[uint64]issuance
	turned     int64
}

func newPools(life time.Duration, off bool) *pools {
	window := min(life/5, life-minLeft)
	if off {
		window = -1
	}
	return &pools{window: window.Milliseconds(), young: map[uint64]issuance{}, old: map[uint64]issuance{}}
}

// enabled reports whether anything is ever reused.
func (p *pools) enabled() bool { return p.window >= 0 }

func key(e *environment, individual uint32) uint64 {
	return uint64(e.serial)<<32 | uint64(individual)
}

// find returns when the issuance was made that an environment keeps for an
// individual.
func (p *pools) find(now int64, e *environment, individual uint32) (at int64, ok bool) {
	p.turn(now)
	k := key(e, individual)
	i, ok := p.young[k]
	if !ok {
		i, ok = p.old[k]
	}
	if !ok || now-i.at > p.window || e.kept-i.used >= poolCapacity {
		return 0, false
	}
	i.used = e.kept
	p.young[k] = i
	return i.at, true
}

// keep notes an issuance.
func (p *pools) keep(at int64, e *environment, individual uint32, findable bool) {
	e.kept++
	if findable {
		p.young[key(e, individual)] = issuance{at, e.kept}
	}
}

func (p *pools) turn(now int64) {
	if now-p.turned > p.window {
		p.turned = now
		p.old, p.young = p.young, p.old
		clear(p.young)
	}
}

// brakes bound the calls of one caller in one environment.
type brakes struct {
	rate, burst float64
	young, old  map[uint64]bucket
	turned      int64
}

func newBrakes(l Limits) *brakes {
	return &brakes{rate: l.BrakeRate, burst: l.BrakeBurst, young: map[uint64]bucket{}, old: map[uint64]bucket{}}
}

// allow takes a call off a caller's bucket.
func (b *brakes) allow(now int64, e *environment, caller uint32) bool {
	if b.rate <= 0 {
		return true
	}
	if full := int64(b.burst / b.rate * 1000); now-b.turned > full { // whoever was not here since is full again
		b.turned = now
		b.old, b.young = b.young, b.old
		clear(b.young)
	}
	k := key(e, caller)
	tokens, ok := b.young[k]
	if !ok {
		if tokens, ok = b.old[k]; !ok {
			tokens = newBucket(b.rate, b.burst)
			tokens.at = now
		}
	}
	allowed := tokens.take(now)
	b.young[k] = tokens
	return allowed
}
