package apigw

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/internal/local/iam"
)

func TestRouteMatch(t *testing.T) {
	t.Parallel()
	routes := must(compileRoutes([]Route{
		{Key: "ANY /orders"}, {Key: "GET /orders"}, {Key: "GET /orders/{id}"}, {Key: "GET /orders/special"},
		{Key: "ANY /orders/{proxy+}"}, {Key: "$default"}, {Key: "GET /users/{user}/orders/{rest+}"}, {Key: "POST /trailing/"},
	}, true))
	cases := []struct {
		method, path, key string
		parameters        map[string]string
	}{
		{"GET", "/orders", "GET /orders", nil},
		{"PUT", "/orders", "ANY /orders", nil},
		{"GET", "/orders/42", "GET /orders/{id}", map[string]string{"id": "42"}},
		{"GET", "/orders/special", "GET /orders/special", nil},
		{"PUT", "/orders/42", "ANY /orders/{proxy+}", map[string]string{"proxy": "42"}},
		{"GET", "/orders/42/lines/", "ANY /orders/{proxy+}", map[string]string{"proxy": "42/lines/"}},
		{"GET", "/orders/", "$default", nil},
		{"GET", "/users/u1/orders/a/b", "GET /users/{user}/orders/{rest+}", map[string]string{"user": "u1", "rest": "a/b"}},
		{"GET", "/users//orders/a", "$default", nil},
		{"POST", "/trailing/", "POST /trailing/", nil},
		{"POST", "/trailing", "$default", nil},
		{"GET", "/", "$default", nil},
		{"GET", "//orders", "$default", nil},
		{"HEAD", "/orders/42/x", "ANY /orders/{proxy+}", map[string]string{"proxy": "42/x"}},
		{"get", "/orders", "", nil},
		{"TRACE", "/orders", "", nil},
		{"GET", "orders", "", nil},
		{"OPTIONS", "*", "", nil},
	}
	for _, c := range cases {
		r, parameters, ok := routes.match(c.method, c.path)
		if ok != (c.key != "") || r.Key != c.key || !cmp.Equal(parameters, c.parameters) {
			t.Errorf("%s %s: %q %v %v", c.method, c.path, r.Key, parameters, ok)
		}
	}
}

func TestBadRoutes(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "/x", "GET", "GET x", "get /x", "FETCH /x", "GET /{a+}/b", "GET /{}", "GET /a{b}", "GET /a//b", "GET /a b", "GET /ä"} {
		if _, err := compileRoutes([]Route{{Key: key}}, true); err == nil {
			t.Errorf("%q compiled", key)
		}
	}
	if _, err := compileRoutes([]Route{{Key: DefaultRoute}}, false); err == nil {
		t.Error("a REST API has no $default")
	}
	if _, err := compileRoutes([]Route{{Key: "GET /x"}, {Key: "GET /x"}}, true); err == nil {
		t.Error("a route stood twice")
	}
}

func TestUnknownRoutes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, method, target string
		status               int
		body, errorType      string
	}{
		{"HTTP API", "GET", "/nowhere", 404, `{"message":"Not Found"}`, ""},
		{"HTTP API", "POST", "/orders", 404, `{"message":"Not Found"}`, ""},
		{"HTTP API with a stage", "GET", "/orders", 404, `{"message":"Not Found"}`, ""},
		{"HTTP API with a stage", "GET", "/production/orders", 404, `{"message":"Not Found"}`, ""},
		{"HTTP API with a stage", "GET", "/prod/orders", 403, `{"message":"Forbidden"}`, ""},
		{"REST API", "GET", "/prod/nowhere", 403, `{"message":"Missing Authentication Token"}`, "MissingAuthenticationTokenException"},
		{"REST API", "GET", "/orders", 403, `{"message":"Forbidden"}`, "ForbiddenException"},
		{"REST API", "GET", "/production/orders", 403, `{"message":"Forbidden"}`, "ForbiddenException"},
		{"REST API", "POST", "/prod/orders", 403, `{"message":"Missing Authentication Token"}`, "MissingAuthenticationTokenException"},
	}
	for _, c := range cases {
		b, f := newBench(t), &fakeFunction{}
		routes := []Route{{Key: "GET /orders"}}
		var h http.Handler
		switch c.name {
		case "HTTP API":
			h = must(NewHTTPAPI(HTTPAPIOptions{Door: b.door("a1b2c3", accountB), Routes: routes, Invoker: f}))
		case "HTTP API with a stage":
			h = must(NewHTTPAPI(HTTPAPIOptions{Door: b.door("a1b2c3", accountB), Stage: "prod", Routes: routes, Invoker: f}))
		default:
			h = must(NewRESTAPI(RESTAPIOptions{Door: b.door("r7s8t9", accountB), Stage: "prod", Methods: routes, Invoker: f}))
		}
		got := b.do(h, sending{method: c.method, target: c.target})
		if got.status != c.status || got.body != c.body || got.header.Get("x-amzn-errortype") != c.errorType || f.calls() != 0 {
			t.Errorf("%s, %s %s: %d %s %v", c.name, c.method, c.target, got.status, got.body, got.header)
		}
	}
}

