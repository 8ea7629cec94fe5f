package scope_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/local/iam"
	"github.com/credvend/credvend/internal/scope"
)

// story is the design's own allowlist.
func story() *allowlist.Document {
	doc := document()
	doc.Targets["orders"] = allowlist.Target{
		Role: "arn:aws:iam::111122223333:role/orders-invoke", API: stageARN, Endpoint: "https://orders.example.com",
		ExternalID: "orders-7f3c9a", DefaultDuration: "30m", MaxDuration: "1h",
	}
	doc.Targets["stock"] = allowlist.Target{
		Role: "arn:aws-cn:iam::111122223333:role/team/stock", API: "arn:aws-cn:execute-api:cn-north-1:111122223333:f6g7h8i9j0/prod", RequireRoutes: true,
	}
	doc.Callers["billing-service"] = allowlist.Caller{
		IAM:  &allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/billing-service", RoleID: "AROAEXAMPLEBILLING00"},
		Tags: map[string]string{"team": "billing", "from": "${caller.account}"},
	}
	doc.Callers["services"] = allowlist.Caller{IAM: &allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/*-service"}, Tags: map[string]string{"Team": "billing"}}
	doc.Callers["analytics-account"] = allowlist.Caller{IAM: &allowlist.IAMCaller{Account: "777788889999"}}
	doc.Callers["shopper"] = allowlist.Caller{
		JWT:  &allowlist.JWTCaller{Issuer: "https://idp.example.com", Audience: "aud", Claims: map[string][]string{"group": {"shoppers"}}},
		Tags: map[string]string{"user": "${claims.sub}"},
	}
	doc.Rules = []allowlist.Rule{
		{ID: "billing-reads-orders", Callers: []string{"billing-service"}, Target: "orders", Routes: []string{"GET /orders", "GET /orders/*", "GET /orders/new"}, MaxDuration: "30m"},
		{ID: "services-report", Callers: []string{"services"}, Target: "orders", Routes: []string{"* /services/${caller.name}/*"}, MaxDuration: "45m"},
		{ID: "shoppers-see-their-own", Callers: []string{"shopper"}, Target: "orders", Routes: []string{"GET /users/${claims.sub}/*"}},
		{ID: "analytics-counts-stock", Callers: []string{"analytics-account"}, Target: "stock", Routes: []string{"* /*"}},
		{ID: "nobody-deletes", Effect: allowlist.Deny, Callers: []string{"*"}, Target: "orders", Routes: []string{"DELETE /*"}},
		{ID: "no-secrets", Effect: allowlist.Deny, Callers: []string{"*"}, Target: "stock", Routes: []string{"GET /secret/*"}},
	}
	return doc
}

// case of the golden file: the question, the decision, the scope, the policy.
type golden struct {
	Name    string
	Target  string
	Asked   []string `json:",omitempty"`
	Seconds int      `json:",omitempty"`
	Callers []string
	Tried   []allowlist.Tried
	Refusal string           `json:",omitempty"`
	Grant   *allowlist.Grant `json:",omitempty"`
	Scope   *scope.Scope     `json:",omitempty"`
	Policy  json.RawMessage  `json:",omitempty"`
}

func TestDecisionsAndPolicies(t *testing.T) {
	doc := story()
	list, err := allowlist.Compile(doc)
	if err != nil {
		t.Fatal(err)
	}
	analyst := billing()
	analyst.Principal.Account, analyst.Principal.Name = "777788889999", "analyst"
	operator := identity.Caller{Kind: identity.RESTIAM, UniqueID: "AIDAEXAMPLEOPERATOR0", Principal: arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.User, Name: "operator"}}
	remade := billing()
	remade.UniqueID = "AROAEXAMPLEBILLING01"
	user := shopper("staff", "shoppers")
	user.Claims["sub"] = identity.Claim{Values: []string{"u1"}}
	odd := shopper("shoppers")
	odd.Claims["sub"] = identity.Claim{Values: []string{"*"}}
	var out []golden
	for _, q := range []struct {
		name    string
		who     identity.Caller
		target  string
		asked   []string
		seconds int
	}{
		{"all that a service has", billing(), "orders", nil, 0},
		{"less of it", billing(), "orders", []string{"GET /orders/42"}, 3600},
		{"more than it", billing(), "orders", []string{"GET /*"}, 0},
		{"what is denied", billing(), "orders", []string{"DELETE /services/services/*"}, 0},
		{"a role that was made again", remade, "orders", nil, 3600},
		{"a user of the account", operator, "orders", nil, 0},
		{"a shopper", user, "orders", nil, 900},
		{"a shopper called star", odd, "orders", nil, 0},
		{"another account", analyst, "orders", nil, 0},
		{"another partition, by routes", analyst, "stock", nil, 0},
		{"everything but a secret", analyst, "stock", []string{"* /*"}, 0},
		{"no such target", billing(), "nothing", nil, 0},
	} {
		d := list.Decide(q.who, allowlist.Request{Target: q.target, Routes: parse(t, q.asked...)})
		g := golden{Name: q.name, Target: q.target, Asked: q.asked, Seconds: q.seconds, Callers: d.Callers, Tried: d.Tried, Grant: d.Grant}
		if d.Allowed() {
			s, err := scope.New(q.who, *d.Grant, time.Duration(q.seconds)*time.Second)
			if err != nil {
				t.Errorf("%s: %v", q.name, err)
				continue
			}
			if p, err := iam.ParsePolicy([]byte(s.Policy)); err != nil || p.CheckSession() != nil {
				t.Errorf("%s: STS would not take %s: %v", q.name, s.Policy, err)
			}
			g.Policy = json.RawMessage(s.Policy)
			s.Policy = "below"
			g.Scope = &s
		} else {
			g.Refusal = d.Refusal().Error()
		}
		out = append(out, g)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "decisions.json")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run go test with -update", err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s differs; see what changed with -update and git diff", path)
	}
}
