package process

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/credvend/credvend/bench/report"
)

const (
	// kept is how many credentials a function keeps at most, and so how many
	// different ones it is made to vend.
	kept = 1000
	mib  = 1 << 20
)

// Throughput measures how many vends there are in a second: of several
// environments at once, and of one that answers several events at once, as
// Lambda Managed Instances has it. And the memory that the programs hold
// afterwards.
func Throughput(ctx context.Context, e report.Env) (report.Section, error) {
	s := report.Section{
		Name: "throughput", Title: "Throughput and memory: vends a second, STS at 0 ms",
		Note: "The measuring process and its stand-ins share the processors with what they measure: compare programs, not counts of environments. A figure is the median of turns that the programs took one after another.",
	}
	p, err := build(ctx, e)
	if err != nil {
		return s, err
	}
	sts, err := newSTS(nil)
	if err != nil {
		return s, err
	}
	defer sts.close()
	l := &load{programs: p, sts: sts, turns: 6, span: 250 * time.Millisecond}
	if e.Quick {
		l.turns, l.span = 2, 80*time.Millisecond
	}
	for _, c := range []struct {
		what              string
		envs, concurrency int
	}{
		{"one environment", 1, 1}, {"2 environments", 2, 1}, {"4 environments", 4, 1}, {"8 environments", 8, 1},
		{"one environment, 8 events at once", 1, 8}, {"one environment, 32 events at once", 1, 32},
	} {
		figures, err := l.compare(ctx, c.what, c.envs, c.concurrency)
		if err != nil {
			return s, fmt.Errorf("%s: %w", c.what, err)
		}
		s.Figures = append(s.Figures, figures...)
		e.Log("throughput: %s", c.what)
	}
	figures, err := l.memory(ctx, e)
	s.Figures = append(s.Figures, figures...)
	return s, err
}

// load is what drives programs at their full rate.
type load struct {
	programs *programs
	sts      *stsStandIn
	turns    int           // of each program
	span     time.Duration // of one turn
}

// loaded is one row of a comparison.
type loaded struct {
	title, program string
	variables      map[string]string
	running        []*environment
	rates          []float64 // of the turns
}

// compare measures programs in turns, each with a number of environments that
// answer as many events at once as concurrency says.
func (l *load) compare(ctx context.Context, what string, envs, concurrency int) ([]report.Figure, error) {
	rows := []*loaded{
		{title: minimal, program: minimal},
		{title: credvend, program: credvend},
		{title: credvend + " reused", program: credvend, variables: map[string]string{"CREDVEND_CACHE": "on"}},
	}
	defer func() {
		for _, r := range rows {
			for _, env := range r.running {
				env.close()
			}
		}
	}()
	for _, r := range rows {
		variables := map[string]string{}
		maps.Copy(variables, r.variables)
		if concurrency > 1 {
			variables["AWS_LAMBDA_MAX_CONCURRENCY"] = strconv.Itoa(concurrency)
		}
		for range envs {
			env, err := l.programs.launch(ctx, r.program, l.sts, variables)
			if err != nil {
				return nil, err
			}
			r.running = append(r.running, env)
		}
	}
	for turn := range l.turns + 1 {
		for i := range rows {
			r := rows[(turn+i)%len(rows)]
			rate, err := l.drive(ctx, r.running, concurrency)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.title, err)
			}
			if turn > 0 { // the first warms up
				r.rates = append(r.rates, rate)
			}
		}
	}
	figures := []report.Figure{figure(rows[0].title, what, quantile(rows[0].rates, 0.5), "vends/s")}
	for _, r := range rows[1:] {
		var ratios []float64
		for i := range r.rates {
			ratios = append(ratios, r.rates[i]/rows[0].rates[i])
		}
		figures = append(figures, beside(figure(r.title, what, quantile(r.rates, 0.5), "vends/s"), rows[0].title, quantile(ratios, 0.5), 0))
	}
	return figures, nil
}

// drive keeps every place of every environment busy for a while, and returns
// the vends of a second.
func (l *load) drive(ctx context.Context, running []*environment, concurrency int) (float64, error) {
	var done atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, len(running)*concurrency)
	began := time.Now()
	for _, env := range running {
		for range concurrency {
			wg.Go(func() {
				for time.Since(began) < l.span {
					c, err := env.invoke(ctx, l.programs.event)
					if err == nil {
						err = c.check(200, "AccessKeyId")
					}
					if err != nil {
						errs <- err
						return
					}
					done.Add(1)
				}
			})
		}
	}
	wg.Wait()
	took := time.Since(began)
	select {
	case err := <-errs:
		return 0, err
	default:
		return float64(done.Load()) / took.Seconds(), nil
	}
}

// memory is what programs hold after as many vends, and what ours holds with
// as many different credentials as it keeps.
func (l *load) memory(ctx context.Context, e report.Env) ([]report.Figure, error) {
	events := make([][]byte, kept)
	for i := range events {
		ask := fmt.Sprintf(`{\"target\":\"orders\",\"routes\":[\"GET /orders/%d\"]}`, i)
		events[i] = []byte(strings.Replace(string(l.programs.event), `{\"target\":\"orders\"}`, ask, 1))
	}
	vends := e.Rounds(3*kept, kept)
	same := [][]byte{l.programs.event}
	var figures []report.Figure
	var first float64
	for _, c := range []struct {
		program, what string
		cache         string
		events        [][]byte
	}{
		{minimal, fmt.Sprintf("after %d vends", vends), "off", same},
		{credvend, fmt.Sprintf("after %d vends", vends), "off", same},
		{credvend, fmt.Sprintf("after as many, %d kept", kept), "on", events},
	} {
		now, most, err := l.held(ctx, c.program, c.cache, c.events, vends)
		if errors.Is(err, errNoProc) {
			e.Log("throughput: no memory: %v", err)
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("memory of %s %s: %w", c.program, c.what, err)
		}
		resident := figure(c.program, "resident memory "+c.what, now/mib, "MiB")
		if first == 0 {
			first = now
		} else {
			resident = beside(resident, minimal, now/first, 0)
		}
		figures = append(figures, resident, figure(c.program, "its peak", most/mib, "MiB"))
	}
	e.Log("throughput: memory")
	return figures, nil
}

// held has a program answer events in turn, and reads its memory.
func (l *load) held(ctx context.Context, name, cache string, events [][]byte, vends int) (now, most float64, err error) {
	env, err := l.programs.launch(ctx, name, l.sts, map[string]string{"CREDVEND_CACHE": cache})
	if err != nil {
		return 0, 0, err
	}
	defer env.close()
	issued := l.sts.issued.Load()
	for i := range vends {
		c, err := env.invoke(ctx, events[i%len(events)])
		if err != nil {
			return 0, 0, err
		}
		if err := c.check(200, "AccessKeyId"); err != nil {
			return 0, 0, err
		}
	}
	if n := int(l.sts.issued.Load() - issued); cache == "on" && n != len(events) {
		return 0, 0, fmt.Errorf("%d credentials were issued for %d different requests", n, len(events))
	}
	return memory(env.pid())
}
