package blackbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/config"
	"github.com/credvend/credvend/internal/vendtest"
)

// attempts are the outcomes of the calls of STS that a line tells of:
// "us-east-1=failed us-west-2=issued".
func attempts(l vendtest.Line) string {
	var a struct {
		Attempts []struct{ Region, Outcome string } `json:"attempts"`
	}
	raw, _ := json.Marshal(l)
	_ = json.Unmarshal(raw, &a)
	var all []string
	for _, one := range a.Attempts {
		all = append(all, one.Region+"="+one.Outcome)
	}
	return strings.Join(all, " ")
}

// TestSTSFaults: what STS can do, through the SDK's real client over the wire.
// Whatever it was, the trail tells of each call, and whether it may have issued.
func TestSTSFaults(t *testing.T) {
	const east, west = "us-east-1", "us-west-2"
	for _, c := range []struct {
		name     string
		faults   map[string]stsFault
		env      map[string]string
		status   int
		outcome  string
		attempts string
	}{
		{name: "no fault", status: 200, outcome: "issued", attempts: "us-east-1=issued"},
		{name: "the first hangs", faults: map[string]stsFault{east: hang}, status: 200, outcome: "issued", attempts: "us-east-1=unknown us-west-2=issued"},
		{name: "all hang", faults: map[string]stsFault{"": hang}, status: 503, outcome: "unknown", attempts: "us-east-1=unknown us-west-2=unknown"},
		{name: "the first fails", faults: map[string]stsFault{east: refuse(500, "InternalFailure")}, status: 200, outcome: "issued", attempts: "us-east-1=unknown us-west-2=issued"},
		{name: "all fail", faults: map[string]stsFault{"": refuse(500, "InternalFailure")}, status: 503, outcome: "unknown", attempts: "us-east-1=unknown us-west-2=unknown"},
		{name: "the first is unavailable", faults: map[string]stsFault{east: refuse(503, "ServiceUnavailable")}, status: 200, outcome: "issued", attempts: "us-east-1=unknown us-west-2=issued"},
		{name: "denied", faults: map[string]stsFault{"": refuse(403, "AccessDenied")}, status: 502, outcome: "denied", attempts: "us-east-1=denied"},
		{name: "denied after another region's failure", faults: map[string]stsFault{east: refuse(500, "InternalFailure"), west: refuse(403, "AccessDenied")}, status: 503, outcome: "unknown", attempts: "us-east-1=unknown us-west-2=denied"},
		{name: "the first is throttled", faults: map[string]stsFault{east: refuse(400, "Throttling")}, status: 200, outcome: "issued", attempts: "us-east-1=failed us-west-2=issued"},
		{name: "all are throttled", faults: map[string]stsFault{"": refuse(400, "Throttling")}, status: 503, outcome: "failed", attempts: "us-east-1=failed us-west-2=failed"},
		{name: "the first region is disabled", faults: map[string]stsFault{east: refuse(403, "RegionDisabledException")}, status: 200, outcome: "issued", attempts: "us-east-1=failed us-west-2=issued"},
		{name: "the policy packs too large", faults: map[string]stsFault{"": refuse(400, "PackedPolicyTooLarge")}, status: 400, outcome: "denied", attempts: "us-east-1=denied"},
		{name: "the policy is malformed", faults: map[string]stsFault{"": refuse(400, "MalformedPolicyDocument")}, status: 500, outcome: "denied", attempts: "us-east-1=denied"},
		{name: "the broker's own credentials have expired", faults: map[string]stsFault{"": refuse(403, "ExpiredToken")}, status: 503, outcome: "denied", attempts: "us-east-1=denied"},
		{name: "the first resets the connection", faults: map[string]stsFault{east: reset}, status: 200, outcome: "issued", attempts: "us-east-1=unknown us-west-2=issued"},
		{name: "all reset the connection", faults: map[string]stsFault{"": reset}, status: 503, outcome: "unknown", attempts: "us-east-1=unknown us-west-2=unknown"},
		{name: "garbage", faults: map[string]stsFault{"": body("PLANTED garbage <<<")}, status: 503, outcome: "unknown", attempts: "us-east-1=unknown us-west-2=unknown"},
		{name: "half an element", faults: map[string]stsFault{"": body("<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>PLANTED")}, status: 503, outcome: "unknown", attempts: "us-east-1=unknown us-west-2=unknown"},
		{name: "an empty body", faults: map[string]stsFault{"": body("")}, status: 503, outcome: "unknown", attempts: "us-east-1=unknown us-west-2=unknown"},
		{name: "an answer without credentials", faults: map[string]stsFault{"": body("<AssumeRoleResponse><AssumeRoleResult></AssumeRoleResult></AssumeRoleResponse>")}, status: 503, outcome: "unknown", attempts: "us-east-1=unknown us-west-2=unknown"},
		{name: "a page of a proxy", faults: map[string]stsFault{"": body("<html><body>PLANTED sign in</body></html>")}, status: 503, outcome: "unknown", attempts: "us-east-1=unknown us-west-2=unknown"},
		{name: "an element that the parser quotes", faults: map[string]stsFault{"": body("<AssumeRoleResponse><PLANTEDone></PLANTEDother></AssumeRoleResponse>")}, status: 503, outcome: "unknown", attempts: "us-east-1=unknown us-west-2=unknown"},
		{name: "a time that the parser quotes", faults: map[string]stsFault{"": body("<AssumeRoleResponse><AssumeRoleResult><Credentials><Expiration>PLANTED</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>")}, status: 503, outcome: "unknown", attempts: "us-east-1=unknown us-west-2=unknown"},
		{name: "a body that does not end", faults: map[string]stsFault{"": slow}, status: 503, outcome: "unknown", attempts: "us-east-1=unknown us-west-2=unknown"},
		{name: "a body that is cut", faults: map[string]stsFault{"": cut}, status: 503, outcome: "unknown", attempts: "us-east-1=unknown us-west-2=unknown"},
		{name: "the first's body is slow", faults: map[string]stsFault{east: slow}, status: 200, outcome: "issued", attempts: "us-east-1=unknown us-west-2=issued"},
		{name: "the broker has no credentials", env: map[string]string{"AWS_ACCESS_KEY_ID": "-", "AWS_SECRET_ACCESS_KEY": "-", "AWS_SESSION_TOKEN": "-", "AWS_EC2_METADATA_DISABLED": "true"},
			status: 503, outcome: "failed", attempts: "us-east-1=failed us-west-2=failed"},
		{name: "nobody listens", env: map[string]string{"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1"}, status: 503, outcome: "failed", attempts: "us-east-1=failed us-west-2=failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := map[string]string{config.STSRegionsVar: east + " " + west, config.STSTimeoutVar: "2s,8s"}
			// Those that hang need a timeout that comes; others must not meet one
			// on a busy machine.
			for _, f := range c.faults {
				if name := fmt.Sprintf("%p", f); name == fmt.Sprintf("%p", hang) || name == fmt.Sprintf("%p", slow) {
					env[config.STSTimeoutVar] = "400ms,8s"
				}
			}
			for name, value := range c.env {
				env[name] = value
			}
			f := up(t, setup{env: env})
			for region, fault := range c.faults {
				f.sts.order(region, fault)
			}
			id, a, _ := f.invokeWithin(t, billing(askOrders), 20*time.Second)
			if a.Status != c.status {
				t.Errorf("%d %s, want %d", a.Status, a.Field("message"), c.status)
			}
			if a.Status != http.StatusOK && strings.Contains(a.Text, "PLANTED") {
				t.Errorf("a secret stands in the answer: %s", a.Text)
			}
			if (a.Headers["Retry-After"] != "") != (a.Status == http.StatusServiceUnavailable) {
				t.Errorf("%d with Retry-After %q", a.Status, a.Headers["Retry-After"])
			}
			lines := f.trail(t)
			if got := ends(lines, id); got != "intent outcome" {
				t.Fatalf("the trail tells %q", got)
			}
			line := last(t, lines, id)
			if line.Text("outcome") != c.outcome || attempts(line) != c.attempts {
				t.Errorf("the trail tells %s of %q, want %s of %q", line.Text("outcome"), attempts(line), c.outcome, c.attempts)
			}
			if len(f.sts.regions()) > strings.Count(c.attempts, "=") {
				t.Errorf("STS was called more often than told: %q", f.sts.regions())
			}
			// The fault was not kept: the next answer is good.
			f.sts.order("", nil)
			f.sts.order(east, nil)
			f.sts.order(west, nil)
			if c.env == nil {
				if a := f.invoke(t, billing(askOrders)); a.Status != http.StatusOK {
					t.Errorf("after the fault: %d %s", a.Status, a.Field("message"))
				}
			}
		})
	}
}

