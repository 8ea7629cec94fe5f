package assume

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/scope"
)

var testStart = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const testRole = "arn:aws:iam::111122223333:role/orders-invoke"

func testScope() scope.Scope {
	return scope.Scope{
		Target: "orders", RoleARN: testRole, ExternalID: "orders-7f3c9a", AccountID: "111122223333",
		CallerName: "billing-service", Policy: `{"Version":"2012-10-17"}`,
		Tags:           []scope.Tag{{Key: "credvend:callers", Value: ":billing-service:"}, {Key: "team", Value: "billing"}},
		SourceIdentity: "billing.abc", Duration: 30 * time.Minute,
	}
}

// inBubble runs a subtest in virtual time: timeouts cost nothing, and a busy
// machine makes none.
func inBubble(t *testing.T, name string, run func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, run) })
}

// clock is a clock that only the test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: testStart} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// fakeSTS is a region's STS. Each call takes the next step; the last repeats.
type fakeSTS struct {
	mu    sync.Mutex
	calls []*sts.AssumeRoleInput
	steps []step
}

type step func(ctx context.Context, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error)

func (f *fakeSTS) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	f.mu.Lock()
	do := f.steps[min(len(f.calls), len(f.steps)-1)]
	f.calls = append(f.calls, in)
	f.mu.Unlock()
	return do(ctx, in)
}

func (f *fakeSTS) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls)
}

func goodAnswer(in *sts.AssumeRoleInput) *sts.AssumeRoleOutput {
	out := &sts.AssumeRoleOutput{
		Credentials: &types.Credentials{
			AccessKeyId: aws.String("ASIAEXAMPLEKEY"), SecretAccessKey: aws.String(plantedSecret), SessionToken: aws.String(plantedToken),
			Expiration: aws.Time(testStart.Add(time.Duration(*in.DurationSeconds) * time.Second)),
		},
		AssumedRoleUser:  &types.AssumedRoleUser{Arn: aws.String("arn:aws:sts::111122223333:assumed-role/orders-invoke/" + *in.RoleSessionName)},
		PackedPolicySize: aws.Int32(14), //nolint:staticcheck // deprecated, and still what STS sends
	}
	middleware.SetRequestIDMetadata(&out.ResultMetadata, "req-1")
	return out
}

func issue(_ context.Context, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	return goodAnswer(in), nil
}

func hang(ctx context.Context, _ *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func fail(code, message string) step {
	return func(context.Context, *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
		return nil, &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: &smithy.GenericAPIError{Code: code, Message: message}}
	}
}

func spoil(change func(*sts.AssumeRoleOutput)) step {
	return func(_ context.Context, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
		out := goodAnswer(in)
		change(out)
		return out, nil
	}
}

