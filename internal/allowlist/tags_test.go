package allowlist_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/identity"
)

type tags = map[string]string

// tagged gives the story callers that match the role ci-build, with tags.
func tagged(of map[string]tags) *allowlist.Document {
	doc := rules(allow("a", "ci", "GET /x"), allow("s", "shopper", "GET /x"))
	for name, tags := range of {
		k, known := doc.Callers[name]
		if !known {
			k = roleCaller("ci-build")
		}
		k.Tags = tags
		doc.Callers[name] = k
	}
	return doc
}

func TestTagsBelongToCallers(t *testing.T) {
	user := token("u1", "shoppers")
	user.Claims["tenant"] = text("acme")
	bad := token("u1", "shoppers")
	bad.Claims["tenant"] = text("acme corp/*")
	for _, tc := range []struct {
		name string
		tags map[string]tags
		who  identity.Caller
		want string // tags, or the refusal
	}{
		{"none", nil, role("ci-build"), "[]"},
		{"of all callers that match, by key", map[string]tags{"ci": {"team": "dev", "b": ""}, "builder": {"app": "build"}}, role("ci-build"), "[{app build} {b } {team dev}]"},
		{"not of callers that do not", map[string]tags{"ci": {"team": "dev"}, "billing": {"app": "bill"}}, role("ci-build"), "[{team dev}]"},
		{"one key, one value", map[string]tags{"ci": {"team": "dev"}, "builder": {"team": "dev"}}, role("ci-build"), "[{team dev}]"},
		{"one key in two cases, one value", map[string]tags{"ci": {"Team": "dev"}, "builder": {"team": "dev"}}, role("ci-build"), "[{team dev}]"},
		{"one key, two values", map[string]tags{"ci": {"team": "dev"}, "builder": {"team": "ops"}}, role("ci-build"), "denied: you match the callers builder, ci, which give the tag team different values; the allowlist's operator must settle which holds"},
		{"one key in two cases, two values", map[string]tags{"ci": {"TEAM": "dev"}, "builder": {"team": "ops"}}, role("ci-build"), "denied: you match the callers builder, ci, which give the tag TEAM different values; the allowlist's operator must settle which holds"},
		{"one key by folding, two values", map[string]tags{"ci": {"ſize": "s"}, "builder": {"size": "m"}}, role("ci-build"), "denied: you match the callers builder, ci, which give the tag ſize different values; the allowlist's operator must settle which holds"},
		{"a claim", map[string]tags{"shopper": {"tenant": "t/${claims.tenant}:${caller.name}"}}, user, "[{tenant t/acme:shopper}]"},
		{"an account", map[string]tags{"ci": {"from": "${caller.account}"}}, role("ci-build"), "[{from 444455556666}]"},
		{"a missing claim refuses", map[string]tags{"shopper": {"tenant": "${claims.tenant}"}}, token("u1", "shoppers"), `denied: the tag tenant of caller shopper cannot be worked out: your identity has no value for ${claims["tenant"]}`},
		{"a bad claim refuses", map[string]tags{"shopper": {"tenant": "${claims.tenant}"}}, bad, `denied: the tag tenant of caller shopper cannot be worked out: your value for ${claims["tenant"]} cannot be used: it must be one text of 1 to 128 letters, digits and ._@+=,- that does not begin with one of .@+=,`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := compile(t, tagged(tc.tags)).Decide(tc.who, ask(t))
			got := write(d)
			if d.Allowed() {
				got = fmt.Sprint(d.Grant.Tags)
			}
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestWithoutTagsOneCallerOnly(t *testing.T) {
	doc := tagged(map[string]tags{"builder": {"team": "ops"}, "ci": {"team": "dev"}})
	off := false
	target := doc.Targets["orders"]
	target.SessionTags = &off
	doc.Targets["orders"] = target
	list := compile(t, doc)
	if got, want := write(list.Decide(role("ci-build"), ask(t))), "denied: you match the callers builder, ci, and target orders sends no session tags to tell them apart; its operator must keep the callers apart or switch session_tags on"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	d := list.Decide(role("ci-other"), ask(t))
	if !d.Allowed() || d.Grant.Tags != nil || d.Grant.Target.SessionTags || !d.Grant.Target.SourceIdentity {
		t.Errorf("one caller: %s, %+v", write(d), d.Grant)
	}
}

func TestTagsThatDoNotCompile(t *testing.T) {
	many := tags{}
	for i := range 49 {
		many[fmt.Sprint("k", i)] = "v"
	}
	for _, tc := range []struct {
		name, caller string
		tags         tags
		want         string
	}{
		{"a key of AWS", "ci", tags{"AWS:x": "v"}, "tag keys beginning with aws: are AWS's own"},
		{"a key of AWS by folding", "ci", tags{"awſ:x": "v"}, "tag keys beginning with aws: are AWS's own"},
		{"a reserved key", "ci", tags{"credvend:callers": "v"}, "tag keys beginning with credvend: are reserved"},
		{"a reserved key in another case", "ci", tags{"CredVend:subject": "v"}, "tag keys beginning with credvend: are reserved"},
		{"an empty key", "ci", tags{"": "v"}, "is not a tag key"},
		{"a long key", "ci", tags{strings.Repeat("k", 129): "v"}, "is not a tag key"},
		{"a key with a star", "ci", tags{"k*": "v"}, "is not a tag key"},
		{"a key in two cases", "ci", tags{"Team": "v", "team": "v"}, "are one to STS"},
		{"a long value", "ci", tags{"k": strings.Repeat("é", 257)}, "longer than 256 characters"},
		{"a long value with a variable", "ci", tags{"k": strings.Repeat("v", 256) + "${caller.name}"}, "longer than 256 characters"},
		{"a value with a star", "ci", tags{"k": "*"}, "characters that STS takes in no tag"},
		{"a value with a comma", "ci", tags{"k": "a,b"}, "characters that STS takes in no tag"},
		{"a policy variable", "ci", tags{"k": "${aws:username}"}, "is not a variable"},
		{"an open variable", "ci", tags{"k": "${claims"}, "has no closing brace"},
		{"a claim of a principal", "ci", tags{"k": "${claims.sub}"}, "nothing to fill"},
		{"an account of a token", "shopper", tags{"k": "${caller.account}"}, "nothing to fill"},
		{"49 of them", "ci", many, "49 tags; STS takes 50, of which two are credvend's"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := problems(t, tagged(map[string]tags{tc.caller: tc.tags}))
			if len(got) != 1 || !strings.Contains(got[0], tc.want) {
				t.Errorf("got %q\nwant one with %q", got, tc.want)
			}
		})
	}
	delete(many, "k0")
	many["k1"] = strings.Repeat("é", 256)
	if got := problems(t, tagged(map[string]tags{"ci": many})); got != nil {
		t.Errorf("48 tags, one of 256 characters: %q", got)
	}
}

func TestTagText(t *testing.T) {
	for s, want := range map[string]bool{
		"": true, "abc XYZ 019_.:/=+-@": true, "größe": true, "東京": true, "\u00a0": true,
		"a,b": false, "*": false, "$": false, "a\nb": false, "a\x00": false, "\xff": false, "\ufffd": false, "😀": false, `"`: false,
	} {
		if allowlist.IsTagText(s) != want {
			t.Errorf("IsTagText(%q) is %v", s, !want)
		}
	}
}

func TestGrantsShareNoMemory(t *testing.T) {
	doc := tagged(map[string]tags{"ci": {"team": "dev"}})
	doc.Rules = append(doc.Rules, deny("d", "*", "DELETE /*"))
	list := compile(t, doc)
	// Neither a decision nor the document is a way into the list.
	before := list.Decide(role("ci-build"), ask(t))
	spoiled := list.Decide(role("ci-build"), ask(t))
	spoil := parse(t, "* /*")[0]
	spoiled.Grant.Routes[0], spoiled.Grant.Denied[0], spoiled.Grant.Tags[0].Value = spoil, spoil, "spoilt"
	spoiled.Grant.Callers[0], spoiled.Grant.Rules[0], spoiled.Tried[0].Rule = "spoilt", "spoilt", "spoilt"
	if spoiled.Callers[0] == "spoilt" {
		t.Error("a grant shares its callers with the decision")
	}
	spoiled.Callers[0] = "spoilt"
	for _, a := range list.Access(role("ci-build")) {
		a.Grant.Routes[0] = spoil
	}
	doc.Callers["shopper"].JWT.Claims["group"][0] = "everyone"
	doc.Callers["ci"].IAM.Role, doc.Callers["ci"].Tags["team"] = "arn:aws:iam::444455556666:role/*", "spoilt"
	doc.Rules[0].Routes[0], doc.Rules[0].Callers[0] = "* /*", "*"
	if after := list.Decide(role("ci-build"), ask(t)); !reflect.DeepEqual(before, after) { //nolint:govet // a Decision is compared whole, its refusal too
		t.Errorf("the list changed:\n%+v\n%+v", before.Grant, after.Grant)
	}
	if list.Decide(token("u", "everyone"), ask(t)).Allowed() || list.Decide(role("stranger"), ask(t)).Allowed() || !list.Decide(token("u", "shoppers"), ask(t)).Allowed() {
		t.Error("the document is a way into the list")
	}
}

// A tag that a claim fills is worked out for each who bears the name.
func TestTagsOfClaimsAreNotShared(t *testing.T) {
	doc := rules(allow("a", "shopper", "GET /x"))
	shopper := doc.Callers["shopper"]
	shopper.Tags = map[string]string{"user": "${claims.sub}"}
	doc.Callers["shopper"] = shopper
	list := compile(t, doc)
	for _, sub := range []string{"u1", "u2", "u1"} {
		for range 2 {
			got := list.Decide(token(sub, "shoppers"), ask(t)).Grant.Tags
			if want := []allowlist.Tag{{Key: "user", Value: sub}}; !slices.Equal(got, want) {
				t.Errorf("%s gets %v", sub, got)
			}
		}
	}
}
