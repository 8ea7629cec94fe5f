package vend_test

import (
	"context"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
	"github.com/credvend/credvend/internal/vend"
	"github.com/credvend/credvend/internal/vendtest"
)

// role is a verified session of a role of account B.
func role(t *testing.T, name, uniqueID, session string) identity.Caller {
	t.Helper()
	p, err := arn.ParsePrincipal("arn:aws:sts::444455556666:assumed-role/" + name + "/" + session)
	if err != nil {
		t.Fatal(err)
	}
	return identity.Caller{Kind: identity.IAM, Door: "a1b2c3", Principal: p, UniqueID: uniqueID, Subject: session}
}

func billing(t *testing.T) identity.Caller {
	t.Helper()
	return role(t, "billing-service", "AROAEXAMPLEBILLING00", "i-1")
}

// begin starts a call of a caller.
func begin(h *vendtest.Harness, c identity.Caller) *vend.Call {
	call := h.Service.Begin("request", "trace")
	call.Caller, call.FrontDoor = c, c.Door
	return call
}

func orders() vend.Ask { return vend.Ask{Target: "orders"} }

// TestIntentComesFirst: while STS works, the intent is written and nothing
// else; the outcome is, before the credentials come back.
func TestIntentComesFirst(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{})
	h.STS.Order("", func(_ context.Context, issue func() *sts.AssumeRoleOutput) (*sts.AssumeRoleOutput, error) {
		if got := h.Trail.Events(t); got != "intent" {
			t.Errorf("lines while STS works: %q", got)
		}
		return issue(), nil
	})
	v, err := h.Service.Vend(t.Context(), begin(h, billing(t)), orders())
	if err != nil {
		t.Fatal(err)
	}
	lines := h.Trail.Lines(t)
	if got := h.Trail.Events(t); got != "intent outcome" {
		t.Fatalf("lines %q", got)
	}
	for _, l := range lines {
		if l.Text("receipt") != v.Issued.Receipt || l.Text("requestId") != "request" || l.Text("traceId") != "trace" || l.Text("caller") != "billing-service" || l.Text("target") != "orders" {
			t.Errorf("line %v", l)
		}
	}
	if lines[0].Text("accessKeyId") != "" || lines[0].Text("outcome") != "" || lines[1].Text("accessKeyId") != v.Issued.AccessKeyID() || lines[1].Text("outcome") != "issued" {
		t.Errorf("lines %v", lines)
	}
	if name := *h.STS.Calls()[0].Input.RoleSessionName; name != "billing-service@"+v.Issued.Receipt {
		t.Errorf("session name %q", name)
	}
}

// TestGates: a line that cannot be written stops what it was to tell of.
func TestGates(t *testing.T) {
	stranger := role(t, "stranger", "AROAEXAMPLESTRANGER0", "x")
	vending := func(ctx context.Context, s *vend.Service, call *vend.Call) error {
		v, err := s.Vend(ctx, call, orders())
		if err != nil && (v.Issued.AccessKeyID() != "" || v.Issued.SessionToken() != "") {
			t.Error("credentials leave beside the error")
		}
		return err
	}
	for name, c := range map[string]struct {
		caller identity.Caller
		before bool // a good request comes first
		failAt int
		do     func(context.Context, *vend.Service, *vend.Call) error
		lines  string
		calls  int // of STS, by the request
	}{
		// What is left of an intent is a refusal, if that can be written.
		"the intent":  {caller: billing(t), failAt: 1, do: vending, lines: "refusal"},
		"the outcome": {caller: billing(t), failAt: 2, do: vending, lines: "intent", calls: 1},
		"the reuse":   {caller: billing(t), before: true, failAt: 1, do: vending},
		"the refusal": {caller: stranger, failAt: 1, do: vending},
		"the whoami's": {caller: billing(t), failAt: 1, do: func(ctx context.Context, s *vend.Service, call *vend.Call) error {
			_, err := s.WhoAmI(ctx, call)
			return err
		}},
		"the targets'": {caller: billing(t), failAt: 1, do: func(ctx context.Context, s *vend.Service, call *vend.Call) error {
			_, err := s.Targets(ctx, call)
			return err
		}},
		"a refusal outright": {caller: stranger, failAt: 1, do: func(ctx context.Context, s *vend.Service, call *vend.Call) error {
			return s.Refuse(ctx, call, fault.New(fault.NotFound, "x"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := vendtest.New(t, vendtest.Options{})
			if c.before {
				if _, err := h.Service.Vend(t.Context(), begin(h, c.caller), orders()); err != nil {
					t.Fatal(err)
				}
			}
			h.Trail.Take(t)
			calls := len(h.STS.Calls())
			h.Trail.FailOnly(c.failAt)
			err := c.do(t.Context(), h.Service, begin(h, c.caller))
			if f := fault.Of(err); err == nil || f.Kind != fault.Internal {
				t.Errorf("%v, want an internal failure", err)
			}
			var got string
			for _, l := range h.Trail.Take(t) {
				got += l.Text("event")
			}
			if got != c.lines || len(h.STS.Calls())-calls != c.calls {
				t.Errorf("lines %q and %d calls of STS, want %q and %d", got, len(h.STS.Calls())-calls, c.lines, c.calls)
			}
		})
	}
}

// TestUnwrittenOutcomeIsNotKept: the next request makes STS issue again.
func TestUnwrittenOutcomeIsNotKept(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{})
	h.Trail.FailOnly(2)
	if _, err := h.Service.Vend(t.Context(), begin(h, billing(t)), orders()); err == nil {
		t.Fatal("no error")
	}
	v, err := h.Service.Vend(t.Context(), begin(h, billing(t)), orders())
	if err != nil || v.Reused || len(h.STS.Calls()) != 2 || v.Issued.AccessKeyID() != "ASIAEXAMPLE000000002" {
		t.Errorf("%v, reused %t, %d calls", err, v.Reused, len(h.STS.Calls()))
	}
}

// TestFailuresAreNotKept: whoever mends the role's trust sees it work at once.
func TestFailuresAreNotKept(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{})
	h.STS.Order("", vendtest.Denied())
	for range 2 {
		if _, err := h.Service.Vend(t.Context(), begin(h, billing(t)), orders()); fault.Of(err).Kind != fault.TargetMisconfigured {
			t.Fatal(err)
		}
	}
	h.STS.Order("", nil)
	if _, err := h.Service.Vend(t.Context(), begin(h, billing(t)), orders()); err != nil {
		t.Error(err)
	}
	if got := h.Trail.Events(t); got != "intent outcome intent outcome intent outcome" {
		t.Errorf("lines %q", got)
	}
}

