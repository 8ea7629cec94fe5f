package vend_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/assume"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/vend"
	"github.com/credvend/credvend/internal/vendtest"
)

// counts are how many lines of each event were written.
func counts(tb vendtest.TB, h *vendtest.Harness) (intents, finals int) {
	for _, l := range h.Trail.Lines(tb) {
		if l.Text("event") == "intent" {
			intents++
		} else {
			finals++
		}
	}
	return intents, finals
}

// TestSimultaneous: N alike make one call of STS, one intent and N ends.
func TestSimultaneous(t *testing.T) {
	const n = 40
	h := vendtest.New(t, vendtest.Options{})
	gate := make(chan struct{})
	h.STS.Order("", vendtest.Wait(gate))
	got := make([]vend.Vended, n)
	caller := billing(t)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			var err error
			if got[i], err = h.Service.Vend(t.Context(), begin(h, caller), orders()); err != nil {
				t.Error(err)
			}
		})
	}
	close(gate)
	wg.Wait()
	fresh := 0
	for _, v := range got {
		if !v.Reused {
			fresh++
		}
		if v.Issued.SessionToken() != got[0].Issued.SessionToken() || v.Issued.Receipt != got[0].Issued.Receipt || !v.RefreshAfter.Equal(got[0].RefreshAfter) {
			t.Error("two got different credentials")
		}
	}
	intents, finals := counts(t, h)
	if calls := len(h.STS.Calls()); calls != 1 || fresh != 1 || intents != 1 || finals != n {
		t.Errorf("%d calls, %d fresh, %d intents, %d ends", calls, fresh, intents, finals)
	}
}

// TestSimultaneousFailure: each of those who shared a failure has an end of its
// own, and only the issuance has an intent.
func TestSimultaneousFailure(t *testing.T) {
	for name, f := range map[string]vendtest.Fault{"denied": vendtest.Denied(), "panics": vendtest.Panics(), "lost": vendtest.Lost()} {
		t.Run(name, func(t *testing.T) {
			const n = 20
			h := vendtest.New(t, vendtest.Options{})
			h.STS.Order("", f)
			caller := billing(t)
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					if v, err := h.Service.Vend(t.Context(), begin(h, caller), orders()); err == nil || v.Issued.AccessKeyID() != "" {
						t.Error("vended")
					}
				})
			}
			wg.Wait()
			announced, shared := map[string]bool{}, map[bool]int{}
			for _, l := range h.Trail.Lines(t) {
				switch l.Text("event") {
				case "intent":
					announced[l.Text("receipt")] = true
				case "outcome":
					shared[l["reused"] == true]++
					if !announced[l.Text("receipt")] || l.Text("outcome") == "refused" || l["grantedSeconds"] != nil {
						t.Errorf("an end that does not join its intent, or grants: %v", l)
					}
				default:
					t.Errorf("STS was asked, and a line says refused: %v", l)
				}
			}
			intents, finals := counts(t, h)
			if calls := len(h.STS.Calls()); finals != n || intents != calls || calls == 0 || shared[false] != calls {
				t.Errorf("%d calls, %d intents, %d ends", calls, intents, finals)
			}
		})
	}
}

// alike are callers that a careless key would take for one another.
func alike(t *testing.T) []identity.Caller {
	t.Helper()
	shopper := func(sub string) identity.Caller {
		return identity.Caller{Kind: identity.JWT, Door: "d4e5f6", Issuer: vendtest.Issuer, Audiences: []string{vendtest.Audience}, Subject: sub, Claims: map[string]identity.Claim{
			"sub": {Values: []string{sub}}, "cognito:groups": {Values: []string{"shoppers"}, List: true},
		}}
	}
	return []identity.Caller{
		billing(t), role(t, "billing-service", "AROAEXAMPLEBILLING00", "i-2"), role(t, "billing-service", "AROAEXAMPLEBILLING00", "i-"),
		role(t, "ci-1", "AROAEXAMPLECI0000000", "i-1"), role(t, "ci-1", "AROAEXAMPLECI0000001", "i-1"), role(t, "ci-1", "AROAEXAMPLECI0000001", "i-2"), role(t, "ci-2", "AROAEXAMPLECI0000002", "i-1"),
		shopper("a"), shopper("b"), shopper("a."), shopper("A"),
	}
}

// TestNobodySharesWithAnother, however alike they are, at once or later.
func TestNobodySharesWithAnother(t *testing.T) {
	doc := vendtest.Document()
	// The same for everyone, without tags and source identities to tell them
	// apart: what is left is the caller's own part of the key.
	target := doc.Targets["orders"]
	off := false
	target.SessionTags, target.SourceIdentity = &off, &off
	doc.Targets["orders"] = target
	doc.Rules = []allowlist.Rule{{ID: "all", Callers: []string{"*"}, Target: "orders", Routes: []string{"GET /*"}}}
	h := vendtest.New(t, vendtest.Options{Document: doc})
	callers := alike(t)
	var mu sync.Mutex
	keys := map[string]map[int]bool{} // access key id → callers
	var wg sync.WaitGroup
	for range 5 {
		for i, c := range callers {
			wg.Go(func() {
				v, err := h.Service.Vend(t.Context(), begin(h, c), orders())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if keys[v.Issued.AccessKeyID()] == nil {
					keys[v.Issued.AccessKeyID()] = map[int]bool{}
				}
				keys[v.Issued.AccessKeyID()][i] = true
			})
		}
	}
	wg.Wait()
	for key, who := range keys {
		if len(who) != 1 {
			t.Errorf("%s was handed to callers %v", key, who)
		}
	}
	if len(keys) != len(callers) || len(h.STS.Calls()) != len(callers) {
		t.Errorf("%d keys and %d calls for %d callers", len(keys), len(h.STS.Calls()), len(callers))
	}
}

