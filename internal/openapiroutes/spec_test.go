package openapiroutes_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/openapiroutes"
	"github.com/credvend/credvend/internal/route"
)

func texts(routes []route.Route) []string {
	var out []string
	for _, r := range routes {
		out = append(out, r.String())
	}
	return out
}

func TestRoutes(t *testing.T) {
	for _, c := range []struct{ name, spec, base, want, skipped string }{
		{"plain", `{"openapi":"3.0.3","paths":{"/orders":{"post":{},"get":{}},"/orders/{id}":{"get":{}}}}`, "", "GET /orders, POST /orders, GET /orders/*", ""},
		{"every method", "openapi: 3.1.0\npaths:\n  /a: {get: {}, put: {}, post: {}, delete: {}, options: {}, head: {}, patch: {}}\n", "", "GET /a, HEAD /a, POST /a, PUT /a, PATCH /a, DELETE /a, OPTIONS /a", ""},
		{"what is no method", "openapi: 3.2.0\npaths:\n  /a: {get: {}, trace: {}, query: {}, GET: {}, x-get: {}, summary: s, description: d, parameters: [], nonsense: {}}\n  x-internal: {get: {}}\n", "", "GET /a", "/a: GET is no method; /a: nonsense is no method; /a: a route cannot name the method of query; /a: a route cannot name the method of trace"},
		{"API Gateway's any", "openapi: 3.0.1\npaths:\n  /a/{proxy+}: {x-amazon-apigateway-any-method: {}}\n  /$default: {x-amazon-apigateway-any-method: {}}\n", "", "* /*, * /a/*", ""},
		{"parameters in a segment", "openapi: 3.0.0\npaths:\n  /r/{a}-{b}.pdf: {get: {}}\n  /x/{a}{b}: {get: {}}\n", "", "GET /r/*-*.pdf, GET /x/*", ""},
		{"one route of two operations", "openapi: 3.0.0\npaths:\n  /x/{a}: {get: {}}\n  /x/{b}: {get: {}}\n", "", "GET /x/*", ""},
		{"server's path", "openapi: 3.0.0\nservers: [{url: 'https://{env}.example.com/{base}/', variables: {env: {default: prod}, base: {default: v1}}}]\npaths: {/a: {get: {}}}\n", "/v1", "GET /v1/a", ""},
		{"a relative server", "openapi: 3.0.0\nservers: [{url: /v2}]\npaths: {/a: {get: {}}}\n", "/v2", "GET /v2/a", ""},
		{"API Gateway's own URL", "openapi: 3.0.0\nservers: [{url: 'https://a1b2.execute-api.us-east-1.amazonaws.com/prod'}]\npaths: {/a: {get: {}}}\n", "", "GET /a", ""},
		{"servers of their own", "openapi: 3.0.0\nservers: [{url: /v1}]\npaths:\n  /a: {servers: [{url: /v2}], get: {}, post: {servers: [{url: /v3}]}}\n", "/v1", "GET /v2/a, POST /v3/a", ""},
		{"references", "openapi: 3.1.0\npaths:\n  /a: {$ref: '#/components/pathItems/a'}\n  /b: {$ref: '#/paths/~1a', post: {}}\ncomponents: {pathItems: {a: {get: {}}}}\n", "", "GET /a, GET /b, POST /b", ""},
		{"a circle", "openapi: 3.1.0\npaths:\n  /a: {$ref: '#/paths/~1b'}\n  /b: {$ref: '#/paths/~1a'}\n  /c: {get: {}}\n", "", "GET /c", "/a: its $ref leads on more than 16 times, perhaps in a circle; /b: its $ref leads on more than 16 times, perhaps in a circle"},
		{"out of the document", "openapi: 3.1.0\npaths:\n  /a: {$ref: 'file:///etc/passwd#/x'}\n  /b: {$ref: 'http://169.254.169.254/'}\n  /c: {$ref: '#/paths/~1none'}\n  /d: {get: {responses: {$ref: './other.yaml'}}}\n", "", "GET /d", "/a: $ref file:///etc/passwd#/x leads out of the document's paths; references to other files are not followed, bundle the document first; /b: $ref http://169.254.169.254/ leads out of the document's paths; references to other files are not followed, bundle the document first; /c: $ref #/paths/~1none leads nowhere"},
		{"no routes", "openapi: 3.0.0\npaths:\n  /a%20b: {get: {}}\n  no-slash: {get: {}}\n  /a/*: {get: {}}\n  /c: 3\n", "", "", "/c: this is no path item; GET /a%20b"},
		{"cyclic schemas", "openapi: 3.0.0\npaths: {/a: {get: {responses: {'200': {$ref: '#/components/responses/r'}}}}}\ncomponents: {schemas: {n: {properties: {next: {$ref: '#/components/schemas/n'}}}}, responses: {r: {$ref: '#/components/responses/r'}}}\n", "", "GET /a", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec, err := openapiroutes.Parse([]byte(c.spec))
			if err != nil {
				t.Fatal(err)
			}
			routes, skipped := spec.Routes(spec.BasePath())
			if got := strings.Join(texts(routes), ", "); got != c.want || spec.BasePath() != c.base {
				t.Errorf("%q under %q", got, spec.BasePath())
			}
			if got := strings.Join(skipped, "; "); got != c.skipped && (c.name != "no routes" || len(skipped) != 4) {
				t.Errorf("skipped %q", got)
			}
		})
	}
}

