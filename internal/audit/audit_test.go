package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/scope"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var testNow = time.Date(2026, 11, 22, 12, 0, 0, 123_456_789, time.UTC)

func now() time.Time { return testNow }

func intent() Entry {
	return Entry{
		Event: Intent, Action: Vend, RequestID: "req-1", Receipt: "receipt01", FrontDoor: "a1b2c3", Kind: identity.IAM,
		Principal: "arn:aws:iam::444455556666:role/billing-service", UniqueID: "AROAEXAMPLEBILLING00", Session: "i-0abc",
		SourceIdentity: "i-0abc.abcdefghijklmnop", SourceIP: "203.0.113.7", CallerName: "billing-service", Callers: []string{"billing-service", "ci"},
		Target: "orders", Routes: []string{"GET /orders/*"}, DeniedRoutes: []string{"DELETE /*"}, Rules: []string{"billing-reads-orders"},
		RulesTried: []Tried{
			{"billing-reads-orders", "allow", "contributes", ""},
			{"shoppers-see-their-own", "allow", "no_match", "names other callers"},
			{"nobody-deletes", "deny", "restricts", ""},
		},
		RequestedSeconds: 3600, GrantedSeconds: 1800, AllowlistDigest: "sha256:0123", Latency: 1234567 * time.Nanosecond, TraceID: "Root=1-5759e988-bd862e3fe1be46a994272793",
	}
}

func issued() Entry {
	e := intent()
	e.Event, e.Outcome = Done, Issued
	e.STSRegion, e.STSRequestID, e.AccessKeyID, e.PackedPolicyPercent = "eu-west-1", "sts-2", "ASIAEXAMPLE", 14
	e.Attempts = []Attempt{
		{Region: "us-east-1", Outcome: "unknown", Code: "timeout", Latency: 400 * time.Millisecond},
		{Region: "eu-west-1", Outcome: "issued", STSRequestID: "sts-2", Latency: 42500 * time.Microsecond},
	}
	e.Latency = 450 * time.Millisecond
	return e
}

func refused() Entry {
	e := Entry{Event: Refusal, Action: Vend, RequestID: "req-2", FrontDoor: "d4e5f6", Kind: identity.JWT, Issuer: "https://issuer.example", Subject: "alice", SourceIP: "2001:db8::1", Target: "orders", Outcome: Refused}
	e.SetFault(fault.Wrap(fault.Denied, errors.New("the cause stays out"), "no rule allows GET /admin; the nearest grant is GET /orders/*"))
	return e
}

