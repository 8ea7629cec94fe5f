package fleet_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/credvend/credvend/simulate/behaviour"
	"github.com/credvend/credvend/simulate/fleet"
)

// run simulates, and checks what must hold of every run.
func run(t interface {
	Helper()
	Fatalf(string, ...any)
	Errorf(string, ...any)
}, c fleet.Config) *fleet.Result {
	t.Helper()
	r, err := fleet.Run(c)
	if err != nil {
		t.Fatalf("%v", err)
	}
	conserved(t, c, r)
	return r
}

func sum(series []uint32) (n uint64) {
	for _, v := range series {
		n += uint64(v)
	}
	return n
}

// conserved: each request ended in one way, and no quota was passed.
func conserved(t interface {
	Helper()
	Errorf(string, ...any)
}, c fleet.Config, r *fleet.Result) {
	t.Helper()
	l := c.Limits
	if got := sum(r.Series.Requests); got != r.Requests() {
		t.Errorf("%d requests were sent, %d ended", got, r.Requests())
	}
	if got := sum(r.Series.Throttled); got != r.Throttled() || r.Requests() != r.Answered()+r.Throttled() {
		t.Errorf("%d were throttled, by the second %d; %d answered of %d", r.Throttled(), got, r.Answered(), r.Requests())
	}
	if got := sum(r.Series.Vends); got != r.Answered() {
		t.Errorf("%d vends by the second, %d in all", got, r.Answered())
	}
	if got := sum(r.Series.STS); got != r.STSCalls || r.STSCalls < r.Counts[fleet.Vended] || r.STSCalls > r.Counts[fleet.Vended]+r.Counts[fleet.GaveUp] {
		t.Errorf("STS issued %d, by the second %d; %d were vended and %d came too late", r.STSCalls, got, r.Counts[fleet.Vended], r.Counts[fleet.GaveUp])
	}
	if r.Started > uint64(c.Clients) || r.NotYet > r.Started || r.Hurt > r.Started || r.Waits.N > r.Started+r.Failures {
		t.Errorf("%d clients: %d began, %d have nothing, %d were hurt", c.Clients, r.Started, r.NotYet, r.Hurt)
	}
	if got := sum(r.Series.Cold); got != r.ColdStarts {
		t.Errorf("%d cold starts by the second, %d in all", got, r.ColdStarts)
	}
	invoked := 0.0
	for s := range r.Series.STS {
		if int(r.Series.STS[s]) > l.STSRate*l.STSRegions {
			t.Errorf("second %d: %d calls of STS", s, r.Series.STS[s])
		}
		if int(r.Series.Busy[s]) > l.Concurrency || float64(r.Series.Cold[s]) > 1.1*float64(l.ScaleBy) {
			t.Errorf("second %d: %d busy, %d cold starts", s, r.Series.Busy[s], r.Series.Cold[s])
		}
		admitted := float64(r.Series.Requests[s]) - float64(r.Series.Throttled[s])
		invoked += admitted
		if admitted > l.AccountRate+l.AccountBurst || l.RouteRate > 0 && admitted > 2*(l.RouteRate+l.RouteBurst) {
			t.Errorf("second %d: %g requests came in", s, admitted)
		}
		if most := 2 * (l.RouteBurst + l.RouteRate*float64(s+1)); l.RouteRate > 0 && c.Warm == 0 && invoked > most+1e-6 {
			t.Errorf("up to second %d: %g requests came in, more than %g", s, invoked, most)
		}
	}
	for region, peak := range r.PeakSTS {
		if peak > l.STSRate || r.PeakSTSAsked[region] < peak {
			t.Errorf("STS region %d: %d let through, %d asked", region, peak, r.PeakSTSAsked[region])
		}
	}
	if r.PeakBusy > l.Concurrency || r.PeakEnvironments < r.PeakBusy {
		t.Errorf("%d busy of %d environments", r.PeakBusy, r.PeakEnvironments)
	}
}

func only(t interface{ Fatalf(string, ...any) }, mix string) []behaviour.Share {
	all, err := behaviour.ParseMix(mix)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return all
}

