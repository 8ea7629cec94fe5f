package fleet

// maxRegions of STS that an environment remembers.
const maxRegions = 8

// environment is one execution environment. It serves one request at a time.
type environment struct {
	serial uint32 // no two environments of a run share it
	kept   uint32 // issuances it has kept so far
	born   int64
	idle   int64             // since when
	rests  [maxRegions]int64 // until when a region of STS is left alone
}

// lambda is the function's environments and what Lambda allows it.
type lambda struct {
	limit, perSecond int
	scale            bucket
	random           bool
	maxIdle, maxAge  int64

	all    []environment
	gaps   []uint32 // of all, to be used again
	idle   []uint32 // the last used at the end
	busy   int
	second int64
	now    int // invocations of this second

	serial         uint32
	peak, peakBusy int
}

// perEnvironment is how many requests a second an environment may serve: the
// whole function ten times its concurrency.
const perEnvironment = 10

func newLambda(l Limits, s Service) *lambda {
	return &lambda{
		limit: l.Concurrency, perSecond: perEnvironment * l.Concurrency,
		scale:  newBucket(float64(l.ScaleBy)/10, float64(l.ScaleBy)),
		random: s.Random, maxIdle: s.Idle.Milliseconds(), maxAge: s.MaxAge.Milliseconds(),
	}
}

// take finds an environment for a request, or says who refuses it. A cold one
// is new.
func (l *lambda) take(now int64, lots *random) (env uint32, cold bool, v Verdict) {
	if second := now / 1000; second != l.second {
		l.second, l.now = second, 0
	}
	if l.busy >= l.limit {
		return 0, false, ThrottledConcurrency
	}
	if l.now >= l.perSecond {
		return 0, false, ThrottledInvokes
	}
	if n := len(l.idle); n > 0 {
		at := n - 1
		if l.random {
			at = int(lots.below(uint64(n))) //nolint:gosec // below n
		}
		env = l.idle[at]
		l.idle[at] = l.idle[n-1]
		l.idle = l.idle[:n-1]
	} else {
		if !l.scale.take(now) {
			return 0, false, ThrottledScaling
		}
		env, cold = l.create(now), true
	}
	l.now++
	l.busy++
	l.peakBusy = max(l.peakBusy, l.busy)
	l.peak = max(l.peak, l.busy+len(l.idle))
	return env, cold, Vended
}

func (l *lambda) create(now int64) uint32 {
	l.serial++
	fresh := environment{serial: l.serial, born: now}
	if n := len(l.gaps); n > 0 {
		env := l.gaps[n-1]
		l.gaps = l.gaps[:n-1]
		l.all[env] = fresh
		return env
	}
	l.all = append(l.all, fresh)
	return uint32(len(l.all) - 1) //nolint:gosec // at most the concurrency
}

// release ends an environment's request.
func (l *lambda) release(env uint32, now int64) {
	l.busy--
	e := &l.all[env]
	if now-e.born > l.maxAge {
		l.gaps = append(l.gaps, env)
		return
	}
	e.idle = now
	l.idle = append(l.idle, env)
}

// reap takes away what was idle for long.
func (l *lambda) reap(now int64) {
	kept := l.idle[:0]
	for _, env := range l.idle {
		if now-l.all[env].idle > l.maxIdle {
			l.gaps = append(l.gaps, env)
		} else {
			kept = append(kept, env)
		}
	}
	l.idle = kept
}
