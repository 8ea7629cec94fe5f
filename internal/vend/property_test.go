package vend_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/vendtest"
)

// world is a random run of the service: what was handed to whom.
type world struct {
	*vendtest.Harness
	holders map[string]string // access key id → the one caller that may hold it
	intents map[string]bool   // receipts announced
	calls   int
}

// ask is one random request, and who it is from.
type ask struct {
	who   string
	event []byte
	vends bool // it asks for credentials
}

func drawAsk(t *rapid.T) ask {
	r := rapid.SampledFrom([]vendtest.Request{
		vendtest.Ask(`{"target":"orders"}`), vendtest.Ask(`{"target":"orders"}`), vendtest.Ask(`{"target":"orders"}`),
		vendtest.Ask(`{"target":"orders","routes":["GET /orders/1"]}`), vendtest.Ask(`{"target":"orders","durationSeconds":900}`),
		vendtest.Ask(`{"target":"nosuch"}`), vendtest.Ask(`{"target":"orders","routes":["DELETE /orders"]}`), vendtest.Ask(`{`),
		vendtest.Get("/v1/credentials/orders"), vendtest.Get("/v1/targets"), vendtest.Get("/v1/whoami"), vendtest.Get("/nope"),
	}).Draw(t, "request")
	vends := strings.HasPrefix(r.Path, "/v1/credentials") || r.Path == ""
	r = vendtest.Plant(r)
	who := rapid.SampledFrom([]string{"i-1", "i-2", "analytics", "stranger", "alice", "bob", "nobody"}).Draw(t, "who")
	var e vendtest.Event
	switch who {
	case "analytics":
		e = vendtest.FunctionURL("xyz", vendtest.Role("777788889999", "reader", "AROAEXAMPLEREADER000", "i-1"), r)
	case "stranger":
		e = vendtest.IAM("a1b2c3", vendtest.Role("444455556666", "stranger", "AROAEXAMPLESTRANGER0", "i-1"), r)
	case "alice", "bob":
		e = vendtest.JWT("d4e5f6", vendtest.Shopper(who), r)
	case "nobody":
		e = vendtest.IAM("z9z9z9", vendtest.Billing(), r)
	default:
		billing := vendtest.Role("444455556666", "billing-service", "AROAEXAMPLEBILLING00", who)
		e = vendtest.IAM("a1b2c3", billing, r)
		if rapid.Bool().Draw(t, "rest") { // the same individual by another door
			e = vendtest.REST("r7s8t9", billing, r)
		}
	}
	return ask{who, e.Bytes(), vends}
}

// step makes one request in random circumstances and holds its lines against
// its answer.
func (w *world) step(t *rapid.T) {
	faults := map[string]vendtest.Fault{
		"none": nil, "denied": vendtest.Denied(), "lost": vendtest.Lost(), "garbage": vendtest.Garbage(), "panics": vendtest.Panics(),
		"throttled": vendtest.Refuse(400, "Throttling", ""), "broken": vendtest.Refuse(500, "InternalFailure", ""),
	}
	names := []string{"none", "none", "none", "none", "broken", "denied", "garbage", "lost", "panics", "throttled"}
	w.STS.Order("us-east-1", faults[rapid.SampledFrom(names).Draw(t, "us-east-1")])
	w.STS.Order("us-west-2", faults[rapid.SampledFrom(names).Draw(t, "us-west-2")])
	w.Clock.Advance(time.Duration(rapid.IntRange(0, 400).Draw(t, "seconds later")) * time.Second)
	failAt := rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3}).Draw(t, "the write that fails")
	w.Trail.FailOnly(failAt)
	a := drawAsk(t)
	answer := w.Invoke(t, a.event)
	lines, called := w.Trail.Take(t), len(w.STS.Calls())-w.calls
	w.calls += called

	var intents, finals []vendtest.Line
	for _, l := range lines {
		if l.Text("event") == "intent" {
			intents = append(intents, l)
			w.intents[l.Text("receipt")] = true
		} else {
			finals = append(finals, l)
		}
	}
	if len(finals) > 1 || len(finals) == 0 && failAt == 0 {
		t.Fatalf("answer %d has %d ends: %v", answer.Status, len(finals), lines)
	}
	if called > 0 && len(intents) != 1 || len(intents) > 1 {
		t.Fatalf("%d calls of STS after %d intents", called, len(intents))
	}
	if answer.Status != 200 && answer.Field("AccessKeyId") != "" {
		t.Fatalf("a %d has credentials", answer.Status)
	}
	if answer.Status == 200 && len(finals) != 1 {
		t.Fatalf("a 200 without its line: %v", lines)
	}
	if len(finals) == 1 && (finals[0].Text("code") != answer.Field("code") || finals[0].Text("event") == "refusal" && answer.Status == 200) {
		t.Fatalf("answer %s, line %v", answer.Field("code"), finals[0])
	}
	if answer.Status == 200 && a.vends {
		w.checkVended(t, a.who, answer, finals[0])
	}
}

