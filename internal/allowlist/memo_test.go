package allowlist_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

// drawList draws a list in which much concerns the same identities: rules of
// every kind, templates, tags that clash, targets that want routes or no tags.
func drawList(t *rapid.T) *allowlist.List {
	doc := story()
	doc.Callers, doc.Rules = map[string]allowlist.Caller{}, nil
	no := false
	doc.Targets["bare"] = allowlist.Target{Role: doc.Targets["orders"].Role, API: doc.Targets["orders"].API, RequireRoutes: rapid.Bool().Draw(t, "require"), SessionTags: &no}
	var all []string
	for i := range rapid.IntRange(4, 10).Draw(t, "callers") {
		name := fmt.Sprintf("k%02d", i)
		k := drawCaller(t)
		if rapid.IntRange(0, 3).Draw(t, "tagged") == 0 {
			k.Tags = map[string]string{aValue.Draw(t, "key"): rapid.SampledFrom([]string{"v", "w", "${caller.name}"}).Draw(t, "tag")}
		}
		doc.Callers[name] = k
		all = append(all, name)
	}
	for i := range rapid.IntRange(1, 8).Draw(t, "rules") {
		r := allow(fmt.Sprint("r", i), "*")
		r.Target = rapid.SampledFrom([]string{"orders", "orders", "bare"}).Draw(t, "target")
		if rapid.IntRange(0, 2).Draw(t, "for all") > 0 {
			r.Callers = rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 3, rapid.ID[string]).Draw(t, "names")
		}
		r.Routes = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"GET /x", "GET /x/*", "* /x/1", "PUT /y", "* /*", "GET /own/${caller.name}", "DELETE /x/*", "GET /x/1"}), 1, 3, rapid.ID[string]).Draw(t, "routes")
		jwt := func(name string) bool { return doc.Callers[name].JWT != nil }
		if r.Callers[0] != "*" && !slices.ContainsFunc(r.Callers, func(n string) bool { return !jwt(n) }) && rapid.Bool().Draw(t, "claims") {
			r.Routes = append(r.Routes, "GET /of/${claims.group}")
		}
		pinned := slices.ContainsFunc(r.Callers, func(n string) bool { return doc.Callers[n].IAM != nil && doc.Callers[n].IAM.RoleID != "" })
		switch kind := rapid.IntRange(0, 8).Draw(t, "kind"); {
		case kind <= 2 && !pinned:
			r.Effect = allowlist.Deny
			if kind == 0 {
				r.Routes = nil
			}
		case kind == 3:
			r.MaxDuration = rapid.SampledFrom([]string{"15m", "20m", "1h"}).Draw(t, "duration")
		}
		doc.Rules = append(doc.Rules, r)
	}
	list, err := allowlist.Compile(doc)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func drawRequest(t *rapid.T) allowlist.Request {
	req := allowlist.Request{Target: rapid.SampledFrom([]string{"orders", "orders", "bare", "none"}).Draw(t, "target")}
	for _, text := range rapid.SliceOfN(rapid.SampledFrom([]string{"GET /x", "GET /x/1", "* /x/1", "GET /x/*", "* /*", "POST /z"}), 0, 2).Draw(t, "asked") {
		r, err := route.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		req.Routes = append(req.Routes, r)
	}
	return req
}

// show is all that anybody can see of a decision.
func show(d allowlist.Decision) string {
	s := fmt.Sprintf("%q %+v %s", d.Callers, d.Tried, write(d))
	if g := d.Grant; g != nil {
		policy, denied := g.SessionPolicy()
		s += fmt.Sprintf(" %+v %s %q %v %v %q %+v %v %s %s %v", g.Target, g.CallerName, g.Callers, g.Routes, g.Denied, g.Rules, g.Tags, g.MaxDuration, g.LimitedBy, policy, denied)
		if want, _ := allowlist.SessionPolicy(g.Target.Stage, g.Routes, g.Denied); policy != want {
			s += " BUT ITS POLICY IS " + want
		}
	}
	return s
}

