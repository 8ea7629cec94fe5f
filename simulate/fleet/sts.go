package fleet

import "time"

// stsTimeout is the longest attempt that the function waits for.
const stsTimeout = 400 * time.Millisecond

// restTime is how long an environment leaves a region alone that throttled it,
// in milliseconds, as internal/assume does.
const restTime = 30_000

// sts is the quota of each region. It is counted by the second of the clock:
// AWS says that its bucket is refilled each second, and not how large it is.
type sts struct {
	rate, regions int
	refuses       int64 // how long a refusal takes, in milliseconds
	latency       *table

	second int64
	calls  [maxRegions]int // this second, let through
	asked  [maxRegions]int // this second, with those refused

	peakCalls, peakAsked [maxRegions]int
	total, refused       uint64
}

func newSTS(l Limits, s Service) *sts {
	return &sts{
		rate: l.STSRate, regions: l.STSRegions, refuses: s.STSRefuses.Milliseconds(),
		latency: lognormal(s.STS, s.STSSpread, stsTimeout),
	}
}

// assume makes one attempt in each region that the environment does not leave
// alone, in order, until one issues. It says how long that took.
func (s *sts) assume(now int64, e *environment, lots *random) (took int64, issued bool) {
	if second := now / 1000; second != s.second {
		s.second, s.calls, s.asked = second, [maxRegions]int{}, [maxRegions]int{}
	}
	all := true // rest
	for r := range s.regions {
		all = all && now < e.rests[r]
	}
	for r := range s.regions {
		if now < e.rests[r] && !all {
			continue
		}
		s.asked[r]++
		s.peakAsked[r] = max(s.peakAsked[r], s.asked[r])
		if s.calls[r] >= s.rate {
			s.refused++
			took += s.refuses
			e.rests[r] = now + restTime
			continue
		}
		s.calls[r]++
		s.peakCalls[r] = max(s.peakCalls[r], s.calls[r])
		s.total++
		e.rests[r] = 0
		return took + lots.draw(s.latency), true
	}
	return took, false
}
