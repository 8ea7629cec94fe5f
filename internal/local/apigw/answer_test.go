package apigw

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/internal/local/iam"
)

func TestFunctionAnswers(t *testing.T) {
	t.Parallel()
	type want struct {
		status      int
		contentType string
		body        string
	}
	const plain, js = "text/plain;charset=utf-8", "application/json"
	httpError := want{500, js, `{"message":"Internal Server Error"}`}
	urlError := want{502, js, `Internal Server Error`}
	restError := want{502, js, `{"message":"Internal server error"}`}
	cases := []struct {
		name, answer, failure string
		err                   error
		http, url, rest       want
	}{
		{name: "status and body", answer: `{"statusCode":201,"body":"made"}`,
			http: want{201, plain, "made"}, url: want{201, js, "made"}, rest: want{201, js, "made"}},
		{name: "content type of the function's", answer: `{"statusCode":200,"headers":{"Content-Type":"application/problem+json"},"body":"{}"}`,
			http: want{200, "application/problem+json", "{}"}, url: want{200, "application/problem+json", "{}"}, rest: want{200, "application/problem+json", "{}"}},
		{name: "base64", answer: `{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`,
			http: want{200, plain, "hi"}, url: want{200, js, "hi"}, rest: want{200, js, "aGk="}}, // REST: no binary media types
		{name: "base64 that is none", answer: `{"statusCode":200,"headers":{"content-type":"image/png"},"body":"%%","isBase64Encoded":true}`,
			http: httpError, url: urlError, rest: want{200, "image/png", "%%"}},
		{name: "status as a string", answer: `{"statusCode":"404","body":"x"}`,
			http: want{404, plain, "x"}, url: want{404, js, "x"}, rest: want{404, js, "x"}},
		{name: "no status", answer: `{"a":1}`, http: want{200, js, `{"a":1}`}, url: want{200, js, `{"a":1}`}, rest: restError},
		{name: "status misspelt", answer: `{"StatusCode":201}`, http: want{200, js, `{"StatusCode":201}`}, url: want{200, js, `{"StatusCode":201}`}, rest: restError},
		{name: "a string", answer: `"hello"`, http: want{200, js, `hello`}, url: want{200, js, `hello`}, rest: restError},
		{name: "an array", answer: `[1]`, http: want{200, js, `[1]`}, url: want{200, js, `[1]`}, rest: restError},
		{name: "null", answer: `null`, http: want{200, js, `null`}, url: want{200, js, `null`}, rest: restError},
		{name: "not JSON", answer: `<html>`, http: httpError, url: urlError, rest: restError},
		{name: "two documents", answer: `{"statusCode":200}{"statusCode":200}`, http: httpError, url: urlError, rest: restError},
		{name: "status out of range", answer: `{"statusCode":99}`, http: httpError, url: urlError, rest: restError},
		{name: "status 700", answer: `{"statusCode":700}`, http: httpError, url: urlError, rest: restError},
		{name: "status is text", answer: `{"statusCode":"ok"}`, http: httpError, url: urlError, rest: restError},
		{name: "status is null", answer: `{"statusCode":null}`, http: httpError, url: urlError, rest: restError},
		{name: "body is an object", answer: `{"statusCode":200,"body":{"a":1}}`, http: httpError, url: urlError, rest: restError},
		{name: "header is a list", answer: `{"statusCode":200,"headers":{"a":["b"]}}`, http: httpError, url: urlError, rest: restError},
		{name: "an unknown member", answer: `{"statusCode":200,"extra":1}`, http: want{200, plain, ""}, url: want{200, js, ""}, rest: restError},
		{name: "cookies are format 2.0's", answer: `{"statusCode":200,"cookies":null}`, http: want{200, plain, ""}, url: want{200, js, ""}, rest: restError},
		{name: "a function error", answer: `{"errorMessage":"boom","errorType":"panic"}`, failure: "Unhandled", http: httpError, url: urlError, rest: restError},
		{name: "Lambda cannot invoke it", err: errors.New("throttled"), http: httpError, url: urlError, rest: want{500, js, `{"message":"Internal server error"}`}},
		{name: "an answer over Lambda's limit", answer: `"` + strings.Repeat("a", maxEventBytes) + `"`, http: httpError, url: urlError, rest: restError},
	}
	for _, c := range cases {
		for door, w := range map[string]want{"HTTP API": c.http, "function URL": c.url, "REST API": c.rest} {
			t.Run(c.name+"/"+door, func(t *testing.T) {
				t.Parallel()
				b, f := newBench(t), &fakeFunction{answer: c.answer, failure: c.failure, err: c.err}
				d := doors(b, f)[door]
				cred := b.session(accountB, "caller", iam.SessionSpec{}, policy(t, everything))
				got := b.do(d.handler, sending{target: d.target, credential: &cred})
				if have := (want{got.status, got.header.Get("Content-Type"), got.body}); have != w {
					t.Errorf("got %+v, want %+v", have, w)
				}
				if tr := b.lastTrace(); !tr.Allowed || tr.Status != w.status || (tr.Reason == "") != (w.status < 500) {
					t.Errorf("trace %+v", tr)
				}
			})
		}
	}
}

