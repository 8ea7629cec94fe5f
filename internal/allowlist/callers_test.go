package allowlist_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
)

// bears reports whether an identity bears the one name of a document.
func bears(t testing.TB, k allowlist.Caller, who identity.Caller) bool {
	t.Helper()
	doc := rules(allow("a", "it", "GET /x"))
	doc.Callers = map[string]allowlist.Caller{"it": k}
	list := compile(t, doc)
	names := list.Names(who)
	if list.Decide(who, ask(t)).Allowed() != (len(names) == 1) {
		t.Errorf("Names and Decide disagree: %v", names)
	}
	return len(names) == 1
}

func TestCallersMatch(t *testing.T) {
	iam := func(k allowlist.IAMCaller) allowlist.Caller { return allowlist.Caller{IAM: &k} }
	const b, c = "444455556666", "777788889999"
	pinned := func(p identity.Caller, id string) identity.Caller { p.UniqueID = id; return p }
	guest := func(p identity.Caller) identity.Caller { p.Guest = true; return p }
	other := func(p identity.Caller, edit func(*identity.Caller)) identity.Caller { edit(&p); return p }
	china := func(p identity.Caller) identity.Caller { p.Principal.Partition = "aws-cn"; return p }
	user := func(name string) identity.Caller { return principal(b, arn.User, name, "") }
	inC := func(kind arn.PrincipalType, name string) identity.Caller { return principal(c, kind, name, "s") }
	billing, ci := roleCaller("billing"), roleCaller("ci-*")
	pinnedBilling := iam(allowlist.IAMCaller{Role: billing.IAM.Role, RoleID: roleID})
	operator := iam(allowlist.IAMCaller{User: "arn:aws:iam::444455556666:user/operator", UserID: userID})
	team := iam(allowlist.IAMCaller{User: "arn:aws:iam::444455556666:user/team-*/*"})
	account := iam(allowlist.IAMCaller{Account: c})
	shopper := tokenCaller("group", "shoppers", "vip")
	for _, tc := range []struct {
		name   string
		caller allowlist.Caller
		who    identity.Caller
		want   bool
	}{
		{"a role", billing, role("billing"), true},
		{"a role through a REST API", billing, other(role("billing"), func(c *identity.Caller) { c.Kind = identity.RESTIAM }), true},
		{"a role of no kind", billing, other(role("billing"), func(c *identity.Caller) { c.Kind = identity.NoKind }), false},
		{"a role that says it is a token", billing, other(role("billing"), func(c *identity.Caller) { c.Kind = identity.JWT }), false},
		{"names count their case", billing, role("Billing"), false},
		{"a longer name", billing, role("billing2"), false},
		{"a role of another account", billing, principal(c, arn.Role, "billing", "s"), false},
		{"a role of another partition", billing, china(role("billing")), false},
		{"a user of a role's name", billing, user("billing"), false},
		{"a role's session is never looked at", billing, principal(b, arn.Role, "other", "billing"), false},
		{"a pinned role", pinnedBilling, pinned(role("billing"), roleID), true},
		{"a pinned role made again", pinnedBilling, pinned(role("billing"), "AROAEXAMPLEBILLING01"), false},
		{"a pinned role without an id", pinnedBilling, role("billing"), false},
		{"a pinned id of another role", pinnedBilling, pinned(role("other"), roleID), false},
		{"a role that is not pinned takes any id", billing, pinned(role("billing"), roleID), true},
		{"a pinned user", operator, pinned(user("operator"), userID), true},
		{"a pinned user made again", operator, pinned(user("operator"), "AIDAEXAMPLEOPERATOR1"), false},
		{"a wildcard", ci, role("ci-build"), true},
		{"a wildcard for nothing", ci, role("ci-"), true},
		{"a wildcard's prefix is anchored", ci, role("my-ci-build"), false},
		{"a wildcard in another partition", ci, china(role("ci-build")), false},
		{"a wildcard in the middle", roleCaller("a*z"), role("a-b-z"), true},
		{"head and tail do not overlap", roleCaller("aba*ba"), role("aba"), false},
		{"a wildcard's suffix is anchored", roleCaller("*-deploy"), role("x-deploy-2"), false},
		{"many wildcards", roleCaller("*a*b*"), role("xxaxxbxx"), true},
		{"many wildcards in order", roleCaller("*a*b*"), role("bxxa"), false},
		{"all roles are no users", roleCaller("*"), user("x"), false},
		{"all roles", roleCaller("*"), role("x"), true},
		{"a user with a path", team, user("team-a/alice"), true},
		{"a wildcard never spans a slash", team, user("team-a/b/alice"), false},
		{"a wildcard's suffix is anchored in each segment", iam(allowlist.IAMCaller{User: "arn:aws:iam::444455556666:user/team-*x/*"}), user("team-axb/alice"), false},
		{"a wildcard needs its slash", team, user("team-alice"), false},
		{"all users have no path", iam(allowlist.IAMCaller{User: "arn:aws:iam::444455556666:user/*"}), user("team-a/alice"), false},
		{"an account's role", account, inC(arn.Role, "any"), true},
		{"an account's user", account, inC(arn.User, "path/any"), true},
		{"an account's root", account, inC(arn.Root, ""), false},
		{"an account's federated user", account, inC(arn.FederatedUser, "any"), false},
		{"an account's guest", account, guest(inC(arn.Role, "any")), false},
		{"nothing of an account", account, inC(arn.NoType, "any"), false},
		{"another account", account, role("any"), false},
		{"a federated user of a user's name", operator, pinned(principal(b, arn.FederatedUser, "operator", ""), userID), false},
		{"a root user is no role", roleCaller("*"), principal(b, arn.Root, "", ""), false},
		{"a token", shopper, token("u", "vip"), true},
		{"a token of one among groups", shopper, token("u", "x", "shoppers", "y"), true},
		{"a token of both groups, once", shopper, token("u", "vip", "shoppers"), true},
		{"a token with a scalar", shopper, other(token("u"), func(c *identity.Caller) { c.Claims["group"] = text("vip") }), true},
		{"a token of no group", shopper, token("u"), false},
		{"values count their case", shopper, token("u", "VIP"), false},
		{"a group's name in a longer one", shopper, token("u", "vip2", "xvip", "vip shoppers", "[vip]"), false},
		{"a star is no wildcard on the token's side", shopper, token("u", "*"), false},
		{"a token without the claim", shopper, other(token("u"), func(c *identity.Caller) { c.Claims = nil }), false},
		{"another issuer", shopper, other(token("u", "vip"), func(c *identity.Caller) { c.Issuer = issuer + "/" }), false},
		{"another audience", shopper, other(token("u", "vip"), func(c *identity.Caller) { c.Audiences = []string{"x"} }), false},
		{"no audience", shopper, other(token("u", "vip"), func(c *identity.Caller) { c.Audiences = nil }), false},
		{"one audience among several, twice", shopper, other(token("u", "vip"), func(c *identity.Caller) { c.Audiences = []string{"x", audience, audience} }), true},
		{"a token of no kind", shopper, other(token("u", "vip"), func(c *identity.Caller) { c.Kind = identity.NoKind }), false},
		{"a token that says it is a principal", shopper, other(token("u", "vip"), func(c *identity.Caller) { c.Kind = identity.IAM }), false},
		{"any token of the issuer", tokenCaller(""), token("u"), true},
		{"a principal with a token's issuer", tokenCaller(""), other(role("x"), func(c *identity.Caller) { c.Issuer, c.Audiences = issuer, []string{audience} }), false},
		{"the zero caller, by account", account, identity.Caller{Kind: identity.IAM}, false},
		{"the zero caller, by token", tokenCaller(""), identity.Caller{Kind: identity.JWT}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := bears(t, tc.caller, tc.who); got != tc.want {
				t.Errorf("matches: %v, want %v", got, tc.want)
			}
		})
	}
}

