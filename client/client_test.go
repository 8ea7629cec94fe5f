package client

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/credvend/credvend/api"
)

func TestNew(t *testing.T) {
	signed := WithCredentialsProvider(static())
	url := WithURL("https://vend.example.com")
	for _, c := range []struct {
		name string
		opts []Option
		want string // part of the error; empty: none
	}{
		{"signed", []Option{url, signed, WithRegion("us-east-1")}, ""},
		{"AWS config with a region", []Option{url, WithAWSConfig(aws.Config{Credentials: static(), Region: "us-east-1"})}, ""},
		{"a token needs no region", []Option{url, WithBearerToken(jwt)}, ""},
		{"region of the URL", []Option{WithURL("https://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod"), signed}, ""},
		{"no URL", []Option{signed}, "the service's URL is missing"},
		{"no proof", []Option{url}, "nothing proves who calls"},
		{"AWS config without credentials", []Option{url, WithAWSConfig(aws.Config{Region: "us-east-1"})}, "nothing proves who calls"},
		{"both proofs", []Option{url, signed, WithBearerToken(jwt)}, "two ways"},
		{"two tokens", []Option{url, WithBearerToken(jwt), WithBearerTokenFile("x")}, "two ways"},
		{"no region", []Option{url, signed}, "does not show its region; give WithRegion"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, err := New(c.opts...)
			expect(t, err, c.want)
			noSecrets(t, fmt.Sprintf("%v %+v %#v", client, client, client))
		})
	}
}

func TestURL(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"https://vend.example.com", ""},
		{"https://vend.example.com/", ""},
		{"https://vend.example.com:8443/prod", ""},
		{"HTTPS://vend.example.com", ""},
		{"http://127.0.0.1:8080", ""},
		{"http://[::1]:8080", ""},
		{"http://localhost:8080", ""},
		{"http://vend.example.com", "plain http"},
		{"http://10.0.0.1", "plain http"},
		{"http://127.0.0.1.example.com", "plain http"},
		{"http://localhost.example.com", "plain http"},
		{"http://169.254.169.254", "plain http"},
		{"ftp://vend.example.com", "must begin with https://"},
		{"vend.example.com", "not a URL"},
		{"https://", "not a URL"},
		{"https://:443", "not a URL"},
		{"https:vend.example.com", "not a URL"},
		{"https://vend.example.com\n.evil.example", "not a URL"},
		{"https://user:hunter2hunter2@vend.example.com", "user name"},
		{"https://vend.example.com?x=1", "query"},
		{"https://vend.example.com#x", "fragment"},
		{"https://vend.example.com/a/../b", "dot segments"},
		{"https://vend.example.com/a/..", "dot segments"},
		{"https://vend.example.com//a", "doubled slashes"},
		{"https://vend.example.com/a%2Fb", "escapes"},
	} {
		t.Run(c.url, func(t *testing.T) {
			_, err := New(WithURL(c.url), WithBearerToken(jwt))
			expect(t, err, c.want)
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the password stands in %q", err)
			}
		})
	}
}

func TestSigningScope(t *testing.T) {
	for _, c := range []struct{ url, service, region string }{
		{"https://a1b2c3.execute-api.us-east-1.amazonaws.com", "execute-api", "us-east-1"},
		{"https://a1b2c3.execute-api.cn-north-1.amazonaws.com.cn/prod", "execute-api", "cn-north-1"},
		{"https://A1B2C3.Execute-API.us-east-1.amazonaws.com", "execute-api", "us-east-1"},
		{"https://vpce-0a1b.execute-api.eu-west-1.vpce.amazonaws.com/prod", "execute-api", "eu-west-1"},
		{"https://abcdef.lambda-url.us-west-2.on.aws/", "lambda", "us-west-2"},
		{"https://vend.example.com", "execute-api", ""},
		{"https://lambda-url.example.com", "execute-api", ""},
		{"http://127.0.0.1:8080", "execute-api", ""},
		{"", "execute-api", ""},
		{"://", "execute-api", ""},
	} {
		if service, region := SigningScope(c.url); service != c.service || region != c.region {
			t.Errorf("%s: %s %s", c.url, service, region)
		}
	}
}

