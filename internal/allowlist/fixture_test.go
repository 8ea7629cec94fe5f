package allowlist_test

import (
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	issuer   = "https://idp.example.com"
	audience = "1example23456789"
	roleID   = "AROAEXAMPLEBILLING00"
	userID   = "AIDAEXAMPLEOPERATOR0"
)

// story is a document with a caller of each kind. Tests change what they are
// about.
func story() *allowlist.Document {
	return &allowlist.Document{
		Version: 1,
		Targets: map[string]allowlist.Target{"orders": {
			Role: "arn:aws:iam::111122223333:role/orders-invoke",
			API:  "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default",
		}},
		Callers: map[string]allowlist.Caller{
			"billing":  roleCaller("billing"),
			"ci":       roleCaller("ci-*"),
			"operator": {IAM: &allowlist.IAMCaller{User: "arn:aws:iam::444455556666:user/operator"}},
			"account":  {IAM: &allowlist.IAMCaller{Account: "777788889999"}},
			"shopper":  tokenCaller("group", "shoppers"),
		},
		Rules: []allowlist.Rule{
			allow("billing-reads", "billing", "GET /orders", "GET /orders/*"),
		},
	}
}

func roleCaller(name string) allowlist.Caller {
	return allowlist.Caller{IAM: &allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/" + name}}
}

// tokenCaller looks for one claim; none if its name is empty.
func tokenCaller(claim string, values ...string) allowlist.Caller {
	k := &allowlist.JWTCaller{Issuer: issuer, Audience: audience}
	if claim != "" {
		k.Claims = map[string][]string{claim: values}
	}
	return allowlist.Caller{JWT: k}
}

func allow(id, caller string, routes ...string) allowlist.Rule {
	return allowlist.Rule{ID: id, Callers: strings.Fields(caller), Target: "orders", Routes: routes}
}

func deny(id, caller string, routes ...string) allowlist.Rule {
	r := allow(id, caller, routes...)
	r.Effect = allowlist.Deny
	return r
}

// within gives a rule a longest duration.
func within(d string, r allowlist.Rule) allowlist.Rule {
	r.MaxDuration = d
	return r
}

// rules is the story with other rules.
func rules(rs ...allowlist.Rule) *allowlist.Document {
	d := story()
	d.Rules = rs
	return d
}

func compile(t testing.TB, doc *allowlist.Document) *allowlist.List {
	t.Helper()
	list, err := allowlist.Compile(doc)
	if err != nil {
		t.Fatalf("Compile: %v", err)
	}
	return list
}

// problems are the lines that Compile says of a document.
func problems(t testing.TB, doc *allowlist.Document) []string {
	t.Helper()
	list, err := allowlist.Compile(doc)
	if err == nil {
		return nil
	}
	var ps allowlist.Problems
	if !errors.As(err, &ps) || len(ps) == 0 || list != nil {
		t.Fatalf("Compile: list %v, error %#v; want no list and Problems", list, err)
	}
	return strings.Split(err.Error(), "\n")
}

func principal(account string, kind arn.PrincipalType, name, session string) identity.Caller {
	return identity.Caller{
		Kind: identity.IAM, Subject: session,
		Principal: arn.Principal{Partition: "aws", Account: account, Type: kind, Name: name, Session: session},
	}
}

func role(name string) identity.Caller {
	return principal("444455556666", arn.Role, name, "session")
}

// token has the claims sub and group.
func token(sub string, groups ...string) identity.Caller {
	return identity.Caller{
		Kind: identity.JWT, Issuer: issuer, Audiences: []string{audience}, Subject: sub,
		Claims: map[string]identity.Claim{"sub": text(sub), "group": {Values: groups, List: true}},
	}
}

func text(s string) identity.Claim { return identity.Claim{Values: []string{s}} }

func ask(t testing.TB, routes ...string) allowlist.Request {
	t.Helper()
	return allowlist.Request{Target: "orders", Routes: parse(t, routes...)}
}

func parse(t testing.TB, routes ...string) (out []route.Route) {
	t.Helper()
	for _, text := range routes {
		r, err := route.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// write shows a decision in a line: what is granted, less what is denied; or
// the refusal's code and text.
func write(d allowlist.Decision) string {
	if !d.Allowed() {
		return d.Refusal().Kind.Code() + ": " + d.Refusal().Public()
	}
	s := join(d.Grant.Routes)
	if len(d.Grant.Denied) > 0 {
		s += " - " + join(d.Grant.Denied)
	}
	return s
}

func join(routes []route.Route) string {
	var texts []string
	for _, r := range routes {
		texts = append(texts, r.String())
	}
	return strings.Join(texts, ", ")
}

const nothing = `denied: no rule lets you have credentials for target "orders"; GET /v1/targets lists what you may have`
