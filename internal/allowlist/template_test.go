package allowlist_test

import (
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/identity"
)

func TestTemplateValues(t *testing.T) {
	const unusable = `denied: rule own cannot be applied to you: your value for ${claims["id"]} cannot be used: it must be one text of 1 to 128 letters, digits and ._@+=,- that does not begin with one of .@+=,`
	for _, tc := range []struct {
		name  string
		claim identity.Claim
		want  string
	}{
		{"a word", text("alice"), "GET /users/alice/*"},
		{"a UUID", text("3f2504e0-4f89-11d3-9a0c-0305e82c3301"), "GET /users/3f2504e0-4f89-11d3-9a0c-0305e82c3301/*"},
		{"an address", text("a.b+c@example.com"), "GET /users/a.b+c@example.com/*"},
		{"every other character that is taken", text("-_,=9Z"), "GET /users/-_,=9Z/*"},
		{"numeric, as identity renders it", text("1700000000"), "GET /users/1700000000/*"},
		{"128 characters", text(strings.Repeat("a", 128)), "GET /users/" + strings.Repeat("a", 128) + "/*"},
		{"129 characters", text(strings.Repeat("a", 129)), unusable},
		{"10 KiB", text(strings.Repeat("a", 10<<10)), unusable},
		{"empty", text(""), unusable},
		{"a star", text("*"), unusable},
		{"a star behind a letter", text("a*"), unusable},
		{"a question mark", text("a?"), unusable},
		{"a policy variable", text("${aws:username}"), unusable},
		{"a template", text("${caller.name}"), unusable},
		{"a dollar", text("a$"), unusable},
		{"a slash", text("a/b"), unusable},
		{"a backslash", text(`a\b`), unusable},
		{"a space", text("a b"), unusable},
		{"a trailing newline", text("alice\n"), unusable},
		{"a NUL", text("a\x00"), unusable},
		{"a quote", text(`a"`), unusable},
		{"percent-encoding", text("a%2fb"), unusable},
		{"one dot", text("."), unusable},
		{"two dots", text(".."), unusable},
		{"a leading dot", text(".a"), unusable},
		{"a leading plus", text("+a"), unusable},
		{"a leading comma", text(",a"), unusable},
		{"dots behind a letter are no dot segment", text("a.."), "GET /users/a../*"},
		{"not ASCII", text("älice"), unusable},
		{"full-width letters", text("ａ"), unusable},
		{"broken UTF-8", text("a\xff"), unusable},
		{"a colon", text("a:b"), unusable},
		{"a list", identity.Claim{Values: []string{"alice", "bob"}, List: true}, unusable},
		{"a list of one", identity.Claim{Values: []string{"alice"}, List: true}, unusable},
		{"an empty list", identity.Claim{List: true}, unusable},
		{"nested or null", identity.Claim{}, unusable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			doc := rules(allow("health", "shopper", "GET /health"), allow("own", "shopper", "GET /users/${claims.id}/*"))
			who := token("u1", "shoppers")
			who.Claims["id"] = tc.claim
			d := compile(t, doc).Decide(who, ask(t))
			want := tc.want
			if want != unusable {
				want = "GET /health, " + want
			}
			if got := write(d); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			// A bad value refuses whatever other rules say, and whatever is asked.
			if d := compile(t, doc).Decide(who, ask(t, "GET /health")); d.Allowed() == (tc.want == unusable) {
				t.Errorf("asking for another rule's route: %s", write(d))
			}
			for _, tried := range d.Tried {
				if v, _ := tc.claim.Scalar(); len(v) > 2 && strings.Contains(tried.Why, v) {
					t.Errorf("a reason holds the claim's value: %s", tried.Why)
				}
			}
		})
	}
}