func newTestBroker(t *testing.T, c *clock, fakes ...*fakeSTS) *Broker {
	t.Helper()
	cfg := Config{AttemptTimeout: 400 * time.Millisecond, TotalTimeout: 850 * time.Millisecond, Now: c.now}
	for i, f := range fakes {
		cfg.Regions = append(cfg.Regions, Region{Name: []string{"us-east-1", "eu-west-1", "eu-central-1"}[i], Client: f})
	}
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAssumeSendsTheWholeScope(t *testing.T) {
	f := &fakeSTS{steps: []step{issue}}
	issued, attempts, err := newTestBroker(t, newClock(), f).Assume(t.Context(), testScope(), "receipt01")
	if err != nil {
		t.Fatal(err)
	}
	want := &sts.AssumeRoleInput{
		RoleArn: aws.String(testRole), RoleSessionName: aws.String("billing-service@receipt01"), DurationSeconds: aws.Int32(1800),
		ExternalId: aws.String("orders-7f3c9a"), Policy: aws.String(`{"Version":"2012-10-17"}`), SourceIdentity: aws.String("billing.abc"),
		Tags: []types.Tag{{Key: aws.String("credvend:callers"), Value: aws.String(":billing-service:")}, {Key: aws.String("team"), Value: aws.String("billing")}},
	}
	if !reflect.DeepEqual(f.calls, []*sts.AssumeRoleInput{want}) {
		t.Errorf("sent %+v", f.calls[0])
	}
	if issued.AccessKeyID() != "ASIAEXAMPLEKEY" || issued.SecretAccessKey() != plantedSecret || issued.SessionToken() != plantedToken {
		t.Error("not the credentials that STS gave")
	}
	issued.Credentials = Credentials{}
	if want := (Issued{
		Receipt: "receipt01", IssuedAt: testStart, Expiration: testStart.Add(30 * time.Minute), Region: "us-east-1", STSRequestID: "req-1",
		AssumedRoleARN: "arn:aws:sts::111122223333:assumed-role/orders-invoke/billing-service@receipt01", PackedPolicyPercent: 14,
	}); !reflect.DeepEqual(issued, want) {
		t.Errorf("got %#v %v", issued.Receipt, issued.IssuedAt)
	}
	if want := []Attempt{{Region: "us-east-1", Outcome: OutcomeIssued, STSRequestID: "req-1"}}; !reflect.DeepEqual(attempts, want) {
		t.Errorf("attempts %+v", attempts)
	}

	bare := testScope()
	bare.ExternalID, bare.SourceIdentity, bare.Tags = "", "", nil
	if _, _, err := newTestBroker(t, newClock(), f).Assume(t.Context(), bare, "receipt01"); err != nil {
		t.Fatal(err)
	}
	if in := f.calls[1]; in.ExternalId != nil || in.SourceIdentity != nil || in.Tags != nil {
		t.Errorf("sent what the scope does not hold: %+v", in)
	}
}

// TestAssumeRefusesUnsafeScopes is the last gate: above all, a scope without a
// session policy would confer the whole role.
func TestAssumeRefusesUnsafeScopes(t *testing.T) {
	for name, change := range map[string]func(*scope.Scope){
		"no policy":       func(s *scope.Scope) { s.Policy = "" },
		"long policy":     func(s *scope.Scope) { s.Policy = strings.Repeat("x", 2049) },
		"no role":         func(s *scope.Scope) { s.RoleARN = "" },
		"no duration":     func(s *scope.Scope) { s.Duration = 0 },
		"short":           func(s *scope.Scope) { s.Duration = 899 * time.Second },
		"long":            func(s *scope.Scope) { s.Duration = 3601 * time.Second },
		"fraction":        func(s *scope.Scope) { s.Duration += time.Millisecond },
		"long name":       func(s *scope.Scope) { s.CallerName = strings.Repeat("a", 64) },
		"the zero scope":  func(s *scope.Scope) { *s = scope.Scope{} },
		"duration overfl": func(s *scope.Scope) { s.Duration = 1 << 62 },
	} {
		t.Run(name, func(t *testing.T) {
			f := &fakeSTS{steps: []step{issue}}
			s := testScope()
			change(&s)
			_, attempts, err := newTestBroker(t, newClock(), f).Assume(t.Context(), s, "receipt01")
			if fault.Of(err).Kind != fault.Internal || err == nil || f.count() != 0 || attempts != nil {
				t.Errorf("got %v after %d calls", err, f.count())
			}
		})
	}
	f := &fakeSTS{steps: []step{issue}}
	if _, _, err := newTestBroker(t, newClock(), f).Assume(t.Context(), testScope(), ""); err == nil || f.count() != 0 {
		t.Errorf("an empty receipt: %v", err)
	}
}

// TestFailures is the table of what one region's failure means: alone, and
// with a second region that would issue.
func TestFailures(t *testing.T) {
	const notAuth = "User: arn:aws:sts::444455556666:assumed-role/credvend/x is not authorized to perform: "
	tests := []struct {
		name    string
		step    step
		outcome Outcome
		code    string
		kind    fault.Kind // alone
		after   time.Duration
		next    bool // the second region is asked
	}{
		{"AccessDenied", fail("AccessDenied", notAuth+"sts:AssumeRole on resource: "+testRole), OutcomeDenied, "AccessDenied", fault.TargetMisconfigured, 0, false},
		{"AccessDeniedException", fail("AccessDeniedException", ""), OutcomeDenied, "AccessDeniedException", fault.TargetMisconfigured, 0, false},
		{"a code nobody knows", fail("SomethingNew", ""), OutcomeDenied, "SomethingNew", fault.TargetMisconfigured, 0, false},
		{"ValidationError", fail("ValidationError", "The requested DurationSeconds exceeds"), OutcomeDenied, "ValidationError", fault.TargetMisconfigured, 0, false},
		{"packed policy", fail("PackedPolicyTooLarge", ""), OutcomeDenied, "PackedPolicyTooLarge", fault.InvalidRequest, 0, false},
		{"packed policy, typed", func(context.Context, *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
			return nil, &types.PackedPolicyTooLargeException{Message: aws.String("x")}
		}, OutcomeDenied, "PackedPolicyTooLarge", fault.InvalidRequest, 0, false},
		{"malformed policy", fail("MalformedPolicyDocument", ""), OutcomeDenied, "MalformedPolicyDocument", fault.Internal, 0, false},
		{"ExpiredToken", fail("ExpiredToken", ""), OutcomeDenied, "ExpiredToken", fault.Unavailable, retryAfter, false},
		{"ExpiredTokenException", fail("ExpiredTokenException", ""), OutcomeDenied, "ExpiredTokenException", fault.Unavailable, retryAfter, false},
		{"InvalidClientTokenId", fail("InvalidClientTokenId", ""), OutcomeDenied, "InvalidClientTokenId", fault.Unavailable, retryAfter, false},
		{"UnrecognizedClientException", fail("UnrecognizedClientException", ""), OutcomeDenied, "UnrecognizedClientException", fault.Unavailable, retryAfter, false},
		{"SignatureDoesNotMatch", fail("SignatureDoesNotMatch", "The Canonical String ... x-amz-security-token:"+plantedToken), OutcomeDenied, "SignatureDoesNotMatch", fault.Unavailable, retryAfter, false},
		{"region disabled", fail("RegionDisabledException", ""), OutcomeFailed, "RegionDisabledException", fault.Unavailable, retryAfter, true},
		{"region disabled, typed", func(context.Context, *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
			return nil, &types.RegionDisabledException{}
		}, OutcomeFailed, "RegionDisabledException", fault.Unavailable, retryAfter, true},
		{"Throttling", fail("Throttling", ""), OutcomeFailed, "Throttling", fault.Unavailable, retryAfterThrottled, true},
		{"RequestLimitExceeded", fail("RequestLimitExceeded", ""), OutcomeFailed, "RequestLimitExceeded", fault.Unavailable, retryAfterThrottled, true},
		{"InternalFailure", fail("InternalFailure", ""), OutcomeUnknown, "InternalFailure", fault.Unavailable, retryAfter, true},
		{"ServiceUnavailable", fail("ServiceUnavailable", ""), OutcomeUnknown, "ServiceUnavailable", fault.Unavailable, retryAfter, true},
		{"an error without a code", fail("UnknownError", "UnknownError"), OutcomeUnknown, codeLost, fault.Unavailable, retryAfter, true},
		{"a code with an escape", fail("Access\x1b[2JDenied", ""), OutcomeUnknown, codeLost, fault.Unavailable, retryAfter, true},
		{"hangs", hang, OutcomeUnknown, codeTimeout, fault.Unavailable, retryAfter, true},
		{"an error of the transport", func(context.Context, *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
			return nil, errors.New("read: reset by peer")
		}, OutcomeUnknown, codeLost, fault.Unavailable, retryAfter, true},
		{"no answer and no error", func(context.Context, *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
			return nil, nil
		}, OutcomeUnknown, codeBadAnswer, fault.Unavailable, retryAfter, true},
		{"no credentials", spoil(func(o *sts.AssumeRoleOutput) { o.Credentials = nil }), OutcomeUnknown, codeBadAnswer, fault.Unavailable, retryAfter, true},
		{"no key id", spoil(func(o *sts.AssumeRoleOutput) { o.Credentials.AccessKeyId = nil }), OutcomeUnknown, codeBadAnswer, fault.Unavailable, retryAfter, true},
		{"a long-term key id", spoil(func(o *sts.AssumeRoleOutput) { o.Credentials.AccessKeyId = aws.String("AKIAEXAMPLEKEY") }), OutcomeUnknown, codeBadAnswer, fault.Unavailable, retryAfter, true},
		{"a key id with a line break", spoil(func(o *sts.AssumeRoleOutput) { o.Credentials.AccessKeyId = aws.String("ASIA\nX") }), OutcomeUnknown, codeBadAnswer, fault.Unavailable, retryAfter, true},
		{"no secret", spoil(func(o *sts.AssumeRoleOutput) { o.Credentials.SecretAccessKey = aws.String("") }), OutcomeUnknown, codeBadAnswer, fault.Unavailable, retryAfter, true},
		{"no token", spoil(func(o *sts.AssumeRoleOutput) { o.Credentials.SessionToken = nil }), OutcomeUnknown, codeBadAnswer, fault.Unavailable, retryAfter, true},
		{"no expiration", spoil(func(o *sts.AssumeRoleOutput) { o.Credentials.Expiration = nil }), OutcomeUnknown, codeBadAnswer, fault.Unavailable, retryAfter, true},
		{"expired", spoil(func(o *sts.AssumeRoleOutput) { o.Credentials.Expiration = aws.Time(testStart) }), OutcomeUnknown, codeBadAnswer, fault.Unavailable, retryAfter, true},
		{"good for longer than asked", spoil(func(o *sts.AssumeRoleOutput) {
			o.Credentials.Expiration = aws.Time(testStart.Add(30*time.Minute + skew + time.Second))
		}), OutcomeUnknown, codeBadAnswer, fault.Unavailable, retryAfter, true},
		{"no role user", spoil(func(o *sts.AssumeRoleOutput) { o.AssumedRoleUser = nil }), OutcomeUnknown, codeBadAnswer, fault.Unavailable, retryAfter, true},
		{"another session", spoil(func(o *sts.AssumeRoleOutput) {
			o.AssumedRoleUser.Arn = aws.String("arn:aws:sts::111122223333:assumed-role/orders-invoke/somebody@else")
		}), OutcomeUnknown, codeBadAnswer, fault.Unavailable, retryAfter, true},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T) {
			f := &fakeSTS{steps: []step{tt.step}}
			issued, attempts, err := newTestBroker(t, newClock(), f).Assume(t.Context(), testScope(), "receipt01")
			var got *fault.Error
			if !errors.As(err, &got) || got.Kind != tt.kind || got.RetryAfter != tt.after {
				t.Fatalf("alone: %+v", err)
			}
			if len(attempts) != 1 || attempts[0].Outcome != tt.outcome || attempts[0].Code != tt.code || f.count() != 1 {
				t.Errorf("alone: attempts %+v, calls %d", attempts, f.count())
			}
			if issued.AccessKeyID() != "" {
				t.Error("credentials beside an error")
			}
			for _, text := range []string{got.Public(), got.Error(), fmt.Sprintf("%+v %#v", err, attempts)} {
				if strings.Contains(text, "PLANTED") || strings.Contains(text, "7f3c9a") || strings.Contains(text, "\x1b") {
					t.Errorf("tells a secret: %s", text)
				}
			}

			first, second := &fakeSTS{steps: []step{tt.step}}, &fakeSTS{steps: []step{issue}}
			_, attempts, err = newTestBroker(t, newClock(), first, second).Assume(t.Context(), testScope(), "receipt01")
			if (err == nil) != tt.next || (second.count() == 1) != tt.next {
				t.Errorf("with a second region: %v, attempts %+v", err, attempts)
			}
			if tt.next && (len(attempts) != 2 || attempts[0].Outcome != tt.outcome || attempts[1].Outcome != OutcomeIssued) {
				t.Errorf("with a second region: attempts %+v", attempts)
			}
		})
	}
}

