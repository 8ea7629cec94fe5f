package allowlist_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

// The cases bear the sentences of the design.
func TestDeciding(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rules []allowlist.Rule
		who   identity.Caller
		ask   []string
		want  string
	}{
		{"deny is the default", []allowlist.Rule{allow("a", "billing", "GET /x")}, role("stranger"), nil, nothing},
		{"deny is the default: a rule for everyone is for every caller of the document", []allowlist.Rule{allow("a", "*", "GET /x")}, role("stranger"), nil, nothing},
		{"deny is the default: the zero caller is nobody", []allowlist.Rule{allow("a", "*", "GET /x")}, identity.Caller{}, nil, nothing},
		{"deny is the default: a known caller without a rule", []allowlist.Rule{allow("a", "ci", "GET /x")}, role("billing"), nil, nothing},
		{"a rule for everyone", []allowlist.Rule{allow("a", "*", "GET /x")}, role("billing"), nil, "GET /x"},
		{"a deny rule beats every allow, before it", []allowlist.Rule{deny("d", "billing", "GET /x"), allow("a", "billing", "GET /x", "GET /y")}, role("billing"), nil, "GET /y - GET /x"},
		{"a deny rule beats every allow, behind it", []allowlist.Rule{allow("a", "billing", "GET /x", "GET /y"), deny("d", "billing", "GET /x")}, role("billing"), nil, "GET /y - GET /x"},
		{"a deny rule beats every allow: nothing left", []allowlist.Rule{allow("a", "billing", "GET /x"), deny("d", "billing", "GET /*")}, role("billing"), nil, nothing},
		{"a deny rule of another caller", []allowlist.Rule{allow("a", "billing", "GET /x"), deny("d", "ci", "GET /*")}, role("billing"), nil, "GET /x"},
		{"all callers that match an identity count", []allowlist.Rule{allow("a", "ci", "GET /x"), allow("b", "builder", "GET /y")}, role("ci-build"), nil, "GET /x, GET /y"},
		{"all callers that match count for denies", []allowlist.Rule{allow("a", "ci", "GET /x", "GET /y"), deny("b", "builder", "GET /y")}, role("ci-build"), nil, "GET /x - GET /y"},
		{"rules whose routes overlap the request add up", []allowlist.Rule{allow("a", "billing", "GET /x"), allow("b", "billing", "POST /x"), allow("c", "billing", "GET /z")}, role("billing"), []string{"GET /x", "POST /x"}, "GET /x, POST /x"},
		{"a union of methods holds every method", []allowlist.Rule{allow("a", "billing", "GET /x", "HEAD /x", "POST /x", "PUT /x"), allow("b", "billing", "PATCH /x", "DELETE /x", "OPTIONS /x")}, role("billing"), []string{"* /x"}, "* /x"},
		{"routes are merged", []allowlist.Rule{allow("a", "billing", "GET /x/1"), allow("b", "billing", "GET /x/*"), allow("c", "billing", "GET /x/2")}, role("billing"), nil, "GET /x/*"},
		{"requested routes are merged", []allowlist.Rule{allow("a", "billing", "GET /*")}, role("billing"), []string{"GET /x/1", "GET /x/*", "GET /x/1"}, "GET /x/*"},
		{"less than the grant", []allowlist.Rule{allow("a", "billing", "GET /x/*")}, role("billing"), []string{"GET /x/1"}, "GET /x/1"},
		{"never more than the grant", []allowlist.Rule{allow("a", "billing", "GET /x/*", "GET /y")}, role("billing"), []string{"GET /x/1", "GET /*"}, `denied: route "GET /*" is not wholly inside your grant for target orders; the nearest granted route is "GET /x/*"`},
		{"never more: overlapping is not inside", []allowlist.Rule{allow("a", "billing", "GET /x/*")}, role("billing"), []string{"GET /*/1"}, `denied: route "GET /*/1" is not wholly inside your grant for target orders; the nearest granted route is "GET /x/*"`},
		{"never more: two halves do not hold the whole", []allowlist.Rule{allow("a", "billing", "GET /a*", "GET /b*", "GET /")}, role("billing"), []string{"GET /*"}, `denied: route "GET /*" is not wholly inside your grant for target orders; the nearest granted route is "GET /a*"`},
		{"never more: seven methods are not every text", []allowlist.Rule{allow("a", "billing", "GET /*", "HEAD /*", "POST /*", "PUT /*", "PATCH /*", "DELETE /*", "OPTIONS /*")}, role("billing"), []string{"* /*"}, `denied: route "* /*" is not wholly inside your grant for target orders; the nearest granted route is "GET /*"`},
		{"the nearest granted route is not a denied one", []allowlist.Rule{allow("a", "billing", "GET /x/1", "GET /y"), deny("d", "billing", "GET /x/1")}, role("billing"), []string{"GET /x/2"}, `denied: route "GET /x/2" is not wholly inside your grant for target orders; the nearest granted route is "GET /y"`},
		{"nothing is nearest where all is denied", []allowlist.Rule{allow("a", "billing", "GET /x/1"), deny("d", "billing", "GET /x/*")}, role("billing"), []string{"POST /x"}, nothing},
		{"a requested route wholly inside a deny is refused by name", []allowlist.Rule{allow("a", "billing", "* /*"), deny("far", "billing", "GET /y"), deny("no-x", "billing", "GET /x/*"), deny("part", "billing", "GET /x/1/2")}, role("billing"), []string{"GET /x/1/*"}, `denied: route "GET /x/1/*" is denied by rule no-x`},
		{"a route of every method may lie inside two denies", []allowlist.Rule{allow("a", "billing", "* /*"), deny("r", "billing", "GET /x", "HEAD /x", "OPTIONS /x"), deny("w", "billing", "POST /x", "PUT /x", "PATCH /x", "DELETE /x")}, role("billing"), []string{"* /x"}, `denied: route "* /x" is denied by rule r, w`},
		{"a requested route partly inside a deny is carved", []allowlist.Rule{allow("a", "billing", "* /*"), deny("d", "billing", "DELETE /*")}, role("billing"), []string{"* /x"}, "* /x - DELETE /*"},
		{"a deny rule without routes refuses the target", []allowlist.Rule{allow("a", "billing", "GET /x"), deny("d", "billing")}, role("billing"), nil, nothing},
		{"a deny rule without routes refuses the target, first", []allowlist.Rule{deny("d", "*"), allow("a", "billing", "GET /x")}, role("billing"), []string{"GET /x"}, nothing},
		{"a deny rule without routes for somebody else", []allowlist.Rule{allow("a", "billing", "GET /x"), deny("d", "ci")}, role("billing"), nil, "GET /x"},
		{"a deny that cannot be worked out does not show the target to strangers", []allowlist.Rule{allow("a", "ci", "GET /x"), deny("d", "shopper", "GET /${claims.tenant}")}, token("u1", "shoppers"), nil, nothing},
	} {
		t.Run(tc.name, func(t *testing.T) {
			doc := rules(tc.rules...)
			doc.Callers["builder"] = roleCaller("ci-build")
			got := write(compile(t, doc).Decide(tc.who, ask(t, tc.ask...)))
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestTargetThatDoesNotExistLooksLikeOneNotAllowed(t *testing.T) {
	list := compile(t, rules(allow("a", "billing", "GET /x"), deny("d", "operator")))
	for _, who := range []identity.Caller{role("billing"), role("stranger"), role("ci-1"), {}} {
		known := list.Decide(role("ci-1"), ask(t)).Refusal()
		unknown := list.Decide(who, allowlist.Request{Target: "secret"}).Refusal()
		if known.Kind != fault.Denied || unknown.Kind != known.Kind || strings.ReplaceAll(unknown.Text, "secret", "orders") != known.Text {
			t.Errorf("%q and %q can be told apart", known, unknown)
		}
	}
	long := list.Decide(role("billing"), allowlist.Request{Target: strings.Repeat("x", 10_000)})
	if n := len(long.Refusal().Public()); n > 300 {
		t.Errorf("the refusal repeats %d characters", n)
	}
}

func TestLongestDuration(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rules []allowlist.Rule
		ask   []string
		want  time.Duration
		by    string
	}{
		{"the target's", []allowlist.Rule{allow("a", "billing", "GET /x")}, nil, 45 * time.Minute, "target orders"},
		{"the smallest among them and the target", []allowlist.Rule{within("40m", allow("a", "billing", "GET /x")), within("20m", allow("b", "billing", "GET /y")), within("30m", allow("c", "billing", "GET /z"))}, nil, 20 * time.Minute, "rule b"},
		{"the target where rules say more", []allowlist.Rule{within("1h", allow("a", "billing", "GET /x"))}, nil, 45 * time.Minute, "target orders"},
		{"the target where a rule says the same", []allowlist.Rule{within("45m", allow("a", "billing", "GET /x"))}, nil, 45 * time.Minute, "target orders"},
		{"the first of two equal rules", []allowlist.Rule{within("20m", allow("a", "billing", "GET /x")), within("20m", allow("b", "billing", "GET /y"))}, nil, 20 * time.Minute, "rule a"},
		{"only rules that overlap the request", []allowlist.Rule{within("20m", allow("a", "billing", "GET /x")), within("30m", allow("b", "billing", "GET /y"))}, []string{"GET /y"}, 30 * time.Minute, "rule b"},
		{"a rule that overlaps without holding the route", []allowlist.Rule{within("20m", allow("a", "billing", "GET /y/1")), allow("b", "billing", "GET /*")}, []string{"GET /y/*"}, 20 * time.Minute, "rule a"},
		{"not another caller's", []allowlist.Rule{within("20m", allow("a", "ci", "GET /x")), allow("b", "billing", "GET /x")}, nil, 45 * time.Minute, "target orders"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			doc := rules(tc.rules...)
			target := doc.Targets["orders"]
			target.MaxDuration = "45m"
			doc.Targets["orders"] = target
			g := compile(t, doc).Decide(role("billing"), ask(t, tc.ask...)).Grant
			if g == nil || g.MaxDuration != tc.want || g.LimitedBy != tc.by {
				t.Errorf("got %+v, want %v by %s", g, tc.want, tc.by)
			}
		})
	}
}

func TestCallerNameIsOfTheFirstContributingAllowRule(t *testing.T) {
	doc := rules(
		deny("d", "aaa", "GET /secret"),
		allow("elsewhere", "aaa", "GET /elsewhere"),
		allow("own", "*", "GET /own/${caller.name}"),
		allow("both", "zzz aaa", "GET /x"),
		allow("last", "ci", "GET /x"),
	)
	delete(doc.Callers, "shopper")
	doc.Callers["aaa"], doc.Callers["zzz"] = roleCaller("ci-build"), roleCaller("ci-b*")
	list := compile(t, doc)
	for _, tc := range []struct{ ask, name, rules string }{
		{"GET /x", "zzz", "both last"},
		{"GET /elsewhere", "aaa", "elsewhere"},
		{"GET /own/ci", "ci", "own"},
		{"GET /own/zzz", "zzz", "own"},
	} {
		d := list.Decide(role("ci-build"), ask(t, tc.ask))
		if !d.Allowed() || d.Grant.CallerName != tc.name || strings.Join(d.Grant.Rules, " ") != tc.rules {
			t.Errorf("%s: %s, %+v; want %s of %s", tc.ask, write(d), d.Grant, tc.name, tc.rules)
		}
		if want := []string{"aaa", "ci", "zzz"}; !reflect.DeepEqual(d.Callers, want) || d.Grant != nil && !reflect.DeepEqual(d.Grant.Callers, want) {
			t.Errorf("%s: callers %v; all that match stand in the audit", tc.ask, d.Callers)
		}
	}
}

func TestRulesTried(t *testing.T) {
	list := compile(t, rules(
		allow("adds", "billing", "GET /x"),
		allow("elsewhere", "billing", "GET /y"),
		allow("not-mine", "ci", "GET /x"),
		deny("carves", "billing", "GET /x/1"), // inside nothing asked for
		deny("narrows", "*", "GET /*x"),
		allow("fills", "shopper", "GET /${claims.sub}"),
	))
	got := list.Decide(role("billing"), ask(t, "GET /x")).Tried
	want := []allowlist.Tried{
		{Rule: "adds", Effect: "allow", Verdict: allowlist.Contributes, Why: "its routes overlap the request"},
		{Rule: "elsewhere", Effect: "allow", Verdict: allowlist.NoMatch, Why: "its routes do not overlap the request"},
		{Rule: "carves", Effect: "deny", Verdict: allowlist.NoMatch, Why: "its routes do not overlap the request"},
		{Rule: "narrows", Effect: "deny", Verdict: allowlist.Restricts, Why: "its routes are carved out of the grant"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	whole := compile(t, rules(allow("a", "billing", "GET /x"), deny("all", "billing"), allow("b", "billing", "GET /y")))
	got = whole.Decide(role("billing"), ask(t)).Tried
	if len(got) != 3 || got[1] != (allowlist.Tried{Rule: "all", Effect: "deny", Verdict: allowlist.Refuses, Why: "denies the whole target"}) {
		t.Errorf("reasons are not complete: %+v", got)
	}
}

func TestRoutesThatWereNeverParsed(t *testing.T) {
	list := compile(t, rules(allow("a", "billing", "* /*")))
	d := list.Decide(role("billing"), allowlist.Request{Target: "orders", Routes: []route.Route{{}}})
	if d.Allowed() {
		t.Errorf("the zero route is granted: %s", write(d))
	}
}

func TestZeroValuesDeny(t *testing.T) {
	if d := (allowlist.Decision{}); d.Allowed() || d.Refusal() == nil || d.Refusal().Kind != fault.Denied {
		t.Error("the zero decision does not deny")
	}
	var list allowlist.List
	if d := list.Decide(role("billing"), ask(t)); d.Allowed() || list.Access(role("billing")) != nil || list.Digest() != "" {
		t.Errorf("the zero list allows: %s", write(d))
	}
	if compile(t, story()).Decide(role("billing"), ask(t)).Refusal() != nil {
		t.Error("an allowed decision has a refusal")
	}
}