// A list decides alike whether its memo is cold, warm or not there, in
// whatever order it is asked, and whatever is done to its earlier decisions.
func TestMemoCannotBeSeen(t *testing.T) {
	var allowed, kept int
	rapid.Check(t, func(t *rapid.T) {
		list := drawList(t)
		bare := list.WithoutMemo()
		type question struct {
			who identity.Caller
			req allowlist.Request
		}
		var asked []question
		for range 12 {
			asked = append(asked, question{drawIdentity(t), drawRequest(t)})
		}
		for round := range 3 { // cold or warmed by others, warm, warm
			for _, q := range asked {
				d, want := list.Decide(q.who, q.req), bare.Decide(q.who, q.req)
				if show(d) != show(want) {
					t.Fatalf("round %d: %+v, %+v\nwith memo %s\nwithout   %s", round, q.who, q.req, show(d), show(want))
				}
				if d.Allowed() {
					allowed++
				}
				for name, pair := range map[string][2]allowlist.Decision{
					"AccessTo": {list.AccessTo(q.who, q.req.Target), bare.AccessTo(q.who, q.req.Target)},
				} {
					if show(pair[0]) != show(pair[1]) {
						t.Fatalf("round %d: %s: with memo %s\nwithout %s", round, name, show(pair[0]), show(pair[1]))
					}
					ruin(pair[0])
				}
				if a, b := list.Access(q.who), bare.Access(q.who); len(a) != len(b) {
					t.Fatalf("round %d: %d targets with memo, %d without", round, len(a), len(b))
				}
				ruin(d)
			}
		}
		kept += list.Kept()
	})
	if allowed == 0 || kept == 0 {
		t.Errorf("%d decisions allowed, %d plans kept: the test tries nothing", allowed, kept)
	}
}

// ruin writes over all of a decision that can be written to, and behind the
// end of it.
func ruin(d allowlist.Decision) {
	spoil(d.Callers, "ruined")
	spoil(d.Tried, allowlist.Tried{Rule: "ruined"})
	if d.Refusal() != nil {
		d.Refusal().Text = "ruined"
	}
	if g := d.Grant; g != nil {
		everything, _ := route.Parse("* /*")
		spoil(g.Callers, "ruined")
		spoil(g.Routes, everything)
		spoil(g.Denied, everything)
		spoil(g.Rules, "ruined")
		spoil(g.Tags, allowlist.Tag{Key: "ruined"})
		*g = allowlist.Grant{}
	}
}

func spoil[T any](s []T, with T) {
	s = s[:cap(s)]
	for i := range s {
		s[i] = with
	}
}

// Each part of a decision is its own: what is appended to one does not show in
// another.
func TestPartsOfADecisionStandApart(t *testing.T) {
	list := compile(t, rules(allow("a", "billing", "GET /x", "GET /y"), deny("d", "*", "DELETE /*")))
	for range 3 {
		d := list.Decide(role("billing"), ask(t))
		before := show(d)
		g := d.Grant
		_ = append(g.Callers, "more")
		_ = append(d.Callers, "more")
		_ = append(g.Rules, "more")
		_ = append(g.Routes, parse(t, "* /*")...)
		_ = append(g.Denied, parse(t, "* /*")...)
		if after := show(d); after != before {
			t.Errorf("got %s\nwas %s", after, before)
		}
		d.Callers[0] = "other"
		if g.Callers[0] != "billing" {
			t.Error("the grant's callers are those of the decision")
		}
	}
}

// Many ask at once while the memo fills and overflows; each gets its own.
func TestMemoIsSafeAndBounded(t *testing.T) {
	const n = 5_000
	list := compile(t, crowdedStory(n))
	bare := list.WithoutMemo()
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range n {
				who := role(fmt.Sprint("other-", (i*(2*worker+1))%n))
				d := list.Decide(who, ask(t))
				if i%50 == 0 && show(d) != show(bare.Decide(who, ask(t))) {
					t.Errorf("%s gets %s", who.Principal, show(d))
				}
				if !d.Allowed() || !strings.HasPrefix(write(d), "GET /x/"+strings.TrimPrefix(who.Principal.Name, "other-")+",") {
					t.Errorf("%s gets %s", who.Principal, write(d))
				}
			}
		})
	}
	wg.Wait()
	if kept := list.Kept(); kept < 100 || kept > 2048 {
		t.Errorf("%d plans are kept", kept)
	}
}

