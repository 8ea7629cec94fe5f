package apigw

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/internal/local/iam"
	"github.com/credvend/credvend/internal/local/wire"
)

// The fields of the events that AWS documents, written from its pages "AWS Lambda
// proxy integrations for HTTP APIs", "Lambda proxy integrations in API Gateway"
// and "Invoking Lambda function URLs". "?" marks what is left out when empty;
// what AWS documents and no door here can have is left out on purpose: clientCert
// (mutual TLS), cognito identities, API keys.
const (
	documentedHTTP = `version routeKey rawPath rawQueryString cookies? headers queryStringParameters? pathParameters? stageVariables? body? isBase64Encoded
		requestContext.accountId requestContext.apiId requestContext.domainName requestContext.domainPrefix requestContext.requestId
		requestContext.routeKey requestContext.stage requestContext.time requestContext.timeEpoch requestContext.http.method
		requestContext.http.path requestContext.http.protocol requestContext.http.sourceIp requestContext.http.userAgent `
	documentedIAM = `requestContext.authorizer.iam.accessKey requestContext.authorizer.iam.accountId requestContext.authorizer.iam.callerId
		requestContext.authorizer.iam.cognitoIdentity requestContext.authorizer.iam.principalOrgId requestContext.authorizer.iam.userArn
		requestContext.authorizer.iam.userId`
	documentedJWT  = `requestContext.authorizer.jwt.claims requestContext.authorizer.jwt.scopes`
	documentedREST = `resource path httpMethod headers multiValueHeaders queryStringParameters multiValueQueryStringParameters pathParameters
		stageVariables body isBase64Encoded requestContext.accountId requestContext.apiId requestContext.domainName requestContext.domainPrefix
		requestContext.extendedRequestId requestContext.httpMethod requestContext.path requestContext.protocol requestContext.requestId
		requestContext.requestTime requestContext.requestTimeEpoch requestContext.resourceId requestContext.resourcePath requestContext.stage
		requestContext.identity.accessKey requestContext.identity.accountId requestContext.identity.caller
		requestContext.identity.cognitoAuthenticationProvider requestContext.identity.cognitoAuthenticationType
		requestContext.identity.cognitoIdentityId requestContext.identity.cognitoIdentityPoolId requestContext.identity.principalOrgId
		requestContext.identity.sourceIp requestContext.identity.user requestContext.identity.userAgent requestContext.identity.userArn`
)

// TestEventsHaveTheDocumentedFields: each fixture has every field that AWS
// documents for its door, and none besides.
func TestEventsHaveTheDocumentedFields(t *testing.T) {
	t.Parallel()
	for file, documented := range map[string]string{
		"http_iam.json":        documentedHTTP + documentedIAM,
		"http_jwt.json":        documentedHTTP + documentedJWT,
		"http_jwt_bare.json":   documentedHTTP + documentedJWT,
		"http_iam_binary.json": documentedHTTP + documentedIAM,
		"function_url.json":    documentedHTTP + documentedIAM,
		"rest_iam.json":        documentedREST,
		"rest_iam_bare.json":   documentedREST,
	} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		var event map[string]any
		if err := json.Unmarshal(text, &event); err != nil {
			t.Fatal(err)
		}
		have := fields("", event)
		var may []string
		for f := range strings.FieldsSeq(documented) {
			name, optional := strings.CutSuffix(f, "?")
			may = append(may, name)
			if !optional && !slices.Contains(have, name) {
				t.Errorf("%s lacks %s", file, name)
			}
		}
		for _, f := range have {
			if !slices.Contains(may, f) {
				t.Errorf("%s has %s, which AWS does not document", file, f)
			}
		}
	}
}

// fields lists the paths of an event down to where the client's own words begin.
func fields(at string, v map[string]any) (paths []string) {
	for name, value := range v {
		path := at + name
		switch inner, ok := value.(map[string]any); {
		case ok && !slices.Contains([]string{"headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables", "claims"}, name):
			paths = append(paths, fields(path+".", inner)...)
		default:
			paths = append(paths, path)
		}
	}
	return paths
}

// A route that asks for no scopes reports null, and a request without query,
// cookies or body leaves their fields out.
func TestBareJWTEvent(t *testing.T) {
	b, f := newBench(t), &fakeFunction{}
	h, issuer := jwtAPI(t, b, f, "", Route{Key: "$default"})
	token := must(issuer.Token(map[string]any{"sub": "u-2", "groups": []any{}, "nested": map[string]any{"a": 1}, "mixed": []any{"a b", 1, true}, "jti": "j2"}))
	if got := b.do(h, sending{target: "/v1/whoami", header: http.Header{"Authorization": {token}}}); got.status != http.StatusOK {
		t.Fatalf("%+v; %+v", got, b.lastTrace())
	}
	golden(t, f, "http_jwt_bare.json", token, "JWT", issuer.URL(), "ISSUER")
}

