package apigw

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/time/rate"
)

// openDoors are doors of each kind that ask for no signature.
func openDoors(b *bench, f Invoker, limiter *rate.Limiter) map[string]http.Handler {
	d := b.door("a1b2c3", accountB)
	d.World, d.Throttle = nil, limiter
	// What Lambda's console writes for a URL of type NONE.
	everyone := policy(b.t, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunctionUrl","Resource":"`+functionARN+`","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}},
		{"Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"`+functionARN+`","Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}}]}`)
	return map[string]http.Handler{
		"HTTP API":     must(NewHTTPAPI(HTTPAPIOptions{Door: d, Routes: []Route{{Key: "$default", Open: true}}, Invoker: f})),
		"REST API":     must(NewRESTAPI(RESTAPIOptions{Door: d, Stage: "prod", Methods: []Route{{Key: "ANY /{proxy+}", Open: true}}, Invoker: f})),
		"function URL": must(NewFunctionURL(FunctionURLOptions{Door: d, FunctionARN: functionARN, Open: true, Policy: everyone, Invoker: f})),
	}
}

func TestOpenDoorsSayNothingOfACaller(t *testing.T) {
	t.Parallel()
	for door := range map[string]bool{"HTTP API": true, "REST API": true, "function URL": true} {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			b, f := newBench(t), &fakeFunction{}
			got := b.do(openDoors(b, f, nil)[door], sending{target: "/prod/x"})
			if got.status != http.StatusOK {
				t.Fatalf("%d %s; %+v", got.status, got.body, b.lastTrace())
			}
			ctx := f.event(t)["requestContext"].(map[string]any)
			if ctx["authorizer"] != nil {
				t.Errorf("authorizer %v", ctx["authorizer"])
			}
			if id, ok := ctx["identity"].(map[string]any); ok && (id["userArn"] != nil || id["accountId"] != nil || id["accessKey"] != nil) {
				t.Errorf("identity %v", id)
			}
		})
	}
}

func TestFunctionURLWithoutAuthStillNeedsItsPolicy(t *testing.T) {
	t.Parallel()
	b, f := newBench(t), &fakeFunction{}
	h := must(NewFunctionURL(FunctionURLOptions{Door: b.door("xyz", accountB), FunctionARN: functionARN, Open: true, Invoker: f}))
	if got := b.do(h, sending{target: "/"}); got.status != http.StatusForbidden || got.body != forbiddenURL || f.calls() != 0 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestRESTPolicyBindsAnonymousCallers(t *testing.T) {
	t.Parallel()
	b, f := newBench(t), &fakeFunction{}
	h := must(NewRESTAPI(RESTAPIOptions{
		Door: b.door("r7s8t9", accountB), Stage: "prod", Methods: []Route{{Key: "GET /x", Open: true}}, Invoker: f,
		Policy: policy(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}]}`),
	}))
	got := b.do(h, sending{target: "/prod/x", header: http.Header{"X-Forwarded-For": {"203.0.113.7"}}})
	const want = `{"Message":"User: anonymous is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:us-east-1:********6666:r7s8t9/prod/GET/x"}`
	if got.status != http.StatusForbidden || got.body != want || f.calls() != 0 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	post := func(n int) sending {
		return sending{method: http.MethodPost, target: "/prod/x", body: strings.Repeat("a", n), header: http.Header{"Content-Type": {"text/plain"}}}
	}
	wide := sending{target: "/prod/x", header: http.Header{"X-Wide": {strings.Repeat("a", maxHeaderBytes)}}}
	long := sending{target: "/prod/x?" + strings.Repeat("a", maxHeaderBytes)}
	const requestTooLarge, tooLong = `{"message":"Request Entity Too Large"}`, `{"message":"Request Too Long"}`
	const urlTooLarge = `{"Message":"Request must be smaller than 6291556 bytes for the InvokeFunction operation"}`
	const wideBody = `{"message":"Request Header Fields Too Large"}`
	cases := []struct {
		name, door string
		send       sending
		status     int
		body       string
	}{
		{"payload", "HTTP API", post(maxAPIBody + 1), 413, requestTooLarge},
		{"event over Lambda's limit", "HTTP API", post(maxEventBytes), 413, requestTooLarge},
		{"a large payload", "HTTP API", post(5 << 20), 200, `{"ok":true}`},
		{"header", "HTTP API", wide, 431, wideBody},
		{"request line", "HTTP API", long, 431, wideBody},
		{"payload", "REST API", post(maxAPIBody + 1), 413, "HTTP content length exceeded 10485760 bytes."},
		{"event over Lambda's limit", "REST API", post(maxEventBytes), 413, tooLong},
		{"header", "REST API", wide, 431, wideBody},
		{"payload", "function URL", post(maxURLBody + 1), 413, urlTooLarge},
		{"payload that fits, event that does not", "function URL", post(maxURLBody), 413, urlTooLarge},
		{"a wide header passes", "function URL", wide, 200, `{"ok":true}`},
	}
	for _, c := range cases {
		t.Run(c.door+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			b, f := newBench(t), &fakeFunction{}
			got := b.do(openDoors(b, f, nil)[c.door], c.send)
			if got.status != c.status || got.body != c.body {
				t.Errorf("%d %.200s", got.status, got.body)
			}
			if (f.calls() == 1) != (c.status == 200) {
				t.Errorf("%d calls", f.calls())
			}
		})
	}
}

// endless is a chunked body that states no length and never ends.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) { e.read += len(p); return len(p), nil }

func TestEndlessBodyIsNotRead(t *testing.T) {
	t.Parallel()
	for _, door := range []string{"HTTP API", "REST API", "function URL"} {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			b, f, body := newBench(t), &fakeFunction{}, &endless{}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/prod/x", io.NopCloser(body))
			r.ContentLength = -1
			w := httptest.NewRecorder()
			openDoors(b, f, nil)[door].ServeHTTP(w, r)
			if w.Code != http.StatusRequestEntityTooLarge || body.read > 4*maxAPIBody || f.calls() != 0 {
				t.Errorf("%d after %d bytes", w.Code, body.read)
			}
		})
	}
}

// broken is a body that ends in an error, as a client that goes away leaves it.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestBrokenBody(t *testing.T) {
	t.Parallel()
	for _, door := range []string{"HTTP API", "REST API", "function URL"} {
		b, f := newBench(t), &fakeFunction{}
		w := httptest.NewRecorder()
		openDoors(b, f, nil)[door].ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/prod/x", io.NopCloser(broken{})))
		if w.Code != http.StatusBadRequest || f.calls() != 0 || !bytes.Contains(bytes.ToLower(w.Body.Bytes()), []byte(`"bad request"`)) {
			t.Errorf("%s: %d %s", door, w.Code, w.Body)
		}
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	for door, want := range map[string]string{
		"HTTP API": `{"message":"Too Many Requests"}`, "REST API": `{"message":"Too Many Requests"}`, "function URL": `{"Message":"Rate Exceeded."}`,
	} {
		b, f := newBench(t), &fakeFunction{}
		h := openDoors(b, f, rate.NewLimiter(1, 1))[door]
		for i, status := range []int{200, 429} {
			if got := b.do(h, sending{target: "/prod/x"}); got.status != status || status == 429 && got.body != want {
				t.Errorf("%s, request %d: %d %s", door, i+1, got.status, got.body)
			}
		}
	}
}
