package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/assume"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/vend"
	"github.com/credvend/credvend/internal/vendtest"
)

// trouble is a request that goes wrong behind the gateway.
type trouble struct {
	options vendtest.Options
	prepare func(t *testing.T, h *vendtest.Harness)
	want    answer
	retry   string // Retry-After
	lines   string // the request's audit lines
	outcome string // of the last of them
	calls   int    // of STS
}

// lists is a source of allowlists that only fails.
type lists func() error

func (l lists) List(context.Context) (*allowlist.List, error) { return nil, l() }

var _ vend.Lists = lists(nil)

func order(region string, f vendtest.Fault) func(*testing.T, *vendtest.Harness) {
	return func(_ *testing.T, h *vendtest.Harness) { h.STS.Order(region, f) }
}

func fails(from int) func(*testing.T, *vendtest.Harness) {
	return func(_ *testing.T, h *vendtest.Harness) { h.Trail.FailFrom(from) }
}

const planted = vendtest.SecretKeyMark

// troubles are the ways in which the service fails once it knows who asks.
func troubles() map[string]trouble {
	const fixedText = "credvend failed to handle this request; give the request id to its operator"
	internal := answer{500, "internal", fixedText}
	unavailable := func(text string) answer { return answer{503, "unavailable", text} }
	misconfigured := func(text string) answer { return answer{502, "target_misconfigured", text} }
	short := vendtest.Options{Attempt: 20 * time.Millisecond, Total: 50 * time.Millisecond}
	two := vendtest.Options{Regions: []string{"us-east-1", "us-west-2"}}
	said := func(status int, code string) func(*testing.T, *vendtest.Harness) {
		return order("", vendtest.Refuse(status, code, "near "+planted))
	}
	return map[string]trouble{
		"too often": {
			options: vendtest.Options{NoCache: true, Limiter: assume.NewLimiter(assume.RateConfig{PerSecond: 0.4, Burst: 1, Now: func() time.Time { return time.Unix(0, 0) }})},
			prepare: func(t *testing.T, h *vendtest.Harness) { wantVended(t, h, iam(good()).Bytes()) },
			want:    answer{429, "throttled", "reuse those you have until refreshAfter"}, retry: "3", lines: "refusal", outcome: "refused",
		},
		"STS refuses":              {prepare: order("", vendtest.Denied()), want: misconfigured("the likeliest first: (1) in account 111122223333 the role's trust policy"), lines: "intent outcome", outcome: "denied", calls: 1},
		"STS refuses the tags":     {prepare: order("", vendtest.Refuse(http.StatusForbidden, "AccessDenied", "User: x is not authorized to perform: sts:TagSession on resource: y")), want: misconfigured("session_tags: false"), lines: "intent outcome", outcome: "denied", calls: 1},
		"STS refuses a value":      {prepare: said(http.StatusBadRequest, "ValidationError"), want: misconfigured("its code does not say which"), lines: "intent outcome", outcome: "denied", calls: 1},
		"the policy packs large":   {prepare: said(http.StatusBadRequest, "PackedPolicyTooLarge"), want: invalid("ask for fewer routes"), lines: "intent outcome", outcome: "denied", calls: 1},
		"the policy is unreadable": {prepare: said(http.StatusBadRequest, "MalformedPolicyDocument"), want: internal, lines: "intent outcome", outcome: "denied", calls: 1},
		"our own session expired":  {prepare: said(http.StatusForbidden, "ExpiredToken"), want: unavailable("tell its operator if it stays so"), retry: "1", lines: "intent outcome", outcome: "denied", calls: 1},
		"STS hangs":                {options: short, prepare: order("", vendtest.Hang()), want: unavailable("try again in a moment"), retry: "1", lines: "intent outcome", outcome: "unknown", calls: 1},
		"STS breaks off":           {prepare: order("", vendtest.Reset()), want: unavailable("try again in a moment"), retry: "1", lines: "intent outcome", outcome: "unknown", calls: 1},
		"the answer is lost":       {prepare: order("", vendtest.Lost()), want: unavailable("try again in a moment"), retry: "1", lines: "intent outcome", outcome: "unknown", calls: 1},
		"the answer is garbage":    {prepare: order("", vendtest.Garbage()), want: unavailable("try again in a moment"), retry: "1", lines: "intent outcome", outcome: "unknown", calls: 1},
		"STS panics":               {prepare: order("", vendtest.Panics()), want: internal, lines: "intent outcome", outcome: "unknown", calls: 1},
		"STS panics, no pool":      {options: vendtest.Options{NoCache: true}, prepare: order("", vendtest.Panics()), want: internal, lines: "intent outcome", outcome: "unknown", calls: 1},
		"STS throttles":            {prepare: said(http.StatusBadRequest, "Throttling"), want: unavailable("STS is throttling credvend"), retry: "2", lines: "intent outcome", outcome: "failed", calls: 1},
		"STS is broken":            {prepare: said(http.StatusInternalServerError, "InternalFailure"), want: unavailable("try again"), retry: "1", lines: "intent outcome", outcome: "unknown", calls: 1},
		"every region is broken":   {options: two, prepare: order("", vendtest.Lost()), want: unavailable("try again"), retry: "1", lines: "intent outcome", outcome: "unknown", calls: 2},
		"one region fails, one refuses": {options: two, prepare: func(_ *testing.T, h *vendtest.Harness) {
			h.STS.Order("us-east-1", vendtest.Refuse(http.StatusBadRequest, "Throttling", ""))
			h.STS.Order("us-west-2", vendtest.Denied())
		}, want: unavailable("failed in one region and refused in another"), retry: "1", lines: "intent outcome", outcome: "denied", calls: 2},
		"no list":                 {options: vendtest.Options{Lists: lists(func() error { return fault.New(fault.Unavailable, "no allowlist loaded; try again") })}, want: unavailable("no allowlist loaded"), retry: "1", lines: "refusal", outcome: "refused"},
		"a list's unforeseen end": {options: vendtest.Options{Lists: lists(func() error { return errors.New("near " + planted) })}, want: internal, lines: "refusal", outcome: "refused"},
		"a list that panics":      {options: vendtest.Options{Lists: lists(func() error { panic("near " + planted) })}, want: internal, lines: "refusal", outcome: "refused"},
		"a list that is nil":      {options: vendtest.Options{Lists: lists(func() error { return nil })}, want: internal, lines: "refusal", outcome: "refused"},
		"no intent":               {prepare: fails(1), want: internal},
		"no outcome":              {prepare: fails(2), want: internal, lines: "intent", calls: 1},
		"no reuse": {prepare: func(t *testing.T, h *vendtest.Harness) {
			wantVended(t, h, iam(good()).Bytes())
			h.Trail.FailFrom(1)
		}, want: internal},
		"no refusal": {prepare: func(t *testing.T, h *vendtest.Harness) {
			h.STS.Order("", vendtest.Denied())
			h.Trail.FailFrom(2)
		}, want: internal, lines: "intent", calls: 1},
	}
}