func TestBasePathOf(t *testing.T) {
	for _, c := range []struct{ server, stage, endpoint, want string }{
		{"https://x.example.com/v1", "$default", "", "/v1"},
		{"https://x.example.com/v1", "$default", "https://x.example.com/v1", ""},
		{"https://x.example.com/prod", "prod", "", ""},
		{"https://x.example.com/prod/v1", "prod", "", "/v1"},
		{"https://x.example.com/production", "prod", "", "/production"},
		{"https://a.execute-api.us-east-1.amazonaws.com/prod/v1/", "prod", "", "/v1"},
		{"%%%", "prod", "", ""},
	} {
		spec, err := openapiroutes.Parse([]byte(fmt.Sprintf("openapi: 3.0.0\nservers: [{url: %q}]\npaths: {/a: {get: {}}}", c.server)))
		if err != nil {
			t.Fatal(err)
		}
		if got := spec.BasePathOf(arn.Stage{Name: c.stage}, c.endpoint); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// TestRefused: a message, at once, in little memory.
func TestRefused(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for i, last := 0, "a"; i < 12; i++ {
		next := fmt.Sprintf("a%d", i)
		bomb += fmt.Sprintf("%s: &%s [*%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s]\n", next, next, last, last, last, last, last, last, last, last, last)
		last = next
	}
	for name, c := range map[string]struct{ text, want string }{
		"empty":                          {"", "empty"},
		"blank":                          {"\xef\xbb\xbf \n", "empty"},
		"binary":                         {"\x7fELF\x00\x00", "not text"},
		"too large":                      {strings.Repeat("#\n", 5<<20), "longer than 8 MiB"},
		"swagger":                        {`{"swagger":"2.0","paths":{"/a":{"get":{}}}}`, "Swagger 2.0"},
		"version 4":                      {`{"openapi":"4.0.0","paths":{"/a":{"get":{}}}}`, "version 3"},
		"no paths":                       {"openapi: 3.0.0\ninfo: {title: x}\n", "no paths"},
		"a list":                         {"- a\n", "no OpenAPI document"},
		"text":                           {"hello", "no OpenAPI document"},
		"paths":                          {"openapi: 3.0.0\npaths: [a]\n", "paths must not be array"},
		"broken":                         {"openapi: 3.0.0\npaths: {\n", "cannot be read"},
		"an allowlist, with a key twice": {"version: 1\nversion: 1\n", "cannot be read"},
		"bomb":                           {bomb, "excessive aliasing"},
		"deep":                           {strings.Repeat("[", 200_000), "cannot be read"},
		"deep JSON":                      {`{"openapi":"3.0.0","paths":` + strings.Repeat(`{"a":`, 200_000), "cannot be read"},
		"JSON cut off":                   {`{"openapi":"3.0.0","paths":{"/a"`, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := openapiroutes.Parse([]byte(c.text))
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 300 {
				t.Errorf("%v", err)
			}
			if took, used := time.Since(begun), after.TotalAlloc-before.TotalAlloc; took > 20*time.Second || used > 1<<30 {
				t.Errorf("it took %v and %d MiB", took, used>>20)
			}
		})
	}
}

// TestAgreesWithAnOpenAPILibrary: of a document that all of it can read, both
// have the same operations.
func TestAgreesWithAnOpenAPILibrary(t *testing.T) {
	text, err := os.ReadFile("../../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			want = append(want, method+" "+strings.ReplaceAll(path, "{target}", "*"))
		}
	}
	spec, err := openapiroutes.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	routes, skipped := spec.Routes("")
	got := texts(routes)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(skipped) > 0 || len(want) < 4 {
		t.Errorf("got %q, want %q, skipped %q", got, want, skipped)
	}
}

func TestSpans(t *testing.T) {
	spec, err := openapiroutes.Parse([]byte("openapi: 3.0.0\npaths: {/u: {get: {}}, '/u/{id}': {get: {}, put: {}}, '/u/{id}/keys': {get: {}}, '/v/{id}/x': {get: {}}, '/v/{a}/{b}/x': {post: {}}}"))
	if err != nil {
		t.Fatal(err)
	}
	routes, _ := spec.Routes("")
	spans, total := openapiroutes.Spans(routes)
	if got := fmt.Sprint(spans); total != 1 || got != "[[GET /u/* GET /u/*/keys]]" {
		t.Errorf("%d %s", total, got)
	}
}

// TestYAML: whatever a document calls itself, the rule that is written is one
// rule, and the compiler takes it.
func TestYAML(t *testing.T) {
	r, err := route.Parse("GET /a'b/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, title := range []string{"", "Orders 1.2", "x\n  - id: evil\r\n\u2028\u0085\x00", "\u202egpj", strings.Repeat("long ", 100)} {
		for _, caller := range []string{"billing", "no", "*"} {
			rule := openapiroutes.Rule{ID: "on", Callers: []string{caller}, Target: "orders", Routes: []route.Route{r}}
			text := "version: 1\ntargets:\n  orders: { role: \"arn:aws:iam::111122223333:role/r\", api: \"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default\" }\n" +
				"callers:\n  billing: { iam: { account: \"444455556666\" } }\n  \"no\": { iam: { account: \"444455556666\" } }\nrules:\n" + string(rule.YAML(title))
			f, _, err := yamldoc.Load("pasted", []byte(text))
			if err != nil || len(f.Doc.Rules) != 1 || f.Doc.Rules[0].ID != "on" || f.Doc.Rules[0].Routes[0] != "GET /a'b/*" {
				t.Errorf("%q: %v\n%s", title, err, text)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"openapi":"3.0.3","paths":{"/orders/{id}":{"get":{},"$ref":"#/paths/~1orders"}}}`))
	f.Add([]byte("openapi: 3.1.0\nservers: [{url: /v1}]\npaths:\n  /a: {get: {}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		spec, err := openapiroutes.Parse(text)
		if err != nil {
			return
		}
		routes, _ := spec.Routes(spec.BasePath())
		for _, r := range routes {
			if _, err := route.Parse(r.String()); err != nil {
				t.Error(err)
			}
		}
	})
}
