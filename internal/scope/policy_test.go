package scope_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/local/iam"
	"github.com/credvend/credvend/internal/route"
	"github.com/credvend/credvend/internal/scope"
)

const stageARN = "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default"

// vendor makes a session policy for a world; false if it refuses.
type vendor func(list *allowlist.List, w world) (policy string, ok bool)

// grant decides as the function does.
func grant(list *allowlist.List, w world) *allowlist.Grant {
	req := allowlist.Request{Target: "orders"}
	for _, text := range w.asked {
		r, err := route.Parse(text)
		if err != nil {
			panic(err)
		}
		req.Routes = append(req.Routes, r)
	}
	return list.Decide(w.who, req).Grant
}

// vend is the code under test, from the identity to the session policy.
func vend(list *allowlist.List, w world) (string, bool) {
	return sealed(w, grant(list, w))
}

func sealed(w world, g *allowlist.Grant) (string, bool) {
	if g == nil {
		return "", false
	}
	s, err := scope.New(w.who, *g, 0)
	if err != nil {
		return tooLarge, false
	}
	return s.Policy, true
}

// tooLarge is the policy of a world that is left out: the callers of one
// identity may have more together than fits.
const tooLarge = "too large"

// What a session policy allows by an evaluator that shares no code with
// package route is what the rules allow in the words of the design, request by
// request; and who is refused should be.
func TestWholePolicy(t *testing.T) {
	worlds := 400
	if testing.Short() {
		worlds /= 5
	}
	c := compare(t, vend, worlds, 1000)
	t.Logf("%d worlds: %d vended, %d refused, %d too large; %d requests: %d allowed, %d denied", c.vended+c.refused+c.large, c.vended, c.refused, c.large, c.allowed+c.denied, c.allowed, c.denied)
	if c.wrong != nil {
		t.Errorf("%d differ; the first: %s", len(c.wrong), c.wrong[0])
	}
	if all := c.allowed + c.denied; all < 75*worlds || min(c.allowed, c.denied)*5 < all {
		t.Errorf("too few, or one answer is too rare")
	}
	if all := c.vended + c.refused; min(c.vended, c.refused)*5 < all {
		t.Errorf("one decision is too rare")
	}
}

// Each fault is planted between the decision and the policy. A comparison that
// missed one would prove nothing.
func TestPlantedFaultsAreCaught(t *testing.T) {
	on := func(change func(w *world, g *allowlist.Grant)) vendor {
		return func(list *allowlist.List, w world) (string, bool) {
			g := grant(list, w)
			if g != nil {
				change(&w, g)
			}
			return sealed(w, g)
		}
	}
	text := func(change func(policy string) string) vendor {
		return func(list *allowlist.List, w world) (string, bool) {
			policy, ok := vend(list, w)
			return change(policy), ok
		}
	}
	for name, faulty := range map[string]vendor{
		"denies are skipped":     on(func(_ *world, g *allowlist.Grant) { g.Denied = nil }),
		"the last deny is lost":  on(func(_ *world, g *allowlist.Grant) { g.Denied = g.Denied[:max(0, len(g.Denied)-1)] }),
		"the last route is lost": on(func(_ *world, g *allowlist.Grant) { g.Routes = g.Routes[:max(1, len(g.Routes)-1)] }),
		"routes and denies swap": on(func(_ *world, g *allowlist.Grant) {
			if len(g.Denied) > 0 {
				g.Routes, g.Denied = g.Denied, g.Routes
			}
		}),
		"the request is ignored": func(list *allowlist.List, w world) (string, bool) { w.asked = nil; return vend(list, w) },
		"the request is believed": func(list *allowlist.List, w world) (string, bool) {
			g := grant(list, world{who: w.who})
			for i, text := range w.asked {
				r, err := route.Parse(text)
				if g == nil || err != nil {
					return "", false
				}
				g.Routes = append(g.Routes[:min(i, len(g.Routes))], r)
			}
			return sealed(w, g)
		},
		"another identity": func(list *allowlist.List, w world) (string, bool) {
			w.who = shopper("a", "b", "ab")
			return vend(list, w)
		},
		"dot segments pass":       text(func(p string) string { return strings.ReplaceAll(p, `*:*:*/../*"`, `*:*:x"`) }),
		"doubled slashes pass":    text(func(p string) string { return strings.ReplaceAll(p, `*:*:*//*"`, `*:*:x"`) }),
		"encoded slashes pass":    text(func(p string) string { return strings.ReplaceAll(p, `*:*:*%2F*"`, `*:*:x"`) }),
		"a method becomes any":    text(func(p string) string { return strings.ReplaceAll(p, "/GET/", "/*/") }),
		"a trailing star is lost": text(func(p string) string { return strings.ReplaceAll(p, `b*",`, `b",`) }),
		"everything is refused":   func(*allowlist.List, world) (string, bool) { return "", false },
		"a session without a policy": func(list *allowlist.List, w world) (string, bool) {
			_, ok := vend(list, w)
			return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, ok
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c := compare(t, faulty, 100, 1); c.wrong == nil {
				t.Errorf("not caught in %d requests", c.allowed+c.denied)
			}
		})
	}
}

// comparison counts what a vendor's policies say of requests.
type comparison struct {
	vended, refused, large int // worlds
	allowed, denied        int // requests
	wrong                  []string
}

