package process

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/credvend/credvend/bench/report"
)

// Limits of a vend beside the minimal handler's, and of a reused vend beside
// the echo.
const (
	vendLimit   = 1.15
	reusedLimit = 1.35
)

// subject is one row of the invokes: a program, how it is started, what it is
// asked and what it must answer.
type subject struct {
	title     string
	program   string
	variables map[string]string
	event     []byte
	status    int
	contains  string // in the answer

	env  *environment
	took samples
	cpu  time.Duration // of all rounds
}

func (p *programs) subjects() []*subject {
	return []*subject{
		{title: bare, program: bare, event: p.event, status: 200},
		{title: echo, program: echo, event: p.event, status: 200},
		{title: "minimal vend", program: minimal, event: p.event, status: 200, contains: `AccessKeyId`},
		{title: "credvend vend", program: credvend, event: p.event, status: 200, contains: `\"reused\":false`},
		{title: "credvend reused vend", program: credvend, event: p.event, status: 200, contains: `\"reused\":true`, variables: map[string]string{"CREDVEND_CACHE": "on"}},
		{title: "credvend refusal", program: credvend, event: p.stranger, status: 403, contains: `denied`},
	}
}

// Invoke measures from an event's sending to its answer, through the Runtime
// API, with an STS that answers at once.
func Invoke(ctx context.Context, e report.Env) (report.Section, error) {
	s := report.Section{
		Name: "invoke", Title: "Invoke: an event through the Runtime API, STS at 0 ms",
		Note: "The event of an HTTP API with AWS_IAM; rounds of 50 invokes of each in turn; ratios are medians of the rounds' ratios of medians; CPU is the process's own, of all threads.",
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
	subjects := p.subjects()
	for _, sub := range subjects {
		if sub.env, err = p.launch(ctx, sub.program, sts, sub.variables); err != nil {
			return s, err
		}
		defer sub.env.close() //nolint:revive // six of them, until the end
	}
	const each = 50
	rounds := e.Rounds(150, 10)
	for round := range rounds + 1 {
		for i := range subjects {
			sub := subjects[(round+i)%len(subjects)]
			if err := sub.round(ctx, each, round > 0); err != nil { // the first warms up
				return s, fmt.Errorf("%s: %w", sub.title, err)
			}
		}
		if round > 0 && round%50 == 0 {
			e.Log("invoke: %d of %d rounds", round, rounds)
		}
	}
	s.Figures = invokeFigures(subjects, rounds*each)
	return s, nil
}

// round has n events answered one after the other.
func (s *subject) round(ctx context.Context, n int, count bool) error {
	before, cpuErr := cpuTime(s.env.pid())
	took := make([]time.Duration, 0, n)
	for i := range n {
		c, err := s.env.invoke(ctx, s.event)
		if err != nil {
			return err
		}
		if count || i > 0 { // the very first of a reusing program is not reused
			if err := c.check(s.status, s.contains); err != nil {
				return err
			}
		}
		took = append(took, c.over.Sub(c.sent))
	}
	if !count {
		return nil
	}
	s.took.add(took)
	after, err := cpuTime(s.env.pid())
	if cpuErr == nil && err == nil {
		s.cpu += after - before
	}
	return nil
}

// check looks whether the answer is the one that was to be measured.
func (c *call) check(status int, contains ...string) error {
	if !bytes.Contains(c.answer, fmt.Appendf(nil, `"statusCode":%d`, status)) {
		return fmt.Errorf("it did not answer with %d (%d bytes)", status, len(c.answer)) // the answer may hold credentials
	}
	for _, text := range contains {
		if !bytes.Contains(c.answer, []byte(text)) {
			return fmt.Errorf("its answer of %d bytes lacks %s", len(c.answer), text)
		}
	}
	return nil
}

func invokeFigures(subjects []*subject, n int) []report.Figure {
	by := map[string]*subject{}
	for _, s := range subjects {
		by[s.title] = s
	}
	ratios := map[string]struct {
		beside string
		limit  float64
	}{
		"credvend vend":        {"minimal vend", vendLimit},
		"credvend reused vend": {echo, reusedLimit},
		"credvend refusal":     {echo, 0},
		"minimal vend":         {echo, 0},
	}
	var figures []report.Figure
	for _, s := range subjects {
		f := figure(s.title, "p50", quantile(s.took.all, 0.5), "µs")
		if r, ok := ratios[s.title]; ok {
			f = beside(f, r.beside, s.took.ratio(&by[r.beside].took), r.limit)
		}
		figures = append(figures, f, figure(s.title, "p99", quantile(s.took.all, 0.99), "µs"))
		if s.cpu == 0 {
			continue // this system does not tell
		}
		f = figure(s.title, "CPU an invoke", microseconds(s.cpu)/float64(n), "µs")
		if r, ok := ratios[s.title]; ok {
			f = beside(f, r.beside, float64(s.cpu)/float64(by[r.beside].cpu), 0)
		}
		figures = append(figures, f)
	}
	return figures
}
