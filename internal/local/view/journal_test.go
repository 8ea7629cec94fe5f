package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/internal/local/apigw"
	"github.com/credvend/credvend/internal/local/sts"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

// event is one line of testdata/story.jsonl, which was recorded from a run of
// the story.
type event struct {
	Places *Places         `json:"places"`
	Door   *apigw.Trace    `json:"door"`
	STS    *sts.Event      `json:"sts"`
	Audit  json.RawMessage `json:"audit"`
}

func (e event) tell(v *View) {
	switch {
	case e.Places != nil:
		v.Describe(*e.Places)
	case e.Door != nil:
		v.Door(*e.Door)
	case e.STS != nil:
		v.STS(*e.STS)
	default:
		v.Audit(e.Audit)
	}
}

func recorded(t testing.TB) []event {
	t.Helper()
	text, err := os.ReadFile("testdata/story.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var all []event
	for line := range bytes.Lines(text) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// requests are what the page would be told, oldest first.
func requests(t testing.TB, v *View) []Request {
	t.Helper()
	var all []Request
	for _, r := range v.journal.records {
		var q Request
		if err := json.Unmarshal(r.encoded, &q); err != nil {
			t.Fatalf("request %d: %v", r.ID, err)
		}
		all = append(all, q)
	}
	return all
}

func summary(r Request) string {
	var hops []string
	for _, h := range r.Hops {
		hops = append(hops, h.At+" "+string(h.Verdict))
	}
	return fmt.Sprintf("%s | %s: %s → %d %s | %s | %d calls", r.Kind, r.Who, r.What, r.Status, r.Verdict, strings.Join(hops, ", "), len(r.Calls))
}

var told = []string{
	"call | nobody: GET /orders/42 → 403 refused | api refused | 0 calls",
	"call | billing-service: GET /orders/42 → 403 refused | api refused | 0 calls",
	"vend | billing-service: POST /v1/credentials → 200 allowed | door allowed, credvend allowed, sts allowed, role allowed | 2 calls",
	"call | billing-service: GET /orders/42 → 200 allowed | role allowed, api allowed | 0 calls",
	"call | billing-service: POST /orders → 403 refused | role allowed, api refused | 0 calls",
	"vend | stranger: POST /v1/credentials → 403 refused | door allowed, credvend refused | 0 calls",
	"vend | stranger: POST /v1/credentials → 403 refused | door allowed, credvend refused | 0 calls",
	"invoke | somebody: a request → 0 refused | credvend refused | 0 calls",
	"vend | billing-service: POST /v1/credentials → 403 refused | door allowed, credvend refused | 0 calls",
	"vend | billing-service: POST /v1/credentials → 200 allowed | door allowed, credvend allowed, sts allowed, role allowed | 2 calls",
	"call | billing-service: GET /orders/42 → 200 allowed | role allowed, api allowed | 0 calls",
	"call | billing-service: GET /orders/43 → 403 refused | role allowed, api refused | 0 calls",
	"vend | ana: POST /v1/credentials → 200 allowed | door allowed, credvend allowed, sts allowed, role allowed | 2 calls",
	"call | shopper: GET /users/ana/basket → 200 allowed | role allowed, api allowed | 0 calls",
	"call | shopper: GET /users/ben/basket → 403 refused | role allowed, api refused | 0 calls",
	"vend | outsider: POST /v1/credentials → 403 refused | door refused | 0 calls",
	"vend | outsider: POST /v1/credentials → 200 allowed | door allowed, credvend allowed, sts allowed, role allowed | 0 calls",
	"vend | outsider: POST /prod/v1/credentials → 200 allowed | door allowed, credvend allowed, sts allowed, role allowed | 1 calls",
	"call | analytics-account: GET /orders/42 → 200 allowed | role allowed, api allowed | 0 calls",
}

// TestStory: the recorded run, in the order in which it came, and in others in
// which it could have come: the audit trail comes through a pipe.
func TestStory(t *testing.T) {
	events := recorded(t)
	late := func(late func(event) bool) []event {
		var first, last []event
		for _, e := range events {
			if late(e) {
				last = append(last, e)
			} else {
				first = append(first, e)
			}
		}
		return append(first, last...)
	}
	for name, order := range map[string][]event{
		"as it came":            events,
		"the audit trail last":  late(func(e event) bool { return e.Audit != nil }),
		"STS last":              late(func(e event) bool { return e.STS != nil }),
		"the doors last":        late(func(e event) bool { return e.Door != nil }),
		"STS, then doors, last": late(func(e event) bool { return e.STS != nil || e.Door != nil }),
	} {
		t.Run(name, func(t *testing.T) {
			v := New(Options{})
			for _, e := range order {
				e.tell(v)
			}
			all := requests(t, v)
			slices.SortStableFunc(all, func(a, b Request) int { return a.At.Compare(b.At) })
			var got []string
			for _, r := range all {
				got = append(got, summary(r))
				if r.Front != nil && r.Function != nil && r.Front.TraceID != r.Function.TraceID {
					t.Errorf("%s: joined across traces", r.What)
				}
				if r.Kind == Call && r.Receipt != "" {
					i := slices.IndexFunc(all, func(o Request) bool { return o.ID == r.Vend })
					if i < 0 || all[i].Function.Receipt != r.Receipt || !slices.Contains(all[i].Calls, r.ID) {
						t.Errorf("%s of %s does not lead to its vend", r.What, r.Who)
					}
				}
			}
			if diff := cmp.Diff(told, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSentences(t *testing.T) {
	v := New(Options{})
	for _, e := range recorded(t) {
		e.tell(v)
	}
	all := requests(t, v)
	for i, want := range map[int]string{
		0:  "Account A refused GET /orders/42 of nobody: it is not signed.",
		2:  "billing-service may use GET /orders, GET /orders/* of orders for 30 minutes.",
		4:  "Account A refused POST /orders of billing-service: no session policy allows it.",
		5:  `credvend refused stranger: no rule lets you have credentials for target "orders"; GET /v1/targets lists what you may have.`,
		15: "The front door refused outsider: the caller is of another account and no resource policy allows it.",
	} {
		if all[i].Sentence != want {
			t.Errorf("%d: got  %s\nwant %s", i, all[i].Sentence, want)
		}
	}
	vend := all[2]
	if len(vend.STS) != 1 || !json.Valid([]byte(vend.STS[0].Policy)) || len(vend.STS[0].Tags) == 0 || len(vend.Function.RulesTried) != 2 {
		t.Errorf("the vend lacks its policy, tags or rules: %+v", vend)
	}
}

// places are those of the tests that make up their own events.
var places = Places{
	Doors:   []Door{{ID: "front", Name: "front"}, {ID: "urlid", Name: "url"}},
	Targets: []Target{{Name: "orders", API: "backapi"}},
}

func newView() *View {
	v := New(Options{Now: func() time.Time { return noon }})
	v.Describe(places)
	return v
}

func trace(begin, end int) apigw.Trace {
	return apigw.Trace{
		Kind: "http-api", ID: "front", At: at(begin), Elapsed: time.Duration(end-begin) * time.Millisecond, TraceID: "Root=1-a;Parent=1;Sampled=0", Method: "POST", Path: "/v1/credentials",
		Caller: "arn:aws:sts::444455556666:assumed-role/billing-service/s", AccessKeyID: "ASIACALLER", Allowed: true, Status: 200,
	}
}

// line is an audit line that ends at end, and began ms before.
func line(id, receipt string, end, ms int, more string) []byte {
	return fmt.Appendf(nil, `{"time":%q,"event":"outcome","action":"vend","requestId":%q,"receipt":%q,"frontDoor":"front","kind":"iam",`+
		`"principal":"arn:aws:iam::444455556666:role/billing-service","session":"s","outcome":"issued","traceId":"Root=1-a;Parent=1;Sampled=0","latencyMs":%d%s}`,
		at(end).Format("2006-01-02T15:04:05.000Z"), id, receipt, ms, more)
}

// traced is a line of the door's trace.
func traced(id, more string) []byte { return line(id, "r"+id, 30, 10, more) }

// untraced takes the trace out of a line.
func untraced(line []byte) []byte {
	return bytes.Replace(line, []byte(`"traceId":"Root=1-a;Parent=1;Sampled=0",`), nil, 1)
}

func TestJoin(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*apigw.Trace)
		line   []byte
		joined bool
	}{
		{"one trace", nil, traced("l1", ""), true},
		{"the door gave up before the function ended", func(t *apigw.Trace) { t.Status, t.Elapsed = 503, time.Millisecond }, traced("l1", ""), true},
		{"the function's clock is off", func(t *apigw.Trace) { t.At = t.At.Add(time.Hour) }, traced("l1", ""), true},
		{"one root, another request", func(t *apigw.Trace) { t.TraceID = "Root=1-a;Parent=2;Sampled=0" }, traced("l1", ""), false},
		{"the door did not call the function", func(t *apigw.Trace) { t.TraceID = "" }, untraced(traced("l1", "")), false},
		{"the line has no trace", nil, untraced(traced("l1", "")), false},
	} {
		for _, doorFirst := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, door first: %v", c.name, doorFirst), func(t *testing.T) {
				v, tr := newView(), trace(0, 50)
				if c.change != nil {
					c.change(&tr)
				}
				if doorFirst {
					v.Door(tr)
				}
				v.Audit(c.line)
				if !doorFirst {
					v.Door(tr)
				}
				all := requests(t, v)
				if joined := len(all) == 1 && all[0].Front != nil && all[0].Function != nil; joined != c.joined {
					t.Errorf("joined: %v, want %v (%d requests)", joined, c.joined, len(all))
				}
			})
		}
	}
}

// TestAlike: two requests of one caller for one thing at one moment are told
// apart, whatever order their reports come in.
func TestAlike(t *testing.T) {
	first, second := trace(5, 50), trace(5, 50)
	first.RequestID, second.RequestID, second.TraceID = "d1", "d2", "Root=1-a;Parent=2;Sampled=0"
	for name, tell := range map[string]func(*View){
		"trail first": func(v *View) {
			v.Audit(traced("l1", ""))
			v.Audit(bytes.Replace(traced("l2", ""), []byte("Parent=1"), []byte("Parent=2"), 1))
			v.Door(second)
			v.Door(first)
		},
		"doors first": func(v *View) {
			v.Door(second)
			v.Door(first)
			v.Audit(traced("l1", ""))
			v.Audit(bytes.Replace(traced("l2", ""), []byte("Parent=1"), []byte("Parent=2"), 1))
		},
	} {
		v := newView()
		tell(v)
		all := requests(t, v)
		if len(all) != 2 {
			t.Fatalf("%s: %d requests", name, len(all))
		}
		for _, r := range all {
			if r.Front == nil || r.Function == nil || r.Front.RequestID[1:] != r.Function.RequestID[1:] {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
}

// TestBorrowedSessionName: a call of STS under somebody's receipt that the
// function did not make is shown apart, whether it comes before or after the
// function says which calls were its own.
func TestBorrowedSessionName(t *testing.T) {
	call := func(id string) sts.Event {
		return sts.Event{Time: at(20), RequestID: id, Action: "AssumeRole", Region: "us-east-1", SessionName: "billing-service@rl1", Verdict: sts.Granted, IssuedKey: "ASIA" + id}
	}
	const own = `,"stsRequestId":"own","attempts":[{"region":"us-east-1","outcome":"issued","stsRequestId":"own","latencyMs":1}]`
	for name, tell := range map[string]func(*View){
		"before": func(v *View) { v.STS(call("own")); v.STS(call("forged")); v.Audit(traced("l1", own)) },
		"after":  func(v *View) { v.STS(call("own")); v.Audit(traced("l1", own)); v.STS(call("forged")) },
		"alone":  func(v *View) { v.Audit(traced("l1", own)); v.STS(call("forged")); v.STS(call("own")) },
	} {
		v := newView()
		tell(v)
		all := requests(t, v)
		if len(all) != 2 {
			t.Fatalf("%s: %d requests", name, len(all))
		}
		for _, r := range all {
			want := "forged"
			if r.Function != nil {
				want = "own"
			}
			if len(r.STS) != 1 || r.STS[0].RequestID != want || want == "forged" && r.Kind != STS {
				t.Errorf("%s: %s has the calls %+v", name, r.Kind, r.STS)
			}
		}
	}
}

// TestAttemptWithoutAnId: of a call whose answer never came the function knows
// no id, and the call is its own all the same.
func TestAttemptWithoutAnId(t *testing.T) {
	v := newView()
	v.STS(sts.Event{Time: at(20), RequestID: "lost", Action: "AssumeRole", Region: "us-east-1", SessionName: "billing-service@rl1", Verdict: sts.Faulted, Fault: sts.Lost})
	v.STS(sts.Event{Time: at(25), RequestID: "won", Action: "AssumeRole", Region: "us-west-2", SessionName: "billing-service@rl1", Verdict: sts.Granted})
	v.Audit(traced("l1", `,"stsRequestId":"won","attempts":[{"region":"us-east-1","outcome":"unknown","latencyMs":1},{"region":"us-west-2","outcome":"issued","stsRequestId":"won","latencyMs":1}]`))
	if all := requests(t, v); len(all) != 1 || len(all[0].STS) != 2 {
		t.Errorf("%+v", all)
	}
}

// TestBorrowedReceipt: whoever names a session after somebody's receipt is not
// shown as using their credentials.
func TestBorrowedReceipt(t *testing.T) {
	for key, want := range map[string]uint64{"ASIAISSUED": 1, "ASIAOTHER": 0, "": 0} {
		v := newView()
		v.Audit(line("l1", "r1", 30, 20, `,"accessKeyId":"ASIAISSUED"`))
		v.Door(apigw.Trace{ID: "backapi", At: at(60), Method: "GET", Path: "/x", Caller: "arn:aws:sts::111122223333:assumed-role/r/billing-service@r1", AccessKeyID: key})
		if all := requests(t, v); all[1].Vend != want || (len(all[0].Calls) > 0) != (want > 0) {
			t.Errorf("key %q: leads to %d, want %d", key, all[1].Vend, want)
		}
	}
}

// TestNoKeyIsNobodys: that both sides lack the key is no agreement.
func TestNoKeyIsNobodys(t *testing.T) {
	v := newView()
	v.Audit(line("l1", "r1", 30, 20, ""))
	v.Door(apigw.Trace{ID: "backapi", At: at(60), Caller: "arn:aws:sts::111122223333:assumed-role/r/billing-service@r1"})
	if all := requests(t, v); all[1].Vend != 0 {
		t.Error("joined by a key that neither has")
	}
}

// TestIntentIsAlreadyTheDoors: a request that is under way is joined before its
// outcome is known.
func TestIntentIsAlreadyTheDoors(t *testing.T) {
	v, tr := newView(), trace(0, 50)
	v.Audit(bytes.Replace(bytes.Replace(traced("l1", ""), []byte(`"outcome"`), []byte(`"intent"`), 1), []byte(`"outcome":"issued",`), nil, 1))
	tr.Status = 503
	v.Door(tr)
	if all := requests(t, v); len(all) != 1 || all[0].Front == nil || all[0].Function.Event != "intent" {
		t.Errorf("%+v", all)
	}
}

func TestNothingIsKeptBeforeTheFirstDescription(t *testing.T) {
	v := New(Options{})
	v.Door(trace(0, 1))
	v.STS(sts.Event{Action: "AssumeRole"})
	v.Audit(line("l1", "r1", 30, 20, ""))
	if all := requests(t, v); len(all) != 0 {
		t.Errorf("%d requests", len(all))
	}
}

// TestPastTheDoors: what no front door reported is shown all the same.
func TestPastTheDoors(t *testing.T) {
	v := newView()
	v.Audit(bytes.Replace(line("l1", "r1", 30, 10, `,"attempts":[{"region":"us-east-1","outcome":"denied"}],"reason":"no"`), []byte("issued"), []byte("denied"), 1))
	v.Audit([]byte(`{"time":"2026-11-22T12:00:00Z","event":"refusal","requestId":"l2","frontDoor":"forged","outcome":"refused","reason":"no such door"}`))
	all := requests(t, v)
	if all[0].Verdict != Refused || all[0].Kind != Vend || all[1].Verdict != Refused || all[1].Kind != Invoke || all[1].Where != "past the front doors" {
		t.Errorf("%+v", all)
	}
}

func TestVerdicts(t *testing.T) {
	attempt := `,"attempts":[{"region":"us-east-1","outcome":"unknown","latencyMs":1}]`
	as := func(line []byte, old, with string) []byte { return bytes.Replace(line, []byte(old), []byte(with), 1) }
	assume := func(verdict sts.Verdict, reason string) sts.Event {
		return sts.Event{Time: at(20), Action: "AssumeRole", SessionName: "billing-service@r1", Verdict: verdict, Reason: reason}
	}
	for name, c := range map[string]struct {
		line     []byte
		sts      *sts.Event
		status   int
		want     Verdict
		hops     string
		sentence string
	}{
		"refused by STS": {
			as(line("l1", "r1", 30, 10, attempt), "issued", "denied"), new(assume(sts.Refused, "sts:TagSession: the role's trust policy does not allow it")), 502,
			Refused, "door allowed credvend allowed sts refused", "STS refused credvend, which asked for billing-service: sts:TagSession: the role's trust policy does not allow it.",
		},
		"STS failed": {
			as(line("l1", "r1", 30, 10, attempt+`,"reason":"STS is down"`), "issued", "unknown"), new(assume(sts.Faulted, "")), 503,
			Failed, "door allowed credvend allowed sts failed", "Nothing came of it for billing-service: STS is down.",
		},
		"an intent alone, and a dead function": {
			as(as(line("l1", "r1", 30, 10, ""), `"outcome"`, `"intent"`), `"outcome":"issued",`, ""), nil, 500,
			Failed, "door allowed credvend allowed", "Nothing came of it for billing-service: .",
		},
		"reused": {
			as(line("l1", "r1", 30, 10, `,"reused":true,"target":"orders","routes":["GET /a","GET /b","GET /c","GET /d"],"grantedSeconds":1799`), "issued", "reused"), nil, 200,
			Allowed, "door allowed credvend allowed", "billing-service may use GET /a, GET /b and 2 more routes of orders for 29 minutes and 59 seconds, with credentials that were issued before.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			v, tr := newView(), trace(0, 50)
			tr.Status = c.status
			if c.sts != nil {
				v.STS(*c.sts)
			}
			v.Audit(c.line)
			v.Door(tr)
			all := requests(t, v)
			if len(all) != 1 {
				t.Fatalf("%d requests", len(all))
			}
			var hops []string
			for _, h := range all[0].Hops {
				hops = append(hops, h.At, string(h.Verdict))
			}
			if got := strings.Join(hops, " "); all[0].Verdict != c.want || got != c.hops || all[0].Sentence != c.sentence {
				t.Errorf("got  %s, %s, %s\nwant %s, %s, %s", all[0].Verdict, got, all[0].Sentence, c.want, c.hops, c.sentence)
			}
		})
	}
}

func TestNotAnAuditLine(t *testing.T) {
	v := newView()
	for _, text := range []string{
		"", "  ", "START RequestId", "{", "null", "[]", "{}", `{"event":"outcome"}`, `{"event":"outcome","requestId":"x"}`, `{"event":"outcome","requestId":1,"time":"2026-11-22T12:00:00Z"}`,
		`{"event":"else","requestId":"x","time":"2026-11-22T12:00:00Z"}`, `{"event":"outcome","requestId":"x","time":"noon"}`,
		`{"event":"outcome","requestId":"x","time":"2026-11-22T12:00:00Z","pad":"` + strings.Repeat("x", maxLine) + `"}`,
	} {
		v.Audit([]byte(text))
	}
	if all := requests(t, v); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

func TestBounds(t *testing.T) {
	const keep = 60 // more than the calls of one vend
	v := New(Options{Keep: keep})
	v.Door(trace(0, 1)) // before anybody was told whose door it is
	v.Describe(places)
	long := strings.Repeat("x<", 1<<15)
	tags := map[string]string{}
	for i := range 500 {
		tags[fmt.Sprint(i, long[:9999])] = long
	}
	for i := range 3 { // more than the journal keeps
		receipt := fmt.Sprint("r", i)
		for range maxSTS + 2 {
			v.STS(sts.Event{Time: at(i), Action: "AssumeRole", SessionName: "c@" + receipt, Policy: long, Tags: tags, Reason: long, IssuedKey: "K" + receipt})
		}
		v.Audit(line(fmt.Sprint("l", i), receipt, i, 0, ""))
		tr := trace(i, i)
		tr.Path, tr.Checks = "/v1/credentials/"+long, slices.Repeat([]apigw.Check{{Reason: long}}, 1000)
		v.Door(tr)
		for range maxCalls + 2 {
			v.Door(apigw.Trace{ID: "backapi", At: at(i), Caller: "arn:aws:sts::111122223333:assumed-role/r/c@" + receipt, AccessKeyID: "K" + receipt})
		}
	}
	j := v.journal
	if n := len(j.byReceipt); n != 1 {
		t.Errorf("%d receipts are known, of a last one whose calls fill the journal", n)
	}
	if len(j.records) != keep || len(j.byAudit) > keep || len(j.byReceipt) > keep || len(j.gone) != 0 {
		t.Errorf("%d requests, %d by audit, %d by receipt, %d gone", len(j.records), len(j.byAudit), len(j.byReceipt), len(j.gone))
	}
	for id, r := range j.byAudit {
		if !slices.Contains(j.records, r) {
			t.Errorf("the audit line %s is still known, its request is gone", id)
		}
	}
	for _, r := range j.records {
		if len(r.encoded) > 1<<20 {
			t.Errorf("request %d takes %d bytes", r.ID, len(r.encoded))
		}
		if len(r.STS) > maxSTS || len(r.Calls) > maxCalls {
			t.Errorf("request %d: %d of STS, %d calls", r.ID, len(r.STS), len(r.Calls))
		}
	}
}
