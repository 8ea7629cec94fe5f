package fleet

import (
	"time"

	"github.com/credvend/credvend/simulate/behaviour"
)

// freed marks an event that frees an environment; others wake a client.
const freed = 1 << 31

// engine is a run.
type engine struct {
	c       Config
	lots    random
	wheel   *wheel
	clients *clients
	front   *front
	lambda  *lambda
	sts     *sts
	pools   *pools
	brakes  *brakes
	r       *Result

	second                     int64
	requests, vends, throttled uint32 // of this second
	stsCalls, cold, busy       uint32
	handler, kept, network     int64
	platform, initFrom, inits  int64
	shared, brake              bool
	touched                    uint32
}

// Run simulates a fleet.
func Run(c Config) (*Result, error) {
	if err := c.settle(); err != nil {
		return nil, err
	}
	warm := int(c.Warm / time.Second)
	counted := int((c.Duration + time.Second - 1) / time.Second)
	seconds := warm + counted
	e := &engine{
		c: c, lots: random{mix(c.Seed)}, wheel: newWheel(seconds), clients: newClients(&c),
		front: newFront(c.Limits), lambda: newLambda(c.Limits, c.Service), sts: newSTS(c.Limits, c.Service),
		pools: newPools(c.Lifetime, c.Service.NoCache), brakes: newBrakes(c.Limits),
		handler: c.Service.Handler.Milliseconds(), kept: c.Service.Kept.Milliseconds(), network: c.Service.Network.Milliseconds(),
		platform: c.Service.Platform.Milliseconds(), initFrom: c.Service.InitFrom.Milliseconds(), inits: (c.Service.InitTo - c.Service.InitFrom).Milliseconds() + 1,
		shared: c.PerSession > 1, brake: c.PerRole > 1 && c.Limits.BrakeRate > 0,
		r: &Result{},
	}
	e.arrive()
	for second := range int64(seconds) {
		if second == int64(warm) {
			e.begin(time.Duration(counted) * time.Second)
		}
		e.step(second)
		if c.Progress != nil && second%60 == 59 {
			c.Progress(time.Duration(second+1)*time.Second, e.r.Requests())
		}
	}
	e.finish()
	return e.r, nil
}

// begin begins to count.
func (e *engine) begin(d time.Duration) {
	e.r = &Result{Clients: e.c.Clients, Duration: d, Started: e.r.Started}
	s, l := e.sts, e.lambda
	s.total, s.refused, s.peakCalls, s.peakAsked = 0, 0, [maxRegions]int{}, [maxRegions]int{}
	l.peakBusy, l.peak = l.busy, l.busy+len(l.idle)
	for i := range e.clients.all {
		e.clients.all[i].hurt = false
	}
}

// step simulates a second.
func (e *engine) step(second int64) {
	e.second = second
	e.wheel.open(second, func(id uint32) {
		e.touched ^= e.clients.all[id].ends                     // all of a second's clients come into the cache at once, not each when it is due
		e.wheel.soon(second*1000+int64(e.lots.below(1000)), id) //nolint:gosec // below 1000
	})
	for now := second * 1000; now < second*1000+1000; now++ {
		slot := &e.wheel.near[now%ring]
		if len(*slot) == 0 {
			continue
		}
		for _, event := range *slot {
			e.r.Events++
			if event&freed != 0 {
				e.lambda.release(event&^freed, now)
			} else {
				e.wake(now, event)
			}
		}
		*slot = (*slot)[:0]
	}
	if second%10 == 0 {
		e.lambda.reap(second * 1000)
	}
	e.note()
}

// note keeps the second's figures.
func (e *engine) note() {
	s := &e.r.Series
	s.Requests, s.Vends = append(s.Requests, e.requests), append(s.Vends, e.vends)
	s.STS, s.Throttled = append(s.STS, e.stsCalls), append(s.Throttled, e.throttled)
	s.Cold, s.Busy = append(s.Cold, e.cold), append(s.Busy, e.busy)
	e.r.PeakRequests, e.r.PeakVends = max(e.r.PeakRequests, e.requests), max(e.r.PeakVends, e.vends)
	e.requests, e.vends, e.throttled, e.stsCalls, e.cold, e.busy = 0, 0, 0, 0, 0, uint32(e.lambda.busy) //nolint:gosec // at most the concurrency
}

// wake has a client ask.
func (e *engine) wake(now int64, id uint32) {
	c := &e.clients.all[id]
	if u := e.clients.until; u != nil && now/1000 >= int64(u[id]) {
		*c = client{hurt: c.hurt}
		return
	}
	if c.ends == 0 {
		c.ends = waiting | uint32(now/1000) //nolint:gosec // below 31 days
		e.r.Started++
	}
	session := id / uint32(e.c.PerSession) //nolint:gosec // at most maxClients
	k := e.clients.kindOf(session)
	v, issued, took := e.request(now, id, session, k)
	e.requests++
	if v > GaveUp {
		e.throttled++
	} else {
		e.vends++
	}
	took += e.network
	if v <= Reused && k.patience > 0 && took > k.patience {
		v, took = GaveUp, k.patience
	}
	e.r.Counts[v]++
	if v <= Reused {
		e.has(now, id, session, k, issued, now+took)
	} else {
		e.lacks(now+took, id, k, v)
	}
}

