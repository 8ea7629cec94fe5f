package gateway_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/vendtest"
)

var update = flag.Bool("update", false, "write the answers in testdata anew")

// wantGolden holds an answer against the file of its name. The receipt is
// random, so a fixed one stands in its place.
func wantGolden(t *testing.T, name string, a vendtest.Answer) {
	t.Helper()
	text := a.Text
	if receipt := a.Field("Grant", "receipt"); receipt != "" {
		text = strings.ReplaceAll(text, receipt, "mfrggzdfmztwq2lknnwg23tp")
	}
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(map[string]any{"status": a.Status, "headers": a.Headers, "body": json.RawMessage(text)}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "answers", strings.ReplaceAll(name, " ", "-")+".json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", file, diff)
	}
}

func TestAnswersOfEveryDoor(t *testing.T) {
	for _, d := range doors() {
		for name, r := range map[string]vendtest.Request{
			"credentials": good(),
			"targets":     vendtest.Get("/v1/targets"),
			"whoami":      vendtest.Get("/v1/whoami"),
		} {
			t.Run(d.name+"/"+name, func(t *testing.T) {
				h := vendtest.New(t, vendtest.Options{})
				wantGolden(t, d.name+" "+name, h.Invoke(t, d.event(r).Bytes()))
				want := "outcome"
				if name == "credentials" {
					want = "intent outcome"
				}
				if got := h.Trail.Events(t); got != want {
					t.Errorf("audit lines %q, want %q", got, want)
				}
			})
		}
	}
}

// several is a document where billing-service is of two callers, and three
// rules concern it.
func several() *allowlist.Document {
	doc := vendtest.Document()
	doc.Callers["home-account"] = allowlist.Caller{IAM: &allowlist.IAMCaller{Account: "444455556666"}, Tags: map[string]string{"account": "home"}}
	doc.Rules = append([]allowlist.Rule{
		{ID: "home-reads-users", Callers: []string{"home-account"}, Target: "orders", Routes: []string{"GET /users/*", "GET /orders/42"}, MaxDuration: "45m"},
		{ID: "billing-writes-invoices", Callers: []string{"billing-service"}, Target: "orders", Routes: []string{"POST /invoices", "* /invoices/*"}},
		{ID: "nobody-reads-secrets", Effect: allowlist.Deny, Callers: []string{"home-account"}, Target: "orders", Routes: []string{"GET /users/secret"}},
	}, doc.Rules...)
	return doc
}

func TestAnswers(t *testing.T) {
	long := vendtest.Document()
	long.Rules[0].MaxDuration = ""
	for name, c := range map[string]struct {
		doc  *allowlist.Document
		body string
	}{
		"several rules":              {several(), `{"target":"orders"}`},
		"several rules narrowed":     {several(), `{"target":"orders","routes":["GET /users/7/*","GET /orders/7"]}`},
		"narrowed":                   {nil, `{"target":"orders","routes":["GET /orders/42","GET /orders/42/*","GET /orders/4*"]}`},
		"shortened by the rule":      {nil, `{"target":"orders","durationSeconds":3600}`},
		"as long as was asked for":   {nil, `{"target":"orders","durationSeconds":901}`},
		"of the default":             {long, `{"target":"orders"}`},
		"of the longest time at all": {long, `{"target":"orders","durationSeconds":3600}`},
	} {
		t.Run(name, func(t *testing.T) {
			h := vendtest.New(t, vendtest.Options{Document: c.doc})
			wantGolden(t, name, wantVended(t, h, iam(vendtest.Ask(c.body)).Bytes()))
		})
	}
}

// TestGetAnswersAsPostDoes, but for the receipt and the keys.
func TestGetAnswersAsPostDoes(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{})
	posted := wantVended(t, h, iam(vendtest.Ask(`{"target":"orders","routes":["GET /orders/*"],"durationSeconds":900}`)).Bytes())
	got := wantVended(t, h, iam(vendtest.Get("/v1/credentials/orders?route=GET%20/orders/*&durationSeconds=900")).Bytes())
	for _, a := range []vendtest.Answer{posted, got} {
		for _, field := range []string{"AccessKeyId", "SecretAccessKey", "SessionToken", "Token"} {
			delete(a.Body, field)
		}
		grant := a.Body["Grant"].(map[string]any)
		delete(grant, "receipt")
		delete(grant, "reused")
	}
	if diff := cmp.Diff(posted.Body, got.Body); diff != "" {
		t.Errorf("POST and GET differ:\n%s", diff)
	}
}

