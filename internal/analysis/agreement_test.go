package analysis

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/analysis/population"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

var agreements = flag.Int("agreements", 2000, "random allowlists to hold against brute force; CI's own target takes 100000")

// The oracle restates the design in few words and shares no code with packages
// route, allowlist and globset: an identity may make a request exactly when a
// rule of one of its names allows it and none denies it. also are names that
// bar it without standing for it: those of a guest's account.
func oracle(doc *allowlist.Document, names []string, request string, also ...string) bool {
	method, path, _ := strings.Cut(request, " ")
	allowed := false
	for _, r := range doc.Rules {
		by := func(names []string) bool {
			return r.Callers[0] == "*" || slices.ContainsFunc(r.Callers, func(n string) bool { return slices.Contains(names, n) })
		}
		if !by(names) && (!by(also) || r.Effect != allowlist.Deny) {
			continue
		}
		for _, text := range r.Routes {
			m, p, _ := strings.Cut(text, " ")
			if (m == "*" || m == method) && globs(p, path) {
				if r.Effect == allowlist.Deny {
					return false
				}
				allowed = true
			}
		}
	}
	return allowed
}

// world is one random list and the identities that are asked about.
type world struct {
	doc   *allowlist.Document
	who   identity.Caller
	names []string // that it bears, by construction
	asked string
}

func randomRoute(r *rand.Rand) string {
	for {
		b := []byte(pick(r, "GET", "GET", "PUT", "*") + " /")
		for range r.IntN(5) {
			b = append(b, "ab/**"[r.IntN(5)])
		}
		if must(string(b)) != (route.Route{}) {
			return string(b)
		}
	}
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

func randomWorld(r *rand.Rand) world {
	role := func(name string) allowlist.Caller {
		return allowlist.Caller{IAM: &allowlist.IAMCaller{Role: "arn:aws:iam::" + account + ":role/" + name}}
	}
	w := world{doc: &allowlist.Document{
		Version: 1,
		Targets: map[string]allowlist.Target{"t": {Role: "arn:aws:iam::111122223333:role/r", API: "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default", RequireRoutes: true}},
		Callers: map[string]allowlist.Caller{"one": role("a"), "some": role("a*"), "account": {IAM: &allowlist.IAMCaller{Account: account}}},
	}}
	name := pick(r, "a", "ab", "b")
	w.names = map[string][]string{"a": {"account", "one", "some"}, "ab": {"account", "some"}, "b": {"account"}}[name]
	w.who = identity.Caller{Kind: identity.IAM, UniqueID: "AROA1111111111111111", Principal: arn.Principal{Partition: "aws", Account: account, Type: arn.Role, Name: name, Session: "s"}}
	for i := range 2 + r.IntN(5) {
		rule := allowlist.Rule{ID: fmt.Sprintf("r%d", i), Target: "t", Callers: []string{pick(r, "one", "some", "account", "*")}}
		for range 1 + r.IntN(2) {
			if text := randomRoute(r); !slices.Contains(rule.Routes, text) {
				rule.Routes = append(rule.Routes, text)
			}
		}
		if i > 0 && r.IntN(3) == 0 {
			rule.Effect = allowlist.Deny
		}
		w.doc.Rules = append(w.doc.Rules, rule)
	}
	w.asked = randomRoute(r)
	if r.IntN(3) == 0 { // else all of it is rare
		text := w.doc.Rules[0].Routes[0]
		w.asked = strings.Replace(text, "*", pick(r, "*", "a", "b"), 1)
		if must(w.asked) == (route.Route{}) {
			w.asked = text
		}
	}
	return w
}

// TestAgreement holds who-can, what-can, diff and Decide against brute force,
// for random lists and requests over the alphabet {a, b, /, *}.
func TestAgreement(t *testing.T) {
	lists := *agreements
	if testing.Short() {
		lists /= 5
	}
	r := rand.New(rand.NewPCG(6, 2026))
	count := map[Extent]int{}
	widened := 0
	for n := range lists {
		w := randomWorld(r)
		list, err := allowlist.Compile(w.doc)
		if err != nil {
			t.Fatal(err)
		}
		s := Subject{w.doc, list}
		fail := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("case %d, %s, rules %+v: "+format, append([]any{n, w.who.Principal, w.doc.Rules}, args...)...)
		}
		asked := must(w.asked)
		extent, in, out, err := accessTo(list, w.who, "t").coverage([]route.Route{asked})
		if err != nil {
			t.Fatal(err)
		}
		count[extent]++
		what, err := What(s, w.who, population.Values{})
		if err != nil {
			t.Fatal(err)
		}
		for i, q := range requests {
			if (i+n)%2 == 1 {
				continue // the other half is the next case's
			}
			text := q.String()
			may := oracle(w.doc, w.names, text)
			if asks(asked, q) && (may && extent == None || !may && extent == All) {
				fail("%s of %s, and %s passes: %v", extent, asked, text, may)
			}
			if covers(what.Targets[0].Routes, q) != may {
				fail("what-can says otherwise of %s: %v; %+v", text, may, what.Targets[0].Routes)
			}
			if (i+n)%6 == 0 && passes(list, w.who, q) != may {
				fail("Decide says otherwise of %s: %v", text, may)
			}
		}
		for text, want := range map[string]bool{in: true, out: false} {
			if text != "" && !strings.HasPrefix(text, otherMethod) && (!asks(asked, must(text)) || oracle(w.doc, w.names, text) != want) {
				fail("%s of %s, and %q passes: %v", extent, asked, text, !want)
			}
		}
		if n%5 == 0 {
			widened += agreeOnDiff(t, r, s, w, fail)
		}
	}
	t.Logf("%d lists: all of it %d, part of it %d, none %d; %d changes, of which %d widen", lists, count[All], count[Part], count[None], lists/5, widened)
	for _, e := range []Extent{All, Part, None} {
		if count[e] < lists/5 {
			t.Errorf("%s: fewer than a fifth of the cases; draw others", e)
		}
	}
}