// request goes through the service. It says when the credentials were issued,
// and how long the answer took.
func (e *engine) request(now int64, id, session uint32, k *kind) (v Verdict, issued, took int64) {
	if v = e.front.admit(now, k.Post); v != Vended {
		return v, 0, 0
	}
	env, cold, v := e.lambda.take(now, &e.lots)
	if v != Vended {
		return v, 0, 0
	}
	e.busy = max(e.busy, uint32(e.lambda.busy)) //nolint:gosec // at most the concurrency
	ran := int64(0)
	if cold {
		e.cold++
		e.r.ColdStarts++
		start := e.initFrom + int64(e.lots.below(uint64(e.inits))) //nolint:gosec // it is above 0
		e.r.Milliseconds += uint64(start)                          //nolint:gosec // Lambda bills it
		took = e.platform + start
	}
	v, issued, ran = e.handle(now, took, &e.lambda.all[env], id, session, k)
	e.r.Milliseconds += uint64(ran) //nolint:gosec // above 0
	took += ran
	e.wheel.soon(now+took, freed|env)
	return v, issued, took
}

// handle is the function's part, which begins after a delay.
func (e *engine) handle(now, after int64, env *environment, id, session uint32, k *kind) (v Verdict, issued, ran int64) {
	findable := e.pools.enabled() && (e.shared || k.Commands && k.Renews == behaviour.EachCommand)
	if findable {
		if at, ok := e.pools.find(now+after, env, session); ok {
			return Reused, at, e.kept
		}
	}
	if e.brake && !e.brakes.allow(now, env, id/uint32(e.c.PerRole)) { //nolint:gosec // at most maxClients
		return ThrottledBrake, 0, e.kept
	}
	wait, ok := e.sts.assume(now, env, &e.lots)
	if !ok {
		return ThrottledSTS, 0, e.kept + wait
	}
	e.stsCalls++
	issued = now + after + wait
	e.pools.keep(issued, env, session, findable)
	return Vended, issued, e.handler + wait
}

// has is a client that got credentials, and has them at a moment.
func (e *engine) has(now int64, id, session uint32, k *kind, issued, at int64) {
	c := &e.clients.all[id]
	if since := c.ends; since&waiting != 0 {
		wait := now/1000 - int64(since&^waiting)
		e.r.Waits.add(wait)
		e.r.WithoutMilliseconds += uint64(wait * 1000) //nolint:gosec // not below 0
		e.r.LastFirst = time.Duration(at) * time.Millisecond
	}
	c.ends = uint32((issued+e.clients.life)/1000) + 1 //nolint:gosec // below 31 days
	c.tries, c.starts = 0, 0
	e.schedule(now, e.clients.renew(k, session, issued, at, &e.lots), id)
}

// lacks is a client that did not get any, and knows it at a moment.
func (e *engine) lacks(at int64, id uint32, k *kind, v Verdict) {
	c := &e.clients.all[id]
	c.tries++
	if int(c.tries) < k.TriesAt(v.status()) {
		wait := k.waits[c.tries-1]
		if k.Lots {
			wait = int64(e.lots.below(uint64(wait))) + 1 //nolint:gosec // above 0
		}
		e.schedule(at, at+wait, id)
		return
	}
	c.tries = 0
	if left := c.left(at); left > k.persists && !k.Crashes && k.Renews != behaviour.EachCommand {
		e.r.Renewals++
		e.schedule(at, at+max(min(k.pause, left), e.lots.draw(k.gap), 1), id)
		return
	}
	e.r.Failures++
	c.hurt = true
	wait := max(e.lots.draw(k.gap), 1)
	if never := c.ends&waiting != 0; (never || k.Crashes) && !k.Commands {
		wait = restart(c.starts, &e.lots)
		c.starts = min(c.starts+1, 15)
	}
	e.schedule(at, at+wait, id)
}

// schedule wakes a client at a moment.
func (e *engine) schedule(now, at int64, id uint32) {
	at = max(at, now+1)
	if at-e.second*1000 < ring-1000 {
		e.wheel.soon(at, id)
		return
	}
	e.wheel.later(at/1000, id)
}

// finish sums up.
func (e *engine) finish() {
	r := e.r
	r.STSCalls, r.STSRefused = e.sts.total, e.sts.refused
	r.PeakSTS, r.PeakSTSAsked = e.sts.peakCalls[:e.sts.regions], e.sts.peakAsked[:e.sts.regions]
	r.PeakBusy, r.PeakEnvironments = e.lambda.peakBusy, e.lambda.peak
	for i := range e.clients.all {
		c := &e.clients.all[i]
		if c.ends&waiting != 0 {
			r.NotYet++
		}
		if c.hurt {
			r.Hurt++
		}
	}
}
