package analysis

import (
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/analysis/population"
	"github.com/credvend/credvend/internal/route"
)

// A grant whose session STS would never take, here for a tag's value, is no
// access: the function refuses it after the decision.
func TestAccessIsWhatASessionCanCarry(t *testing.T) {
	doc := &allowlist.Document{
		Version: 1,
		Targets: map[string]allowlist.Target{"t": {Role: "arn:aws:iam::111122223333:role/r", API: "arn:aws:execute-api:us-east-1:111122223333:a/$default"}},
		Callers: map[string]allowlist.Caller{"k": {JWT: &allowlist.JWTCaller{Issuer: "https://idp.example.com", Audience: "app"}, Tags: map[string]string{"who": "${claims.name}"}}},
		Rules:   []allowlist.Rule{{ID: "r", Callers: []string{"k"}, Target: "t", Routes: []string{"GET /a"}}},
	}
	list, err := allowlist.Compile(doc)
	if err != nil {
		t.Fatal(err)
	}
	s := Subject{doc, list}
	for name, passes := range map[string]bool{"ana": true, "a,b": false} {
		c, err := JSONCaller([]byte(`{"iss":"https://idp.example.com","aud":"app","sub":"x","name":"` + name + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		what, err := What(s, c, population.Values{})
		if err != nil {
			t.Fatal(err)
		}
		h := what.Targets[0]
		x := Explain(s, c, population.Values{}, Question{Target: "t"})
		if (h.Extent == Part) != passes || x.Allowed != passes || !passes && (!strings.Contains(h.Refusal, "session tag who") || h.Refusal != x.Reason) {
			t.Errorf("%s: %+v; %+v", name, h, x)
		}
	}
}

// Whoever is several callers at once, and has other than they say together, is
// told of.
func TestOverlapsAreTold(t *testing.T) {
	off := false
	doc := &allowlist.Document{
		Version: 1,
		Targets: map[string]allowlist.Target{"t": {Role: "arn:aws:iam::111122223333:role/r", API: "arn:aws:execute-api:us-east-1:111122223333:a/$default", SessionTags: &off}},
		Callers: map[string]allowlist.Caller{
			"ci":      {IAM: &allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/ci-*"}},
			"account": {IAM: &allowlist.IAMCaller{Account: "444455556666"}},
		},
		Rules: []allowlist.Rule{
			{ID: "all", Callers: []string{"ci", "account"}, Target: "t", Routes: []string{"GET /a"}},
			{ID: "no", Effect: "deny", Callers: []string{"account"}, Target: "t", Routes: []string{"GET /b"}},
		},
	}
	list, err := allowlist.Compile(doc)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := Who(Subject{doc, list}, "t", []route.Route{must("GET /a")})
	if err != nil {
		t.Fatal(err)
	}
	// Every role ci-* is of the account, so ci alone is nobody but a guest.
	var ci Holder
	for _, h := range answer.Holders {
		if h.Caller == "ci" {
			ci = h
		}
	}
	if ci.Extent != None || strings.Join(ci.Also, " ") != "account" || !strings.Contains(ci.Refusal, "sends no session tags") {
		t.Errorf("%+v", ci)
	}
	found := false
	for _, o := range answer.Overlaps {
		found = found || strings.Join(o.Callers, " ") == "ci" && strings.Join(o.Notes, "") == "a guest of an identity pool" && o.Extent == All
	}
	if !found {
		t.Errorf("%+v", answer.Overlaps)
	}
}