// TestAnotherDoor: one individual is one, whichever way in it takes.
func TestAnotherDoor(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{})
	for i, kind := range []identity.Kind{identity.IAM, identity.RESTIAM} {
		c := billing(t)
		c.Kind = kind
		if v, err := h.Service.Vend(t.Context(), begin(h, c), orders()); err != nil || v.Reused != (i == 1) {
			t.Errorf("%v: reused %t %v", kind, v.Reused, err)
		}
	}
}

// TestCallerGoesAway: an issuance is seen through to its one end, whoever has
// stopped waiting.
func TestCallerGoesAway(t *testing.T) {
	for _, noCache := range []bool{false, true} {
		o := vendtest.Options{NoCache: noCache, Attempt: 400 * time.Millisecond, Total: 850 * time.Millisecond}
		t.Run(fmt.Sprint("pool off: ", noCache), func(t *testing.T) {
			h := vendtest.New(t, o)
			gate := make(chan struct{})
			h.STS.Order("", vendtest.Wait(gate))
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			close(gate)
			if _, err := h.Service.Vend(ctx, begin(h, billing(t)), orders()); err != nil {
				t.Error(err)
			}
			if got := h.Trail.Events(t); got != "intent outcome" {
				t.Errorf("lines %q", got)
			}

			h.STS.Order("", vendtest.Hang())
			short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // the broker keeps 50 ms of it
			defer cancel()
			h.Trail.Take(t)
			ask := vend.Ask{Target: "orders", Duration: 901 * time.Second}
			if _, err := h.Service.Vend(short, begin(h, billing(t)), ask); fault.Of(err).Kind != fault.Unavailable || short.Err() != nil {
				t.Errorf("%v; the deadline's state: %v", err, short.Err())
			}
			lines := h.Trail.Take(t)
			if len(lines) != 2 || lines[0].Text("event") != "intent" || lines[1].Text("outcome") != "unknown" {
				t.Errorf("lines %v", lines)
			}

			calls := len(h.STS.Calls())
			over, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
			defer cancel()
			if _, err := h.Service.Vend(over, begin(h, billing(t)), ask); fault.Of(err).Kind != fault.Unavailable || len(h.STS.Calls()) != calls {
				t.Errorf("after the deadline: %v, %d calls", err, len(h.STS.Calls())-calls)
			}
			if lines := h.Trail.Take(t); len(lines) == 0 || lines[len(lines)-1].Text("outcome") != "failed" {
				t.Errorf("lines %v", lines)
			}
		})
	}
}

// TestBrake: it counts STS calls, not answers, and per caller.
func TestBrake(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{Limiter: assume.NewLimiter(assume.RateConfig{PerSecond: 0.1, Burst: 2, Now: func() time.Time { return time.Unix(0, 0) }})})
	ask := func(session string, seconds int) error {
		_, err := h.Service.Vend(t.Context(), begin(h, role(t, "billing-service", "AROAEXAMPLEBILLING00", session)), vend.Ask{Target: "orders", Duration: time.Duration(seconds) * time.Second})
		return err
	}
	for range 10 {
		if err := ask("i-1", 1800); err != nil { // reused
			t.Fatal(err)
		}
	}
	if err := ask("i-1", 1200); err != nil {
		t.Fatal(err)
	}
	for _, session := range []string{"i-1", "i-2"} { // another label is not another caller
		f := fault.Of(ask(session, 1000))
		if f == nil || f.Kind != fault.Throttled || f.RetryAfter != 10*time.Second || !strings.Contains(f.Public(), "refreshAfter") {
			t.Errorf("%v", f)
		}
	}
	if len(h.STS.Calls()) != 2 {
		t.Errorf("%d calls", len(h.STS.Calls()))
	}
	if _, err := h.Service.Vend(t.Context(), begin(h, alike(t)[7]), orders()); err != nil {
		t.Errorf("another caller is braked too: %v", err)
	}
}

type switching struct{ list *allowlist.List }

func (s *switching) List(context.Context) (*allowlist.List, error) { return s.list, nil }

// TestNewAllowlist: what was issued under another list is not reused.
func TestNewAllowlist(t *testing.T) {
	compile := func(id string) *allowlist.List {
		doc := vendtest.Document()
		doc.Rules[0].ID = id
		list, err := allowlist.Compile(doc)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	lists := &switching{compile("one")}
	h := vendtest.New(t, vendtest.Options{Lists: lists})
	for i, want := range []bool{false, true, false, true} {
		if i == 2 {
			lists.list = compile("two")
		}
		v, err := h.Service.Vend(t.Context(), begin(h, billing(t)), orders())
		if err != nil || v.Reused != want {
			t.Errorf("request %d: reused %t %v", i, v.Reused, err)
		}
	}
}