// compare draws worlds and holds a vendor's policies against the oracle, until
// enough are wrong.
func compare(t *testing.T, vend vendor, worlds, enough int) (c comparison) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, uint64(worlds)))
	requests := universe()
	for range worlds {
		if len(c.wrong) >= enough {
			break
		}
		w := drawWorld(rng)
		list, err := allowlist.Compile(w.doc)
		if err != nil {
			if !strings.Contains(err.Error(), "STS takes 2048") {
				t.Fatalf("%v\n%s", err, w.doc.JSON())
			}
			c.large++
			continue
		}
		text, ok := vend(list, w)
		if text == tooLarge {
			c.large++
			continue
		}
		if want := w.vends(requests); ok != want {
			c.wrong = append(c.wrong, fmt.Sprintf("vended: %v, want %v: %s", ok, want, w))
			continue
		}
		if !ok {
			c.refused++
			continue
		}
		c.vended++
		policy, err := iam.ParsePolicy([]byte(text))
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		yes, almost, no := w.may(requests)
		c.judge(policy, sample(rng, yes, 90), true, w)
		c.judge(policy, sample(rng, almost, 60), false, w)
		c.judge(policy, sample(rng, no, 60), false, w)
	}
	return c
}

// judge evaluates requests that all should be allowed, or all denied.
func (c *comparison) judge(policy *iam.Policy, requests []string, want bool, w world) {
	for _, request := range requests {
		method, path, _ := strings.Cut(request, " ")
		got := iam.PolicyAllows(policy, "execute-api:Invoke", stageARN+"/"+method+path, nil)
		if got != want {
			c.wrong = append(c.wrong, fmt.Sprintf("%s is allowed: %v, want %v: %s", request, got, want, w))
		}
		if got {
			c.allowed++
		} else {
			c.denied++
		}
	}
}

// sample draws at most n of the requests.
func sample(r *rand.Rand, requests []string, n int) []string {
	r.Shuffle(len(requests), func(i, j int) { requests[i], requests[j] = requests[j], requests[i] })
	return requests[:min(n, len(requests))]
}

func (w world) String() string {
	return fmt.Sprintf("%v asks for %q with %v of %s", w.names, w.asked, w.who.Claims, w.doc.JSON())
}

// shopper is a token of the callers that are named.
func shopper(names ...string) identity.Caller {
	return identity.Caller{
		Kind: identity.JWT, Issuer: "https://idp.example.com", Audiences: []string{"aud"}, Subject: "u1",
		Claims: map[string]identity.Claim{"group": {Values: names, List: true}},
	}
}

func drawWorld(r *rand.Rand) world {
	all := []string{"a", "ab", "b"}
	w := world{doc: document()}
	for _, name := range all {
		if r.IntN(3) > 0 {
			w.names = append(w.names, name)
		}
		w.doc.Callers[name] = allowlist.Caller{JWT: &allowlist.JWTCaller{Issuer: "https://idp.example.com", Audience: "aud", Claims: map[string][]string{"group": {name}}}}
	}
	w.who = shopper(w.names...)
	w.who.Claims["good"] = identity.Claim{Values: []string{[]string{"a", "b", "ab"}[r.IntN(3)]}}
	if r.IntN(3) > 0 {
		w.who.Claims["odd"] = identity.Claim{Values: []string{[]string{"a", "b", "*", "a/b", ".."}[r.IntN(5)]}}
	}
	templates := []string{"${caller.name}", "${claims.good}", "${claims.good}", "${claims.odd}"}
	for i := range 2 + r.IntN(4) {
		rule := allowlist.Rule{ID: fmt.Sprint("r", i), Target: "orders", Effect: allowlist.Allow, Callers: []string{"*"}}
		n := 1 + r.IntN(3)
		if i > 0 && r.IntN(3) == 0 {
			rule.Effect, n = allowlist.Deny, 1
		}
		if r.IntN(3) > 0 {
			rule.Callers = []string{all[r.IntN(3)]}
		}
		rule.Routes = drawRoutes(r, n, templates[:1+r.IntN(len(templates))])
		w.doc.Rules = append(w.doc.Rules, rule)
	}
	// Half of the requests name routes, most of them granted ones or near them.
	if allowed, _ := w.routesOf(allowlist.Allow); r.IntN(2) == 0 {
		w.asked = drawRoutes(r, 1, nil)
		for range r.IntN(3) {
			if len(allowed) > 0 {
				near := allowed[r.IntN(len(allowed))]
				narrower := strings.Replace(near, "*", "b", 1)
				if method, isAny := strings.CutPrefix(near, "*"); isAny {
					narrower = "GET" + method
				}
				w.asked = append(w.asked[:len(w.asked)-1], near, narrower)
			}
		}
		w.asked = slices.DeleteFunc(w.asked, func(s string) bool { _, err := route.Parse(s); return err != nil })
	}
	return w
}

// drawPath draws a path of up to three letters over {a, b, /, *}, or one with
// a variable.
func drawPath(r *rand.Rand, templates []string) string {
	if len(templates) > 0 && r.IntN(4) == 0 {
		return "/" + templates[r.IntN(len(templates))] + []string{"", "/*", "/a"}[r.IntN(3)]
	}
	for {
		path := "/"
		for range r.IntN(4) {
			path += string("ab/**"[r.IntN(5)])
		}
		if !strings.Contains(path, "//") {
			return path
		}
	}
}

func drawRoute(r *rand.Rand, templates []string) string {
	return []string{"GET", "GET", "POST", "*"}[r.IntN(4)] + " " + drawPath(r, templates)
}

func drawRoutes(r *rand.Rand, n int, templates []string) (routes []string) {
	seen := map[string]bool{}
	for range n {
		route := drawRoute(r, templates)
		if !seen[route] {
			routes = append(routes, route)
		}
		seen[route] = true
	}
	return routes
}