// TestRegionRests: a region that hangs is left alone, so that the next caller
// need not wait for it.
func TestRegionRests(t *testing.T) {
	f := up(t, setup{env: map[string]string{config.STSRegionsVar: "us-east-1,us-west-2", config.STSTimeoutVar: "400ms,8s", config.CacheVar: "off"}})
	f.sts.order("us-east-1", hang)
	for range 3 {
		if a := f.invoke(t, billing(askOrders)); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
	}
	if got, want := f.sts.regions(), []string{"us-east-1", "us-west-2", "us-west-2", "us-west-2"}; !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
}

// TestAnswerInPieces: an answer of two pieces, with a pause between them, is an
// answer like any other, each time.
func TestAnswerInPieces(t *testing.T) {
	f := up(t, setup{env: map[string]string{config.CacheVar: "off", config.RateVar: "off", config.STSTimeoutVar: "5s,10s"}})
	f.sts.order("", func(w http.ResponseWriter, _ *http.Request, success string) {
		_, _ = w.Write([]byte(success[:100]))
		_ = http.NewResponseController(w).Flush()
		time.Sleep(2 * time.Millisecond)
		_, _ = w.Write([]byte(success[100:]))
	})
	lost := 0
	for range 100 {
		if a := f.invoke(t, billing(askOrders)); a.Status != http.StatusOK {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of 100 issuances were lost", lost)
	}
}

// inTime runs a try until one is quick enough. A machine may be busy, so one slow
// answer proves nothing; a function that does not mind the clock is never quick.
func inTime(t *testing.T, what string, try func() bool) {
	t.Helper()
	for range 8 {
		if try() {
			return
		}
	}
	t.Errorf("%s: not once in eight tries", what)
}

// TestHangIsShort: with the default timeouts, a caller of an STS that hangs is
// told within a second, which is all that the JavaScript SDK waits.
func TestHangIsShort(t *testing.T) {
	for _, regions := range []string{"us-east-1", "us-east-1 us-west-2 eu-west-1"} {
		t.Run(regions, func(t *testing.T) {
			f := up(t, setup{env: map[string]string{config.STSRegionsVar: regions, config.RateVar: "off"}})
			f.sts.order("", hang)
			inTime(t, "503 within a second", func() bool {
				began := time.Now()
				a := f.invoke(t, billing(askOrders))
				if a.Status != http.StatusServiceUnavailable {
					t.Fatalf("%d %s", a.Status, a.Text)
				}
				return time.Since(began) < time.Second
			})
		})
	}
}

// TestDeadline: an invocation that Lambda will end in 300 ms is answered before.
func TestDeadline(t *testing.T) {
	f := up(t, setup{env: map[string]string{config.RateVar: "off", config.STSTimeoutVar: "1s,10s"}})
	f.sts.order("", hang)
	inTime(t, "503 before the deadline", func() bool {
		id, a, late := f.invokeWithin(t, billing(askOrders), 300*time.Millisecond)
		if a.Status != http.StatusServiceUnavailable {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
		if got := ends(f.trail(t), id); got != "intent outcome" {
			t.Fatalf("the trail tells %q", got)
		}
		return !late
	})
}
