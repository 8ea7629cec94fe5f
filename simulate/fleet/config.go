// Package fleet simulates clients that fetch credentials from one deployment of
// credvend: requests, limits, execution environments, reuse, retries. It is a
// discrete-event simulation with a clock of milliseconds, on one processor, and
// the same seed gives the same figures. It does no I/O and knows no prices.
package fleet

import (
	"errors"
	"fmt"
	"time"

	"github.com/credvend/credvend/simulate/behaviour"
)

// Arrival is how clients begin.
type Arrival uint8

// The arrivals.
const (
	Together Arrival = iota // a deploy: all within Ramp
	Spread                  // as after a long time: each somewhere between two renewals, or evenly over Ramp
	Daily                   // people: around hour 9, for a working day
)

// Config is what to simulate.
type Config struct {
	Clients  int
	Mix      []behaviour.Share
	Lifetime time.Duration // of credentials: 15 m to 1 h
	Duration time.Duration // that is counted
	Warm     time.Duration // before that, simulated and not counted
	Arrival  Arrival
	Ramp     time.Duration // Together: 0 is a second
	Workday  time.Duration // Daily: how long a client stays
	Every    time.Duration // mean time between two signings of a program
	Command  time.Duration // mean time between two commands of a person
	Seed     uint64

	// PerSession clients are one individual (one role session, one subject): they
	// share what an environment keeps. PerRole clients are one caller to the brake:
	// one IAM role, whatever its sessions; a token's subject is one of its own.
	PerSession, PerRole int

	Limits  Limits
	Service Service

	// Progress, if not nil, is called now and then with what was simulated.
	Progress func(done time.Duration, requests uint64)
}

// Limits are AWS's quotas and the template's parameters.
type Limits struct {
	RouteRate, RouteBurst     float64 // ThrottleRate, ThrottleBurst: each route of the API; 0: none
	AccountRate, AccountBurst float64 // API Gateway: an account's, per region
	Concurrency               int     // Lambda: executions at one moment
	ScaleBy                   int     // Lambda: new environments in 10 s, per function
	STSRate                   int     // STS: calls a second, per account and region
	STSRegions                int     // how many regions StsRegions lists
	BrakeRate, BrakeBurst     float64 // Rate: STS calls of a caller in an environment; 0: off
}

// DefaultLimits are the template's defaults and AWS's.
func DefaultLimits() Limits {
	return Limits{
		RouteRate: 50, RouteBurst: 100, AccountRate: 10_000, AccountBurst: 5_000,
		Concurrency: 1_000, ScaleBy: 1_000, STSRate: 600, STSRegions: 1, BrakeRate: 10, BrakeBurst: 20,
	}
}

// Service is what a request costs. Times are assumed unless said otherwise.
type Service struct {
	STS        time.Duration // median of an AssumeRole; the draw is log-normal
	STSSpread  float64       // its sigma
	STSRefuses time.Duration // how long STS takes to throttle a call
	Handler    time.Duration // the function's own work for a new issuance
	Kept       time.Duration // for a reuse, or a refusal
	Platform   time.Duration // Lambda's part of a cold start
	InitFrom   time.Duration // the function's part: 41 to 44 ms were measured on Lambda
	InitTo     time.Duration
	Network    time.Duration // from client to front door and back, API Gateway included
	Idle       time.Duration // after which Lambda takes an idle environment away
	MaxAge     time.Duration // after which it takes any away
	Random     bool          // an idle environment is drawn by lot; else the last used
	NoCache    bool          // Cache: off
}

// DefaultService is what the flags default to.
func DefaultService() Service {
	return Service{
		STS: 45 * time.Millisecond, STSSpread: 0.4, STSRefuses: 15 * time.Millisecond,
		Handler: 3 * time.Millisecond, Kept: 2 * time.Millisecond,
		Platform: 100 * time.Millisecond, InitFrom: 41 * time.Millisecond, InitTo: 44 * time.Millisecond,
		Network: 15 * time.Millisecond, Idle: 6 * time.Minute, MaxAge: 2 * time.Hour,
	}
}

// Default is a configuration with every default.
func Default(clients int) Config {
	mix, err := behaviour.ParseMix(behaviour.DefaultMix)
	if err != nil {
		mix = nil // validate says so
	}
	return Config{
		Clients: clients, Mix: mix, Lifetime: 30 * time.Minute, Duration: 3 * time.Hour, Workday: 8 * time.Hour,
		Every: 10 * time.Second, Command: 10 * time.Minute, Seed: 1, PerSession: 1, PerRole: 1,
		Limits: DefaultLimits(), Service: DefaultService(),
	}
}

// maxClients is bounded by the 31 bits of an event.
const maxClients = 1 << 30

// maxDuration is bounded by the 31 bits of a moment in seconds, and by sense.
const maxDuration = 31 * 24 * time.Hour

func (c *Config) settle() error {
	switch {
	case c.Clients < 1 || c.Clients > maxClients:
		return fmt.Errorf("%d clients: simulate 1 to %d", c.Clients, maxClients)
	case len(c.Mix) == 0:
		return errors.New("the mix of clients is empty")
	case c.Lifetime < 15*time.Minute || c.Lifetime > time.Hour:
		return fmt.Errorf("a life of %v: credvend vends for 15m to 1h", c.Lifetime)
	case c.Duration < time.Second || c.Warm < 0 || c.Duration+c.Warm > maxDuration:
		return fmt.Errorf("a duration of %v: simulate 1s to %v", c.Duration, maxDuration)
	case c.PerSession < 1 || c.PerRole < c.PerSession:
		return errors.New("at least one client is a session, and a role has at least the clients of one session")
	case c.Limits.Concurrency < 1 || c.Limits.ScaleBy < 1 || c.Limits.STSRate < 1 || c.Limits.STSRegions < 1 || c.Limits.STSRegions > maxRegions:
		return fmt.Errorf("concurrency, scaling and STS's rate are at least 1, and STS's regions 1 to %d", maxRegions)
	case c.Limits.RouteRate < 0 || c.Limits.AccountRate <= 0 || c.Limits.AccountBurst < 1 || c.Limits.RouteRate > 0 && c.Limits.RouteBurst < 1:
		return errors.New("a rate is above 0, and a burst at least 1")
	case c.Service.STS <= 0 || c.Service.Handler <= 0 || c.Service.Kept <= 0 || c.Service.InitTo < c.Service.InitFrom || c.Service.STSSpread < 0:
		return errors.New("times are above 0")
	case c.Every < 0 || c.Command <= 0 || c.Service.Idle <= 0 || c.Service.MaxAge <= 0 || c.Ramp < 0:
		return errors.New("intervals are above 0")
	case c.longest() >= horizon:
		return fmt.Errorf("one request may take %v; the simulation is for less than %v", c.longest(), horizon)
	}
	if c.Ramp == 0 && c.Arrival == Together {
		c.Ramp = time.Second
	}
	return nil
}

// longest is a bound of the time that an environment is taken for one request.
func (c *Config) longest() time.Duration {
	s := c.Service
	return s.Platform + s.InitTo + s.Handler + stsTimeout + time.Duration(c.Limits.STSRegions)*s.STSRefuses
}