func TestTroubles(t *testing.T) {
	for name, c := range troubles() {
		t.Run(name, func(t *testing.T) {
			h := vendtest.New(t, c.options)
			if c.prepare != nil {
				c.prepare(t, h)
			}
			h.Trail.Take(t)
			calls := len(h.STS.Calls())
			a := h.Invoke(t, iam(good()).Bytes())
			if a.Status != c.want.status || a.Field("code") != c.want.code || !strings.Contains(a.Field("message"), c.want.text) {
				t.Errorf("answer %d %s, want %+v", a.Status, a.Text, c.want)
			}
			if c.want.status == 500 && a.Field("message") != c.want.text {
				t.Errorf("message %q is not the fixed one", a.Field("message"))
			}
			if a.Headers["Retry-After"] != c.retry {
				t.Errorf("Retry-After %q, want %q", a.Headers["Retry-After"], c.retry)
			}
			if n := len(h.STS.Calls()) - calls; n != c.calls {
				t.Errorf("%d calls of STS, want %d", n, c.calls)
			}
			lines := h.Trail.Take(t)
			if got := events(lines); got != c.lines {
				t.Fatalf("audit lines %q, want %q", got, c.lines)
			}
			if len(lines) > 0 && lines[len(lines)-1].Text("outcome") != c.outcome {
				t.Errorf("outcome %q, want %q", lines[len(lines)-1].Text("outcome"), c.outcome)
			}
			if operators := c.want.status >= 500; operators != strings.Contains(h.Log(), vendtest.RequestID) {
				t.Errorf("operator's log:\n%s", h.Log())
			}
		})
	}
}

// TestUnwrittenRefusal: a refusal that cannot be recorded is an internal
// failure, wherever it was decided.
func TestUnwrittenRefusal(t *testing.T) {
	for name, event := range map[string][]byte{
		"no event": []byte(`null`), "no caller": vendtest.IAM("z9z9z9", vendtest.Billing(), good()).Bytes(), "no path": iam(vendtest.Get("/nope")).Bytes(),
		"a bad path": iam(vendtest.Get("/%zz")).Bytes(), "a bad method": iam(vendtest.Request{Method: "HEAD"}).Bytes(), "a bad body": iam(post(`{`)).Bytes(),
		"a bad target": iam(post(`{"target":"/"}`)).Bytes(), "denied": iam(post(`{"target":"nosuch"}`)).Bytes(), "a question": iam(vendtest.Get("/v1/whoami")).Bytes(),
	} {
		t.Run(name, func(t *testing.T) {
			h := vendtest.New(t, vendtest.Options{})
			h.Trail.FailFrom(1)
			if a := h.Invoke(t, event); a.Status != 500 || a.Field("code") != "internal" {
				t.Errorf("answer %d %s", a.Status, a.Text)
			}
			if !strings.Contains(h.Log(), "no space left on device") {
				t.Error("the operator is not told why")
			}
		})
	}
}

func events(lines []vendtest.Line) string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Text("event"))
	}
	return strings.Join(all, " ")
}

// TestAnotherRegion: a region that fails is passed over, and the answer is none
// the worse.
func TestAnotherRegion(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{Regions: []string{"us-east-1", "us-west-2"}})
	h.STS.Order("us-east-1", vendtest.Refuse(http.StatusForbidden, "RegionDisabledException", ""))
	wantVended(t, h, iam(good()).Bytes())
	lines := h.Trail.Lines(t)
	if got := events(lines); got != "intent outcome" || lines[1].Text("stsRegion") != "us-west-2" || len(lines[1]["attempts"].([]any)) != 2 {
		t.Errorf("audit lines %v", lines)
	}
}
