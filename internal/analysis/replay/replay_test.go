package replay_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/analysis"
	"github.com/credvend/credvend/internal/analysis/replay"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/audit"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/scope"
)

const issuer = "https://idp.example.com"

func document() *allowlist.Document {
	return &allowlist.Document{
		Version: 1,
		Targets: map[string]allowlist.Target{"orders": {Role: "arn:aws:iam::111122223333:role/orders-invoke", API: "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default"}},
		Callers: map[string]allowlist.Caller{
			"billing": {IAM: &allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/billing", RoleID: "AROAEXAMPLEBILLING00"}},
			"account": {IAM: &allowlist.IAMCaller{Account: "777788889999"}},
			"shopper": {JWT: &allowlist.JWTCaller{Issuer: issuer, Audience: "app", Claims: map[string][]string{"group": {"shoppers"}}}},
		},
		Rules: []allowlist.Rule{
			{ID: "reads", Callers: []string{"billing"}, Target: "orders", Routes: []string{"GET /orders", "GET /orders/*"}, MaxDuration: "30m"},
			{ID: "own", Callers: []string{"shopper"}, Target: "orders", Routes: []string{"GET /users/${claims.sub}/*"}},
			{ID: "none", Effect: "deny", Callers: []string{"*"}, Target: "orders", Routes: []string{"DELETE /*"}},
		},
	}
}

func subject(t testing.TB, change func(d *allowlist.Document)) analysis.Subject {
	t.Helper()
	d := document()
	change(d)
	list, err := allowlist.Compile(d)
	if err != nil {
		t.Fatal(err)
	}
	return analysis.Subject{Doc: d, List: list}
}

func billing() identity.Caller {
	return identity.Caller{
		Kind: identity.IAM, UniqueID: "AROAEXAMPLEBILLING00", Subject: "run",
		Principal: arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.Role, Name: "billing", Session: "run"},
	}
}

func shopper(sub string) identity.Caller {
	return identity.Caller{
		Kind: identity.JWT, Issuer: issuer, Audiences: []string{"app"}, Subject: sub,
		Claims: map[string]identity.Claim{"sub": {Values: []string{sub}}, "group": {Values: []string{"shoppers"}}},
	}
}

// trail writes audit lines as the function does, by the list as it is.
type trail struct {
	bytes.Buffer
	log *audit.Log
	n   int
}

func newTrail() *trail {
	t := &trail{}
	t.log = audit.New(&t.Buffer, func() time.Time { return time.Date(2026, 11, 22, 12, 0, t.n, 0, time.UTC) })
	return t
}

// ask decides a request by the list that was, and writes its lines.
func (tr *trail) ask(t testing.TB, c identity.Caller, routes ...string) {
	t.Helper()
	tr.n++
	s := subject(t, func(*allowlist.Document) {})
	e := audit.Entry{Event: audit.Refusal, Action: audit.Vend, RequestID: fmt.Sprintf("req-%d", tr.n), Target: "orders", Routes: routes, Outcome: audit.Refused}
	e.SetCaller(c)
	req := allowlist.Request{Target: "orders"}
	for _, text := range routes {
		req.Routes = append(req.Routes, parse(t, text))
	}
	d := s.List.Decide(c, req)
	e.SetDecision(d)
	if d.Allowed() {
		sc, err := scope.New(c, *d.Grant, 0)
		if err != nil {
			t.Fatal(err)
		}
		e.SetScope(sc)
		e.Event, e.Outcome = audit.Intent, ""
		tr.write(t, e)
		e.Event, e.Outcome = audit.Done, audit.Issued
	} else {
		e.SetFault(d.Refusal())
	}
	tr.write(t, e)
}

