package analysis

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/analysis/population"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

// requests are all requests over a small alphabet that are read alike by
// everybody, one method that rules name and one that they do not among them.
var requests = func() (all []route.Route) {
	paths := []string{"/"}
	for from, n := 0, 0; n < 4; n++ {
		to := len(paths)
		for _, p := range paths[from:to] {
			for _, c := range "ab/" {
				paths = append(paths, p+string(c))
			}
		}
		from = to
	}
	for _, p := range paths {
		for _, m := range []string{"GET", "DELETE", "PUT"} {
			if r := must(m + " " + p); r != (route.Route{}) {
				all = append(all, r)
			}
		}
	}
	return all
}()

// parsed keeps routes that were read, of which there are few.
var parsed = map[string]route.Route{}

func read(text string) route.Route {
	r, known := parsed[text]
	if !known {
		r = must(text)
		parsed[text] = r
	}
	return r
}

// passes asks the compiled list, as the function does, whether an identity may
// make one request.
func passes(l *allowlist.List, c identity.Caller, r route.Route) bool {
	return l.Decide(c, allowlist.Request{Target: "t", Routes: []route.Route{r}}).Allowed()
}

// globs is what `*` means, in the fewest words: the matcher of neither side.
func globs(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return globs(pattern[1:], text) || text != "" && globs(pattern, text[1:])
	}
	return text != "" && pattern[0] == text[0] && globs(pattern[1:], text[1:])
}

func asks(asked, r route.Route) bool {
	return (asked.Method() == "*" || asked.Method() == r.Method()) && globs(asked.Path(), r.Path())
}

var (
	aMethod = rapid.SampledFrom([]string{"GET", "GET", "DELETE", "*"})
	aPath   = rapid.SampledFrom([]string{"/", "/*", "/a", "/a*", "/a/*", "/*a", "/*/a", "/a/*b", "/b", "/b/*", "/ab", "/a/b*", "/*b*", "/a/b"})
	aRoute  = rapid.Custom(func(t *rapid.T) string { return aMethod.Draw(t, "method") + " " + aPath.Draw(t, "path") })
	aName   = rapid.SampledFrom([]string{"a", "b", "ab", "a*", "*b", "*", "b*a", "a*b"})
)

const (
	account = "444455556666"
	other   = "777788889999"
	pin     = "AROAEXAMPLEBILLING00"
)

func drawCallers(t *rapid.T) map[string]allowlist.Caller {
	out := map[string]allowlist.Caller{}
	for i := range rapid.IntRange(1, 4).Draw(t, "callers") {
		k := allowlist.Caller{}
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			k.IAM = &allowlist.IAMCaller{Account: rapid.SampledFrom([]string{account, other}).Draw(t, "account")}
		case 1, 2:
			k.IAM = &allowlist.IAMCaller{Role: "arn:aws:iam::" + account + ":role/" + aName.Draw(t, "name")}
			if !strings.Contains(k.IAM.Role, "*") && rapid.Bool().Draw(t, "pinned") {
				k.IAM.RoleID = pin
			}
		default:
			k.JWT = &allowlist.JWTCaller{Issuer: "https://idp.example.com", Audience: rapid.SampledFrom([]string{"one", "two"}).Draw(t, "aud")}
			if rapid.Bool().Draw(t, "claims") {
				k.JWT.Claims = map[string][]string{rapid.SampledFrom([]string{"group", "tenant"}).Draw(t, "claim"): rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b"}), 1, 2, rapid.ID[string]).Draw(t, "values")}
			}
		}
		if rapid.IntRange(0, 3).Draw(t, "tagged") == 0 {
			k.Tags = map[string]string{"team": rapid.SampledFrom([]string{"x", "y"}).Draw(t, "tag")}
		}
		out[fmt.Sprintf("k%d", i)] = k
	}
	return out
}