func TestEachClaimMustMatch(t *testing.T) {
	k := tokenCaller("group", "vip", "staff")
	k.JWT.Claims["env"], k.JWT.Claims["verified"] = []string{"prod", "test"}, []string{"true"}
	full := map[string]identity.Claim{"group": {Values: []string{"x", "staff"}, List: true}, "env": text("prod"), "verified": text("true")}
	for _, drop := range []string{"", "group", "env", "verified"} {
		who := token("u")
		who.Claims = map[string]identity.Claim{}
		for name, claim := range full {
			if name != drop {
				who.Claims[name] = claim
			}
		}
		if bears(t, k, who) != (drop == "") {
			t.Errorf("without %q: wrong", drop)
		}
		if drop != "" {
			who.Claims[drop] = text("other")
			if bears(t, k, who) {
				t.Errorf("with another %s it matches", drop)
			}
		}
	}
}

// A wildcard means [^:/]*, whatever it stands beside.
func TestWildcardsProperty(t *testing.T) {
	var yes, no int
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*](/?[ab*]){0,6}`).Draw(t, "pattern")
		name := rapid.StringMatching(`[ab](/?[ab]){0,6}`).Draw(t, "name")
		if rapid.Bool().Draw(t, "alike") {
			name = regexp.MustCompile(`\*`).ReplaceAllStringFunc(pattern, func(string) string {
				return rapid.StringMatching(`[ab]{0,2}/?[ab]?`).Draw(t, "star")
			})
		}
		kind, k := arn.User, allowlist.IAMCaller{User: "arn:aws:iam::444455556666:user/" + pattern}
		if !strings.Contains(pattern, "/") && rapid.Bool().Draw(t, "role") {
			kind, k = arn.Role, allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/" + pattern}
		}
		want := regexp.MustCompile(`\A` + strings.ReplaceAll(pattern, "*", `[^:/]*`) + `\z`).MatchString(name)
		doc := rules(allow("a", "it", "GET /x"))
		doc.Callers = map[string]allowlist.Caller{"it": {IAM: &k}}
		list, err := allowlist.Compile(doc)
		if err != nil {
			t.Fatal(err)
		}
		if want {
			yes++
		} else {
			no++
		}
		if got := len(list.Names(principal("444455556666", kind, name, "s"))) == 1; got != want {
			t.Fatalf("%q matches %q: %v, want %v", pattern, name, got, want)
		}
	})
	t.Logf("%d match, %d do not", yes, no)
	if min(yes, no)*10 < yes+no {
		t.Errorf("one answer is too rare: %d and %d", yes, no)
	}
}

func TestAccess(t *testing.T) {
	doc := rules(
		allow("a", "billing", "GET /x"), allow("b", "ci", "GET /y"), deny("everywhere", "*", "DELETE /*"),
		allowlist.Rule{ID: "any", Callers: []string{"*"}, Target: "zoo", Routes: []string{"GET /", "DELETE /x"}, MaxDuration: "20m"},
		allowlist.Rule{ID: "any-2", Callers: []string{"*"}, Target: "zoo", Routes: []string{"HEAD /"}},
		allowlist.Rule{ID: "shut", Callers: []string{"billing"}, Target: "ark", Effect: "deny"},
		allowlist.Rule{ID: "open", Callers: []string{"billing"}, Target: "ark", Routes: []string{"GET /"}},
	)
	for _, name := range []string{"zoo", "ark"} {
		target := doc.Targets["orders"]
		target.RequireRoutes = true
		doc.Targets[name] = target
	}
	list := compile(t, doc)
	for name, want := range map[string]string{
		"billing":  "orders: GET /x - DELETE /*; zoo: GET /, DELETE /x, HEAD /",
		"ci-1":     "orders: GET /y - DELETE /*; zoo: GET /, DELETE /x, HEAD /",
		"stranger": "",
	} {
		var got []string
		for _, d := range list.Access(role(name)) {
			got = append(got, d.Grant.Target.Name+": "+write(d))
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s: got %q, want %q", name, strings.Join(got, "; "), want)
		}
	}
	if got, want := write(list.Decide(role("billing"), allowlist.Request{Target: "zoo"})), `invalid_request: target zoo asks each request to name its routes; add routes, such as ["GET /"]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if targets, callers, rules := list.Size(); targets != 3 || callers != 5 || rules != 7 {
		t.Errorf("Size: %d %d %d", targets, callers, rules)
	}
	if !strings.HasPrefix(list.Digest(), "sha256:") || list.Digest() != doc.Digest() {
		t.Errorf("Digest: %s", list.Digest())
	}
}

// What one caller asks must not show in what the next one is told.
func TestAccessLeavesTheListAlone(t *testing.T) {
	doc := rules(allowlist.Rule{ID: "own", Callers: []string{"billing"}, Target: "ark", Routes: []string{"GET /"}})
	doc.Targets["ark"] = doc.Targets["orders"]
	for _, name := range []string{"x1", "x2", "x3", "x4", "x5"} {
		doc.Targets[name] = doc.Targets["orders"]
		doc.Rules = append(doc.Rules, allowlist.Rule{ID: name, Callers: []string{"*"}, Target: name, Routes: []string{"GET /"}})
	}
	list := compile(t, doc)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if a, b := len(list.Access(role("billing"))), len(list.Access(role("ci-1"))); a != 6 || b != 5 {
					t.Errorf("got %d and %d targets, want 6 and 5", a, b)
				}
			}
		})
	}
	all.Wait()
}