// TestReuse: the receipt stays, what is left counts, and the caller comes back
// at the same moment whatever it is told when.
func TestReuse(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{})
	first := wantVended(t, h, iam(good()).Bytes())
	h.Clock.Advance(299*time.Second + 700*time.Millisecond)
	second := wantVended(t, h, iam(good()).Bytes())
	wantGolden(t, "reused", second)
	for _, field := range [][]string{{"AccessKeyId"}, {"SecretAccessKey"}, {"SessionToken"}, {"Expiration"}, {"Grant", "receipt"}, {"Grant", "refreshAfter"}} {
		if first.Field(field...) != second.Field(field...) {
			t.Errorf("%v: %q, then %q", field, first.Field(field...), second.Field(field...))
		}
	}
	grant := second.Body["Grant"].(map[string]any)
	if grant["reused"] != true || grant["grantedSeconds"] != 1501.0 || second.Field("Grant", "serverTime") != "2026-11-22T12:04:59Z" {
		t.Errorf("grant %v", grant)
	}
	if got := h.Trail.Events(t); got != "intent outcome outcome" {
		t.Errorf("audit lines %q", got)
	}
	lines := h.Trail.Lines(t)
	reuse := lines[2]
	if reuse.Text("outcome") != "reused" || reuse["reused"] != true || reuse.Text("receipt") != lines[1].Text("receipt") || reuse.Text("accessKeyId") != first.Field("AccessKeyId") || reuse["grantedSeconds"] != 1501.0 {
		t.Errorf("the reuse's line: %v", reuse)
	}
	h.Clock.Advance(2 * time.Minute) // more than a fifth of the life is over
	third := wantVended(t, h, iam(good()).Bytes())
	if third.Field("AccessKeyId") == first.Field("AccessKeyId") || third.Field("Grant", "receipt") == first.Field("Grant", "receipt") {
		t.Error("reused beyond a fifth of its life")
	}
	refresh := func(a vendtest.Answer) time.Duration {
		after, err := time.Parse(time.RFC3339, a.Field("Grant", "refreshAfter"))
		if err != nil {
			t.Fatal(err)
		}
		ends, err := time.Parse(time.RFC3339, a.Field("Expiration"))
		if err != nil {
			t.Fatal(err)
		}
		return ends.Sub(after)
	}
	if d := refresh(first) - refresh(third); d < -time.Second || d > time.Second {
		t.Errorf("refreshAfter is not at the caller's own point: %v and %v before the end", refresh(first), refresh(third))
	}
	narrow := vendtest.Ask(`{"target":"orders","routes":["GET /orders/1"]}`)
	if d := refresh(wantVended(t, h, rest(narrow).Bytes())) - refresh(first); d < -time.Second || d > time.Second {
		t.Errorf("another ask of the same caller comes back at another point: %v apart", d)
	}
	fleet := map[time.Duration]bool{}
	for i := range 20 {
		member := vendtest.Role("444455556666", "billing-service", "AROAEXAMPLEBILLING00", "i-"+strings.Repeat("x", i+1))
		fleet[refresh(wantVended(t, h, vendtest.IAM("a1b2c3", member, narrow).Bytes()))] = true
	}
	if len(fleet) < 15 {
		t.Errorf("20 of a fleet come back at %d moments", len(fleet))
	}
}

// TestDeniedAndUnknownLookAlike: but for the name that the caller itself sent.
func TestDeniedAndUnknownLookAlike(t *testing.T) {
	doc := vendtest.Document()
	doc.Targets["hidden"] = doc.Targets["orders"]
	doc.Targets["shut"] = doc.Targets["orders"]
	doc.Rules = append(doc.Rules,
		allowlist.Rule{ID: "operator-alone", Callers: []string{"operator"}, Target: "hidden", Routes: []string{"* /*"}},
		allowlist.Rule{ID: "all-of-shut", Callers: []string{"billing-service"}, Target: "shut", Routes: []string{"GET /*"}},
		allowlist.Rule{ID: "shut-down", Effect: allowlist.Deny, Callers: []string{"*"}, Target: "shut"},
	)
	h := vendtest.New(t, vendtest.Options{Document: doc})
	answerFor := func(target string, routes string) string {
		a := wantRefused(t, h, iam(vendtest.Ask(`{"target":"`+target+`"`+routes+`}`)).Bytes(), answer{403, "denied", "no rule lets you have credentials for target"})
		return strings.ReplaceAll(a.Text, target, "TARGET")
	}
	stranger := vendtest.Role("444455556666", "stranger", "AROAEXAMPLESTRANGER0", "x")
	strange := wantRefused(t, h, vendtest.IAM("a1b2c3", stranger, good()).Bytes(), answer{403, "denied", "no rule"})
	unknown := answerFor("nosuch", "")
	for name, got := range map[string]string{
		"a target of others":        answerFor("hidden", ""),
		"a target of others, route": answerFor("hidden", `,"routes":["GET /a"]`),
		"no target, with a route":   answerFor("nosuch", `,"routes":["GET /a"]`),
		"a denied target":           answerFor("shut", ""),
		"a denied target, route":    answerFor("shut", `,"routes":["GET /a"]`),
		"a stranger":                strings.ReplaceAll(strange.Text, "orders", "TARGET"),
	} {
		if got != unknown {
			t.Errorf("%s: %s\nno such target: %s", name, got, unknown)
		}
	}
}