// drawList draws a list that compiles; mostly with the callers given.
func drawList(t *rapid.T, callers map[string]allowlist.Caller) Subject {
	var names []string
	tokens := true
	for _, name := range sortedKeys(callers) {
		names = append(names, name)
		tokens = tokens && callers[name].JWT != nil
	}
	doc := &allowlist.Document{
		Version: 1,
		Targets: map[string]allowlist.Target{"t": {Role: "arn:aws:iam::111122223333:role/r", API: "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default", RequireRoutes: true}},
		Callers: callers,
	}
	if rapid.IntRange(0, 5).Draw(t, "untagged") == 0 {
		off := false
		t := doc.Targets["t"]
		t.SessionTags = &off
		doc.Targets["t"] = t
	}
	for i := range rapid.IntRange(1, 5).Draw(t, "rules") {
		r := allowlist.Rule{ID: fmt.Sprintf("r%d", i), Target: "t", Callers: []string{"*"}}
		if rapid.IntRange(0, 4).Draw(t, "for all") > 0 {
			r.Callers = rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, len(names), rapid.ID[string]).Draw(t, "names")
		}
		if rapid.IntRange(0, 2).Draw(t, "deny") == 0 {
			r.Effect = allowlist.Deny
			r.Callers = slices.DeleteFunc(r.Callers, func(n string) bool { k := callers[n].IAM; return k != nil && k.RoleID != "" })
			if len(r.Callers) == 0 {
				r.Callers = []string{"*"}
			}
		}
		r.Routes = rapid.SliceOfNDistinct(aRoute, 1, 3, rapid.ID[string]).Draw(t, "routes")
		if tokens && rapid.IntRange(0, 2).Draw(t, "template") == 0 {
			r.Routes = []string{rapid.SampledFrom([]string{"GET /${claims.sub}/*", "GET /a/${claims.sub}", "* /${claims.tenant}"}).Draw(t, "route")}
		}
		if r.Effect == allowlist.Deny && rapid.IntRange(0, 9).Draw(t, "whole") == 0 {
			r.Routes = nil
		}
		doc.Rules = append(doc.Rules, r)
	}
	list, err := allowlist.Compile(doc)
	if err != nil {
		t.Fatal(err)
	}
	return Subject{doc, list}
}

func drawIdentity(t *rapid.T) identity.Caller {
	if rapid.Bool().Draw(t, "iam") {
		c := identity.Caller{Kind: identity.IAM, UniqueID: rapid.SampledFrom([]string{pin, "AROA1111111111111111"}).Draw(t, "id"), Guest: rapid.IntRange(0, 3).Draw(t, "guest") == 0}
		c.Principal = arn.Principal{
			Partition: "aws", Account: rapid.SampledFrom([]string{account, account, other}).Draw(t, "account"),
			Type: rapid.SampledFrom([]arn.PrincipalType{arn.Role, arn.Role, arn.User}).Draw(t, "type"), Name: rapid.StringMatching(`[abc]{1,3}`).Draw(t, "name"),
		}
		if c.Principal.Type == arn.User {
			c.Guest = false // guests are roles
		}
		return c
	}
	c := identity.Caller{Kind: identity.JWT, Issuer: "https://idp.example.com", Claims: map[string]identity.Claim{}}
	c.Audiences = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"one", "two"}), 1, 2, rapid.ID[string]).Draw(t, "audiences")
	value := rapid.SampledFrom([]string{"a", "b", "ab", "c", "a.", "a/b"})
	c.Subject = value.Draw(t, "sub")
	c.Claims["sub"] = identity.Claim{Values: []string{c.Subject}}
	for _, name := range []string{"group", "tenant"} {
		if values := rapid.SliceOfNDistinct(value, 0, 2, rapid.ID[string]).Draw(t, name); len(values) > 0 {
			c.Claims[name] = identity.Claim{Values: values, List: len(values) > 1 || rapid.Bool().Draw(t, "list")}
		}
	}
	return c
}

// Who and What agree with Decide, request by request.
func TestWhoCanAgreesWithDecide(t *testing.T) {
	var seen [3]int
	rapid.Check(t, func(t *rapid.T) {
		s := drawList(t, drawCallers(t))
		asked := must(aRoute.Draw(t, "asked"))
		answer, err := Who(s, "t", []route.Route{asked})
		if err != nil {
			t.Fatal(err)
		}
		people, err := People([]Subject{s}, asked.String())
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range answer.Holders {
			p, someone := population.Base(people, 0, h.Caller)
			if !someone {
				continue
			}
			seen[h.Extent]++
			held(t, s, p.Identity, asked, h.Extent, h.Can, h.Cannot, p.Values)
		}
		for _, o := range answer.Overlaps {
			if o.Differs == "" {
				t.Fatalf("%+v", o)
			}
		}
	})
	t.Logf("none %d, part %d, all %d", seen[None], seen[Part], seen[All])
}

