package fleet

import "time"

// Verdict is how one request ended.
type Verdict uint8

// The verdicts. Each request ends in exactly one.
const (
	Vended               Verdict = iota // newly issued by STS
	Reused                              // what the environment kept
	GaveUp                              // answered, when the client had lost patience
	ThrottledRoute                      // API Gateway: ThrottleRate of a route
	ThrottledAccount                    // API Gateway: the account's quota
	ThrottledConcurrency                // Lambda: the account's, or the reserved, concurrency
	ThrottledScaling                    // Lambda: new environments too fast
	ThrottledInvokes                    // Lambda: ten requests a second for each of the concurrency
	ThrottledBrake                      // credvend: Rate of one caller
	ThrottledSTS                        // STS: the quota of all its regions
	verdicts
)

// String names who decided.
func (v Verdict) String() string {
	return [...]string{
		"vended", "reused", "gave up", "ThrottleRate", "API Gateway's account", "Lambda's concurrency",
		"Lambda's scaling", "Lambda's invokes", "Rate (brake)", "STS's quota",
	}[v]
}

// Throttles are the verdicts that are somebody's limit.
func Throttles() []Verdict {
	return []Verdict{ThrottledRoute, ThrottledAccount, ThrottledConcurrency, ThrottledScaling, ThrottledInvokes, ThrottledBrake, ThrottledSTS}
}

// status is what the client sees. Lambda's throttles come out of an HTTP API as 503.
func (v Verdict) status() int {
	switch v {
	case ThrottledRoute, ThrottledAccount, ThrottledBrake:
		return 429
	default:
		return 503
	}
}

// Series are figures of each simulated second.
type Series struct {
	Requests  []uint32 // that clients sent
	Vends     []uint32 // answered with credentials, new or kept
	STS       []uint32 // calls that STS let through, all regions
	Throttled []uint32
	Cold      []uint32
	Busy      []uint32 // environments, at most
}

// Result is what a run counted.
type Result struct {
	Clients  int
	Duration time.Duration
	Counts   [verdicts]uint64 // by Verdict

	STSCalls, STSRefused       uint64
	PeakSTS                    []int // a second, by region: let through
	PeakSTSAsked               []int // a second, by region: with those refused
	ColdStarts                 uint64
	PeakBusy                   int // executions at one moment
	PeakEnvironments           int // busy and idle
	Milliseconds               uint64
	PeakRequests, PeakVends    uint32        // a second
	Failures, Renewals, NotYet uint64        // signings that failed; renewals put off; clients without credentials at the end
	Hurt                       uint64        // clients of which a signing failed
	Started                    uint64        // clients that began
	Waits                      Histogram     // seconds, of clients that had to wait for their first
	WithoutMilliseconds        uint64        // sum of those waits
	LastFirst                  time.Duration // when the last client got its first credentials
	Series                     Series
	Events                     uint64
}

// Requests is how many there were.
func (r *Result) Requests() uint64 {
	var n uint64
	for _, c := range r.Counts {
		n += c
	}
	return n
}

// Answered is how many got credentials out of the function, new or kept, in time or not.
func (r *Result) Answered() uint64 { return r.Counts[Vended] + r.Counts[Reused] + r.Counts[GaveUp] }

// Throttled is how many were refused by some limit.
func (r *Result) Throttled() uint64 {
	var n uint64
	for _, v := range Throttles() {
		n += r.Counts[v]
	}
	return n
}

// Invoked is how many requests reached the function.
func (r *Result) Invoked() uint64 {
	return r.Answered() + r.Counts[ThrottledBrake] + r.Counts[ThrottledSTS]
}

// Billed is how many requests API Gateway bills: not those that it throttles.
func (r *Result) Billed() uint64 {
	return r.Requests() - r.Counts[ThrottledRoute] - r.Counts[ThrottledAccount]
}

// PerSecond is a mean over the run.
func (r *Result) PerSecond(count uint64) float64 { return float64(count) / r.Duration.Seconds() }

// Histogram counts whole seconds, up to a day and a bit.
type Histogram struct {
	Buckets []uint64 // by seconds
	N       uint64
}

func (h *Histogram) add(seconds int64) {
	for int64(len(h.Buckets)) <= seconds {
		h.Buckets = append(h.Buckets, make([]uint64, seconds-int64(len(h.Buckets))+1)...)
	}
	h.Buckets[seconds]++
	h.N++
}

// Quantile is the wait that a part of the clients do not exceed.
func (h *Histogram) Quantile(q float64) time.Duration {
	var sum uint64
	for s, n := range h.Buckets {
		sum += n
		if n > 0 && float64(sum) >= q*float64(h.N) {
			return time.Duration(s) * time.Second
		}
	}
	return 0
}