// TestAnyConfiguration: whatever the fleet and the limits, requests are
// conserved and quotas are kept, and the same seed gives the same.
func TestAnyConfiguration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := fleet.Default(rapid.IntRange(1, 200).Draw(t, "clients"))
		c.Mix = only(t, rapid.SampledFrom([]string{behaviour.DefaultMix, behaviour.Honouring, "js-before", "cli", "java", "go=1,client=1"}).Draw(t, "mix"))
		c.Lifetime = rapid.SampledFrom([]time.Duration{15 * time.Minute, 17 * time.Minute, 30 * time.Minute, time.Hour}).Draw(t, "life")
		c.Duration = time.Duration(rapid.IntRange(1, 40).Draw(t, "minutes")) * time.Minute
		c.Arrival = fleet.Arrival(rapid.IntRange(0, 1).Draw(t, "arrival"))
		c.Every = time.Duration(rapid.IntRange(0, 60).Draw(t, "every")) * time.Second
		c.Command = time.Duration(rapid.IntRange(1, 600).Draw(t, "command")) * time.Second
		c.Warm = time.Duration(rapid.IntRange(0, 20).Draw(t, "warm")) * time.Minute
		c.PerSession = rapid.IntRange(1, 10).Draw(t, "session")
		c.PerRole = c.PerSession * rapid.IntRange(1, 50).Draw(t, "role")
		c.Seed = rapid.Uint64().Draw(t, "seed")
		l := &c.Limits
		l.RouteRate, l.RouteBurst = float64(rapid.IntRange(0, 20).Draw(t, "rate")), float64(rapid.IntRange(1, 40).Draw(t, "burst"))
		l.AccountRate, l.AccountBurst = float64(rapid.IntRange(1, 50).Draw(t, "account")), float64(rapid.IntRange(1, 50).Draw(t, "account burst"))
		l.Concurrency, l.ScaleBy = rapid.IntRange(1, 20).Draw(t, "concurrency"), rapid.IntRange(1, 20).Draw(t, "scale")
		l.STSRate, l.STSRegions = rapid.IntRange(1, 10).Draw(t, "sts"), rapid.IntRange(1, 3).Draw(t, "regions")
		l.BrakeRate, l.BrakeBurst = float64(rapid.IntRange(0, 3).Draw(t, "brake")), 3
		c.Service.Random = rapid.Bool().Draw(t, "random")
		r := run(t, c)
		again, err := fleet.Run(c)
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Fatalf("the same seed gives other figures: %v", err)
		}
	})
}

// TestSeeds: another seed is another run.
func TestSeeds(t *testing.T) {
	c := fleet.Default(500)
	a := run(t, c)
	c.Seed++
	if b := run(t, c); reflect.DeepEqual(a.Series, b.Series) {
		t.Error("two seeds give one run")
	}
}

// TestRate: clients that renew after a period, and are spread evenly, make
// their number by the period in requests a second, within one in a hundred.
func TestRate(t *testing.T) {
	for _, c := range []struct {
		name   string
		mix    string
		life   time.Duration
		period time.Duration
	}{
		{"five minutes before the end", "go", 30 * time.Minute, 25 * time.Minute},
		{"of an hour", "js", time.Hour, 55 * time.Minute},
		{"fifteen minutes before the end", "boto3", 30 * time.Minute, 15 * time.Minute},
		{"Java draws from fifteen to two", "java", 30 * time.Minute, 21*time.Minute + 30*time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := fleet.Default(20_000)
			f.Mix, f.Lifetime, f.Every, f.Arrival, f.Ramp, f.Duration = only(t, c.mix), c.life, 0, fleet.Spread, c.period, 4*c.period
			f.Limits.RouteRate = 0
			r := run(t, f)
			got, want := r.PerSecond(r.Requests()), float64(f.Clients)/c.period.Seconds()
			if math.Abs(got/want-1) > 0.01 || r.Throttled() != 0 || r.Failures != 0 {
				t.Errorf("%g requests a second, want %g; %d throttled", got, want, r.Throttled())
			}
		})
	}
	// Of a fleet that has long been running, the rate is right from the first minute.
	g := fleet.Default(50_000)
	g.Mix, g.Every, g.Arrival, g.Duration = only(t, "go"), 0, fleet.Spread, 25*time.Minute
	g.Limits.RouteRate = 0
	running := run(t, g)
	for _, part := range [][]uint32{running.Series.Requests[:300], running.Series.Requests[1200:]} {
		if got, want := float64(sum(part))/300, 50_000/1500.0; math.Abs(got/want-1) > 0.04 {
			t.Errorf("%g requests a second of a fleet that has long been running, want %g", got, want)
		}
	}
	// And it holds credentials: a door that is shut for a while hurts nobody yet.
	g.Duration, g.Limits.RouteRate, g.Limits.RouteBurst = time.Minute, 0.001, 1
	if shut := run(t, g); shut.NotYet != 0 || shut.Started != uint64(g.Clients) || shut.Throttled() == 0 {
		t.Errorf("of %d clients that were running %d had no credentials", shut.Started, shut.NotYet)
	}
	// refreshAfter lies evenly from 40 to 60 % of the life, so the rate is the mean
	// of what each makes: ln(0.6/0.4)/0.2 by the life.
	f := fleet.Default(20_000)
	f.Mix, f.Every, f.Arrival, f.Duration = only(t, "client"), 0, fleet.Spread, 6*time.Hour
	f.Ramp = 15 * time.Minute
	f.Limits.RouteRate = 0
	r := run(t, f)
	got, want := r.PerSecond(r.Requests()), float64(f.Clients)/f.Lifetime.Seconds()*math.Log(1.5)/0.2
	if math.Abs(got/want-1) > 0.01 {
		t.Errorf("refreshAfter: %g requests a second, want %g", got, want)
	}
}

