package apigw

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/internal/local/iam"
	"github.com/credvend/credvend/internal/local/oidc"
)

var update = flag.Bool("update", false, "rewrite the events in testdata")

var signature = regexp.MustCompile(`AWS4-HMAC-SHA256 [^"]*`)

// golden compares the function's last event with a fixture. replace holds pairs:
// what varies from run to run, and what stands for it in the fixture.
func golden(t *testing.T, f *fakeFunction, name string, replace ...string) {
	t.Helper()
	text := indent(t, f.event(t))
	text = strings.NewReplacer(replace...).Replace(text)
	text = signature.ReplaceAllString(text, "AWS4-HMAC-SHA256 …")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got, expected map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want, &expected); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("event differs from %s (-documented +sent):\n%s", path, diff)
	}
}

func TestHTTPAPIEvent(t *testing.T) {
	b, f := newBench(t), &fakeFunction{}
	h := must(NewHTTPAPI(HTTPAPIOptions{
		Door: b.door("a1b2c3", accountB), Stage: "prod", StageVariables: map[string]string{"colour": "blue"},
		Routes: []Route{{Key: "ANY /v1/{proxy+}"}}, Invoker: f,
	}))
	cred := b.session(accountB, "billing-service", iam.SessionSpec{SessionName: "billing"}, policy(t, everything))
	got := b.do(h, sending{
		method: http.MethodPost, target: "/prod/v1/a%2Fb%20c/x?tag=a&tag=b%20c&empty=&plus=1+2", body: `{"a":"é"}`, credential: &cred,
		header: http.Header{
			"Content-Type": {"application/json"}, "Cookie": {"a=1; b=2", "c=3"}, "X-Multi": {"one", "two"}, "X-Forwarded-For": {"203.0.113.7"},
			// The function must not believe this; the gateway passes it on as any other.
			"X-GoLambdaProxy-ApiGw-Context": {`{"accountId":"111122223333"}`},
		},
		// The signer rewrites the query; what counts is how it is sent.
		tamper: func(r *http.Request) { r.URL.RawQuery = "tag=a&tag=b%20c&empty=&plus=1+2" },
	})
	if got.status != http.StatusOK || got.body != `{"ok":true}` || got.header.Get("apigw-requestid") != "AAAAAAAAAAAAAAA=" {
		t.Fatalf("%+v; %+v", got, b.lastTrace())
	}
	golden(t, f, "http_iam.json", cred.AccessKeyID, "ASIAEXAMPLE", cred.SessionToken, "TOKEN")
}