func (tr *trail) write(t testing.TB, e audit.Entry) {
	t.Helper()
	if err := tr.log.Write(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

func run(t testing.TB, s analysis.Subject, log io.Reader) replay.Report {
	t.Helper()
	r, err := replay.Run(t.Context(), s, log)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The lines are those that package audit writes: a field that is renamed there
// fails here.
func TestChanges(t *testing.T) {
	tests := []struct {
		name         string
		change       func(d *allowlist.Document)
		who          identity.Caller
		routes       []string
		what, detail string
		assumed      bool
	}{
		{"nothing", func(*allowlist.Document) {}, billing(), nil, "", "", false},
		{"words", func(d *allowlist.Document) { d.Rules[0].ID = "reading" }, billing(), nil, "", "", false},
		{"a route less, of all", func(d *allowlist.Document) { d.Rules[0].Routes = d.Rules[0].Routes[:1] }, billing(), nil, replay.Narrowed, "GET /orders/ would not pass and did", false},
		{"a route less, by name", func(d *allowlist.Document) { d.Rules[0].Routes = d.Rules[0].Routes[:1] }, billing(), []string{"GET /orders/7"}, replay.Refused, "no rule lets it have any of GET /orders/7", false},
		{"another route less", func(d *allowlist.Document) { d.Rules[0].Routes = d.Rules[0].Routes[:1] }, billing(), []string{"GET /orders"}, "", "", false},
		{"carved out", func(d *allowlist.Document) { d.Rules[2].Routes = []string{"GET /orders/secret", "DELETE /*"} }, billing(), nil, replay.Narrowed, "GET /orders/secret would not pass", false},
		{"the role made again", func(d *allowlist.Document) {
			d.Callers["billing"].IAM.RoleID = "AROAEXAMPLEBILLING99"
		}, billing(), nil, replay.Refused, "no rule lets you have credentials", false},
		{"shorter", func(d *allowlist.Document) { d.Rules[0].MaxDuration = "15m" }, billing(), nil, replay.Shorter, "at most 15m0s, by rule reads", false},
		{"refused before", func(d *allowlist.Document) { d.Rules[0].Routes = append(d.Rules[0].Routes, "POST /orders") }, billing(), []string{"POST /orders"}, replay.Allowed, "it would get POST /orders", false},
		{"refused still", func(*allowlist.Document) {}, billing(), []string{"POST /orders"}, "", "", false},
		{"the target gone", func(d *allowlist.Document) {
			d.Targets["other"] = d.Targets["orders"]
			delete(d.Targets, "orders")
			for i := range d.Rules {
				d.Rules[i].Target = "other"
			}
		}, billing(), nil, replay.Refused, "no rule lets you", false},
		{"a token", func(*allowlist.Document) {}, shopper("ana"), nil, "", "", true},
		{"a token's route", func(d *allowlist.Document) { d.Rules[1].Routes = []string{"GET /me/${claims.sub}"} }, shopper("ana"), nil, replay.Refused, "any of GET /users/ana/*", true},
		{"a token that bears another name too", func(d *allowlist.Document) {
			d.Callers["visitor"] = allowlist.Caller{JWT: &allowlist.JWTCaller{Issuer: issuer, Audience: "app"}}
			d.Rules[2].Callers, d.Rules[2].Routes = []string{"visitor"}, []string{"GET /users/ana/secret"}
		}, shopper("ana"), nil, replay.Narrowed, "GET /users/ana/secret would not pass", true},
		{"a token's group", func(d *allowlist.Document) {
			d.Callers["shopper"].JWT.Claims["group"] = []string{"admins"}
		}, shopper("ana"), nil, "", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := newTrail()
			log.ask(t, tt.who, tt.routes...)
			r := run(t, subject(t, tt.change), log)
			if tt.what == "" {
				if r.Requests != 1 || r.Same != 1 || r.Changed != 0 || (r.Assumed == 1) != tt.assumed {
					t.Errorf("%+v", r)
				}
				return
			}
			if r.Requests != 1 || r.Changed != 1 || len(r.Changes) != 1 {
				t.Fatalf("%+v", r)
			}
			if c := r.Changes[0]; c.What != tt.what || !strings.Contains(c.Detail, tt.detail) || c.Assumed != tt.assumed || c.Count != 1 || c.First != "req-1" {
				t.Errorf("%+v", c)
			}
		})
	}
}

// What is no request that a list answered is skipped, and counted by why.
func TestSkips(t *testing.T) {
	log := newTrail()
	log.ask(t, billing())
	for range 3 {
		log.WriteString("START RequestId: 7f\n\n\x00\xff{\n{\"level\":\"INFO\",\"msg\":\"allowlist loaded\"}\n")
	}
	log.WriteString("{\"event\":\"outcome\",\"requestId\":\"x\",\"kind\":\"iam\",\"action\":\"vend\",\"reason\":\"" + strings.Repeat("x", 2<<20) + "\"}\n")
	e := audit.Entry{Event: audit.Done, Action: audit.WhoAmI, RequestID: "w", Outcome: audit.Answered, Kind: identity.IAM}
	log.write(t, e)
	e = audit.Entry{Event: audit.Refusal, Action: audit.Vend, RequestID: "w", Outcome: audit.Refused, Kind: identity.IAM, Target: "orders"}
	e.SetCaller(billing())
	e.SetFault(fault.New(fault.Throttled, "slow"))
	log.write(t, e)
	e.SetFault(fault.New(fault.Denied, "no"))
	e.SetCaller(shopper("ana"))
	log.write(t, e) // it bore no name
	e.SetCaller(billing())
	for range 100 {
		e.Routes = append(e.Routes, "GET /a")
	}
	log.write(t, e)
	e.Event, e.Outcome, e.Routes, e.Code = audit.Intent, "", []string{"GET /orders"}, ""
	e.RequestID = "never ended"
	log.write(t, e)
	text := strings.TrimSuffix(log.String(), "\n") // and the last line without an end
	r := run(t, subject(t, func(*allowlist.Document) {}), strings.NewReader(text))
	want := map[string]int{replay.Foreign: 9, replay.TooLong: 1, replay.NoVend: 1, replay.Undecided: 1, replay.Nameless: 1, replay.Cut: 1, replay.Announced: 1}
	for why, n := range want {
		if r.Skipped[why] != n {
			t.Errorf("%s: %d, want %d", why, r.Skipped[why], n)
		}
	}
	if len(r.Skipped) != len(want) || r.Requests != 2 || r.Same != 2 {
		t.Errorf("%+v", r)
	}
}

// endless is a log without an end, of lines that all differ.
type endless struct {
	left, n int
	rest    []byte
}

func (e *endless) Read(b []byte) (int, error) {
	if len(e.rest) == 0 {
		if e.left--; e.left < 0 {
			return 0, io.EOF
		}
		e.n++
		e.rest = fmt.Appendf(nil, `2026-11-22T12:00:00 {"time":"2026-11-22T12:00:00.000Z","event":"intent","action":"vend","requestId":"r%d","kind":"iam","principal":"arn:aws:iam::444455556666:role/x%d","target":"orders","routes":["GET /orders"]}`+"\n", e.n, e.n)
	}
	n := copy(b, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// Memory does not grow with the log, even if no intent is ever followed and no
// two requests are alike.
func TestMemoryIsBounded(t *testing.T) {
	s := subject(t, func(*allowlist.Document) {})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := run(t, s, &endless{left: 60_000})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if r.Requests != 60_000 || r.Changed != 60_000 || len(r.Changes) != 1000 || r.More != 59_000 {
		t.Errorf("%d requests, %d changed, %d listed, %d more", r.Requests, r.Changed, len(r.Changes), r.More)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("%d bytes are kept", grown)
	}
}

func FuzzRun(f *testing.F) {
	log := newTrail()
	log.ask(f, billing())
	log.ask(f, shopper("ana"))
	log.ask(f, billing(), "POST /orders")
	f.Add(log.Bytes())
	f.Add([]byte(`{"event":"refusal","action":"vend","requestId":"r","kind":"jwt","issuer":"https://idp.example.com","subject":"a/b","callers":["shopper"],"target":"orders","code":"denied"}`))
	f.Add([]byte(`{"event":"outcome","action":"vend","requestId":"r","kind":"iam","principal":"arn:aws:iam::444455556666:role/x","target":"orders","routes":["* /*"],"deniedRoutes":["GET /*a*b*"],"grantedSeconds":-9223372036854775808}`))
	f.Add([]byte("\xef\xbb\xbf{\r\n\r\n{\"event\":null}"))
	s := subject(f, func(*allowlist.Document) {})
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := replay.Run(t.Context(), s, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		counted := 0
		for _, n := range r.Skipped {
			counted += n
		}
		if r.Same+r.Changed != r.Requests || r.Lines < r.Requests || counted > r.Lines {
			t.Errorf("%+v", r)
		}
	})
}
