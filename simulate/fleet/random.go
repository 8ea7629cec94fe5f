package fleet

import (
	"math"
	"time"
)

// random is SplitMix64: small, quick, and good enough for lots. It is seeded,
// so it must not be used for secrets.
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	return mix(r.state)
}

// mix is SplitMix64's finaliser: a hash of 64 bits.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below draws from 0 to n-1.
func (r *random) below(n uint64) uint64 {
	if n == 0 {
		return 0
	}
	return (r.next() >> 32) * n >> 32
}

// draws is how fine the tables of draws are.
const draws = 4096

// table holds quantiles of a distribution, so that a draw is one look.
type table [draws]int32

func (r *random) draw(t *table) int64 { return int64(t[r.next()>>52]) }

// exponential is the time to the next of events that come by chance, in
// milliseconds of a mean.
func exponential(mean time.Duration) *table {
	var t table
	sum := 0.0
	for i := range t {
		u := (float64(i) + 0.5) / draws
		sum += -math.Log(1 - u)
	}
	for i := range t {
		u := (float64(i) + 0.5) / draws
		// The table's own mean is a little off, for it has a last value.
		t[i] = int32(math.Round(-math.Log(1-u) * draws / sum * float64(mean.Milliseconds())))
	}
	return &t
}

// lognormal is how long a call of a service takes, in milliseconds.
func lognormal(median time.Duration, sigma float64, most time.Duration) *table {
	var t table
	for i := range t {
		u := (float64(i) + 0.5) / draws
		ms := float64(median) / float64(time.Millisecond) * math.Exp(sigma*math.Sqrt2*math.Erfinv(2*u-1))
		t[i] = int32(math.Round(math.Min(ms, float64(most.Milliseconds()))))
	}
	return &t
}