// TestNobody: a call without a verified identity is refused whatever it asks,
// before the allowlist is looked at.
func TestNobody(t *testing.T) {
	for name, do := range map[string]func(context.Context, *vend.Service, *vend.Call) error{
		"vend": func(ctx context.Context, s *vend.Service, c *vend.Call) error {
			_, err := s.Vend(ctx, c, orders())
			return err
		},
		"targets": func(ctx context.Context, s *vend.Service, c *vend.Call) error {
			_, err := s.Targets(ctx, c)
			return err
		},
		"whoami": func(ctx context.Context, s *vend.Service, c *vend.Call) error { _, err := s.WhoAmI(ctx, c); return err },
	} {
		t.Run(name, func(t *testing.T) {
			h := vendtest.New(t, vendtest.Options{Lists: failing{errors.New("it was looked at")}})
			err := do(t.Context(), h.Service, h.Service.Begin("request", ""))
			if fault.Of(err).Kind != fault.Unauthenticated || h.Trail.Events(t) != "refusal" {
				t.Errorf("%v, lines %q", err, h.Trail.Events(t))
			}
		})
	}
}

type failing struct{ err error }

func (f failing) List(context.Context) (*allowlist.List, error) { return nil, f.err }

// TestRefuseOnce: a call whose end is recorded is not recorded again.
func TestRefuseOnce(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{})
	call := begin(h, role(t, "stranger", "AROAEXAMPLESTRANGER0", "x"))
	_, err := h.Service.Vend(t.Context(), call, orders())
	if again := h.Service.Refuse(t.Context(), call, err); !errors.Is(again, err) {
		t.Errorf("%v became %v", err, again)
	}
	if got := h.Trail.Events(t); got != "refusal" {
		t.Errorf("lines %q", got)
	}
	if _, err := h.Service.Vend(t.Context(), begin(h, billing(t)), vend.Ask{Target: "orders", Routes: []route.Route{{}}}); err == nil {
		t.Error("the zero route is inside a grant")
	}
}

// TestVerifiedDoor: every line names the door and the address that the caller
// was verified with, whatever else the call says or leaves out.
func TestVerifiedDoor(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{})
	for name, caller := range map[string]identity.Caller{"vended": billing(t), "refused": role(t, "stranger", "AROAEXAMPLESTRANGER0", "x")} {
		caller.SourceIP = "192.0.2.7"
		for _, door := range []string{"", "said"} {
			call := begin(h, caller)
			call.FrontDoor, call.SourceIP = door, door
			call.Asks("orders", nil)
			_, _ = h.Service.Vend(t.Context(), call, orders())
			for _, l := range h.Trail.Take(t) {
				if l.Text("frontDoor") != caller.Door || l.Text("sourceIp") != caller.SourceIP {
					t.Errorf("%s, the call says %q: %v", name, door, l)
				}
			}
		}
	}
}

// TestReceipts: none is like another, and each fits the session name.
func TestReceipts(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{NoCache: true})
	form := regexp.MustCompile(`^[a-z2-7]{24}$`)
	seen := map[string]bool{}
	for range 200 {
		v, err := h.Service.Vend(t.Context(), begin(h, billing(t)), orders())
		if err != nil {
			t.Fatal(err)
		}
		if !form.MatchString(v.Issued.Receipt) || seen[v.Issued.Receipt] {
			t.Fatalf("receipt %q", v.Issued.Receipt)
		}
		seen[v.Issued.Receipt] = true
	}
}

// TestWholeSeconds: the answer's clock is that of expirations, so what it says
// is left is what a client computes.
func TestWholeSeconds(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{})
	h.Clock.Advance(999 * time.Millisecond)
	v, err := h.Service.Vend(t.Context(), begin(h, billing(t)), orders())
	if err != nil || v.Left != 30*time.Minute || v.Issued.Expiration.Sub(v.Now) != v.Left {
		t.Errorf("%v left at %v %v", v.Left, v.Now, err)
	}
}
