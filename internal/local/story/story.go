// Package story plays credvend's story against a running stack, as callers of
// all kinds would, and tells it to a reader who is new to it. Each step says
// what must happen, and fails if anything else does.
//
// It is a client like any other: it signs with AWS's signer, knows the service
// by its URLs alone, and shares no code with what it tries out. It never prints
// a secret.
package story

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// stepPatience is what a step may take: as long as an HTTP API waits for its
// function.
const stepPatience = 30 * time.Second

// World is where the story plays.
type World struct {
	Region      string
	IAM         string // front door: HTTP API with AWS_IAM
	JWT         string // front door: HTTP API with JWT
	FunctionURL string // front door: function URL with AWS_IAM
	REST        string // front door: REST API with AWS_IAM
	Issuer      string // tokens: POST /token
	Target      string // Account A's API

	Billing, Stranger, Outsider Keys
	// Invoke hands an event to the function past all front doors, as whoever
	// has lambda:InvokeFunction could.
	Invoke func(ctx context.Context, event []byte) ([]byte, error)
}

// step is one thing that somebody tries.
type step struct {
	who  string // who tries, for the reader
	what string // what they try
	want int    // the status that must come
	says string // what the answer must hold; "": nothing in particular
	try  func(ctx context.Context) (result, error)
	why  string // why it is so, for the reader
}

// result is what came of a step.
type result struct {
	status int
	body   string
	note   string // a line for the reader, of the answer
}

// Play plays every step and writes them to w. It returns an error that counts
// the steps that went otherwise than told.
func Play(ctx context.Context, w io.Writer, world World) error {
	s := &stage{world: world, client: &http.Client{
		Timeout:       stepPatience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	p := printer{w: w}
	p.line("")
	p.line("  Account A (111122223333) has an HTTP API with IAM auth. HTTP APIs have no resource policy,")
	p.line("  so IAM alone cannot admit callers of other accounts. credvend, in Account B (444455556666),")
	p.line("  checks who calls against an allowlist and vends credentials of a role in Account A that are")
	p.line("  good for the granted routes only, for half an hour.")
	wrong := 0
	number := 0
	for _, chapter := range s.chapters() {
		p.line("")
		p.line("%s", chapter.title)
		for _, st := range chapter.steps {
			number++
			r, err := st.try(ctx)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if !p.step(number, st, r, err) {
				wrong++
			}
		}
	}
	p.line("")
	if wrong > 0 {
		p.line("  %d of %d steps went otherwise than told.", wrong, number)
		return fmt.Errorf("%d of %d steps of the story went otherwise than told", wrong, number)
	}
	p.line("  All %d steps went as told.", number)
	return p.err
}

// printer writes lines and remembers the first that could not be written.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if _, err := fmt.Fprintf(p.w, format+"\n", args...); err != nil && p.err == nil {
		p.err = err
	}
}

// step writes one step and reports whether it went as told.
func (p *printer) step(number int, st step, r result, err error) bool {
	ok := err == nil && r.status == st.want && strings.Contains(r.body, st.says)
	mark := "ok"
	if !ok {
		mark = "WRONG"
	}
	p.line("  %2d. %-16s %-58s → %d  %s", number, st.who, st.what, r.status, mark)
	switch {
	case err != nil:
		p.line("        %v", err)
	case !ok:
		p.line("        wanted %d%s; the answer was: %s", st.want, saying(st.says), clip(r.body))
	}
	if r.note != "" {
		p.line("        %s", r.note)
	}
	if st.why != "" {
		p.line("        %s", st.why)
	}
	return ok
}

func saying(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf(" with %q", s)
}

// clip shortens an answer for the reader. An answer with credentials is never
// shown, wherever it came from.
func clip(s string) string {
	if strings.Contains(s, "SecretAccessKey") {
		return "(credentials, withheld)"
	}
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}

var errNoCredentials = errors.New("there are no credentials to try: an earlier step did not get them")
