package process

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/credvend/credvend/bench/report"
)

// startLimit is how much longer than the minimal handler ours may take to
// start.
const startLimit = 1.2

// Start measures from the process's start to its first request for an event,
// and on to the answer of a first event, which waits for the program as on
// Lambda. STS is reached over TLS, as AWS's is, and its certificate verified: a
// program that connects ahead does so while it starts.
func Start(ctx context.Context, e report.Env) (report.Section, error) {
	s := report.Section{
		Name: "start", Title: "Start: process start to the first request for an event, and the first vend",
		Note: "Variables as Lambda sets them, the starter allowlist, an STS at 0 ms behind TLS with this system's roots; rounds of one start of each in turn; " +
			"ratios are medians of the rounds' ratios. Initialisation: GODEBUG=inittrace=1, each package's median.",
	}
	p, err := build(ctx, e)
	if err != nil {
		return s, err
	}
	authority, err := newAuthority(e.Dir)
	if err != nil {
		return s, err
	}
	sts, err := newSTS(&tls.Certificate{Certificate: authority.chain, PrivateKey: authority.key})
	if err != nil {
		return s, err
	}
	defer sts.close()
	took, err := starts(ctx, e, p, sts, authority.variables)
	if err != nil {
		return s, err
	}
	s.Figures = startFigures(took)
	inits, err := initFigures(ctx, e, p, sts, authority.variables)
	s.Figures = append(s.Figures, inits...)
	return s, err
}

// started is what was measured of one program.
type started struct{ start, vend, both samples }

// starts starts each program once a round, and has it answer one event.
func starts(ctx context.Context, e report.Env, p *programs, sts *stsStandIn, variables map[string]string) (map[string]*started, error) {
	order := []string{bare, minimal, credvend}
	took := map[string]*started{}
	for _, name := range order {
		took[name] = &started{}
	}
	rounds := e.Rounds(300, 12)
	for round := range rounds + 1 {
		for i := range order {
			name := order[(round+i)%len(order)]
			start, vend, err := p.startOnce(ctx, name, sts, variables)
			if err != nil {
				return nil, err
			}
			if round == 0 {
				continue // it finds the file on the disk
			}
			took[name].start.add([]time.Duration{start})
			took[name].vend.add([]time.Duration{vend})
			took[name].both.add([]time.Duration{start + vend})
		}
		if round > 0 && round%100 == 0 {
			e.Log("start: %d of %d rounds", round, rounds)
		}
	}
	return took, nil
}

func (p *programs) startOnce(ctx context.Context, name string, sts *stsStandIn, variables map[string]string) (start, vend time.Duration, err error) {
	env, err := p.launch(ctx, name, sts, variables)
	if err != nil {
		return 0, 0, err
	}
	defer env.close()
	c, err := env.invoke(ctx, p.event)
	if err == nil {
		err = c.check(200)
	}
	if err != nil {
		return 0, 0, err
	}
	return env.start, c.over.Sub(c.sent), nil
}

func startFigures(took map[string]*started) []report.Figure {
	var figures []report.Figure
	add := func(what, name, other string, of func(*started) *samples, limit float64) {
		own := of(took[name])
		f := figure(name, what, quantile(own.all, 0.5), "µs")
		if other != "" {
			f = beside(f, other, own.ratio(of(took[other])), limit)
		}
		figures = append(figures, f)
	}
	start := func(s *started) *samples { return &s.start }
	vend := func(s *started) *samples { return &s.vend }
	both := func(s *started) *samples { return &s.both }
	add("start, median", bare, "", start, 0)
	add("start, median", minimal, bare, start, 0)
	add("start, median", credvend, bare, start, 0)
	add("start, median", credvend, minimal, start, startLimit)
	add("first vend, median", minimal, "", vend, 0)
	add("first vend, median", credvend, minimal, vend, 0)
	add("start and first vend, median", minimal, "", both, 0)
	add("start and first vend, median", credvend, minimal, both, 0)
	return figures
}
