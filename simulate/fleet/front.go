package fleet

// bucket is a token bucket that fills by the millisecond.
type bucket struct {
	rate, burst float64 // tokens a second, and at most
	tokens      float64
	at          int64
}

func newBucket(rate, burst float64) bucket { return bucket{rate, burst, burst, 0} }

// fill brings the bucket up to a moment.
func (b *bucket) fill(now int64) {
	if now > b.at {
		b.tokens = min(b.burst, b.tokens+b.rate*float64(now-b.at)/1000)
		b.at = now
	}
}

// take takes a token, if there is one.
func (b *bucket) take(now int64) bool {
	b.fill(now)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// front is API Gateway: a throttle for each route, and one for the account.
type front struct {
	limited bool
	routes  [2]bucket // GET /v1/credentials/TARGET and POST /v1/credentials
	account bucket
}

func newFront(l Limits) *front {
	route := newBucket(l.RouteRate, l.RouteBurst)
	return &front{l.RouteRate > 0, [2]bucket{route, route}, newBucket(l.AccountRate, l.AccountBurst)}
}

// admit lets a request in, or says who refuses it. What a route refuses does not
// count against the account.
func (f *front) admit(now int64, post bool) Verdict {
	route := 0
	if post {
		route = 1
	}
	if f.limited && !f.routes[route].take(now) {
		return ThrottledRoute
	}
	if !f.account.take(now) {
		return ThrottledAccount
	}
	return Vended
}
