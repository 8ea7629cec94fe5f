package scope_test

import (
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/racedetector"
	"github.com/credvend/credvend/internal/route"
	"github.com/credvend/credvend/internal/scope"
)

// decided is a list and what it gives billing: two routes, less a third.
func decided(t testing.TB) (*allowlist.List, func() allowlist.Grant) {
	doc := document()
	doc.Callers["billing"] = allowlist.Caller{IAM: &allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/billing-*"}}
	doc.Rules = []allowlist.Rule{
		{ID: "reads", Callers: []string{"billing"}, Target: "orders", Routes: []string{"GET /orders", "GET /orders/*"}},
		{ID: "not-secrets", Effect: allowlist.Deny, Callers: []string{"*"}, Target: "orders", Routes: []string{"* /secret/*"}},
	}
	list, err := allowlist.Compile(doc)
	if err != nil {
		t.Fatal(err)
	}
	return list, func() allowlist.Grant {
		d := list.Decide(billing(), allowlist.Request{Target: "orders"})
		if !d.Allowed() {
			t.Fatal(d.Refusal())
		}
		return *d.Grant
	}
}

// A policy that was written before is used for the routes that it was written
// for, and for no others: whoever changes a grant gets the policy of what it
// has become.
func TestPolicyIsThatOfTheGrantAsItIs(t *testing.T) {
	_, grant := decided(t)
	for name, change := range map[string]func(g *allowlist.Grant){
		"as decided":         func(*allowlist.Grant) {},
		"a route less":       func(g *allowlist.Grant) { g.Routes = g.Routes[:1] },
		"another route":      func(g *allowlist.Grant) { g.Routes[1] = parse(t, "GET /x")[0] },
		"a route more":       func(g *allowlist.Grant) { g.Routes = append(g.Routes, parse(t, "GET /x")...) },
		"nothing denied":     func(g *allowlist.Grant) { g.Denied = nil },
		"another is denied":  func(g *allowlist.Grant) { g.Denied[0] = parse(t, "* /x")[0] },
		"another API":        func(g *allowlist.Grant) { g.Target.Stage.API = "f6g7h8i9j0" },
		"another account":    func(g *allowlist.Grant) { g.Target.Stage.Account = "777788889999" },
		"the other way":      func(g *allowlist.Grant) { g.Routes[0], g.Routes[1] = g.Routes[1], g.Routes[0] },
		"routes for denials": func(g *allowlist.Grant) { g.Routes, g.Denied = g.Denied, g.Routes },
	} {
		for range 2 { // what was changed changes no other grant
			g := grant()
			change(&g)
			s, err := scope.New(billing(), g, 0)
			if err != nil || s.Policy != route.Policy(g.Target.Stage, g.Routes, g.Denied) {
				t.Errorf("%s: %v, policy %s", name, err, s.Policy)
			}
		}
	}
}

// What New makes of a decision costs six pieces of memory at most: no
// policy is written again.
func TestCostOfAScope(t *testing.T) {
	if racedetector.On {
		t.Skip("the race detector allocates too")
	}
	_, grant := decided(t)
	g, who := grant(), billing()
	n := testing.AllocsPerRun(100, func() {
		if _, err := scope.New(who, g, 0); err != nil {
			t.Fatal(err)
		}
	})
	if n > 6 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNew(b *testing.B) {
	_, grant := decided(b)
	g, who := grant(), billing()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := scope.New(who, g, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSourceIdentity(b *testing.B) {
	who := identity.Caller{Kind: identity.IAM, UniqueID: "AROAEXAMPLEBILLING00", Subject: "pod-7", Principal: arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.Role, Name: "billing-service"}}
	b.ReportAllocs()
	for b.Loop() {
		scope.SourceIdentity(who)
	}
}