func TestAnswerHeaders(t *testing.T) {
	t.Parallel()
	const answer = `{"statusCode":200,"headers":{"x-number":7,"x-bool":true,"WWW-Authenticate":"Bearer","server":"mine","content-length":"999","connection":"close"},
		"multiValueHeaders":{"X-Many":["a","b"]}%s}`
	httpAnswer := strings.Replace(answer, "%s", `,"cookies":["a=1; Secure","b=2"]`, 1)
	restAnswer := strings.Replace(answer, "%s", "", 1)
	t.Run("HTTP API", func(t *testing.T) {
		b := newBench(t)
		h := must(NewHTTPAPI(HTTPAPIOptions{Door: b.door("a1b2c3", accountB), Routes: []Route{{Key: "$default", Open: true}}, Invoker: &fakeFunction{answer: httpAnswer}}))
		got := b.do(h, sending{target: "/"})
		if got.status != 200 || got.header.Get("X-Number") != "7" || got.header.Get("X-Bool") != "true" || got.header.Get("Www-Authenticate") != "Bearer" {
			t.Errorf("%+v", got)
		}
		if diff := cmp.Diff([]string{"a=1; Secure", "b=2"}, got.header.Values("Set-Cookie")); diff != "" {
			t.Error(diff)
		}
		if got.header.Get("X-Many") != "" {
			t.Error("multiValueHeaders belong to format 1.0")
		}
	})
	t.Run("REST API", func(t *testing.T) {
		b := newBench(t)
		h := must(NewRESTAPI(RESTAPIOptions{Door: b.door("r7s8t9", accountB), Stage: "prod", Methods: []Route{{Key: "ANY /", Open: true}}, Invoker: &fakeFunction{answer: restAnswer}}))
		got := b.do(h, sending{target: "/prod"})
		if got.status != 200 || got.header.Get("Www-Authenticate") != "" || got.header.Get("X-Amzn-Remapped-Www-Authenticate") != "Bearer" || got.header.Get("X-Amzn-Remapped-Server") != "mine" {
			t.Errorf("%+v", got)
		}
		if diff := cmp.Diff([]string{"a", "b"}, got.header.Values("X-Many")); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("REST API with binary media types", func(t *testing.T) {
		b, f := newBench(t), &fakeFunction{answer: `{"statusCode":200,"headers":{"content-type":"image/png"},"body":"AP8=","isBase64Encoded":true}`}
		h := must(NewRESTAPI(RESTAPIOptions{
			Door: b.door("r7s8t9", accountB), Stage: "prod", Methods: []Route{{Key: "ANY /", Open: true}}, BinaryMediaTypes: []string{"image/*"}, Invoker: f,
		}))
		got := b.do(h, sending{method: http.MethodPost, target: "/prod", body: "\xff", header: http.Header{"Content-Type": {"image/gif"}}})
		if got.body != "\x00\xff" {
			t.Errorf("%q", got.body)
		}
		if e := f.event(t); e["body"] != "/w==" || e["isBase64Encoded"] != true {
			t.Errorf("body %v, encoded %v", e["body"], e["isBase64Encoded"])
		}
		got = b.do(h, sending{target: "/prod", header: http.Header{"Accept": {"text/html, image/png"}}})
		if got.body != "AP8=" {
			t.Errorf("the first type of Accept decides: %q", got.body)
		}
	})
}

func TestIntegrationTimeouts(t *testing.T) {
	t.Parallel()
	for door, want := range map[string]struct {
		status int
		body   string
	}{
		"HTTP API":     {503, `{"message":"Service Unavailable"}`},
		"REST API":     {504, `{"message":"Endpoint request timed out"}`},
		"function URL": {502, `Internal Server Error`},
	} {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			hang := make(chan struct{})
			defer close(hang)
			f := &fakeFunction{hang: hang}
			d := b.door("a1b2c3", accountB)
			d.Timeout = 20 * time.Millisecond
			var h http.Handler
			target := "/x"
			switch door {
			case "HTTP API":
				h = must(NewHTTPAPI(HTTPAPIOptions{Door: d, Invoker: f}))
			case "REST API":
				h, target = must(NewRESTAPI(RESTAPIOptions{Door: d, Stage: "prod", Invoker: f})), "/prod/x"
			default:
				h = must(NewFunctionURL(FunctionURLOptions{Door: d, FunctionARN: functionARN, Invoker: f}))
			}
			cred := b.session(accountB, "caller", iam.SessionSpec{}, policy(t, everything))
			got := b.do(h, sending{target: target, credential: &cred})
			if got.status != want.status || got.body != want.body {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

// How long each door waits for its integration, as AWS documents it.
func TestIntegrationsAreGivenAWSTime(t *testing.T) {
	t.Parallel()
	if httpAPITimeout != 30*time.Second || restAPITimeout != 29*time.Second {
		t.Errorf("HTTP API %s, REST API %s", httpAPITimeout, restAPITimeout)
	}
	for door, want := range map[string]time.Duration{"HTTP API": 30 * time.Second, "REST API": 29 * time.Second, "function URL": 15 * time.Minute} {
		b, f := newBench(t), &patientFunction{}
		if got := b.do(openDoors(b, f, nil)[door], sending{target: "/prod/x"}); got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", door, got.status, got.body)
		}
		if f.left > want || f.left < want-5*time.Second {
			t.Errorf("%s waits %s, want %s", door, f.left, want)
		}
	}
}