// Large plans are not kept: a short list could make thousands of them.
func TestLargePlansAreNotKept(t *testing.T) {
	for _, c := range []struct{ rules, routes, kept int }{{64, 2, 1}, {65, 1, 0}, {1, 128, 1}, {1, 129, 0}} {
		var all []allowlist.Rule
		for i := range c.rules {
			r := allow(fmt.Sprint("r", i), "*")
			for j := range c.routes {
				r.Routes = append(r.Routes, fmt.Sprintf("GET /%d/%d", i, j))
			}
			all = append(all, r)
		}
		doc := rules(all...)
		target(func(t *allowlist.Target) { t.RequireRoutes = true })(doc)
		list := compile(t, doc)
		if list.AccessTo(role("billing"), "orders"); list.Kept() != c.kept {
			t.Errorf("%+v: %d are kept", c, list.Kept())
		}
	}
}

// A caller's plan for one target is never taken for that of another.
func TestMemoTellsTargetsApart(t *testing.T) {
	const n = 3_000
	doc := rules()
	for i := range n {
		name := fmt.Sprint("target-", i)
		doc.Targets[name] = doc.Targets["orders"]
		r := allow(name, "billing", fmt.Sprint("GET /x/", i))
		r.Target = name
		doc.Rules = append(doc.Rules, r)
	}
	list := compile(t, doc)
	for range 2 {
		for i := range n {
			d := list.Decide(role("billing"), allowlist.Request{Target: fmt.Sprint("target-", i)})
			if got, want := write(d), fmt.Sprint("GET /x/", i); got != want {
				t.Fatalf("target %d: got %s", i, got)
			}
		}
	}
}

// crowdedStory has n callers with a rule of their own each.
func crowdedStory(n int) *allowlist.Document {
	doc := rules(allow("all", "*", "GET /all"))
	doc.Callers["a"] = roleCaller("other-*") // the first name of all of them
	for i := range n {
		name := fmt.Sprint("c", i)
		doc.Callers[name] = roleCaller(fmt.Sprint("other-", i))
		doc.Rules = append(doc.Rules, allow(name, name, fmt.Sprint("GET /x/", i)))
	}
	slices.Reverse(doc.Rules)
	return doc
}

// A refusal is not kept: whoever gets it may write to it.
func TestClashesAreNotKept(t *testing.T) {
	doc := rules(allow("a", "*", "GET /x"))
	for name, value := range map[string]string{"one": "v", "two": "w"} {
		k := roleCaller("clash-*")
		k.Tags = map[string]string{"team": value}
		doc.Callers[name] = k
	}
	list := compile(t, doc)
	first := list.Decide(role("clash-1"), ask(t))
	want := show(first)
	ruin(first)
	if got := show(list.Decide(role("clash-1"), ask(t))); got != want || first.Allowed() {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What only one identity's values give is never kept for another.
func TestPersonalPlansAreNotKept(t *testing.T) {
	list := compile(t, rules(allow("own", "shopper", "GET /users/${claims.sub}/*")))
	for _, sub := range []string{"u1", "u2", "u1"} {
		for range 2 {
			if got, want := write(list.Decide(token(sub, "shoppers"), ask(t))), "GET /users/"+sub+"/*"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	}
	if n := list.Kept(); n != 0 {
		t.Errorf("%d plans are kept", n)
	}
	if first, second := show(list.Decide(token("u1", "shoppers"), ask(t))), show(list.Decide(token("u1", "shoppers"), ask(t))); first != second {
		t.Errorf("%s, then %s", first, second)
	}
}
