package route_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/route"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestParse(t *testing.T) {
	good := []string{
		"GET /", "GET /orders", "GET /orders/*", "* /*", "* /orders", "DELETE /a/*/b*", "OPTIONS /a.b/~c/d-e_f",
		"GET /.well-known/x", "GET /...", "PATCH /a;b=c,d/@e:f", "GET /" + strings.Repeat("a", route.MaxLength-5),
	}
	for _, s := range good {
		if r, err := route.Parse(s); err != nil || r.String() != s {
			t.Errorf("Parse(%q) = %q, %v", s, r, err)
		}
	}
	bad := []struct{ name, route, want string }{
		{"empty", "", "not METHOD PATH"},
		{"no method", "/orders", "write GET /orders"},
		{"method alone", "GET", "not METHOD PATH"},
		{"lower-case method", "get /orders", "write GET"},
		{"unknown method", "FETCH /orders", "not a method"},
		{"part of a method", "GE* /orders", "not a method"},
		{"method with a slash", "GET/x /orders", "not a method"},
		{"TRACE, which HTTP APIs do not route", "TRACE /", "not a method"},
		{"two spaces", "GET  /orders", "begin with a slash"},
		{"no slash", "GET orders", "begin with a slash"},
		{"a star for a path", "GET *", "begin with a slash"},
		{"query string", "GET /orders?id=1", "query string"},
		{"encoded slash", "GET /a%2fb", "percent-encoding"},
		{"encoded dots", "GET /%2e%2e/admin", "percent-encoding"},
		{"policy variable", "GET /users/${aws:userid}", "policy variable"},
		{"dollar alone", "GET /$", "policy variable"},
		{"brace alone", "GET /{id}", "policy variable"},
		{"dot dot", "GET /a/../b", `".."`},
		{"dot dot at the end", "GET /a/..", `".."`},
		{"dot", "GET /./a", `"."`},
		{"double slash", "GET /a//b", "`//`"},
		{"double slash at the end", "GET /a//", "`//`"},
		{"space in the path", "GET /a b", "spaces"},
		{"trailing newline", "GET /a\n", "spaces and control"},
		{"NUL", "GET /a\x00", "spaces and control"},
		{"delete", "GET /a\x7f", "spaces and control"},
		{"non-ASCII", "GET /café", "ASCII"},
		{"full-width slash", "GET /a／b", "ASCII"},
		{"quote, which would end a JSON string", `GET /a"b`, "cannot stand"},
		{"backslash", `GET /a\b`, "cannot stand"},
		{"fragment", "GET /a#b", "cannot stand"},
		{"too long", "GET /" + strings.Repeat("a", route.MaxLength), "characters"},
	}
	for _, c := range bad {
		t.Run(c.name, func(t *testing.T) {
			r, err := route.Parse(c.route)
			if err == nil {
				t.Fatalf("Parse(%q) = %v, want an error", c.route, r)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("Parse(%q): %q does not say %q", c.route, err, c.want)
			}
			if len(err.Error()) > 400 {
				t.Errorf("an error of %d characters repeats its input", len(err.Error()))
			}
		})
	}
}

func TestZeroRouteIsNothing(t *testing.T) {
	var zero route.Route
	all := parse(t, "* /*")[0]
	switch {
	case zero.String() != "", len(zero.Resources(stage)) != 0, len(zero.Expand()) != 0:
		t.Error("the zero route emits something")
	case zero.Contains(zero), all.Contains(zero), zero.Contains(all), zero.Overlaps(all), all.Overlaps(zero), zero.Within([]route.Route{all}):
		t.Error("the zero route matches something")
	case len(route.Merge([]route.Route{zero, all})) != 1:
		t.Error("merging keeps the zero route")
	}
}

func TestResources(t *testing.T) {
	for _, c := range []struct {
		route string
		want  []string
	}{
		{"GET /orders/*", []string{"/GET/orders/*"}},
		{"GET /", []string{"/GET/"}},
		{"* /*", []string{"/*"}},
		{"* /orders", []string{"/GET/orders", "/HEAD/orders", "/POST/orders", "/PUT/orders", "/PATCH/orders", "/DELETE/orders", "/OPTIONS/orders"}},
	} {
		var want []string
		for _, w := range c.want {
			want = append(want, "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default"+w)
		}
		got := parse(t, c.route)[0].Resources(stage)
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s emits %q, want %q", c.route, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	granted := parse(t, "GET /orders", "GET /orders/*", "POST /baskets", "* /health")
	for _, c := range []struct{ asked, want string }{
		{"POST /orders", "GET /orders"},
		{"GET /orders*", "GET /orders"},
		{"GET /*", "GET /orders"},
		{"DELETE /orders/42", "GET /orders/*"},
		{"POST /basket", "POST /baskets"},
		{"PUT /health", "* /health"},
	} {
		got, ok := route.Nearest(parse(t, c.asked)[0], granted)
		if !ok || got.String() != c.want {
			t.Errorf("nearest to %s is %s, want %s", c.asked, got, c.want)
		}
	}
	if _, ok := route.Nearest(granted[0], nil); ok {
		t.Error("there is a nearest route in nothing")
	}
}

func TestPolicyGolden(t *testing.T) {
	for name, c := range map[string]struct{ allow, deny []string }{
		"one-route":    {[]string{"GET /orders/*"}, nil},
		"with-deny":    {[]string{"GET /orders", "* /baskets/*"}, []string{"DELETE /*"}},
		"all-routes":   {[]string{"* /*"}, []string{"* /admin/*"}},
		"stage-of-own": {[]string{"GET /orders"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			at := stage
			if name == "stage-of-own" {
				at.Name, at.Partition, at.Region = "prod", "aws-cn", "cn-north-1"
			}
			policy := route.Policy(at, parse(t, c.allow...), parse(t, c.deny...))
			var indented strings.Builder
			enc := json.NewEncoder(&indented)
			enc.SetIndent("", "  ")
			var v any
			if err := json.Unmarshal([]byte(policy), &v); err != nil {
				t.Fatalf("the policy is not JSON: %v\n%s", err, policy)
			}
			if err := enc.Encode(json.RawMessage(policy)); err != nil {
				t.Fatal(err)
			}
			file := "testdata/policy/" + name + ".json"
			if *update {
				if err := os.WriteFile(file, []byte(indented.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if indented.String() != string(want) {
				t.Errorf("policy differs from %s (rewrite with -update):\n%s", file, indented.String())
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"GET /orders/*", "* /*", "GET /a//b", "GET /..", "get /", "/x", "GET /${claims.sub}", "GET /a\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := route.Parse(s)
		if err != nil {
			if r != (route.Route{}) {
				t.Fatalf("an error comes with the route %v", r)
			}
			return
		}
		if r.String() != s {
			t.Fatalf("%q reads back as %q", s, r)
		}
		if !r.Contains(r) || !r.Overlaps(r) || !r.Within([]route.Route{r}) {
			t.Fatalf("%q does not contain itself", s)
		}
		for _, resource := range r.Resources(stage) {
			if strings.ContainsAny(resource, "?{}%\"\\ \n") || strings.Contains(resource, "//") || strings.Contains(resource, "/../") {
				t.Fatalf("%q emits %q", s, resource)
			}
		}
		if !json.Valid([]byte(route.Policy(stage, []route.Route{r}, []route.Route{r}))) {
			t.Fatalf("%q makes a policy that is not JSON", s)
		}
	})
}

func parse(t *testing.T, texts ...string) []route.Route {
	t.Helper()
	var out []route.Route
	for _, s := range texts {
		r, err := route.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}
