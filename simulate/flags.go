package main

import (
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/credvend/credvend/simulate/behaviour"
	"github.com/credvend/credvend/simulate/fleet"
)

// options are what the command line says.
type options struct {
	scenario scenario
	usage    billing
	prices   string
	out      string
	docs     string
}

// billing is what a bill needs beyond what a run counts.
type billing struct {
	memoryMB int
	internet float64
}

const help = `simulate tells what a fleet of clients does to one deployment of credvend, by a
discrete-event simulation: no AWS account, nothing is sent anywhere.

  go run ./simulate -clients 100000                       a fleet, deployed at once, with the template's defaults
  go run ./simulate -clients 100000 -mix client           the same, if every client keeps to refreshAfter
  go run ./simulate -clients 1000000 -lifetime 1h -arrival spread -throttle off
  go run ./simulate -clients 10000000 -fronts 10 -arrival spread -throttle 5000,5000
  go run ./simulate -docs docs                            the tables and pictures of docs/scale.md (make simulate)

Read the table from the top: requests, who throttled them, whether clients got
what they needed, what it takes of Lambda and STS, what a month costs. Figures
marked "assumed" in the flags below are nobody's measurement: set your own.

The kinds of client for -mix:
`

// parse reads the command line.
func parse(args []string, out io.Writer) (*options, error) {
	o := &options{scenario: scenario{fronts: 1}, usage: billing{256, 1}}
	c := fleet.Default(10_000)
	mix, arrival := behaviour.DefaultMix, "together"
	throttle, account, brake := "50,100", "10000,5000", "10,20"
	routing, cache := "last", "on"

	fs := flag.NewFlagSet("simulate", flag.ContinueOnError)
	fs.SetOutput(out)
	fs.Usage = func() { usage(fs, out) }

	fs.IntVar(&c.Clients, "clients", c.Clients, "how many, up to some tens of millions")
	fs.StringVar(&mix, "mix", mix, "their kinds, and the weight of each")
	fs.StringVar(&arrival, "arrival", arrival, "together (a deploy), spread (long since running), daily (people, from nine on)")
	fs.DurationVar(&c.Ramp, "ramp", 0, "how long a deploy takes (1s), or over how long -arrival spread begins; 0: it goes on as if it had long been running")
	fs.DurationVar(&c.Lifetime, "lifetime", c.Lifetime, "of credentials: 15m to 1h")
	fs.DurationVar(&c.Duration, "duration", c.Duration, "to simulate and count")
	fs.DurationVar(&c.Warm, "warm", 0, "to simulate before, without counting")
	fs.DurationVar(&c.Workday, "workday", c.Workday, "how long a client of -arrival daily stays")
	fs.DurationVar(&c.Every, "every", c.Every, "mean time between two signings of a program (assumed)")
	fs.DurationVar(&c.Command, "command", c.Command, "mean time between two commands of a person (assumed)")
	fs.IntVar(&c.PerSession, "per-session", 1, "clients that are one role session or token subject, and share what is reused")
	fs.IntVar(&c.PerRole, "per-role", 1, "clients that are one IAM role, and share its -rate; at least -per-session")
	fs.IntVar(&o.scenario.fronts, "fronts", 1, "deployments that share the clients evenly, each in an account or region of its own")
	fs.Uint64Var(&c.Seed, "seed", c.Seed, "the same seed gives the same figures")

	fs.StringVar(&throttle, "throttle", throttle, "ThrottleRate,ThrottleBurst of the template, for each route; off")
	fs.StringVar(&account, "account", account, "API Gateway's rate and burst of an account in a region")
	fs.IntVar(&c.Limits.Concurrency, "concurrency", c.Limits.Concurrency, "Lambda's executions at one moment: the account's, or ReservedConcurrency")
	fs.IntVar(&c.Limits.ScaleBy, "scale", c.Limits.ScaleBy, "Lambda's new environments in 10 s, for a function")
	fs.IntVar(&c.Limits.STSRate, "sts-quota", c.Limits.STSRate, "STS's calls a second of Account B in a region; all that it does there shares them")
	fs.IntVar(&c.Limits.STSRegions, "sts-regions", c.Limits.STSRegions, "regions in StsRegions: what the first throttles, the next is asked")
	fs.StringVar(&brake, "rate", brake, "Rate of the template: STS calls a second and burst, of a caller in an environment; off")

	s := &c.Service
	fs.DurationVar(&s.STS, "sts", s.STS, "median time of an AssumeRole (assumed: 30 to 60 ms)")
	fs.Float64Var(&s.STSSpread, "sts-spread", s.STSSpread, "how far it varies: sigma of a log-normal distribution (assumed)")
	fs.DurationVar(&s.Handler, "handler", s.Handler, "the function's own part of a vend (assumed: some 0.4 ms of work at a seventh of a processor, as 256 MiB have)")
	fs.DurationVar(&s.Kept, "kept", s.Kept, "the function's part of a reuse or a refusal (assumed)")
	fs.DurationVar(&s.Platform, "platform", s.Platform, "Lambda's part of a cold start (assumed); the function's, 41 to 44 ms, was measured on Lambda")
	fs.DurationVar(&s.Network, "network", s.Network, "to the front door and back (assumed)")
	fs.DurationVar(&s.Idle, "idle", s.Idle, "after which Lambda takes an idle environment away (assumed)")
	fs.StringVar(&routing, "routing", routing, "which idle environment gets a request: last (the last used) or random; AWS does not say")
	fs.StringVar(&cache, "cache", cache, "Cache of the template: on or off")
	fs.IntVar(&o.usage.memoryMB, "memory", o.usage.memoryMB, "MemorySize of the template, MiB")
	fs.Float64Var(&o.usage.internet, "internet", o.usage.internet, "part of the callers outside the region, whose answers are paid for by the byte")

	fs.StringVar(&o.prices, "prices", "", "price table; the one built in is simulate/price/prices.json")
	fs.StringVar(&o.out, "out", "", "folder for run.json, run.csv and run.svg")
	fs.StringVar(&o.docs, "docs", "", "folder with scale.md: make its tables and pictures anew; other flags but -prices are left aside")

	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("%q is no flag; -help lists them", fs.Arg(0))
	}
	return o, o.settle(&c, mix, arrival, throttle, account, brake, routing, cache)
}

