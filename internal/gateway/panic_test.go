package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/credvend/credvend/internal/audit"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/gateway"
	"github.com/credvend/credvend/internal/vend"
	"github.com/credvend/credvend/internal/vendtest"
)

// broken is a service that fails in ways that no service should.
type broken struct {
	*vend.Service
	fail   func()
	refuse func()
}

func (b broken) Vend(context.Context, *vend.Call, vend.Ask) (vend.Vended, error) {
	b.fail()
	return vend.Vended{}, errors.New("near " + planted)
}

func (b broken) WhoAmI(context.Context, *vend.Call) (vend.Identity, error) {
	b.fail()
	return vend.Identity{}, nil
}

func (b broken) Refuse(ctx context.Context, call *vend.Call, why error) error {
	if b.refuse != nil {
		b.refuse()
	}
	return b.Service.Refuse(ctx, call, why)
}

type recorderFunc func(audit.Entry) error

func (f recorderFunc) Write(_ context.Context, e audit.Entry) error { return f(e) }

// TestBrokenService: whatever a service does, the answer is the fixed one, and
// neither the log nor the trail holds what it said.
func TestBrokenService(t *testing.T) {
	say := func() { panic("near " + planted) }
	nothing := func() {}
	for name, c := range map[string]struct {
		fail, refuse func()
		event        []byte
		lines        int
	}{
		"it panics":                    {say, nil, iam(good()).Bytes(), 1},
		"it panics with an error":      {func() { panic(errors.New("near " + planted)) }, nil, iam(good()).Bytes(), 1},
		"it panics with nothing":       {func() { panic(nil) }, nil, iam(good()).Bytes(), 1}, //nolint:govet // that is the case
		"a library panics":             {func() { _ = strings.Repeat(planted, -len(planted)) }, nil, iam(good()).Bytes(), 1},
		"a question panics":            {say, nil, rest(vendtest.Get("/v1/whoami")).Bytes(), 1},
		"an error of no kind":          {nothing, nil, iam(good()).Bytes(), 1},
		"the record panics":            {nothing, say, iam(good()).Bytes(), 0},
		"it panics, the record too":    {say, say, iam(good()).Bytes(), 0},
		"the record of nobody panics":  {nothing, say, []byte(`null`), 0},
		"the record of no path panics": {nothing, say, iam(vendtest.Get("/nope")).Bytes(), 0},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			inner := vendtest.New(t, vendtest.Options{})
			h := gateway.New(inner.Doors, broken{inner.Service, c.fail, c.refuse}, slog.New(slog.NewJSONHandler(&log, nil)))
			ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: vendtest.RequestID})
			raw, err := h.Invoke(ctx, c.event)
			if err != nil {
				t.Fatal(err)
			}
			var a vendtest.Answer
			if err := json.Unmarshal(raw, &a); err != nil {
				t.Fatal(err)
			}
			if a.Status != http.StatusInternalServerError || a.Headers["Cache-Control"] != "no-store" || a.Headers["Content-Type"] != "application/json" {
				t.Errorf("answer %s", raw)
			}
			var body map[string]string
			if err := json.Unmarshal([]byte(a.Text), &body); err != nil || body["code"] != "internal" || body["requestId"] != vendtest.RequestID ||
				body["message"] != "credvend failed to handle this request; give the request id to its operator" {
				t.Errorf("body %s", a.Text)
			}
			if found := vendtest.Leaks(string(raw) + log.String() + inner.Trail.Text()); found != nil {
				t.Errorf("%v", found)
			}
			if log.Len() == 0 {
				t.Error("the operator learns nothing")
			}
			if got := len(inner.Trail.Lines(t)); got != c.lines {
				t.Errorf("%d audit lines, want %d", got, c.lines)
			}
		})
	}
}

// TestTrailThatPanics: a recorder that blows up withholds the credential as one
// that fails does.
func TestTrailThatPanics(t *testing.T) {
	for _, blowUp := range []func(){func() { panic("near " + planted) }, func() { _ = strings.Repeat(planted, -len(planted)) }} {
		for at := 1; at <= 2; at++ {
			inner := vendtest.New(t, vendtest.Options{})
			writes := 0
			service := vend.New(inner.Config(recorderFunc(func(audit.Entry) error {
				if writes++; writes >= at {
					blowUp()
				}
				return nil
			})))
			h := gateway.New(inner.Doors, service, slog.New(slog.DiscardHandler))
			raw, err := h.Invoke(t.Context(), iam(good()).Bytes())
			if err != nil || vendtest.Leaks(string(raw)) != nil || !bytes.Contains(raw, []byte(`"statusCode":500`)) {
				t.Errorf("panic at write %d: %v %s", at, err, raw)
			}
			if calls := len(inner.STS.Calls()); calls != at-1 {
				t.Errorf("panic at write %d: %d calls of STS", at, calls)
			}
		}
	}
}

// TestEveryKindHasItsStatus: the one table has a row for each kind, and the
// answers that need a header have it.
func TestEveryKindHasItsStatus(t *testing.T) {
	seen := map[int]bool{}
	for _, k := range fault.Kinds() {
		status, headers := gateway.ErrOf(k)
		if _, ok := gateway.Statuses()[k]; !ok || seen[status] {
			t.Errorf("%s: status %d is not its own", k, status)
		}
		seen[status] = true
		if wait := headers["Retry-After"]; (status == 429 || status == 503) != (wait == "1") {
			t.Errorf("%s: Retry-After %q", k, wait)
		}
	}
	for _, status := range []int{400, 401, 403, 404, 405, 413, 415, 429, 500, 502, 503} {
		if !seen[status] {
			t.Errorf("no kind is answered with %d", status)
		}
	}
	if status, _ := gateway.ErrOf(fault.Kind(200)); status != 500 {
		t.Errorf("an unknown kind: %d", status)
	}
}