func TestPackedPercent(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*sts.AssumeRoleOutput)
		want   int
	}{
		"the usual": {func(*sts.AssumeRoleOutput) {}, 14},
		"neither":   {func(o *sts.AssumeRoleOutput) { *o = *withoutPacked(o, nil) }, 0},
		"the newer": {func(o *sts.AssumeRoleOutput) { *o = *withoutPacked(o, aws.Int32(9)) }, 9},
	} {
		f := &fakeSTS{steps: []step{spoil(tt.change)}}
		issued, _, err := newTestBroker(t, newClock(), f).Assume(t.Context(), testScope(), "r1")
		if err != nil || issued.PackedPolicyPercent != tt.want {
			t.Errorf("%s: %d %v", name, issued.PackedPolicyPercent, err)
		}
	}
}

func withoutPacked(o *sts.AssumeRoleOutput, utilization *int32) *sts.AssumeRoleOutput {
	return &sts.AssumeRoleOutput{Credentials: o.Credentials, AssumedRoleUser: o.AssumedRoleUser, SessionTokenUtilization: utilization}
}

func TestSmallSkewIsTaken(t *testing.T) {
	f := &fakeSTS{steps: []step{spoil(func(o *sts.AssumeRoleOutput) {
		o.Credentials.Expiration = aws.Time(testStart.Add(30*time.Minute + 2*time.Second))
	})}}
	if _, _, err := newTestBroker(t, newClock(), f).Assume(t.Context(), testScope(), "r1"); err != nil {
		t.Error(err)
	}
}

