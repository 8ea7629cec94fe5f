package allowlist_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
)

// faulty documents, each with as little wrong as its name says. The golden
// file holds what is said of them.
var faulty = []struct {
	name string
	edit func(*allowlist.Document)
}{
	{"nothing at all", func(d *allowlist.Document) { *d = allowlist.Document{} }},
	{"another version", func(d *allowlist.Document) { d.Version = 2 }},
	{"a target's name", func(d *allowlist.Document) { d.Targets["Orders/x"] = d.Targets["orders"] }},
	{"no role", target(func(t *allowlist.Target) { t.Role = "" })},
	{"a user for a role", target(func(t *allowlist.Target) { t.Role = "arn:aws:iam::111122223333:user/x" })},
	{"a wildcard in a target's role", target(func(t *allowlist.Target) { t.Role = "arn:aws:iam::111122223333:role/*" })},
	{"a role of another account", target(func(t *allowlist.Target) { t.Role = "arn:aws:iam::444455556666:role/x" })},
	{"a role of another partition", target(func(t *allowlist.Target) { t.Role = "arn:aws-cn:iam::111122223333:role/x" })},
	{"no api", target(func(t *allowlist.Target) { t.API = "" })},
	{"a wildcard in api", target(func(t *allowlist.Target) { t.API = "arn:aws:execute-api:us-east-1:111122223333:*/$default" })},
	{"an api with a route", target(func(t *allowlist.Target) { t.API += "/GET/orders" })},
	{"an endpoint without https", target(func(t *allowlist.Target) { t.Endpoint = "http://orders.example.com" })},
	{"an external id of one letter", target(func(t *allowlist.Target) { t.ExternalID = "x" })},
	{"an external id with a space", target(func(t *allowlist.Target) { t.ExternalID = "x y" })},
	{"a short duration", target(func(t *allowlist.Target) { t.DefaultDuration = "14m59s" })},
	{"a long duration", target(func(t *allowlist.Target) { t.MaxDuration = "1h0m1s" })},
	{"a duration without a unit", target(func(t *allowlist.Target) { t.MaxDuration = "1800" })},
	{"a duration of half seconds", target(func(t *allowlist.Target) { t.MaxDuration = "15m0.5s" })},
	{"a default above the maximum", target(func(t *allowlist.Target) { t.DefaultDuration, t.MaxDuration = "40m", "30m" })},
	{"a caller's name", func(d *allowlist.Document) { d.Callers["Billing_Service"] = roleCaller("x") }},
	{"a caller's name of 33 letters", func(d *allowlist.Document) { d.Callers[strings.Repeat("b", 33)] = roleCaller("x") }},
	{"a caller with the name of all", func(d *allowlist.Document) { d.Callers["*"] = roleCaller("x") }},
	{"a caller of no kind", func(d *allowlist.Document) { d.Callers["ci"] = allowlist.Caller{} }},
	{"a caller of both kinds", func(d *allowlist.Document) {
		k := tokenCaller("")
		k.IAM = roleCaller("x").IAM
		d.Callers["ci"] = k
	}},
	{"none of role, user, account", iam(allowlist.IAMCaller{})},
	{"two of role, user, account", iam(allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/x", Account: "444455556666"})},
	{"a role ARN with a path", iam(allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/team-a/x"})},
	{"a role ARN with a path and a wildcard", iam(allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/team-a/*"})},
	{"a role ARN with a wildcard for a path", iam(allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/*/x"})},
	{"a wildcard for an account", iam(allowlist.IAMCaller{Role: "arn:aws:iam::*:role/x"})},
	{"a wildcard in an account", iam(allowlist.IAMCaller{Role: "arn:aws:iam::44445555666*:role/x"})},
	{"a wildcard for a partition", iam(allowlist.IAMCaller{Role: "arn:*:iam::444455556666:role/x"})},
	{"a wildcard for the type", iam(allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:*/x"})},
	{"a wildcard across the colon", iam(allowlist.IAMCaller{Role: "arn:aws:iam::*"})},
	{"a star alone", iam(allowlist.IAMCaller{Role: "*"})},
	{"a question mark", iam(allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/ci-?"})},
	{"a session", iam(allowlist.IAMCaller{Role: "arn:aws:sts::444455556666:assumed-role/ci/build"})},
	{"a session with wildcards", iam(allowlist.IAMCaller{Role: "arn:aws:sts::444455556666:assumed-role/ci-*/*"})},
	{"a user where a role is meant", iam(allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:user/x"})},
	{"a root user", iam(allowlist.IAMCaller{User: "arn:aws:iam::444455556666:root"})},
	{"an account of eleven digits", iam(allowlist.IAMCaller{Account: "77778888999"})},
	{"a unique id beside a wildcard", iam(allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/ci-*", RoleID: roleID})},
	{"a unique id of another kind", iam(allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/ci", RoleID: userID})},
	{"a unique id that is none", iam(allowlist.IAMCaller{User: "arn:aws:iam::444455556666:user/ci", UserID: "*"})},
	{"a role's id beside a user", iam(allowlist.IAMCaller{User: "arn:aws:iam::444455556666:user/ci", RoleID: roleID})},
	{"a user's id beside an account", iam(allowlist.IAMCaller{Account: "777788889999", UserID: userID})},
	{"no issuer and no audience", jwt(func(k *allowlist.JWTCaller) { k.Issuer, k.Audience = "", "" })},
	{"wildcards in issuer and audience", jwt(func(k *allowlist.JWTCaller) { k.Issuer, k.Audience = "https://*", "*" })},
	{"a claim that is matched already", jwt(func(k *allowlist.JWTCaller) { k.Claims = map[string][]string{"aud": {"x"}, "iss": {"y"}} })},
	{"a claim without a name", jwt(func(k *allowlist.JWTCaller) { k.Claims = map[string][]string{"": {"x"}} })},
	{"a claim without values", jwt(func(k *allowlist.JWTCaller) { k.Claims["group"] = nil })},
	{"values of a claim", jwt(func(k *allowlist.JWTCaller) { k.Claims["group"] = []string{"", "a*", "b", "b", "\ufffd"} })},
	{"a rule's id", func(d *allowlist.Document) { d.Rules[0].ID = "billing reads" }},
	{"no rule's id", func(d *allowlist.Document) { d.Rules[0].ID = "" }},
	{"a rule's id twice", func(d *allowlist.Document) {
		d.Rules = append(d.Rules, allow("x", "ci", "GET /"), d.Rules[0])
	}},
	{"another effect", func(d *allowlist.Document) { d.Rules[0].Effect = "Deny" }},
	{"no target", func(d *allowlist.Document) { d.Rules[0].Target = "" }},
	{"a misspelt target", func(d *allowlist.Document) { d.Rules[0].Target = "order" }},
	{"another target", func(d *allowlist.Document) { d.Rules[0].Target = "warehouse" }},
	{"no callers", func(d *allowlist.Document) { d.Rules[0].Callers = nil }},
	{"a misspelt caller", func(d *allowlist.Document) { d.Rules[0].Callers = []string{"biling"} }},
	{"a caller twice", func(d *allowlist.Document) { d.Rules[0].Callers = []string{"ci", "ci"} }},
	{"all beside another", func(d *allowlist.Document) { d.Rules[0].Callers = []string{"*", "ci"} }},
	{"all behind another", func(d *allowlist.Document) { d.Rules[0].Callers = []string{"ci", "*"} }},
	{"a pinned caller in a deny rule", func(d *allowlist.Document) {
		d.Callers["ci"] = allowlist.Caller{IAM: &allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/ci", RoleID: roleID}}
		d.Rules = append(d.Rules, deny("d", "billing ci", "GET /x"))
	}},
	{"an allow rule without routes", func(d *allowlist.Document) { d.Rules[0].Routes = nil }},
	{"routes", func(d *allowlist.Document) {
		d.Rules[0].Routes = []string{"/orders", "get /orders", "GET orders", "GET /a?b", "GET /../a", "GET //a", "GET /a%2fb", "GET /ä", "GET /a b", "GET /$a", "GET /", "GET /", ""}
	}},
	{"a variable in part of a segment", func(d *allowlist.Document) { d.Rules[0].Routes = []string{"GET /u-${caller.name}"} }},
	{"a deny rule with a duration", func(d *allowlist.Document) { d.Rules[0].Effect, d.Rules[0].MaxDuration = "deny", "30m" }},
	{"a rule's duration", func(d *allowlist.Document) { d.Rules[0].MaxDuration = "2h" }},
	{"everything at once", func(d *allowlist.Document) {
		d.Version, d.Targets["b"], d.Targets["a"] = 0, allowlist.Target{}, allowlist.Target{MaxDuration: "x", Endpoint: "x"}
		d.Callers["y"], d.Callers["x"] = allowlist.Caller{}, allowlist.Caller{IAM: &allowlist.IAMCaller{}, Tags: map[string]string{"b": "*", "a": "*", "credvend:": ""}}
		d.Rules = append(d.Rules, allowlist.Rule{}, allowlist.Rule{ID: "billing-reads", Effect: "x", Callers: []string{"x", "z", "*"}, Target: "c", Routes: []string{"x"}, MaxDuration: "x"})
	}},
}

func target(edit func(*allowlist.Target)) func(*allowlist.Document) {
	return func(d *allowlist.Document) {
		t := d.Targets["orders"]
		edit(&t)
		d.Targets["orders"] = t
	}
}

func iam(k allowlist.IAMCaller) func(*allowlist.Document) {
	return func(d *allowlist.Document) { d.Callers["ci"] = allowlist.Caller{IAM: &k} }
}

func jwt(edit func(*allowlist.JWTCaller)) func(*allowlist.Document) {
	return func(d *allowlist.Document) { edit(d.Callers["shopper"].JWT) }
}

func TestProblems(t *testing.T) {
	var b strings.Builder
	for _, f := range faulty {
		doc := story()
		f.edit(doc)
		_, err := allowlist.Compile(doc)
		var ps allowlist.Problems
		if !errors.As(err, &ps) {
			t.Errorf("%s: %v", f.name, err)
		}
		for range 5 { // maps must not show
			if _, again := allowlist.Compile(doc); again == nil || err.Error() != again.Error() {
				t.Errorf("%s: not the same twice:\n%v\n%v", f.name, err, again)
			}
		}
		fmt.Fprintf(&b, "# %s\n", f.name)
		for _, p := range ps {
			where := p.Where()
			if p.Key {
				where += " (the key)"
			}
			fmt.Fprintf(&b, "%s\n\t%s\n\t%s\n", where, p.Text, p.Remedy)
		}
		b.WriteByte('\n')
	}
	golden(t, "problems.txt", b.String())
	if _, err := allowlist.Compile(nil); err == nil {
		t.Error("nothing compiles")
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run go test with -update", err)
	}
	if got != string(want) {
		t.Errorf("%s differs; see what changed with -update and git diff\n%s", path, firstDifference(got, string(want)))
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d: got  %s\nline %d: want %s", i+1, g[i], i+1, w[i])
		}
	}
	return "one ends before the other"
}
