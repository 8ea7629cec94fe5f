package analysis

import (
	"fmt"
	"strings"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
	"github.com/credvend/credvend/internal/scope"
)

// Past is a request that was answered once, and what it got.
type Past struct {
	Caller  identity.Caller
	Target  string
	Routes  []route.Route // that it got; of a refusal, that it asked for; none: all
	Denied  []route.Route // that were carved out of them
	Allowed bool
	Asked   time.Duration // 0: not known
	Granted time.Duration // 0: not known
}

// Again is how a list would answer it. At most one of Lost and Refusal is set
// for what was allowed.
type Again struct {
	Allowed bool
	Refusal string
	Lost    string        // a request that passed and would not
	Gained  string        // a request, of the routes it got, that would pass and did not
	Life    time.Duration // of credentials, if it is shorter than it was
	By      string        // what makes it so
}

// Replay answers a past request by a list.
//
// What was allowed is compared by the requests that pass: whether it named its
// routes or asked for all is not known. What was refused is asked again.
func Replay(s Subject, p Past) (Again, error) {
	a := accessTo(s.List, p.Caller, p.Target)
	if !p.Allowed {
		d := s.List.Decide(p.Caller, allowlist.Request{Target: p.Target, Routes: p.Routes})
		if !d.Allowed() {
			return Again{Refusal: d.Refusal().Public()}, nil
		}
		if _, err := scope.New(p.Caller, *d.Grant, p.Asked); err != nil {
			return Again{Refusal: faultText(err)}, nil
		}
		return Again{Allowed: true, Gained: strings.Join(texts(d.Grant.Routes), ", ")}, nil
	}
	had := language{p.Routes, p.Denied}
	extent, _, _, err := a.coverage(p.Routes)
	if err != nil {
		return Again{}, err
	}
	if extent == None {
		refusal := a.refusal
		if refusal == "" {
			refusal = fmt.Sprintf("no rule lets it have any of %s", some(texts(p.Routes)))
		}
		return Again{Refusal: refusal}, nil
	}
	again := Again{Allowed: true}
	if again.Lost, err = had.minus(a.language); err != nil {
		return Again{}, err
	}
	sets := [][]route.Route{p.Routes, p.Denied, near(a.allow, p.Routes), near(a.deny, p.Routes)}
	if again.Gained, err = find(sets, func(in func(int) bool) bool { return in(0) && in(1) && in(2) && !in(3) }); err != nil {
		return Again{}, err
	}
	if g := a.decision.Grant; p.Granted > g.MaxDuration {
		again.Life, again.By = g.MaxDuration, g.LimitedBy
	}
	return again, nil
}