// held checks an extent against every request, and the two that it names.
func held(t *rapid.T, s Subject, c identity.Caller, asked route.Route, e Extent, can, cannot string, _ population.Values) {
	for _, r := range requests {
		if !asks(asked, r) {
			continue
		}
		if got := passes(s.List, c, r); got && e == None || !got && e == All {
			t.Fatalf("%s: %s of %q, and %q passes: %v", population.Person{Identity: c}.Describe(), e, asked, r, got)
		}
	}
	for text, want := range map[string]bool{can: true, cannot: false} {
		if text == "" || strings.Contains(text, "<") || strings.HasPrefix(text, otherMethod) {
			continue
		}
		if r := must(text); !asks(asked, r) || passes(s.List, c, r) != want {
			t.Fatalf("%q of %q is said to pass: %v", text, asked, want)
		}
	}
	if e == Part && (can == "" || cannot == "") {
		t.Fatal("part, without an example of both")
	}
}

// Whoever calls: what he can do of what is asked is what a line of his says, or
// an overlap tells of somebody like him.
func TestWhoCanLeavesNobodyOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawList(t, drawCallers(t))
		people, err := People([]Subject{s})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			c := drawIdentity(t)
			names := s.List.Names(c)
			if len(names) == 0 {
				continue
			}
			if c.Kind == identity.JWT && len(names) > 2 {
				continue // one and two are enough: see package population
			}
			if !slices.ContainsFunc(people, func(p population.Person) bool { return slices.Equal(p.Names[0], names) }) {
				t.Fatalf("nobody stands for %+v, who is %v", c, names)
			}
		}
	})
}

func TestWhatCanAgreesWithDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawList(t, drawCallers(t))
		c := drawIdentity(t)
		answer, err := What(s, c, population.Values{})
		if err != nil {
			t.Fatal(err)
		}
		h := answer.Targets[0]
		for _, r := range requests {
			by := false
			for _, one := range h.Routes {
				covered := asks(read(one.Route), r)
				for _, e := range one.Except {
					covered = covered && !asks(read(e), r)
				}
				if covered && one.Extent == None && passes(s.List, c, r) {
					if h.Refusal != "" {
						t.Fatalf("%q passes in spite of %q", r, h.Refusal)
					}
				}
				by = by || covered && one.Extent != None
			}
			if got := passes(s.List, c, r); got != by {
				t.Fatalf("%q passes: %v; %+v", r, got, h)
			}
		}
	})
}

// A request that somebody gains is a widening; each gain that is told is one.
func TestDiffAgreesWithDecide(t *testing.T) {
	widened, same := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		callers := drawCallers(t)
		was := drawList(t, callers)
		if rapid.IntRange(0, 3).Draw(t, "other callers") == 0 {
			callers = drawCallers(t)
		}
		now := drawList(t, callers)
		d, err := Compare(was, now)
		if err != nil {
			t.Fatal(err)
		}
		gains := 0
		for _, ch := range d.Changes {
			gains += len(ch.Gains)
			c := ch.person.Identity
			for _, g := range ch.raw {
				if strings.HasPrefix(g.Example, otherMethod) {
					continue
				}
				if r := must(g.Example); passes(was.List, c, r) || !passes(now.List, c, r) {
					t.Fatalf("%q is no gain of %s", g.Example, ch.Who)
				}
			}
			for _, r := range requests {
				gained := passes(now.List, c, r) && !passes(was.List, c, r)
				said := slices.ContainsFunc(ch.raw, func(g Piece) bool {
					return asks(read(g.Route), r) && (g.And == "" || asks(read(g.And), r)) && !slices.ContainsFunc(g.Except, func(e string) bool { return asks(read(e), r) })
				})
				if gained != said {
					t.Fatalf("%q is a gain: %v; said: %+v", r, gained, ch)
				}
			}
		}
		if gains > 0 {
			widened++
		} else {
			same++
		}
		for range 10 {
			c := drawIdentity(t)
			for _, r := range requests {
				if passes(now.List, c, r) && !passes(was.List, c, r) && gains == 0 {
					t.Fatalf("%s gains %q, and the diff does not say so: %+v", population.Person{Identity: c}.Describe(), r, d)
				}
				if !passes(now.List, c, r) && passes(was.List, c, r) && d.Same {
					t.Fatalf("%s loses %q, and the diff says that nothing changes", population.Person{Identity: c}.Describe(), r)
				}
			}
		}
	})
	t.Logf("%d with gains, %d without", widened, same)
}
