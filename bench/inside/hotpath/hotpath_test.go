package hotpath_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/credvend/credvend/bench/inside/hotpath"
	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/identity"
)

// Each operation can be run after any other, and again.
func TestOperations(t *testing.T) {
	for name, clock := range map[string]*hotpath.Clock{"standing": hotpath.Standing(), "running": hotpath.Running()} {
		ops, end, err := hotpath.Operations(t.Context(), clock)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			for _, op := range ops {
				if err := op.Run(); err != nil {
					t.Errorf("%s, clock %s: %v", op.Name, name, err)
				}
			}
		}
		end()
	}
}

// The function over the SDK's client vends, and each time anew once the clock is
// put forward.
func TestSDKFunction(t *testing.T) {
	ctx, end := hotpath.Context(t.Context())
	defer end()
	clock := hotpath.Running()
	f, err := hotpath.NewSDKFunction(clock)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		expire bool
		reused string
	}{{false, `\"reused\":false`}, {false, `\"reused\":true`}, {true, `\"reused\":false`}} {
		if c.expire {
			clock.Expire()
		}
		answer, err := f.Handler.Invoke(ctx, hotpath.Billing(hotpath.Ask))
		if err := hotpath.Answers(http.StatusOK, answer, err); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(answer), c.reused) {
			t.Errorf("no %s in %s", c.reused, answer)
		}
	}
}

func TestEvents(t *testing.T) {
	f, err := hotpath.NewFunction(hotpath.Standing(), hotpath.NewIssuer(hotpath.Standing()), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := hotpath.Context(t.Context())
	defer end()
	for name, c := range map[string]struct {
		event  []byte
		kind   identity.Kind
		status int
	}{
		"billing":      {hotpath.Billing(hotpath.Ask), identity.IAM, http.StatusOK},
		"session":      {hotpath.BillingSession("i-7"), identity.IAM, http.StatusOK},
		"shopper":      {hotpath.Shopper(hotpath.Ask), identity.JWT, http.StatusOK},
		"stranger":     {hotpath.Stranger(hotpath.Ask), identity.IAM, http.StatusForbidden},
		"crowd caller": {hotpath.CrowdCaller(), identity.IAM, http.StatusForbidden},
	} {
		if !json.Valid(c.event) || strings.Contains(string(c.event), "%!") {
			t.Errorf("%s: %s", name, c.event)
		}
		who, err := f.Identify(c.event)
		if err != nil || who.Kind != c.kind {
			t.Errorf("%s: %v, %v", name, who.Kind, err)
		}
		answer, err := f.Handler.Invoke(ctx, c.event)
		if err := hotpath.Answers(c.status, answer, err); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A list of any length has 1,000 callers if it has rules for so many, and the
// two that are asked about have their own rules and no others.
func TestCrowd(t *testing.T) {
	f, err := hotpath.NewFunction(hotpath.Standing(), hotpath.NewIssuer(hotpath.Standing()), nil)
	if err != nil {
		t.Fatal(err)
	}
	for rules, callers := range map[int]int{10: 12, 1000: 1000, 7000: 1000} {
		list, err := hotpath.Load(hotpath.Crowd(rules).JSON())
		if err != nil {
			t.Fatal(err)
		}
		if _, c, r := list.Size(); c != callers || r != rules {
			t.Errorf("%d rules: %d callers and %d rules", rules, c, r)
		}
		for _, who := range []struct {
			event []byte
			name  string
			tried int
		}{{hotpath.CrowdCaller(), "the-caller", 3}, {hotpath.CrowdShopper(), "shopper", 1}} {
			caller, err := f.Identify(who.event)
			if err != nil {
				t.Fatal(err)
			}
			d := list.Decide(caller, allowlist.Request{Target: "orders"})
			if !d.Allowed() || len(d.Tried) != who.tried || d.Grant.CallerName != who.name {
				t.Errorf("%d rules, %s: %+v", rules, who.name, d)
			}
		}
	}
	if _, err := hotpath.Load([]byte("{")); err == nil {
		t.Error("half a list loads")
	}
}

func TestAnswers(t *testing.T) {
	failed := errors.New("failed")
	for name, c := range map[string]struct {
		answer string
		err    error
		ok     bool
	}{
		"as it should be": {`{"statusCode":200,"headers":{}}`, nil, true},
		"another status":  {`{"statusCode":403,"headers":{}}`, nil, false},
		"an error":        {`{"statusCode":200,"headers":{}}`, failed, false},
		"cut short":       {`{"statusCode":2`, nil, false},
		"nothing":         {``, nil, false},
		"something else":  {`"statusCode 200 or so"`, nil, false},
	} {
		if err := hotpath.Answers(http.StatusOK, []byte(c.answer), c.err); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A count is of all goroutines, to the nearest whole, and stops at an error.
func TestAllocations(t *testing.T) {
	var kept [][]byte
	done := make(chan struct{})
	for name, c := range map[string]struct {
		run  func() error
		want int
	}{
		"none": {func() error { return nil }, 0},
		"two": {func() error {
			kept = append(kept[:0], make([]byte, 100), make([]byte, 200))
			return nil
		}, 2},
		"elsewhere": {func() error {
			go func() {
				kept = append(kept[:0], make([]byte, 100))
				done <- struct{}{}
			}()
			<-done
			return nil
		}, 2}, // the bytes and the goroutine's closure
	} {
		if n, err := hotpath.Allocations(200, c.run); n != c.want || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	failed := errors.New("failed")
	if _, err := hotpath.Allocations(10, func() error { return failed }); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
}