// TestHerd: a fleet that began together comes back together, and not so where
// it keeps to refreshAfter.
func TestHerd(t *testing.T) {
	peak := func(mix string) uint32 {
		f := fleet.Default(10_000)
		f.Mix, f.Arrival, f.Duration = only(t, mix), fleet.Together, time.Hour
		f.Limits.RouteRate, f.Limits.STSRate, f.Limits.Concurrency, f.Limits.ScaleBy = 0, 20_000, 20_000, 20_000
		most := uint32(0)
		for _, n := range run(t, f).Series.STS[60:] {
			most = max(most, n)
		}
		return most
	}
	if stock, ours := peak("go"), peak("client"); stock < 600 || ours > 60 {
		t.Errorf("after the start, at most %d calls of STS a second with the SDK for Go, %d with refreshAfter", stock, ours)
	}
}

// TestWho: each limit throttles where it is the narrowest.
func TestWho(t *testing.T) {
	for _, c := range []struct {
		who  fleet.Verdict
		bend func(*fleet.Config)
	}{
		{fleet.ThrottledRoute, func(*fleet.Config) {}},
		{fleet.ThrottledAccount, func(c *fleet.Config) { c.Limits.AccountRate, c.Limits.AccountBurst = 20, 10 }},
		{fleet.ThrottledConcurrency, func(c *fleet.Config) { c.Limits.Concurrency = 3 }},
		{fleet.ThrottledScaling, func(c *fleet.Config) { c.Limits.ScaleBy = 5 }},
		{fleet.ThrottledInvokes, func(c *fleet.Config) { c.Limits.Concurrency, c.Service.STS = 3, 5*time.Millisecond }},
		{fleet.ThrottledBrake, func(c *fleet.Config) { c.PerRole, c.Ramp = c.Clients, 10*time.Second }},
		{fleet.ThrottledSTS, func(c *fleet.Config) { c.Limits.STSRate = 40 }},
	} {
		t.Run(c.who.String(), func(t *testing.T) {
			f := fleet.Default(2000)
			f.Duration = 10 * time.Minute
			if c.who != fleet.ThrottledRoute {
				f.Limits.RouteRate = 0
			}
			c.bend(&f)
			r := run(t, f)
			if r.Counts[c.who] == 0 {
				t.Errorf("it never throttled: %v", r.Counts)
			}
			if r.Waits.Quantile(1) == 0 {
				t.Error("nobody had to wait")
			}
		})
	}
}

// TestRegions: what one region throttles the next one issues, and the first is
// left alone meanwhile.
func TestRegions(t *testing.T) {
	f := fleet.Default(3000)
	f.Duration = 2 * time.Minute
	f.Limits.RouteRate, f.Limits.STSRate, f.Limits.STSRegions = 0, 300, 2
	r := run(t, f)
	if r.PeakSTS[0] != 300 || r.PeakSTS[1] < 100 {
		t.Errorf("peaks %v", r.PeakSTS)
	}
	f.Limits.STSRegions = 1
	if one := run(t, f); one.Counts[fleet.ThrottledSTS] <= r.Counts[fleet.ThrottledSTS] {
		t.Errorf("one region throttles %d, two %d", one.Counts[fleet.ThrottledSTS], r.Counts[fleet.ThrottledSTS])
	}
}

// TestReuse: clients that are one individual share what an environment keeps,
// unless the cache is off or the life too short.
func TestReuse(t *testing.T) {
	f := fleet.Default(1000)
	f.Mix, f.PerSession, f.PerRole, f.Arrival, f.Ramp = only(t, "client"), 10, 10, fleet.Spread, time.Minute
	f.Limits.BrakeRate = 0
	with := run(t, f)
	f.Service.NoCache = true
	without := run(t, f)
	f.Service.NoCache, f.Lifetime = false, 15*time.Minute
	short := run(t, f)
	if with.Counts[fleet.Reused] < with.Requests()/2 || without.Counts[fleet.Reused] != 0 || short.Counts[fleet.Reused] != 0 {
		t.Errorf("reused: %d of %d; %d without a cache; %d of a quarter hour", with.Counts[fleet.Reused], with.Requests(), without.Counts[fleet.Reused], short.Counts[fleet.Reused])
	}
}