func covers(held []RouteHeld, q route.Route) bool {
	return slices.ContainsFunc(held, func(h RouteHeld) bool {
		return h.Extent != None && asks(read(h.Route), q) && !slices.ContainsFunc(h.Except, func(e string) bool { return asks(read(e), q) })
	})
}

// agreeOnDiff compares the list with one of another rule, for each person that
// the diff tells of and for the one asked about.
func agreeOnDiff(t *testing.T, r *rand.Rand, was Subject, w world, fail func(string, ...any)) int {
	t.Helper()
	doc := *w.doc
	doc.Rules = slices.Clone(w.doc.Rules)
	at := r.IntN(len(doc.Rules))
	doc.Rules[at].Routes = []string{randomRoute(r)}
	if at > 0 && r.IntN(3) == 0 {
		doc.Rules[at].Effect = pick(r, "", allowlist.Deny)
	}
	list, err := allowlist.Compile(&doc)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Compare(was, Subject{&doc, list})
	if err != nil {
		t.Fatal(err)
	}
	gains := map[string]bool{} // of all who are told of
	for _, q := range requests {
		for _, ch := range d.Changes {
			var also []string
			if ch.person.Identity.Guest {
				also = []string{"account"}
			}
			then, now := oracle(w.doc, ch.Was, q.String(), also...), oracle(&doc, ch.Callers, q.String(), also...)
			said := func(pieces []Piece) bool {
				return slices.ContainsFunc(pieces, func(p Piece) bool {
					return asks(read(p.Route), q) && (p.And == "" || asks(read(p.And), q)) && !slices.ContainsFunc(p.Except, func(e string) bool { return asks(read(e), q) })
				})
			}
			if said(ch.Gains) != (now && !then) || said(ch.Losses) != (then && !now) {
				fail("then %v, now %v, of %s; %+v", then, now, q, ch)
			}
			if said(ch.Gains) {
				gains[q.String()] = true
			}
		}
		if oracle(&doc, w.names, q.String()) && !oracle(w.doc, w.names, q.String()) && (!d.Widened || !gains[q.String()]) {
			fail("%s is gained, and the diff does not say so: %+v", q, d)
		}
	}
	if d.Widened {
		return 1
	}
	return 0
}