// checkVended: what leaves was announced, is recorded as what it is, and is
// nobody else's.
func (w *world) checkVended(t *rapid.T, who string, answer vendtest.Answer, end vendtest.Line) {
	grant := answer.Body["Grant"].(map[string]any)
	outcome := "issued"
	if grant["reused"] == true {
		outcome = "reused"
	}
	receipt := answer.Field("Grant", "receipt")
	if end.Text("outcome") != outcome || end.Text("receipt") != receipt || end.Text("accessKeyId") != answer.Field("AccessKeyId") || end["grantedSeconds"] != grant["grantedSeconds"] {
		t.Fatalf("grant %v, line %v", grant, end)
	}
	if !w.intents[receipt] {
		t.Fatalf("receipt %s was never announced", receipt)
	}
	if holder := w.holders[answer.Field("AccessKeyId")]; holder != "" && holder != who {
		t.Fatalf("%s got the credentials of %s", who, holder)
	}
	w.holders[answer.Field("AccessKeyId")] = who
	allowed := map[string]string{"i-1": "GET /orders", "i-2": "GET /orders", "analytics": "GET /orders", "alice": "GET /users/alice/", "bob": "GET /users/bob/"}[who]
	for _, r := range grant["routes"].([]any) {
		if allowed == "" || !strings.HasPrefix(r.(string), allowed) {
			t.Fatalf("%s got %v", who, r)
		}
	}
	if i := slices.IndexFunc(w.STS.Calls(), func(c vendtest.Call) bool {
		return strings.HasSuffix(*c.Input.RoleSessionName, "@"+receipt) && strings.Contains(*c.Input.Policy, strings.ReplaceAll(strings.TrimSuffix(allowed, "/"), " ", ""))
	}); i < 0 {
		t.Fatal("STS was not asked for this under this receipt")
	}
}

// TestEachAnswerHasOneEnd: over random requests, faults of STS and failing
// writes, each answer has exactly one outcome or refusal, and no credential
// leaves that is not recorded or belongs to another.
func TestEachAnswerHasOneEnd(t *testing.T) {
	statuses := map[string]int{}
	play := func(t *rapid.T) {
		w := &world{
			Harness: vendtest.New(t, vendtest.Options{Regions: []string{"us-east-1", "us-west-2"}, NoCache: rapid.Bool().Draw(t, "pool off")}),
			holders: map[string]string{}, intents: map[string]bool{},
		}
		for range rapid.IntRange(1, 15).Draw(t, "requests") {
			w.step(t)
		}
		for _, l := range w.Trail.Lines(t) {
			statuses[fmt.Sprint(l.Text("event"), " ", l.Text("outcome"))]++
		}
	}
	// Runs that never came to some end would say nothing of it, so there are
	// more of them until each was seen.
	missing := func() string {
		for _, kind := range []string{"intent ", "outcome issued", "outcome reused", "outcome answered", "outcome denied", "outcome unknown", "refusal refused"} {
			if statuses[kind] == 0 {
				return kind
			}
		}
		return ""
	}
	for range 20 {
		if rapid.Check(t, play); missing() == "" {
			return
		}
	}
	t.Errorf("the runs never came to %q: %v", missing(), statuses)
}