// TestOutage: where STS lets nearly nothing through, running clients go on as
// long as each kind does, and then fail; those that begin fail at once.
func TestOutage(t *testing.T) {
	for kind, lives := range map[string]bool{"go": false, "boto3": false, "client": true, "js": true, "cli": false} {
		f := fleet.Default(200)
		f.Mix, f.Arrival, f.Duration, f.Command = only(t, kind), fleet.Spread, 12*time.Minute, time.Minute
		f.Ramp = time.Second
		f.Lifetime = 20 * time.Minute
		f.Limits.RouteRate, f.Limits.RouteBurst = 0.001, 200 // the start, and no more
		r := run(t, f)
		if lives && (r.Hurt != 0 || kind != "js" && r.Renewals == 0) || kind == "cli" && r.Hurt < 190 {
			t.Errorf("%s: %d hurt, %d renewals put off", kind, r.Hurt, r.Renewals)
		}
		f.Duration = 22 * time.Minute
		if r = run(t, f); r.Hurt < 190 {
			t.Errorf("%s: of 200 clients whose credentials ended %d were hurt", kind, r.Hurt)
		}
	}
}

// TestPersists: where nothing can be renewed, signings fail from the moment that
// docs/callers.md has for each client, and not before.
func TestPersists(t *testing.T) {
	for kind, last := range map[string]time.Duration{"go": 25 * time.Minute, "boto3": 20 * time.Minute, "js": 30 * time.Minute, "java": 29 * time.Minute, "client": 30 * time.Minute, "js-before": 25 * time.Minute} {
		f := fleet.Default(200)
		f.Mix, f.Ramp = only(t, kind), time.Second
		f.Limits.RouteRate, f.Limits.RouteBurst = 0.001, 200
		f.Duration = last - 10*time.Second
		if r := run(t, f); r.Hurt != 0 {
			t.Errorf("%s: %d are hurt before %v", kind, r.Hurt, last)
		}
		f.Duration = last + 90*time.Second
		if r := run(t, f); r.Hurt < 180 {
			t.Errorf("%s: only %d are hurt after %v", kind, r.Hurt, last)
		}
	}
}

// TestDaily: people come in the morning and leave in the evening.
func TestDaily(t *testing.T) {
	f := fleet.Default(2000)
	f.Arrival, f.Duration = fleet.Daily, 24*time.Hour
	r := run(t, f)
	if r.Started != 2000 || sum(r.Series.Requests[:4*3600]) != 0 || sum(r.Series.Requests[22*3600:]) != 0 || sum(r.Series.Requests[11*3600:12*3600]) == 0 {
		t.Errorf("%d began; at night %d and %d requests, at noon %d", r.Started, sum(r.Series.Requests[:4*3600]), sum(r.Series.Requests[22*3600:]), sum(r.Series.Requests[11*3600:12*3600]))
	}
}

// TestRefused: what cannot be simulated is refused in words.
func TestRefused(t *testing.T) {
	for name, bend := range map[string]func(*fleet.Config){
		"no clients":       func(c *fleet.Config) { c.Clients = 0 },
		"too many":         func(c *fleet.Config) { c.Clients = 1 << 31 },
		"no mix":           func(c *fleet.Config) { c.Mix = nil },
		"a life too short": func(c *fleet.Config) { c.Lifetime = time.Minute },
		"a life too long":  func(c *fleet.Config) { c.Lifetime = 2 * time.Hour },
		"no time":          func(c *fleet.Config) { c.Duration = 0 },
		"half a session":   func(c *fleet.Config) { c.PerSession = 0 },
		"half a role":      func(c *fleet.Config) { c.PerSession = 2 },
		"no environment":   func(c *fleet.Config) { c.Limits.Concurrency = 0 },
		"many regions":     func(c *fleet.Config) { c.Limits.STSRegions = 9 },
		"no burst":         func(c *fleet.Config) { c.Limits.RouteBurst = 0 },
		"a slow platform":  func(c *fleet.Config) { c.Service.Platform = 4 * time.Second },
		"init backwards":   func(c *fleet.Config) { c.Service.InitTo = 0 },
		"no command":       func(c *fleet.Config) { c.Command = 0 },
	} {
		c := fleet.Default(10)
		bend(&c)
		if _, err := fleet.Run(c); err == nil {
			t.Errorf("%s: simulated", name)
		}
	}
}

// BenchmarkRun counts events a second at a million clients.
func BenchmarkRun(b *testing.B) {
	for b.Loop() {
		c := fleet.Default(1_000_000)
		c.Arrival, c.Duration = fleet.Spread, 30*time.Minute
		c.Limits.RouteRate, c.Limits.STSRegions = 0, 4
		r, err := fleet.Run(c)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(r.Events)/b.Elapsed().Seconds()*float64(b.N), "events/s")
	}
}