// A form is no text to format 2.0: it comes in base64. The default stage does
// not stand in the path, and an escaped slash is decoded.
func TestBinaryBodyEvent(t *testing.T) {
	b, f := newBench(t), &fakeFunction{}
	h := must(NewHTTPAPI(HTTPAPIOptions{Door: b.door("a1b2c3", accountB), Invoker: f}))
	cred := b.session(accountB, "billing-service", iam.SessionSpec{SessionName: "billing"}, policy(t, everything))
	got := b.do(h, sending{
		method: http.MethodPost, target: "/a%2Fb%C3%A9?x=1&x=&x=3", body: "sub=ana&groups=a%2Cb", credential: &cred,
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"a", "b"}},
		tamper: func(r *http.Request) { r.URL.RawQuery = "x=1&x=&x=3" },
	})
	if got.status != http.StatusOK {
		t.Fatalf("%+v; %+v", got, b.lastTrace())
	}
	golden(t, f, "http_iam_binary.json", cred.AccessKeyID, "ASIAEXAMPLE", cred.SessionToken, "TOKEN")
}

// Without query, parameters or body a REST API's event has null.
func TestBareRESTEvent(t *testing.T) {
	b, f := newBench(t), &fakeFunction{}
	h := must(NewRESTAPI(RESTAPIOptions{
		Door: b.door("r7s8t9", accountB), Stage: "prod", Methods: []Route{{Key: "GET /v1/targets"}}, Invoker: f, StageVariables: map[string]string{"colour": "blue"},
	}))
	cred := b.session(accountB, "billing-service", iam.SessionSpec{SessionName: "billing"}, policy(t, everything))
	if got := b.do(h, sending{target: "/prod/v1/targets", credential: &cred}); got.status != http.StatusOK {
		t.Fatalf("%+v; %+v", got, b.lastTrace())
	}
	golden(t, f, "rest_iam_bare.json", cred.AccessKeyID, "ASIAEXAMPLE", cred.SessionToken, "TOKEN", resourceID("/v1/targets"), "RESOURCE")
}

// A REST API passes header names on as the client wrote them; an HTTP API writes
// them in lower case.
func TestHeaderNamesAsSent(t *testing.T) {
	t.Parallel()
	for door, want := range map[string][]string{
		"REST API": {"ACCEPT", "Authorization", "Content-length", "Host", "User-Agent", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "x-lower", "x-mIXed"},
		"HTTP API": {"accept", "authorization", "content-length", "host", "user-agent", "x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-lower", "x-mixed"},
	} {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			b, f := newBench(t), &fakeFunction{}
			address := serveWatched(t, openDoors(b, f, nil)[door])
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			// Two requests behind one another: each has its own spelling.
			_, _ = fmt.Fprintf(c, "POST /prod/x HTTP/1.1\r\nhost: %[1]s\r\nX-Other: 1\r\nContent-Length: 3\r\n\r\nabc"+
				"POST /prod/x HTTP/1.1\r\nhost: %[1]s\r\nuser-agent: t\r\nauthorization: none\r\nACCEPT: */*\r\nx-lower: 1\r\nx-mIXed: 1\r\nX-MIXED: 2\r\nx-forwarded-for: 10.0.0.1\r\nContent-length: 1\r\n\r\nx", address)
			r := bufio.NewReader(c)
			for range 2 {
				resp, err := http.ReadResponse(r, nil)
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Fatal(resp, err)
				}
				_, _ = io.Copy(io.Discard, resp.Body) // to where the next answer begins
				_ = resp.Body.Close()
			}
			var got []string
			e := f.event(t)
			for name := range e["headers"].(map[string]any) {
				got = append(got, name)
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if door == "REST API" {
				multi := e["multiValueHeaders"].(map[string]any)
				if diff := cmp.Diff([]any{"1", "2"}, multi["x-mIXed"]); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// serveWatched serves a door as the local stack does.
func serveWatched(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: wire.Handler(h), ConnContext: wire.ConnContext, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.Serve(wire.Listen(l, nil)) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// Each invocation has a trace of its own, whatever the client sends.
func TestInvocationTrace(t *testing.T) {
	t.Parallel()
	b, f := newBench(t), &tracedFunction{}
	d := b.door("a1b2c3", accountB)
	d.Random = nil
	h := must(NewHTTPAPI(HTTPAPIOptions{Door: d, Routes: []Route{{Key: "$default", Open: true}}, Invoker: f}))
	const root = "1-00000000-111111111111111111111111"
	for _, sent := range []string{"Root=" + root, "Root=" + root + ";Parent=1", "Root=" + root + "\x7f", "", "Root=x;Root=" + root + ";y"} {
		b.do(h, sending{target: "/", header: http.Header{"X-Amzn-Trace-Id": {strings.ReplaceAll(sent, "\x7f", "0")}}})
		if got := b.lastTrace().TraceID; got != f.last() {
			t.Errorf("%q: the door reports %s, the function got %s", sent, got, f.last())
		}
	}
	seen := map[string]bool{}
	for i, got := range f.traces {
		if seen[got] || !strings.HasPrefix(got, "Root=1-") || strings.Contains(got, root) != (i != 2 && i != 3) || len(got) != len("Root=")+35+len(";Parent=")+16+len(";Sampled=0") {
			t.Errorf("%d: %s", i, got)
		}
		seen[got] = true
	}
}