func TestDenialAfterAnotherRegionsFailureIsNotFinal(t *testing.T) {
	for name, first := range map[string]step{"down": fail("InternalFailure", ""), "throttled": fail("Throttling", ""), "disabled": fail("RegionDisabledException", ""), "hangs": hang} {
		inBubble(t, name, func(t *testing.T) {
			b := newTestBroker(t, newClock(), &fakeSTS{steps: []step{first}}, &fakeSTS{steps: []step{fail("AccessDenied", "")}})
			_, attempts, err := b.Assume(t.Context(), testScope(), "receipt01")
			if f := fault.Of(err); f.Kind != fault.Unavailable || f.RetryAfter == 0 {
				t.Errorf("got %v", err)
			}
			if len(attempts) != 2 || attempts[1].Outcome != OutcomeDenied {
				t.Errorf("attempts %+v", attempts)
			}
		})
	}
}

// While the first region rests after a failure, what the second one refuses is
// no more final than in the call in which the first one failed.
func TestDenialWhileAnotherRegionRestsIsNotFinal(t *testing.T) {
	c := newClock()
	first := &fakeSTS{steps: []step{fail("InternalFailure", ""), issue}}
	second := &fakeSTS{steps: []step{fail("AccessDenied", ""), fail("AccessDenied", ""), fail("AccessDenied", "")}}
	b := newTestBroker(t, c, first, second)
	for range 3 {
		if _, _, err := b.Assume(t.Context(), testScope(), "receipt01"); fault.Of(err).Kind != fault.Unavailable {
			t.Errorf("got %v", err)
		}
	}
	// A region that comes after the one that refuses says nothing either way.
	b = newTestBroker(t, c, &fakeSTS{steps: []step{fail("InternalFailure", ""), fail("AccessDenied", "")}}, &fakeSTS{steps: []step{fail("InternalFailure", "")}})
	_, _, _ = b.Assume(t.Context(), testScope(), "receipt01")
	b.note("us-east-1", false)
	if _, _, err := b.Assume(t.Context(), testScope(), "receipt01"); fault.Of(err).Kind != fault.TargetMisconfigured {
		t.Errorf("got %v", err)
	}
}