func write(t *testing.T, e Entry) string {
	t.Helper()
	var b bytes.Buffer
	if err := New(&b, now).Write(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	reused := intent()
	reused.Event, reused.Outcome, reused.Reused, reused.AccessKeyID = Done, Reused, true, "ASIAEXAMPLE"
	failed := issued()
	failed.Outcome, failed.AccessKeyID, failed.STSRegion, failed.PackedPolicyPercent, failed.Attempts = Unknown, "", "", 0, failed.Attempts[:1]
	failed.SetFault(fault.New(fault.Unavailable, "STS did not answer in time; try again in a moment"))
	for name, e := range map[string]Entry{
		"intent":   intent(),
		"issued":   issued(),
		"reused":   reused,
		"failed":   failed,
		"refused":  refused(),
		"answered": {Event: Done, Action: WhoAmI, RequestID: "req-3", FrontDoor: "url:xyz", Kind: identity.IAM, Outcome: Answered},
		"stranger": {Event: Refusal, RequestID: "req-4", Outcome: Refused, Code: "unauthenticated"},
	} {
		t.Run(name, func(t *testing.T) {
			got := write(t, e)
			file := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.MkdirAll("testdata", 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestSameFields: what an intent tells, its outcome tells too, so that either
// line alone says who was to get what.
func TestSameFields(t *testing.T) {
	var in, out map[string]any
	if json.Unmarshal([]byte(write(t, intent())), &in) != nil || json.Unmarshal([]byte(write(t, issued())), &out) != nil {
		t.Fatal("not JSON")
	}
	for key := range in {
		if _, ok := out[key]; !ok {
			t.Errorf("the outcome lacks %s", key)
		}
	}
	if _, ok := in["_aws"]; ok {
		t.Error("an intent counts as a request in the metrics")
	}
	if _, ok := in["outcome"]; ok {
		t.Error("an intent has an outcome")
	}
}

// fill sets every text, list and number of an entry, by reflection, so that a
// field added later is tested without being named here.
func fill(v reflect.Value, text string, length int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text, length)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), length, length))
		for i := range length {
			fill(v.Index(i), text, length)
		}
	case reflect.String:
		v.SetString(text)
	case reflect.Int, reflect.Int64:
		v.SetInt(1 << 40)
	case reflect.Uint8:
		v.SetUint(200)
	case reflect.Bool:
		v.SetBool(true)
	}
}

var hostile = map[string]string{
	"long":       strings.Repeat("x", 10_000),
	"quotes":     strings.Repeat(`"\`, 5_000),
	"controls":   strings.Repeat("\x00\x1b\n\r\x7f", 2_000),
	"c1":         strings.Repeat("\u009b2J\u0085", 2_000),
	"directions": strings.Repeat("\u202e\u2066\u2028", 2_000),
	"astral":     strings.Repeat("\U000e0001", 2_000),
	"not UTF-8":  strings.Repeat("\xff\xc0", 5_000),
	"emoji":      strings.Repeat("🦊", 5_000),
	"a line":     "x\"}\n{\"event\":\"outcome\",\"outcome\":\"issued\"}",
}

// TestHostileTexts: nothing from outside makes a line long, two, or a
// terminal's master.
func TestHostileTexts(t *testing.T) {
	for name, text := range hostile {
		for _, event := range []Event{Intent, Done, Refusal} {
			t.Run(name+" in "+string(event), func(t *testing.T) {
				var e Entry
				fill(reflect.ValueOf(&e).Elem(), text, 500)
				e.Event = event
				got := write(t, e)
				checkLine(t, got)
			})
		}
	}
}

func checkLine(t interface {
	Helper()
	Fatalf(string, ...any)
}, got string,
) {
	t.Helper()
	const bound = 200 << 10 // CloudWatch takes 256 KiB
	if len(got) > bound {
		t.Fatalf("a line of %d bytes", len(got))
	}
	if strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "\n") {
		t.Fatalf("not one line")
	}
	for _, r := range strings.TrimSuffix(got, "\n") {
		if !unicode.IsPrint(r) {
			t.Fatalf("holds %U", r)
		}
	}
	if !json.Valid([]byte(got)) {
		t.Fatalf("not JSON")
	}
}

func TestAnyTextStaysInItsLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := refused()
		e.Reason = rapid.String().Draw(t, "text")
		e.Session = string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		text, err := appendLine(nil, &e, testNow)
		if err != nil {
			t.Fatal(err)
		}
		checkLine(t, string(text))
		var got struct{ Reason string }
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if want := clip(e.Reason); got.Reason != want && strings.ToValidUTF8(want, "\ufffd") == want {
			t.Fatalf("wrote %q, reads %q", want, got.Reason)
		}
	})
}

func TestListsAreCutAndCounted(t *testing.T) {
	e := intent()
	e.RulesTried = make([]Tried, 140)
	e.Routes = slices.Repeat([]string{"GET /x"}, 63)
	given := e.Routes
	var got struct {
		RulesTried []Tried
		Routes     []string
		LeftOut    map[string]int
	}
	if err := json.Unmarshal([]byte(write(t, e)), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.RulesTried) != 100 || len(got.Routes) != 60 || !reflect.DeepEqual(got.LeftOut, map[string]int{"rulesTried": 40, "routes": 3}) {
		t.Errorf("%d tried, %d routes, left out %v", len(got.RulesTried), len(got.Routes), got.LeftOut)
	}
	if len(given) != 63 {
		t.Error("the owner's list was cut")
	}
}

func TestWritingChangesNothingOfTheCallers(t *testing.T) {
	e := issued()
	e.Routes[0], e.RulesTried[0].Why, e.Attempts[0].Code = hostile["long"], hostile["long"], hostile["long"]
	write(t, e)
	if e.Routes[0] != hostile["long"] || e.RulesTried[0].Why != hostile["long"] || e.Attempts[0].Code != hostile["long"] || e.Attempts[0].LatencyMS != 0 {
		t.Error("the entry's lists were written into")
	}
}

// TestDimensionsAreBounded: whatever stands in an entry, a dimension's value is
// one of a closed list, is at the top of the line, and is not empty.
func TestDimensionsAreBounded(t *testing.T) {
	closed := map[string][]string{
		"outcome": {"unknown", "issued", "reused", "answered", "refused", "denied", "failed"},
		"kind":    {"none", "iam", "jwt", "rest-iam"},
		"code":    nil,
	}
	for _, k := range fault.Kinds() {
		closed["code"] = append(closed["code"], k.Code())
	}
	entries := []Entry{issued(), refused(), {Event: Done}, {Event: Refusal}}
	for name, text := range hostile {
		var e Entry
		fill(reflect.ValueOf(&e).Elem(), text, 3)
		e.Event, e.RequestID = Done, name
		entries = append(entries, e)
	}
	for _, e := range entries {
		var l map[string]any
		text := write(t, e)
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		var meta struct {
			AWS embedded `json:"_aws"`
		}
		if err := json.Unmarshal([]byte(text), &meta); err != nil || len(meta.AWS.CloudWatchMetrics) != 1 {
			t.Fatalf("%v: %s", err, text)
		}
		if meta.AWS.Timestamp != testNow.UnixMilli() || meta.AWS.CloudWatchMetrics[0].Namespace != "credvend" {
			t.Errorf("%+v", meta.AWS)
		}
		for _, set := range meta.AWS.CloudWatchMetrics[0].Dimensions {
			for _, d := range set {
				value, _ := l[d].(string)
				if !slices.Contains(closed[d], value) {
					t.Errorf("%s: dimension %s has the value %q", e.RequestID, d, l[d])
				}
			}
		}
		for _, m := range meta.AWS.CloudWatchMetrics[0].Metrics {
			if _, ok := l[m.Name].(float64); !ok {
				t.Errorf("%s: metric %s is %v", e.RequestID, m.Name, l[m.Name])
			}
		}
	}
}

func TestCounts(t *testing.T) {
	line, err := json.Marshal(map[string]any{MetricsKey: Counts(testNow, "allowlistLoads", "allowlistLoadFailures")})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"_aws":{"Timestamp":1795348800123,"CloudWatchMetrics":[{"Namespace":"credvend","Dimensions":[[]],` +
		`"Metrics":[{"Name":"allowlistLoads","Unit":"Count"},{"Name":"allowlistLoadFailures","Unit":"Count"}]}]}}`
	if string(line) != want {
		t.Errorf("got\n%s\nwant\n%s", line, want)
	}
}

// TestNoFieldForACredential holds the names of an entry's fields: one that
// could hold a secret must not come in unseen.
func TestNoFieldForACredential(t *testing.T) {
	for i := range reflect.TypeFor[Entry]().NumField() {
		f := reflect.TypeFor[Entry]().Field(i)
		for _, word := range []string{"secret", "token", "password", "authorization", "credential", "header", "body"} {
			if strings.Contains(strings.ToLower(f.Name+f.Tag.Get("json")), word) {
				t.Errorf("the field %s", f.Name)
			}
		}
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

func TestALineThatIsNotWrittenIsAnError(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here:", err)
	}
	defer func() { _ = full.Close() }()
	for name, w := range map[string]io.Writer{
		"a full disk":          full,
		"a short write":        writer(func(b []byte) (int, error) { return len(b) - 1, nil }),
		"nothing, and no word": writer(func([]byte) (int, error) { return 0, nil }),
		"an error at the end":  writer(func(b []byte) (int, error) { return len(b), io.ErrClosedPipe }),
		"a writer that lies":   writer(func(b []byte) (int, error) { return len(b) + 1, nil }),
	} {
		if err := New(w, now).Write(t.Context(), intent()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := New(io.Discard, now).Write(t.Context(), Entry{}); err == nil {
		t.Error("an entry without an event was written")
	}
}

// TestALineAfterATornOneStandsAlone: half a line must not swallow the next.
func TestALineAfterATornOneStandsAlone(t *testing.T) {
	var b bytes.Buffer
	limit := 10
	l := New(writer(func(text []byte) (int, error) {
		n := min(len(text), limit)
		b.Write(text[:n])
		if n < len(text) {
			return n, errors.New("no space")
		}
		return n, nil
	}), now)
	if l.Write(t.Context(), intent()) == nil {
		t.Fatal("want an error")
	}
	limit = 0
	if l.Write(t.Context(), intent()) == nil {
		t.Fatal("want an error")
	}
	limit = 1 << 20
	for range 2 {
		if err := l.Write(t.Context(), intent()); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 3 || !json.Valid([]byte(lines[1])) || !json.Valid([]byte(lines[2])) {
		t.Errorf("%d lines: %q", len(lines), lines[0])
	}
}

func TestOneWritePerLine(t *testing.T) {
	var calls [][]byte
	l := New(writer(func(b []byte) (int, error) { calls = append(calls, bytes.Clone(b)); return len(b), nil }), now)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			e := intent()
			e.RequestID = fmt.Sprint(i)
			if err := l.Write(t.Context(), e); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(calls) != 50 {
		t.Errorf("%d writes", len(calls))
	}
	for _, c := range calls {
		checkLine(t, string(c))
	}
}

func TestTraceIDAndEndedContext(t *testing.T) {
	var b bytes.Buffer
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), traceKey, "Root=1-2-3")) //nolint:revive,staticcheck // the key is aws-lambda-go's, a plain string
	cancel()
	e := intent()
	e.TraceID = ""
	if err := New(&b, nil).Write(ctx, e); err != nil {
		t.Fatal("an outcome after the deadline must be told:", err)
	}
	if !strings.Contains(b.String(), `"traceId":"Root=1-2-3"`) {
		t.Error(b.String())
	}
}

func TestSetters(t *testing.T) {
	routes := slices.Grow(scope.Scope{}.Routes, 2)[:2] // without package route, which audit may not import
	var e Entry
	e.SetCaller(identity.Caller{Kind: identity.JWT, Door: "d4e5f6", Issuer: "https://i", Subject: "alice", SourceIP: "::1"})
	e.SetDecision(allowlist.Decision{
		Callers: []string{"shopper"}, Tried: []allowlist.Tried{{Rule: "r", Effect: allowlist.Allow, Verdict: allowlist.Contributes, Why: "w"}},
		Grant: &allowlist.Grant{CallerName: "shopper", Rules: []string{"r"}},
	})
	e.SetScope(scope.Scope{Target: "orders", CallerName: "shopper", SourceIdentity: "alice.x", Rules: []string{"r"}, Routes: routes[:2], Denied: routes[:1], RequestedDuration: time.Hour, Duration: 30 * time.Minute})
	e.SetFault(fault.New(fault.Internal, "a careless text"))
	zero := routes[0].String()
	want := Entry{
		Kind: identity.JWT, FrontDoor: "d4e5f6", Issuer: "https://i", Subject: "alice", SourceIP: "::1", Callers: []string{"shopper"}, CallerName: "shopper",
		RulesTried: []Tried{{"r", "allow", "contributes", "w"}}, Rules: []string{"r"}, Target: "orders", SourceIdentity: "alice.x",
		Routes: []string{zero, zero}, DeniedRoutes: []string{zero}, RequestedSeconds: 3600, GrantedSeconds: 1800, Code: "internal", Reason: fault.New(fault.Internal, "").Public(),
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
	e.SetFault(nil)
	if e.Code != "internal" {
		t.Error("a nil error changed the entry")
	}
	var iam Entry
	c := identity.Caller{Kind: identity.RESTIAM, UniqueID: "AROAX", Subject: "s"}
	c.Principal.Session = "s"
	iam.SetCaller(c)
	if iam.Principal != c.Principal.Canonical() || iam.UniqueID != "AROAX" || iam.Session != "s" || iam.Subject != "" {
		t.Errorf("%+v", iam)
	}
	var nobody Entry
	nobody.SetCaller(identity.Caller{Door: "x"})
	if nobody.Principal != "" {
		t.Errorf("nobody is written as %q", nobody.Principal)
	}
}