func TestTemplates(t *testing.T) {
	const tooLong = 400
	for _, tc := range []struct {
		name  string
		rules []allowlist.Rule
		who   identity.Caller
		want  string
	}{
		{"a missing value makes an allow rule not match", []allowlist.Rule{allow("a", "shopper", "GET /${claims.tenant}"), allow("b", "shopper", "GET /x")}, token("u1", "shoppers"), "GET /x"},
		{"a missing value makes the whole allow rule not match", []allowlist.Rule{allow("a", "shopper", "GET /fixed", "GET /${claims.tenant}")}, token("u1", "shoppers"), nothing},
		{"a missing value makes a deny rule refuse", []allowlist.Rule{allow("a", "shopper", "GET /x"), deny("d", "shopper", "GET /${claims.tenant}")}, token("u1", "shoppers"), `denied: rule d cannot be applied to you: your identity has no value for ${claims["tenant"]}`},
		{"a missing value in a deny rule, in its last route", []allowlist.Rule{allow("a", "shopper", "GET /x"), deny("d", "shopper", "GET /y", "GET /${claims.tenant}")}, token("u1", "shoppers"), `denied: rule d cannot be applied to you: your identity has no value for ${claims["tenant"]}`},
		{"a bad value makes a deny rule refuse", []allowlist.Rule{allow("a", "shopper", "GET /x"), deny("d", "shopper", "GET /${claims.sub}")}, token("*", "shoppers"), `denied: rule d cannot be applied to you: your value for ${claims["sub"]} cannot be used: it must be one text of 1 to 128 letters, digits and ._@+=,- that does not begin with one of .@+=,`},
		{"a bad value counts for more than a missing one, behind it", []allowlist.Rule{allow("a", "shopper", "GET /${claims.tenant}", "GET /${claims.sub}"), allow("b", "shopper", "GET /x")}, token("../..", "shoppers"), `denied: rule a cannot be applied to you: your value for ${claims["sub"]} cannot be used: it must be one text of 1 to 128 letters, digits and ._@+=,- that does not begin with one of .@+=,`},
		{"a bad value counts for more than a missing one, in one route", []allowlist.Rule{allow("a", "shopper", "GET /${claims.tenant}/${claims.sub}"), allow("b", "shopper", "GET /x")}, token("../..", "shoppers"), `denied: rule a cannot be applied to you: your value for ${claims["sub"]} cannot be used: it must be one text of 1 to 128 letters, digits and ._@+=,- that does not begin with one of .@+=,`},
		{"a quoted claim", []allowlist.Rule{allow("a", "shopper", `GET /users/${claims["sub"]}`)}, token("u1", "shoppers"), "GET /users/u1"},
		{"two variables", []allowlist.Rule{allow("a", "shopper", `GET /${caller.name}/${claims.sub}/*`)}, token("u1", "shoppers"), "GET /shopper/u1/*"},
		{"a value is not a template", []allowlist.Rule{allow("a", "shopper", `GET /${claims.sub}/x`)}, token("claims.sub", "shoppers"), "GET /claims.sub/x"},
		{"the account", []allowlist.Rule{allow("a", "billing", `GET /${caller.account}/*`)}, role("billing"), "GET /444455556666/*"},
		{"the caller's name, once for each that matches", []allowlist.Rule{allow("a", "billing ci", `GET /${caller.name}`)}, role("ci-1"), "GET /ci"},
		{"a deny for each name that matches", []allowlist.Rule{allow("a", "shopper", "GET /*"), deny("d", "*", "GET /${caller.name}")}, token("u1", "shoppers", "admins"), "GET /* - GET /admin, GET /shopper"},
		{"a value that makes the route too long", []allowlist.Rule{allow("a", "shopper", "GET /"+strings.Repeat("x", tooLong)+"/${claims.sub}")}, token(strings.Repeat("u", 128), "shoppers"), `denied: rule a cannot be applied to you: with your value for ${claims["sub"]} the route is longer than 512 characters`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			doc := rules(tc.rules...)
			doc.Callers["admin"] = tokenCaller("group", "admins")
			if got := write(compile(t, doc).Decide(tc.who, ask(t))); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestTemplatesThatDoNotCompile(t *testing.T) {
	for _, tc := range []struct{ name, caller, route, want string }{
		{"part of a segment, behind", "shopper", "GET /u-${claims.sub}", "a variable must fill a whole path segment"},
		{"part of a segment, before", "shopper", "GET /${claims.sub}*", "a variable must fill a whole path segment"},
		{"two in a segment", "shopper", "GET /${claims.sub}${claims.sub}", "a variable must fill a whole path segment"},
		{"the method", "shopper", "${claims.sub} /x", "a variable must fill a whole path segment"},
		{"the whole path", "shopper", "GET ${claims.sub}", "a variable must fill a whole path segment"},
		{"the whole route", "shopper", "${claims.sub}", "a variable must fill a whole path segment"},
		{"a query", "shopper", "GET /${claims.sub}?x", "a variable must fill a whole path segment"},
		{"a fault elsewhere", "shopper", "GET /${claims.sub}/..", `the segment ".." is not allowed`},
		{"a second dollar", "shopper", "GET /$${claims.sub}", "a variable must fill a whole path segment"},
		{"a dollar elsewhere", "shopper", "GET /$x/${claims.sub}", "`$` is not allowed here"},
		{"no brace", "shopper", "GET /${claims.sub", "has no closing brace"},
		{"nothing", "shopper", "GET /${}", "is not a variable"},
		{"nothing behind", "shopper", "GET /${", "has no closing brace"},
		{"no claim", "shopper", "GET /${claims.}", "is written ${claims[\"NAME\"]}"},
		{"a claim with a colon, unquoted", "shopper", "GET /${claims.cognito:username}", "is written ${claims[\"NAME\"]}"},
		{"an empty quoted claim", "shopper", `GET /${claims[""]}`, "is not ${claims[\"NAME\"]}"},
		{"an open quote", "shopper", `GET /${claims["sub}`, "is not ${claims[\"NAME\"]}"},
		{"a quote in quotes", "shopper", `GET /${claims["a"b"]}`, "is not ${claims[\"NAME\"]}"},
		{"a session name", "billing", "GET /${caller.session}", "is not a variable"},
		{"a policy variable", "billing", "GET /${aws:username}", "is not a variable"},
		{"a claim of a principal", "billing", "GET /${claims.sub}", "the caller billing is an AWS principal and has no claims"},
		{"an account of a token", "shopper", "GET /${caller.account}", "the caller shopper is a token and has no account"},
		{"a claim of everybody", "*", "GET /${claims.sub}", "is an AWS principal and has no claims"},
		{"an account of everybody", "*", "GET /${caller.account}", "is a token and has no account"},
		{"too long", "shopper", "GET /${claims.sub}/" + strings.Repeat("x", 500), "at most 512"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, r := range []allowlist.Rule{allow("a", tc.caller, tc.route), deny("a", tc.caller, tc.route)} {
				got := problems(t, rules(r))
				if len(got) != 1 || !strings.Contains(got[0], tc.want) || !strings.HasPrefix(got[0], "rules[0].routes[0]: ") {
					t.Errorf("got %q\nwant one with %q", got, tc.want)
				}
			}
		})
	}
}