func TestRegionsThatFailedAreLeftAlone(t *testing.T) {
	c := newClock()
	first, second := &fakeSTS{steps: []step{fail("Throttling", ""), issue}}, &fakeSTS{steps: []step{issue}}
	b := newTestBroker(t, c, first, second)
	call := func() []string {
		t.Helper()
		_, attempts, err := b.Assume(t.Context(), testScope(), "receipt01")
		if err != nil {
			t.Fatal(err)
		}
		var regions []string
		for _, a := range attempts {
			regions = append(regions, a.Region)
		}
		return regions
	}
	for _, tt := range []struct {
		name    string
		advance time.Duration
		want    []string
	}{
		{"first fails", 0, []string{"us-east-1", "eu-west-1"}},
		{"left alone", 0, []string{"eu-west-1"}},
		{"still", 29 * time.Second, []string{"eu-west-1"}},
		{"tried again", time.Second, []string{"us-east-1"}},
		{"and well again", 0, []string{"us-east-1"}},
	} {
		c.advance(tt.advance)
		if got := call(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: tried %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestABlipIsNoOutage(t *testing.T) {
	f := &fakeSTS{steps: []step{fail("InternalFailure", ""), issue}}
	b := newTestBroker(t, newClock(), f)
	if _, _, err := b.Assume(t.Context(), testScope(), "receipt01"); err == nil {
		t.Fatal("want a failure first")
	}
	if _, _, err := b.Assume(t.Context(), testScope(), "receipt01"); err != nil {
		t.Errorf("the only region was left alone: %v", err)
	}
	if order := b.order(); len(order) != 1 || len(b.rests) != 0 {
		t.Errorf("a success did not wake the region: %v", b.rests)
	}
}

func TestDeadlines(t *testing.T) {
	inBubble(t, "one attempt is given up, the next region issues", func(t *testing.T) {
		first, second := &fakeSTS{steps: []step{hang}}, &fakeSTS{steps: []step{issue}}
		b := newTestBroker(t, newClock(), first, second)
		b.attempt = 50 * time.Millisecond
		_, attempts, err := b.Assume(t.Context(), testScope(), "receipt01")
		if err != nil || attempts[0].Outcome != OutcomeUnknown || attempts[0].Code != codeTimeout {
			t.Errorf("%v %+v", err, attempts)
		}
		if _, resting := b.rests["us-east-1"]; !resting {
			t.Error("a region that hangs is not left alone")
		}
	})
	inBubble(t, "the total ends the call, and blames no region that had no time", func(t *testing.T) {
		fakes := []*fakeSTS{{steps: []step{hang}}, {steps: []step{hang}}, {steps: []step{issue}}}
		b := newTestBroker(t, newClock(), fakes...)
		b.attempt, b.total = 200*time.Millisecond, 300*time.Millisecond
		start := time.Now()
		_, attempts, err := b.Assume(t.Context(), testScope(), "receipt01")
		if fault.Of(err).Kind != fault.Unavailable || len(attempts) != 2 || fakes[2].count() != 0 {
			t.Errorf("%v %+v", err, attempts)
		}
		if took := time.Since(start); took != 300*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if _, resting := b.rests["eu-west-1"]; resting || len(b.rests) != 1 {
			t.Errorf("left alone: %v", b.rests)
		}
	})
	inBubble(t, "the invocation's deadline comes first", func(t *testing.T) {
		f := &fakeSTS{steps: []step{hang}}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, attempts, err := newTestBroker(t, newClock(), f).Assume(ctx, testScope(), "receipt01")
		if d, _ := ctx.Deadline(); time.Until(d) != answerReserve {
			t.Errorf("%v were left to write the answer in", time.Until(d))
		}
		if fault.Of(err).Kind != fault.Unavailable || len(attempts) != 1 || attempts[0].Outcome != OutcomeUnknown {
			t.Errorf("%v %+v", err, attempts)
		}
	})
	inBubble(t, "no time, no call", func(t *testing.T) {
		f := &fakeSTS{steps: []step{issue}}
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Millisecond)
		defer cancel()
		_, attempts, err := newTestBroker(t, newClock(), f).Assume(ctx, testScope(), "receipt01")
		if fault.Of(err).Kind != fault.Unavailable || len(attempts) != 0 || f.count() != 0 {
			t.Errorf("%v %+v", err, attempts)
		}
	})
	inBubble(t, "a caller who goes away blames no region", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := &fakeSTS{steps: []step{func(ctx context.Context, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
			cancel()
			return hang(ctx, in)
		}}}
		b := newTestBroker(t, newClock(), f)
		_, attempts, err := b.Assume(ctx, testScope(), "receipt01")
		if err == nil || attempts[0].Code != codeCanceled || attempts[0].Outcome != OutcomeUnknown || len(b.rests) != 0 {
			t.Errorf("%v %+v %v", err, attempts, b.rests)
		}
	})
}

func TestMisconfiguredTexts(t *testing.T) {
	const notAuth = "User: arn:aws:sts::444455556666:assumed-role/credvend/x is not authorized to perform: "
	for _, tt := range []struct {
		name, code, message string
		inOrder             []string // parts of the text, in this order
		never               string
	}{
		{"no hint", "AccessDenied", "Access denied", []string{testRole, "(1) in account 111122223333 the role's trust policy", "(2) the external id", "(3) the role's ARN", "(4) in credvend's account", "sts:AssumeRole", "(5)", "sts:TagSession", "(6)", "sts:SetSourceIdentity", "(7) a service control"}, ""},
		{"assume", "AccessDenied", notAuth + "sts:AssumeRole on resource: " + testRole, []string{"(1) in account 111122223333 the role's trust policy", "(4) in credvend's account", "(5) a service control"}, "TagSession"},
		{"tags", "AccessDenied", notAuth + "sts:TagSession on resource: " + testRole, []string{"for want of sts:TagSession", "(1) in account 111122223333", "(2) in credvend's account", "session_tags: false"}, "external id"},
		{"source identity", "AccessDenied", notAuth + "sts:SetSourceIdentity on resource: " + testRole, []string{"for want of sts:SetSourceIdentity", "(1) in account 111122223333", "(2) in credvend's account", "source_identity: false"}, "TagSession"},
		{"an action off the list", "AccessDenied", notAuth + "sts:AssumeRoleWithSAML on resource: x", []string{"does not say why"}, "SAML"},
		{"validation", "ValidationError", "x", []string{testRole, "(1) the role's ARN", "(2) the external id", "(3) 1800 seconds"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fakeSTS{steps: []step{fail(tt.code, tt.message)}}
			_, _, err := newTestBroker(t, newClock(), f).Assume(t.Context(), testScope(), "receipt01")
			rest := fault.Of(err).Public()
			t.Log(rest)
			if tt.never != "" && strings.Contains(rest, tt.never) {
				t.Errorf("mentions %q", tt.never)
			}
			for _, part := range tt.inOrder {
				_, after, found := strings.Cut(rest, part)
				if !found {
					t.Fatalf("no %q, in its place, in %q", part, rest)
				}
				rest = after
			}
		})
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	f := &fakeSTS{}
	for name, cfg := range map[string]Config{
		"no regions":       {AttemptTimeout: 1, TotalTimeout: 1},
		"no name":          {Regions: []Region{{"", f}}, AttemptTimeout: 1, TotalTimeout: 1},
		"no client":        {Regions: []Region{{"a", nil}}, AttemptTimeout: 1, TotalTimeout: 1},
		"twice":            {Regions: []Region{{"a", f}, {"a", f}}, AttemptTimeout: 1, TotalTimeout: 1},
		"no timeout":       {Regions: []Region{{"a", f}}},
		"attempt > total":  {Regions: []Region{{"a", f}}, AttemptTimeout: 2, TotalTimeout: 1},
		"negative timeout": {Regions: []Region{{"a", f}}, AttemptTimeout: -1, TotalTimeout: 1},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := New(Config{Regions: []Region{{"a", f}}, AttemptTimeout: 1, TotalTimeout: 1}); err != nil {
		t.Error(err)
	}
}