// A bearer token for a resource that a REST API does not have is taken for a
// signature, as users of AWS find out; a real signature, good or bad, is not told
// whether the resource exists.
func TestUnknownResourceWithAnAuthorization(t *testing.T) {
	t.Parallel()
	b, f := newBench(t), &fakeFunction{}
	h := must(NewRESTAPI(RESTAPIOptions{Door: b.door("r7s8t9", accountB), Stage: "prod", Methods: []Route{{Key: "GET /orders"}}, Invoker: f}))
	got := b.do(h, sending{target: "/prod/nowhere", header: http.Header{"Authorization": {"Bearer secret.bearer.token"}}})
	const want = `{"message":"Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): 'f1yty4YM1BNcp3K4MdC6Om+lsBSP+R0pHywBCLAYsuU='."}`
	if got.status != http.StatusForbidden || got.body != want || got.header.Get("x-amzn-errortype") != "IncompleteSignatureException" {
		t.Errorf("%d %s %v", got.status, got.body, got.header)
	}
	cred := b.session(accountB, "caller", iam.SessionSpec{}, policy(t, everything))
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		got = b.do(h, sending{target: "/prod/nowhere", credential: &cred, region: region})
		if got.status != http.StatusForbidden || got.body != `{"message":"Missing Authentication Token"}` {
			t.Errorf("signed for %s: %d %s", region, got.status, got.body)
		}
	}
}

// One route may be open beside those that are not: Account A's classic mistake.
func TestOpenRouteAmongClosedOnes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := must(NewHTTPAPI(HTTPAPIOptions{Door: b.door("a1b2c3", accountA), Backend: Echo(), Routes: []Route{{Key: "$default"}, {Key: "GET /health", Open: true}}}))
	for target, status := range map[string]int{"/health": 200, "/health/": 403, "/orders": 403, "/": 403} {
		if got := b.do(h, sending{target: target}); got.status != status {
			t.Errorf("%s: %d %s", target, got.status, got.body)
		}
	}
	if got := b.do(h, sending{method: http.MethodPost, target: "/health"}); got.status != 403 {
		t.Errorf("POST: %d", got.status)
	}
}

