package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/credvend/credvend/simulate/behaviour"
	"github.com/credvend/credvend/simulate/fleet"
	"github.com/credvend/credvend/simulate/price"
)

// sizes are the fleets of docs/scale.md.
func sizes() []int { return []int{10_000, 100_000, 1_000_000, 10_000_000} }

// variant is a fleet's kind of clients, and the life of their credentials.
type variant struct {
	name, mix string
	life      time.Duration
}

func variants() []variant {
	return []variant{
		{"stock", behaviour.DefaultMix, 30 * time.Minute},
		{"stock", behaviour.DefaultMix, time.Hour},
		{"refreshAfter", behaviour.Honouring, 30 * time.Minute},
		{"refreshAfter", behaviour.Honouring, time.Hour},
	}
}

// fleetOf is a configuration of so many clients of a variant.
func fleetOf(clients int, v variant) (scenario, error) {
	c := fleet.Default(clients)
	mix, err := behaviour.ParseMix(v.mix)
	c.Mix, c.Lifetime = mix, v.life
	return scenario{c, 1}, err
}

// unlimited lifts every limit: what is asked for is what is had.
func unlimited(c *fleet.Config) {
	const no = 1 << 28
	c.Limits = fleet.Limits{AccountRate: no, AccountBurst: no, Concurrency: no, ScaleBy: no, STSRate: no, STSRegions: 1}
}

// demand is what a fleet asks for that has long been running.
func demand(clients int, v variant, progress io.Writer) (*outcome, error) {
	s, err := fleetOf(clients, v)
	if err != nil {
		return nil, err
	}
	unlimited(&s.config)
	s.config.Arrival, s.config.Warm, s.config.Duration = fleet.Spread, 10*time.Minute, time.Hour
	if clients > 1_000_000 { // there are enough of them
		s.config.Duration = 20 * time.Minute
	}
	return s.simulate(progress)
}

const demandHead = "| clients | fleet | life | vends a second | in the busiest second | environments | cold starts an hour | USD a month |\n|---|---|---|---|---|---|---|---|\n"

func demandRow(o *outcome, v variant, bill []price.Line) string {
	r := o.result
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %d | %d | %s |\n", thousands(o.config.Clients), v.name, short(v.life),
		rate(r.PerSecond(r.Answered())), thousands(int(r.PeakVends)), r.PeakEnvironments, int(float64(r.ColdStarts)/r.Duration.Hours()+0.5), thousands(int(price.Sum(bill)+0.5)))
}

// rollout is a fleet that is deployed: all within a minute.
func rollout(clients int, v variant, progress io.Writer, bend func(*scenario)) (*outcome, error) {
	s, err := fleetOf(clients, v)
	if err != nil {
		return nil, err
	}
	s.config.Ramp, s.config.Duration = time.Minute, time.Hour
	if bend != nil {
		bend(&s)
	}
	return s.simulate(progress)
}

const rolloutHead = "| clients | fleet | settings | throttled | most by | had to wait | 99 % within | without credentials after an hour | signings failed, of so many clients |\n|---|---|---|---|---|---|---|---|---|\n"

func rolloutRow(o *outcome, name, settings string) string {
	r := o.result
	who, share := first(r)
	by := "nobody"
	if share >= 0.0005 {
		by = who.String()
	}
	waited := 1 - float64(at(r.Waits.Buckets, 0))/float64(max(r.Started, 1))
	return fmt.Sprintf("| %s | %s | %s | %.1f %% | %s | %.1f %% | %s | %.1f %% | %.1f %% |\n", thousands(o.config.Clients), name, settings,
		100*float64(r.Throttled())/float64(max(r.Requests(), 1)), by, 100*waited, within(r), percent(r.NotYet, r), percent(r.Hurt, r))
}

// within is the wait of all but one in a hundred, if that many have ended it.
func within(r *fleet.Result) string {
	if float64(r.NotYet) > 0.01*float64(r.Started) {
		return "not within the hour"
	}
	if wait := r.Waits.Quantile(0.99); wait > 0 {
		return short(wait)
	}
	return "a second"
}

func percent(n uint64, r *fleet.Result) float64 { return 100 * float64(n) / float64(max(r.Started, 1)) }

func at(buckets []uint64, i int) uint64 {
	if i < len(buckets) {
		return buckets[i]
	}
	return 0
}

// remedy is what docs/scale.md advises for a size.
type remedy struct {
	clients  int
	variant  variant
	settings string // in words
	flags    string // of the command that does the same
	bend     func(*scenario)
}

func remedies() []remedy {
	v := variants()
	throttle := func(s *scenario, rate, burst float64) {
		s.config.Limits.RouteRate, s.config.Limits.RouteBurst = rate, burst
	}
	return []remedy{
		{10_000, v[0], "ThrottleRate 500, burst 500", "-throttle 500,500", func(s *scenario) { throttle(s, 500, 500) }},
		{100_000, v[1], "ThrottleRate 2,000, burst 2,000; life 1h; 2 STS regions; deploy over 5m", "-lifetime 1h -throttle 2000,2000 -sts-regions 2 -ramp 5m", func(s *scenario) {
			throttle(s, 2000, 2000)
			s.config.Limits.STSRegions, s.config.Ramp = 2, 5*time.Minute
		}},
		{1_000_000, v[3], "ThrottleRate 5,000, burst 5,000; life 1h; 3 STS regions; deploy over 30m", "-lifetime 1h -throttle 5000,5000 -sts-regions 3 -ramp 30m", func(s *scenario) {
			throttle(s, 5000, 5000)
			s.config.Limits.STSRegions, s.config.Ramp = 3, 30*time.Minute
		}},
		{10_000_000, v[3], "the same at 10 fronts, each in an account of its own", "-lifetime 1h -throttle 5000,5000 -sts-regions 3 -ramp 30m -fronts 10", func(s *scenario) {
			throttle(s, 5000, 5000)
			s.config.Limits.STSRegions, s.config.Ramp, s.fronts = 3, 30*time.Minute, 10
		}},
	}
}

// rate writes what is small with a decimal.
func rate(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.1f", v)
	}
	return thousands(int(v + 0.5))
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
