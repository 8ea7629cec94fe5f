package allowlist_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/identity"
)

// crowds add callers and rules that do not concern the identities below.
var crowds = map[string]func(doc *allowlist.Document, n int){
	"literal":   crowd(func(i int) allowlist.Caller { return roleCaller(fmt.Sprint("other-", i)) }),
	"prefixes":  crowd(func(i int) allowlist.Caller { return roleCaller(fmt.Sprintf("p%d-*", i)) }),
	"suffixes":  crowd(func(i int) allowlist.Caller { return roleCaller(fmt.Sprintf("*-s%d", i)) }),
	"both ends": crowd(func(i int) allowlist.Caller { return roleCaller(fmt.Sprintf("p%d-*-*-s%d", i, i%7)) }),
	"ends of every length": crowd(func(i int) allowlist.Caller {
		return roleCaller(strings.Repeat("p", i%25+1) + fmt.Sprintf("%d*s", i/625) + strings.Repeat("s", i/25%25))
	}),
	"one end fits": crowd(func(i int) allowlist.Caller { return roleCaller(fmt.Sprintf("%c*-s%d", "bc"[i%2], i)) }),
	"middles":      crowd(func(i int) allowlist.Caller { return roleCaller(fmt.Sprintf("*-m%d-*", i)) }),
	"accounts": crowd(func(i int) allowlist.Caller {
		return allowlist.Caller{IAM: &allowlist.IAMCaller{Account: fmt.Sprintf("%012d", i)}}
	}),
	"claim values": crowd(func(i int) allowlist.Caller { return tokenCaller("group", fmt.Sprint("g", i)) }),
	"claim names":  crowd(func(i int) allowlist.Caller { return tokenCaller(fmt.Sprint("c", i), "yes") }),
	"shared claims": crowd(func(i int) allowlist.Caller {
		k := tokenCaller("group", "shoppers", "staff")
		k.JWT.Claims["tenant"] = []string{fmt.Sprint("t", i)}
		return k
	}),
	"issuers": crowd(func(i int) allowlist.Caller {
		k := tokenCaller("")
		k.JWT.Issuer += fmt.Sprint("/", i)
		return k
	}),
	"targets": func(doc *allowlist.Document, n int) {
		doc.Targets, doc.Rules = maps.Clone(doc.Targets), slices.Clone(doc.Rules)
		for i := range n {
			name := fmt.Sprint("target-", i)
			doc.Targets[name] = doc.Targets["orders"]
			doc.Rules = append(doc.Rules, allowlist.Rule{ID: name, Callers: []string{"billing", "shopper", "ci"}, Target: name, Routes: []string{"GET /x"}})
		}
	},
	"one rule": func(doc *allowlist.Document, n int) {
		r := allowlist.Rule{ID: "everyone", Target: "orders", Routes: []string{"GET /x"}}
		for i := range n {
			name := fmt.Sprint("c", i)
			doc.Callers[name] = roleCaller("other-" + name)
			r.Callers = append(r.Callers, name)
		}
		r.Callers = append(r.Callers, "billing", "ci", "shopper")
		doc.Rules = append(doc.Rules, r)
	},
}

func crowd(caller func(i int) allowlist.Caller) func(*allowlist.Document, int) {
	return func(doc *allowlist.Document, n int) {
		for i := range n {
			name := fmt.Sprint("c", i)
			doc.Callers[name] = caller(i)
			doc.Rules = append(doc.Rules, allow(name, name, "GET /x"))
		}
	}
}

// crowded is a list with n such callers and rules.
func crowded(t testing.TB, kind string, n int) *allowlist.List {
	doc := rules(allow("own", "billing", "GET /x"), allow("ci", "ci", "GET /x"), allow("shop", "shopper", "GET /u/${claims.sub}"), deny("d", "*", "DELETE /*"))
	crowds[kind](doc, n)
	return compile(t, doc)
}

func concerned() map[string]identity.Caller {
	shopper := token("u1", "shoppers")
	shopper.Claims["tenant"] = text("acme")
	return map[string]identity.Caller{"literal": role("billing"), "wildcard": role("ci-build"), "token": shopper}
}

// What is tried for a caller is the same on a list of ten thousand others.
func TestCostDoesNotGrow(t *testing.T) {
	for kind := range crowds {
		few, many := crowded(t, kind, 10), crowded(t, kind, 10_000)
		for who, c := range concerned() {
			if few, many := few.Candidates(c), many.Candidates(c); many != few || many > 3 {
				t.Errorf("%s: %s: %d callers are looked at among 10, %d among 10,000", kind, who, few, many)
			}
			d, e := few.Decide(c, ask(t)), many.Decide(c, ask(t))
			if !d.Allowed() || len(d.Tried) != len(e.Tried) || write(d) != write(e) {
				t.Errorf("%s: %s: %d rules are tried among 10, %d among 10,000", kind, who, len(d.Tried), len(e.Tried))
			}
		}
	}
}

// A hundred thousand of anything compiles in seconds: nothing is quadratic, or
// this test runs into go test's own limit.
func TestCompilesLargeLists(t *testing.T) {
	const n = 100_000
	broken := func(doc *allowlist.Document, n int) { // every name is misspelt
		for i := range n {
			doc.Rules = append(doc.Rules, allow(fmt.Sprint("r", i), fmt.Sprint("billin", i), "GET /x"))
			doc.Callers[fmt.Sprint("c", i)] = roleCaller(fmt.Sprint("other-", i))
		}
	}
	long := func(doc *allowlist.Document, n int) { // one caller, one rule, many routes
		target := doc.Targets["orders"]
		target.RequireRoutes = true
		doc.Targets["orders"] = target
		for i := range n {
			doc.Rules[0].Routes = append(doc.Rules[0].Routes, fmt.Sprint("GET /x/", i))
			doc.Callers["shopper"].JWT.Claims["group"] = append(doc.Callers["shopper"].JWT.Claims["group"], fmt.Sprint("g", i))
		}
	}
	wide := func(doc *allowlist.Document, n int) { // each with a wildcard
		long(doc, n)
		for i := range doc.Rules[0].Routes {
			doc.Rules[0].Routes[i] += "/*"
		}
	}
	for name, build := range map[string]func(*allowlist.Document, int){"misspelt": broken, "long": long, "wide": wide, "one rule": crowds["one rule"]} {
		doc := story()
		build(doc, n)
		list, err := allowlist.Compile(doc)
		if (err != nil) != (name == "misspelt") {
			t.Fatalf("%s: %v", name, err)
		}
		if list != nil {
			routes := doc.Rules[0].Routes
			last := routes[len(routes)-1]
			if d := list.Decide(role("billing"), ask(t, last)); !d.Allowed() {
				t.Errorf("%s: %s", name, write(d))
			}
			if d := list.Decide(role("billing"), ask(t, "GET /y")); d.Allowed() {
				t.Errorf("%s: %s", name, write(d))
			}
		}
	}
}

func BenchmarkDecideAmong(b *testing.B) {
	for _, kind := range slices.Sorted(maps.Keys(crowds)) {
		for _, n := range []int{10, 1_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
				list, req := crowded(b, kind, n), ask(b)
				all := concerned()
				for b.Loop() {
					for _, c := range all {
						if !list.Decide(c, req).Allowed() {
							b.Fatal("denied")
						}
					}
				}
			})
		}
	}
}