func TestRESTPaths(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, base, target    string
		path, contextPath     string
		resource, domainName  string
		requestContextStage   string
		wantProxy, wantPrefix string
	}{
		{"the stage is left out of the path", "", "/prod/v1/x", "/v1/x", "/prod/v1/x", "/{proxy+}", "r7s8t9.execute-api.us-east-1.amazonaws.com", "prod", "v1/x", "r7s8t9"},
		{"the root", "", "/prod", "/", "/prod", "/", "r7s8t9.execute-api.us-east-1.amazonaws.com", "prod", "", "r7s8t9"},
		{"a trailing slash", "", "/prod/v1/x/", "/v1/x/", "/prod/v1/x/", "/{proxy+}", "r7s8t9.execute-api.us-east-1.amazonaws.com", "prod", "v1/x", "r7s8t9"},
		{"a base path stays in the path", "/vend", "/vend/v1/x", "/vend/v1/x", "/vend/v1/x", "/{proxy+}", "api.example.com", "prod", "v1/x", "api"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, f := newBench(t), &fakeFunction{}
			o := RESTAPIOptions{Door: b.door("r7s8t9", accountB), Stage: "prod", Invoker: f, BasePath: c.base}
			if c.base != "" {
				o.CustomDomain = "api.example.com"
			}
			cred := b.session(accountB, "caller", iam.SessionSpec{}, allow(t, "execute-api:Invoke", "arn:aws:execute-api:us-east-1:444455556666:r7s8t9/prod/GET/*"))
			if got := b.do(must(NewRESTAPI(o)), sending{target: c.target, credential: &cred}); got.status != http.StatusOK {
				t.Fatalf("%d %s; %+v", got.status, got.body, b.lastTrace())
			}
			e := f.event(t)
			ctx := e["requestContext"].(map[string]any)
			proxy := ""
			if p, ok := e["pathParameters"].(map[string]any); ok {
				proxy = p["proxy"].(string)
			}
			got := []any{e["path"], ctx["path"], e["resource"], ctx["domainName"], ctx["stage"], proxy, ctx["domainPrefix"]}
			want := []any{c.path, c.contextPath, c.resource, c.domainName, c.requestContextStage, c.wantProxy, c.wantPrefix}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	b, f := newBench(t), &fakeFunction{}
	ok := b.door("a1b2c3", accountB)
	with := func(change func(*Door)) Door { d := ok; change(&d); return d }
	nobody := with(func(d *Door) { d.World = nil })
	fail := func(name, word string, err error) {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", name, err)
		}
	}
	httpAPI := func(o HTTPAPIOptions) error { _, err := NewHTTPAPI(o); return err }
	restAPI := func(o RESTAPIOptions) error { _, err := NewRESTAPI(o); return err }
	url := func(o FunctionURLOptions) error { _, err := NewFunctionURL(o); return err }
	fail("zero", "id", httpAPI(HTTPAPIOptions{}))
	fail("id", "id", httpAPI(HTTPAPIOptions{Door: with(func(d *Door) { d.ID = "A/B" }), Invoker: f}))
	fail("account", "account", restAPI(RESTAPIOptions{Door: with(func(d *Door) { d.Account = "1" }), Stage: "prod", Invoker: f}))
	fail("region", "region", url(FunctionURLOptions{Door: with(func(d *Door) { d.Region = "here" }), FunctionARN: functionARN, Invoker: f}))
	fail("stage", "stage", httpAPI(HTTPAPIOptions{Door: ok, Stage: "a/b", Invoker: f}))
	fail("no backend", "Invoker", httpAPI(HTTPAPIOptions{Door: ok}))
	fail("two backends", "either", httpAPI(HTTPAPIOptions{Door: ok, Invoker: f, Backend: Echo()}))
	fail("route", "route", httpAPI(HTTPAPIOptions{Door: ok, Invoker: f, Routes: []Route{{Key: "x"}}}))
	fail("no world", "World", httpAPI(HTTPAPIOptions{Door: nobody, Invoker: f}))
	fail("JWT without verifier", "verifier", httpAPI(HTTPAPIOptions{Door: ok, Invoker: f, JWT: &JWTAuthorizer{}}))
	fail("REST without stage", "stage", restAPI(RESTAPIOptions{Door: ok, Invoker: f}))
	fail("base path alone", "base path", restAPI(RESTAPIOptions{Door: ok, Stage: "prod", Invoker: f, BasePath: "/x"}))
	fail("REST without function", "Invoker", restAPI(RESTAPIOptions{Door: ok, Stage: "prod"}))
	fail("REST without world", "World", restAPI(RESTAPIOptions{Door: nobody, Stage: "prod", Invoker: f}))
	fail("REST route", "method", restAPI(RESTAPIOptions{Door: ok, Stage: "prod", Invoker: f, Methods: []Route{{Key: "$default"}}}))
	fail("URL without function", "Invoker", url(FunctionURLOptions{Door: ok, FunctionARN: functionARN}))
	fail("URL without world", "World", url(FunctionURLOptions{Door: nobody, FunctionARN: functionARN, Invoker: f}))
	fail("another account's function", "ARN", url(FunctionURLOptions{Door: ok, FunctionARN: "arn:aws:lambda:us-east-1:111122223333:function:x", Invoker: f}))
}
