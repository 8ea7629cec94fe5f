package peer

import (
	"context"
	"fmt"
	"strings"

	"github.com/credvend/credvend/bench/report"
)

// many is how many connections ask at once for the throughput; credvend then has
// as many environments, since Lambda gives each of them one event at a time.
const many = 8

// peerError is a failure of the peer's.
type peerError struct{ err error }

func (e *peerError) Error() string { return e.err.Error() }
func (e *peerError) Unwrap() error { return e.err }

// measure is the whole comparison: one connection, then many.
func (c *comparison) measure(ctx context.Context) error {
	c.memory("one environment", 0)
	c.env.Log("peer: one connection")
	if _, err := c.load(ctx, c.env.Rounds(5, 2)); err != nil { // warm
		return err
	}
	runs, err := c.load(ctx, c.env.Rounds(80, 8))
	if err != nil {
		return err
	}
	c.latency(&runs, "one connection", latencyLimit)
	c.memory("one environment", memoryLimit)

	c.env.Log("peer: %d connections", many)
	for len(c.environments) < many {
		if err := c.addEnvironment(ctx); err != nil {
			return err
		}
		if err := c.addClient(ctx); err != nil {
			return &peerError{err}
		}
	}
	if _, err := c.load(ctx, c.env.Rounds(2, 1)); err != nil { // warm
		return err
	}
	if runs, err = c.load(ctx, c.env.Rounds(20, 2)); err != nil {
		return err
	}
	at := fmt.Sprintf("%d connections", many)
	c.latency(&runs, at, 0)
	c.pair("throughput, "+at, "vends/s", runs[0].perSecond(), runs[1].perSecond(), runs[0].perSecond()/runs[1].perSecond(), 0)
	c.memory(fmt.Sprintf("%d environments", many), 0)
	return nil
}

// load asks both sides in turns, and sees that every request cost a call of STS.
func (c *comparison) load(ctx context.Context, rounds int) ([2]run, error) {
	var sides [2][]asker
	for _, e := range c.environments {
		sides[0] = append(sides[0], e)
	}
	for _, one := range c.clients {
		sides[1] = append(sides[1], one)
	}
	before := [2]int64{c.sts[0].calls.Load(), c.sts[1].calls.Load()}
	runs, failed, err := interleave(ctx, sides, rounds, c.block)
	for i := range runs {
		if calls := c.sts[i].calls.Load() - before[i]; err == nil && calls != int64(len(runs[i].times)) {
			failed, err = i, fmt.Errorf("%d requests made %d calls of STS", len(runs[i].times), calls)
		}
	}
	if err != nil && failed == 1 {
		err = &peerError{c.server.broken(err)}
	}
	return runs, err
}

func (c *comparison) latency(runs *[2]run, at string, limit float64) {
	our, their := &runs[0], &runs[1]
	c.pair("p50, "+at, "µs", our.quantile(0.5), their.quantile(0.5), our.ratio(their), limit)
	c.pair("p99, "+at, "µs", our.quantile(0.99), their.quantile(0.99), our.quantile(0.99)/their.quantile(0.99), 0)
}

// memory adds the resident memory of both sides after what each has vended so
// far, where the system tells it.
func (c *comparison) memory(of string, limit float64) {
	of += fmt.Sprintf(", after vend %d", c.sts[0].calls.Load())
	const mib = 1 << 20
	var our int64
	for _, e := range c.environments {
		our += residentMemory(e.cmd.Process.Pid)
	}
	their := residentMemory(c.server.cmd.Process.Pid)
	if our > 0 && their > 0 {
		c.pair("resident memory, "+of, "MiB", float64(our)/mib, float64(their)/mib, float64(our)/float64(their), limit)
	}
}

// pair adds a figure of each side, and ours beside theirs.
func (c *comparison) pair(what, unit string, our, their, ratio, limit float64) {
	c.figures = append(c.figures,
		report.Figure{Of: ours, What: what, Value: our, Unit: unit, Beside: theirs, Ratio: ratio, Limit: limit},
		report.Figure{Of: theirs, What: what, Value: their, Unit: unit},
	)
}

// note says what was compared with what.
func (c *comparison) note() string {
	audit := "with its audit log in a file"
	if !c.server.audits() {
		audit = "without an audit log, which this version takes no configuration for"
	}
	return strings.Join([]string{
		fmt.Sprintf("%s %s, its storage in memory, %s; its AWS engine's assumed_role, asked with a token for that path alone.", theirs, c.version, audit),
		ours + ": the real bootstrap, reuse off, its audit lines in a file, invoked through a stand-in of the Runtime API.",
		fmt.Sprintf("Both are timed alike, from a request's writing on a kept loopback connection without TLS to its answer, in turns of %d; both ask STS for the same role with the same policy of %d characters.", c.block, len(c.policy)),
		"Not in the figures: for " + ours + " its front door and Lambda, which check who is calling; for " + theirs + " TLS and a disk.",
		"Ratios of p50 are medians of the rounds' ratios. Memory is that after so many vends of each side: " + theirs + "'s with its plugin and a lease for every vend, and that of all of " + ours + "'s environments.",
	}, " ")
}
