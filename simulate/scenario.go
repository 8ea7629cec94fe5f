package main

import (
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/credvend/credvend/simulate/fleet"
	"github.com/credvend/credvend/simulate/price"
)

// scenario is a fleet at one or several deployments that are alike.
type scenario struct {
	config fleet.Config // of all clients
	fronts int
}

// outcome is what came of a scenario.
type outcome struct {
	scenario
	result *fleet.Result // of one front
	took   time.Duration // real time
	memory uint64        // bytes that the program had of the system
}

// simulate runs one front: the others are like it.
func (s scenario) simulate(progress io.Writer) (*outcome, error) {
	c := s.config
	c.Clients = (c.Clients + s.fronts - 1) / s.fronts
	began := time.Now()
	last := began
	c.Progress = func(done time.Duration, requests uint64) {
		if now := time.Now(); now.Sub(last) > 5*time.Second {
			last = now
			whole := s.config.Duration + s.config.Warm
			_, _ = fmt.Fprintf(progress, "simulate: %d clients: %v of %v, %d million requests, %v\n", c.Clients, done, whole, requests/1e6, now.Sub(began).Round(time.Second))
		}
	}
	r, err := fleet.Run(c)
	if err != nil {
		return nil, err
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return &outcome{s, r, time.Since(began), m.Sys}, nil
}

// bill is what a month costs that goes on as the run did, all fronts together.
func (o *outcome) bill(table string, b billing) ([]price.Line, error) {
	t, err := price.Load(table)
	if err != nil {
		return nil, err
	}
	r, n := o.result, uint64(o.fronts) //nolint:gosec // above 0
	return t.Monthly(price.Usage{
		During: r.Duration, Billed: n * r.Billed(), Invoked: n * r.Invoked(), Issued: n * r.STSCalls, Kept: n * r.Counts[fleet.Reused],
		Refused: n * (r.Counts[fleet.ThrottledBrake] + r.Counts[fleet.ThrottledSTS]), Milliseconds: n * r.Milliseconds,
		MemoryMB: b.memoryMB, Internet: b.internet,
	}, price.DefaultSizes()), nil
}

// first is the limit that throttled most; no other stands in the way before it.
func first(r *fleet.Result) (who fleet.Verdict, share float64) {
	for _, v := range fleet.Throttles() {
		if r.Counts[v] > r.Counts[who] || who == fleet.Vended {
			who = v
		}
	}
	return who, float64(r.Counts[who]) / float64(max(r.Requests(), 1))
}