func TestFunctionURLEvent(t *testing.T) {
	b, f := newBench(t), &fakeFunction{}
	d := b.door("xyz", accountB)
	d.OrgID = "o-example"
	h := must(NewFunctionURL(FunctionURLOptions{
		Door: d, FunctionARN: functionARN, Invoker: f,
		Policy: policy(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"777788889999"},"Action":["lambda:InvokeFunctionUrl","lambda:InvokeFunction"],"Resource":"`+functionARN+`"}]}`),
	}))
	cred := b.session(accountC, "outsider", iam.SessionSpec{SessionName: "batch"}, policy(t, everything))
	got := b.do(h, sending{
		method: http.MethodPut, target: "/v1/a%2Fb%20c?route=GET%20/orders/*", body: "\x00\xff\x01", credential: &cred,
		header: http.Header{"Content-Type": {"application/octet-stream"}, "Cookie": {"a=1"}},
		tamper: func(r *http.Request) { r.URL.RawQuery = "route=GET%20/orders/*" },
	})
	if got.status != http.StatusOK || got.header.Get("x-amzn-requestid") != "00000000-0000-4000-8000-000000000000" {
		t.Fatalf("%+v; %+v", got, b.lastTrace())
	}
	golden(t, f, "function_url.json", cred.AccessKeyID, "ASIAEXAMPLE", cred.SessionToken, "TOKEN")
}

func TestRESTAPIEvent(t *testing.T) {
	b, f := newBench(t), &fakeFunction{}
	h := must(NewRESTAPI(RESTAPIOptions{Door: b.door("r7s8t9", accountB), Stage: "prod", Methods: []Route{{Key: "ANY /v1/{proxy+}"}}, Invoker: f}))
	if err := b.world.AddUser(iam.User{ARN: "arn:aws:iam::444455556666:user/operator", UniqueID: "AIDAOPERATOR000000000", Policies: []*iam.Policy{policy(t, everything)}}); err != nil {
		t.Fatal(err)
	}
	cred, err := b.world.UserCredential("arn:aws:iam::444455556666:user/operator")
	if err != nil {
		t.Fatal(err)
	}
	got := b.do(h, sending{
		method: http.MethodPost, target: "/prod/v1/a%20b/c?tag=a&tag=b%20c", body: "x", credential: &cred,
		header: http.Header{"Content-Type": {"text/plain"}, "Cookie": {"a=1; b=2"}, "X-Multi": {"one", "two"}},
	})
	if got.status != http.StatusOK || got.header.Get("x-amz-apigw-id") == "" {
		t.Fatalf("%+v; %+v", got, b.lastTrace())
	}
	golden(t, f, "rest_iam.json", cred.AccessKeyID, "AKIAEXAMPLE", resourceID("/v1/{proxy+}"), "RESOURCE")
}

// jwtAPI is an HTTP API with a JWT authorizer, and the issuer of its tokens.
func jwtAPI(t *testing.T, b *bench, f Invoker, source string, routes ...Route) (*HTTPAPI, *oidc.Issuer) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	issuer, err := oidc.New(oidc.Options{URL: server.URL, Audience: "shop", Now: b.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/", issuer)
	d := b.door("d4e5f6", accountB)
	d.World = nil
	return must(NewHTTPAPI(HTTPAPIOptions{
		Door: d, Routes: routes, Invoker: f,
		JWT: &JWTAuthorizer{Verifier: oidc.NewVerifier(oidc.VerifierOptions{Issuer: server.URL, Audience: []string{"shop"}, Now: b.clock.now}), IdentitySource: source},
	})), issuer
}

func TestJWTEvent(t *testing.T) {
	b, f := newBench(t), &fakeFunction{}
	h, issuer := jwtAPI(t, b, f, "", Route{Key: "GET /v1/{name}", Scopes: []string{"orders/read"}})
	token := must(issuer.Token(map[string]any{
		"sub": "u-1", "cognito:groups": []string{"shoppers", "vip"}, "level": 7, "email_verified": true, "scope": "orders/read orders/write", "jti": "j1",
	}))
	got := b.do(h, sending{target: "/v1/whoami", header: http.Header{"Authorization": {"Bearer " + token}}})
	if got.status != http.StatusOK {
		t.Fatalf("%+v; %+v", got, b.lastTrace())
	}
	golden(t, f, "http_jwt.json", token, "JWT", issuer.URL(), "ISSUER")
	if tr := b.lastTrace(); tr.Subject != "u-1" || tr.Caller != "" || !tr.Allowed {
		t.Errorf("trace %+v", tr)
	}
}

func TestTextBodies(t *testing.T) {
	t.Parallel()
	cases := []struct {
		contentType, body string
		text              bool
	}{
		{"application/json", `{}`, true},
		{"Application/JSON; charset=utf-8", `{}`, true},
		{"application/problem+json", `{}`, true},
		{"application/xml", `<a/>`, true},
		{"application/javascript", `1`, true},
		{"text/plain", `a`, true},
		{"text/plain; charset=", `a`, true},
		{"", `a`, true},
		{"application/x-www-form-urlencoded", `a=b`, false}, // the trap for curl -d
		{"application/octet-stream", `a`, false},
		{"multipart/form-data; boundary=x", `a`, false},
		{"image/svg+xml", `<a/>`, true},
		{"json", `{}`, false},
		{"application/json", "\xff", false},
		{"", "\xff", false},
	}
	for _, c := range cases {
		if got := isText(c.contentType, []byte(c.body)); got != c.text {
			t.Errorf("%q %q: %v", c.contentType, c.body, got)
		}
	}
}

// What a client says of itself in the proxies' own headers.
func TestForwardedHeaders(t *testing.T) {
	t.Parallel()
	b, f := newBench(t), &fakeFunction{}
	h := openDoors(b, f, nil)["HTTP API"]
	b.do(h, sending{target: "/x?%zz=1&=2&a", header: http.Header{
		"X-Forwarded-For": {"10.0.0.1", "10.0.0.2"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Port": {"80"}, "X-Forwarded-Host": {"evil.example"},
		"X-Amzn-Trace-Id": {"Root=1-00000000-111111111111111111111111"}, "Forwarded": {"for=10.0.0.3"}, "Content-Length": {"99"},
	}})
	e := f.event(t)
	headers := e["headers"].(map[string]any)
	for name, want := range map[string]string{
		"x-forwarded-for": "10.0.0.1, 10.0.0.2, 127.0.0.1", "x-forwarded-proto": "https", "x-forwarded-port": "443", "x-forwarded-host": "evil.example",
		"x-amzn-trace-id": "Self=1-6b02d940-000000000000000000000000;Root=1-00000000-111111111111111111111111", "forwarded": "for=10.0.0.3",
		"host": "a1b2c3.execute-api.us-east-1.amazonaws.com", "content-length": "0",
	} {
		if headers[name] != want {
			t.Errorf("%s is %q, not %q", name, headers[name], want)
		}
	}
	if ip := e["requestContext"].(map[string]any)["http"].(map[string]any)["sourceIp"]; ip != "127.0.0.1" {
		t.Errorf("source %v", ip)
	}
	if diff := cmp.Diff(map[string]any{"%zz": "1", "": "2", "a": ""}, e["queryStringParameters"]); diff != "" {
		t.Error(diff)
	}
}

// Real ids, in AWS's forms, differ from request to request.
func TestRequestIDs(t *testing.T) {
	t.Parallel()
	b, f := newBench(t), &fakeFunction{}
	d := b.door("a1b2c3", accountB)
	d.Random, d.Now = nil, nil
	h := must(NewHTTPAPI(HTTPAPIOptions{Door: d, Routes: []Route{{Key: "$default", Open: true}}, Invoker: f}))
	form := regexp.MustCompile(`^[A-Za-z0-9+/]{15}=$`)
	first, second := b.do(h, sending{target: "/"}).header.Get("apigw-requestid"), b.do(h, sending{target: "/"}).header.Get("apigw-requestid")
	if !form.MatchString(first) || first == second {
		t.Errorf("%q %q", first, second)
	}
	if id := f.event(t)["requestContext"].(map[string]any)["requestId"]; id != second || b.lastTrace().RequestID != second {
		t.Errorf("the event has %v, the answer %s", id, second)
	}
}

// Payload format 1.0 at an HTTP API, the planted mistake: the event looks like a
// REST API's but states its version.
func TestPayloadFormat1(t *testing.T) {
	t.Parallel()
	b, f := newBench(t), &fakeFunction{answer: `{"statusCode":200,"multiValueHeaders":{"X-Many":["a","b"]},"headers":{"server":"mine"},"body":"aGk=","isBase64Encoded":true}`}
	h := must(NewHTTPAPI(HTTPAPIOptions{Door: b.door("a1b2c3", accountB), PayloadFormat: "1.0", Routes: []Route{{Key: "GET /v1/{name}"}, {Key: "$default"}}, Invoker: f}))
	cred := b.session(accountB, "caller", iam.SessionSpec{}, policy(t, everything))
	got := b.do(h, sending{target: "/v1/whoami?a=1&a=2", credential: &cred})
	if got.status != 200 || got.body != "hi" || len(got.header.Values("X-Many")) != 2 || got.header.Get("Server") != "mine" || got.header.Get("Content-Type") != "text/plain;charset=utf-8" {
		t.Fatalf("%+v; %+v", got, b.lastTrace())
	}
	e := f.event(t)
	ctx := e["requestContext"].(map[string]any)
	id := ctx["identity"].(map[string]any)
	have := []any{e["version"], e["resource"], e["path"], e["httpMethod"], e["body"], ctx["stage"], ctx["resourceId"], id["userArn"], id["caller"], id["accountId"], ctx["authorizer"]}
	want := []any{"1.0", "/v1/{name}", "/v1/whoami", "GET", nil, "$default", nil, cred.Principal.ARN, cred.Principal.UserID, accountB, map[string]any{"claims": nil, "scopes": nil}}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"a": []any{"1", "2"}}, e["multiValueQueryStringParameters"]); diff != "" {
		t.Error(diff)
	}
	if got := b.do(h, sending{target: "/other", credential: &cred}); got.status != 200 || f.event(t)["resource"] != "$default" {
		t.Errorf("%d %v", got.status, f.event(t)["resource"])
	}
	f.answer = `{"a":1}`
	if got := b.do(h, sending{target: "/v1/whoami", credential: &cred}); got.status != 500 || got.body != `{"message":"Internal Server Error"}` {
		t.Errorf("format 1.0 infers nothing: %d %s", got.status, got.body)
	}
	if _, err := NewHTTPAPI(HTTPAPIOptions{Door: b.door("a1b2c3", accountB), PayloadFormat: "3.0", Invoker: f}); err == nil {
		t.Error("format 3.0")
	}
}

func TestPayloadFormat1WithJWT(t *testing.T) {
	t.Parallel()
	b, f := newBench(t), &fakeFunction{}
	h, issuer := jwtAPI(t, b, f, "")
	h.opt.PayloadFormat = "1.0"
	b.do(h, sending{target: "/x", header: http.Header{"Authorization": {must(issuer.Token(map[string]any{"sub": "u-1"}))}}})
	ctx := f.event(t)["requestContext"].(map[string]any)
	claims := ctx["authorizer"].(map[string]any)["claims"].(map[string]any)
	if claims["sub"] != "u-1" || ctx["identity"].(map[string]any)["userArn"] != nil {
		t.Errorf("%v", ctx)
	}
}

// A path that net/url would escape on its own arrives, and is judged, as sent.
func TestPathAsSent(t *testing.T) {
	t.Parallel()
	b, f := newBench(t), &fakeFunction{}
	raw := func(r *http.Request) { r.URL.Opaque = "/prod/a^b" }
	for door, h := range openDoors(b, f, nil) {
		b.do(h, sending{target: "/", tamper: raw})
		e := f.event(t)
		path := e["rawPath"]
		want := "/prod/a^b"
		if door == "REST API" {
			path, want = e["path"], "/a^b"
		}
		if path != want || b.lastTrace().Path != "/prod/a^b" {
			t.Errorf("%s: %v; %+v", door, path, b.lastTrace())
		}
	}
}
