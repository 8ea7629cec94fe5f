package assume

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// defaultCallers is how many callers a Limiter remembers.
const defaultCallers = 10_000

// RateConfig is what a Limiter is made of.
type RateConfig struct {
	PerSecond float64          // STS calls a second
	Burst     int              // calls at once
	Capacity  int              // callers remembered; 0: 10,000
	Now       func() time.Time // nil: time.Now
}

// Limiter is a brake on each caller's STS calls, within one execution
// environment: STS's quota is one for the account, and one caller in a loop
// must not use it up. It is no fleet-wide limit. It is safe for concurrent
// use; a nil Limiter allows everything.
//
// It remembers a bounded number of callers. One that was forgotten, being the
// longest unheard of, begins with a full burst again.
type Limiter struct {
	perSecond rate.Limit
	burst     int
	capacity  int
	now       func() time.Time

	mu     sync.Mutex
	known  map[string]*list.Element // key → element of recent
	recent *list.List               // of *bucket, the latest used first
}

type bucket struct {
	key    string
	tokens *rate.Limiter
}

// NewLimiter returns a limiter that has heard of nobody.
func NewLimiter(cfg RateConfig) *Limiter {
	l := &Limiter{
		perSecond: rate.Limit(cfg.PerSecond),
		burst:     cfg.Burst,
		capacity:  cfg.Capacity,
		now:       cfg.Now,
		known:     make(map[string]*list.Element),
		recent:    list.New(),
	}
	if l.capacity <= 0 {
		l.capacity = defaultCallers
	}
	if l.now == nil {
		l.now = time.Now
	}
	return l
}

// never is the wait that a limiter without any rate tells.
const never = time.Hour

// Allow takes one call off key's bucket. If there is none, it takes nothing
// and says how long until there is one.
func (l *Limiter) Allow(key string) (ok bool, retryAfter time.Duration) {
	if l == nil {
		return true, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// Without the monotonic reading, which stands still while Lambda freezes
	// the environment: buckets fill during a freeze.
	now := l.now().Round(0)
	r := l.bucket(key).ReserveN(now, 1)
	if !r.OK() {
		return false, never
	}
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return false, min(wait, never)
	}
	return true, 0
}

func (l *Limiter) bucket(key string) *rate.Limiter {
	if e, ok := l.known[key]; ok {
		l.recent.MoveToFront(e)
		return e.Value.(*bucket).tokens
	}
	b := &bucket{key, rate.NewLimiter(l.perSecond, l.burst)}
	l.known[key] = l.recent.PushFront(b)
	if len(l.known) > l.capacity {
		oldest := l.recent.Back()
		delete(l.known, oldest.Value.(*bucket).key)
		l.recent.Remove(oldest)
	}
	return b.tokens
}