func TestVend(t *testing.T) {
	s := serve(t, vended(t))
	c, _ := connect(t, s.URL+"/prod/")
	got, err := c.Vend(t.Context(), "orders", Routes("GET /orders"), Routes("GET /orders/*"), Duration(30*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if got.SecretAccessKey.Reveal() != vendedSecret || got.SessionToken.Reveal() != vendedToken || !got.Expiration.Equal(noon.Add(30*time.Minute)) {
		t.Errorf("%+v", got)
	}
	noSecrets(t, fmt.Sprintf("%+v", got))
	r := s.seen()[0]
	if r.Method != http.MethodPost || r.URL.Path != "/prod/v1/credentials" {
		t.Errorf("%s %s", r.Method, r.URL.Path)
	}
	if want := `{"target":"orders","routes":["GET /orders","GET /orders/*"],"durationSeconds":1800}`; r.body != want {
		t.Errorf("body %s", r.body)
	}
	if ua := r.Header.Get("User-Agent"); !strings.HasPrefix(ua, "credvend/") || len(ua) == len("credvend/") {
		t.Errorf("User-Agent %q", ua)
	}
}

func TestVendRefusesBeforeCalling(t *testing.T) {
	s := serve(t, vended(t))
	c, _ := connect(t, s.URL)
	for _, row := range []struct {
		name, target string
		opt          VendOption
		want         string
	}{
		{"no target", "", Duration(0), "name the target"},
		{"too short", "orders", Duration(5 * time.Minute), "15m to 1h"},
		{"too long", "orders", Duration(61 * time.Minute), "15m to 1h"},
		{"negative", "orders", Duration(-time.Hour), "15m to 1h"},
		{"a fraction", "orders", Duration(20*time.Minute + time.Millisecond), "15m to 1h"},
		{"a fraction alone", "orders", Duration(time.Millisecond), "15m to 1h"},
		{"too many routes", "orders", Routes(make([]string, api.MaxRoutes+1)...), "51 routes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := c.Vend(t.Context(), row.target, row.opt)
			expect(t, err, row.want)
		})
	}
	if n := len(s.seen()); n > 0 {
		t.Errorf("%d calls", n)
	}
}

func TestTargetsAndWhoAmI(t *testing.T) {
	s := serve(t, jsonAnswer(200, `{"requestId":"r","targets":[{"target":"orders","maxSeconds":1800}]}`))
	c, _ := connect(t, s.URL)
	targets, err := c.Targets(t.Context())
	if err != nil || len(targets.Targets) != 1 || targets.Targets[0].MaxSeconds != 1800 {
		t.Errorf("%+v %v", targets, err)
	}
	s.say(jsonAnswer(200, `{"requestId":"r","kind":"iam","callers":["billing-service"]}`))
	who, err := c.WhoAmI(t.Context())
	if err != nil || who.Kind != "iam" || who.Callers[0] != "billing-service" {
		t.Errorf("%+v %v", who, err)
	}
	for _, r := range s.seen() {
		if r.Method != http.MethodGet || r.body != "" || r.Header.Get("Content-Type") != "" {
			t.Errorf("%s %s with %q", r.Method, r.URL, r.body)
		}
	}
	s.say(jsonAnswer(200, `{}`))
	_, err = c.Targets(t.Context())
	expect(t, err, "not credvend's")
	_, err = c.WhoAmI(t.Context())
	expect(t, err, "not credvend's")
}

func TestContext(t *testing.T) {
	s := serve(t, vended(t))
	s.hold = make(chan struct{})
	t.Cleanup(func() { close(s.hold) })
	c, _ := connect(t, s.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Vend(ctx, "orders")
	expect(t, err, "deadline exceeded")
}

// expect wants an error that holds part, or none if part is empty, and no
// secret in it.
func expect(t *testing.T, err error, part string) {
	t.Helper()
	switch {
	case part == "" && err != nil:
		t.Errorf("unexpected: %v", err)
	case part != "" && err == nil:
		t.Errorf("no error; want %q", part)
	case part != "" && !strings.Contains(err.Error(), part):
		t.Errorf("error %q; want %q in it", err, part)
	}
	if err != nil {
		noSecrets(t, err.Error()+fmt.Sprintf("%#v", err))
		if strings.ContainsAny(err.Error(), "\n\r\x1b") {
			t.Errorf("%q is not one plain line", err)
		}
	}
}