// settle reads the flags that are more than a number.
func (o *options) settle(c *fleet.Config, mix, arrival, throttle, account, brake, routing, cache string) (err error) {
	if c.Mix, err = behaviour.ParseMix(mix); err != nil {
		return err
	}
	known := map[string]fleet.Arrival{"together": fleet.Together, "spread": fleet.Spread, "daily": fleet.Daily}
	var ok bool
	if c.Arrival, ok = known[arrival]; !ok {
		return fmt.Errorf("-arrival %s: write together, spread or daily", arrival)
	}
	if c.Limits.RouteRate, c.Limits.RouteBurst, err = pair("throttle", throttle); err != nil {
		return err
	}
	if c.Limits.AccountRate, c.Limits.AccountBurst, err = pair("account", account); err != nil {
		return err
	}
	if c.Limits.BrakeRate, c.Limits.BrakeBurst, err = pair("rate", brake); err != nil {
		return err
	}
	if routing != "last" && routing != "random" || cache != "on" && cache != "off" {
		return fmt.Errorf("-routing is last or random, -cache on or off; not %s and %s", routing, cache)
	}
	c.Service.Random, c.Service.NoCache = routing == "random", cache == "off"
	c.PerRole = max(c.PerRole, c.PerSession)
	if o.scenario.fronts < 1 || o.scenario.fronts > c.Clients || o.usage.memoryMB < 1 || o.usage.internet < 0 || o.usage.internet > 1 {
		return fmt.Errorf("-fronts is 1 to the number of clients, -memory above 0, -internet 0 to 1")
	}
	o.scenario.config = *c
	return nil
}

// pair reads "RATE,BURST" or "off".
func pair(name, text string) (rate, burst float64, err error) {
	if text == "off" {
		return 0, 0, nil
	}
	a, b, ok := strings.Cut(text, ",")
	rate, err1 := strconv.ParseFloat(a, 64)
	burst, err2 := strconv.ParseFloat(b, 64)
	if !ok || err1 != nil || err2 != nil || !(rate > 0 && rate < 1e9 && burst >= 1 && burst < 1e9) {
		return 0, 0, fmt.Errorf("-%s %s: write a rate and a burst, as 50,100", name, text)
	}
	return rate, burst, nil
}

func usage(fs *flag.FlagSet, out io.Writer) {
	var b strings.Builder
	b.WriteString(help)
	for _, k := range behaviour.Kinds() {
		what := strings.Join(k.Labels, "; ")
		if k.Source != "" {
			what = "AWS SDK for Java v2: " + k.Source
		}
		fmt.Fprintf(&b, "  %-10s %s\n", k.Name, what)
	}
	b.WriteString("\nThe flags:\n")
	fs.VisitAll(func(f *flag.Flag) {
		fmt.Fprintf(&b, "  -%-12s %s", f.Name, f.Usage)
		if f.DefValue != "" && f.DefValue != "0s" {
			fmt.Fprintf(&b, " [%s]", f.DefValue)
		}
		b.WriteString("\n")
	})
	_, _ = io.WriteString(out, b.String()) // for people: nothing depends on it
}
