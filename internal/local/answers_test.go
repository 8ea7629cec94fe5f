package local

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/credvend/credvend"
)

// asked is what somebody asks a door of Account B for who knows its address.
type asked struct {
	method, path string
	signed       string // the path that SigV4 signs, where it is another: without dots and doubled slashes
	status       int
	code         string
	allow        string
}

// beyondRoutes are requests that none of the four routes takes, with credvend's
// own answers.
var beyondRoutes = []asked{
	{"GET", "/nope", "", 404, "not_found", ""},
	{"GET", "/", "", 404, "not_found", ""},
	{"POST", "/", "", 404, "not_found", ""},
	{"GET", "/v1", "", 404, "not_found", ""},
	{"GET", "/v1/whoami/", "", 404, "not_found", ""},
	{"POST", "/v2/credentials", "", 404, "not_found", ""},
	{"GET", "//v1//whoami", "/v1/whoami", 404, "not_found", ""},
	{"GET", "/v1/../v1/whoami", "/v1/whoami", 404, "not_found", ""},
	{"GET", "/v1/./whoami", "/v1/whoami", 404, "not_found", ""},
	{"DELETE", "/v1/credentials", "", 405, "method_not_allowed", "POST"},
	{"GET", "/v1/credentials", "", 405, "method_not_allowed", "POST"},
	{"PATCH", "/v1/credentials/orders", "", 405, "method_not_allowed", "GET"},
	{"PUT", "/v1/targets", "", 405, "method_not_allowed", "GET"},
	{"POST", "/v1/whoami", "", 405, "method_not_allowed", "GET"},
	{"HEAD", "/v1/whoami", "", 405, "method_not_allowed", "GET"},
}

// head is the part of an answer before its body.
type head struct {
	StatusCode int
	Header     http.Header
}

// send asks at a door, signed, with a token, or as nobody.
func (a asked) send(t *testing.T, door string, keys *aws.Credentials, header http.Header) (head, string) {
	t.Helper()
	path := a.path
	if a.signed != "" {
		path = a.signed
	}
	req, err := http.NewRequestWithContext(t.Context(), a.method, door+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if keys != nil {
		empty := sha256.Sum256(nil)
		if err := v4.NewSigner().SignHTTP(t.Context(), *keys, req, hex.EncodeToString(empty[:]), "execute-api", "us-east-1", time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.URL.Path = a.path
	resp, err := http.DefaultTransport.RoundTrip(req) // a redirect would be an answer too
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return head{resp.StatusCode, resp.Header}, string(text)
}

// check wants credvend's own refusal.
func (a asked) check(t *testing.T, resp head, text string) {
	t.Helper()
	h := resp.Header
	if resp.StatusCode != a.status || h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" || h.Get("Allow") != a.allow {
		t.Errorf("%s %s: %d %v", a.method, a.path, resp.StatusCode, h)
	}
	if a.method == http.MethodHead {
		if text != "" {
			t.Errorf("%s %s has a body", a.method, a.path)
		}
		return
	}
	var told struct{ Code, Message, RequestID string }
	var exact map[string]any
	if err := json.Unmarshal([]byte(text), &exact); err != nil {
		t.Fatalf("%s %s: %v: %s", a.method, a.path, err, text)
	}
	if err := json.Unmarshal([]byte(text), &told); err != nil || exact["code"] != a.code || exact["Code"] != a.code || told.Message == "" || told.RequestID == "" {
		t.Errorf("%s %s: %v: %s", a.method, a.path, err, text)
	}
}

// TestOwnAnswers: at both HTTP APIs whoever is let in gets credvend's answer to
// every path and method, and nobody else learns which of them there are.
func TestOwnAnswers(t *testing.T) {
	s := start(t, options(t))
	token, err := s.Token(map[string]any{"sub": "shopper-1", "cognito:groups": []string{"shoppers"}})
	if err != nil {
		t.Fatal(err)
	}
	bearer := http.Header{"Authorization": {"Bearer " + token}}
	billing, outsider := s.World.Profiles["billing-service"].keys(), s.World.Profiles["outsider"].keys()
	refused := func(a asked, resp head, text string, status int, message string) {
		t.Helper()
		if want := `{"message":"` + message + `"}`; resp.StatusCode != status || text != want && (a.method != http.MethodHead || text != "") {
			t.Errorf("%s %s, not let in: %d %s", a.method, a.path, resp.StatusCode, text)
		}
	}
	for _, a := range beyondRoutes {
		resp, text := a.send(t, s.World.URL, billing, nil)
		a.check(t, resp, text)
		resp, text = a.send(t, s.World.JWTURL, nil, bearer)
		a.check(t, resp, text)

		resp, text = a.send(t, s.World.URL, nil, nil)
		refused(a, resp, text, http.StatusForbidden, "Forbidden")
		resp, text = a.send(t, s.World.URL, outsider, nil)
		refused(a, resp, text, http.StatusForbidden, "Forbidden")
		resp, text = a.send(t, s.World.URL, nil, bearer)
		refused(a, resp, text, http.StatusForbidden, "Forbidden")
		resp, text = a.send(t, s.World.JWTURL, nil, nil)
		refused(a, resp, text, http.StatusUnauthorized, "Unauthorized")
		resp, text = a.send(t, s.World.JWTURL, nil, http.Header{"Authorization": {"Bearer " + token + "x"}})
		refused(a, resp, text, http.StatusUnauthorized, "Unauthorized")
		resp, text = a.send(t, s.World.JWTURL, billing, nil)
		refused(a, resp, text, http.StatusUnauthorized, "Unauthorized")
	}
	options := asked{"OPTIONS", "/v1/whoami", "", 405, "method_not_allowed", "GET"}
	resp, text := options.send(t, s.World.URL, billing, nil)
	options.check(t, resp, text)
	resp, text = options.send(t, s.World.URL, nil, nil)
	refused(options, resp, text, http.StatusForbidden, "Forbidden")
	// On the JWT door OPTIONS has no route at all, for the preflight's sake.
	resp, text = options.send(t, s.World.JWTURL, nil, bearer)
	refused(options, resp, text, http.StatusNotFound, "Not Found")
}

// TestPreflight: a browser asks without a token, and hears of the origins that
// are configured alone. What it sends after that needs the token as ever.
func TestPreflight(t *testing.T) {
	open := strings.Replace(string(credvend.BrokerTemplate), "  CorsOrigins:\n    Type: String\n    Default: ''\n", "  CorsOrigins:\n    Type: String\n    Default: https://shop.example.com\n", 1)
	if open == string(credvend.BrokerTemplate) {
		t.Fatal("the template has another parameter CorsOrigins")
	}
	o := options(t)
	o.Templates = templatesIn(t, open, string(credvend.TargetTemplate))
	s := start(t, o)
	token, err := s.Token(map[string]any{"sub": "shopper-1", "cognito:groups": []string{"shoppers"}})
	if err != nil {
		t.Fatal(err)
	}
	const shop, evil = "https://shop.example.com", "https://evil.example.com"
	for _, path := range []string{"/v1/credentials", "/v1/whoami", "/nope", "/"} {
		for origin, want := range map[string]string{shop: shop, evil: ""} {
			asks := http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"authorization"}}
			resp, text := asked{method: "OPTIONS", path: path}.send(t, s.World.JWTURL, nil, asks)
			if resp.StatusCode != http.StatusNoContent || text != "" || resp.Header.Get("Access-Control-Allow-Origin") != want {
				t.Errorf("preflight of %s from %s: %d %s %v", path, origin, resp.StatusCode, text, resp.Header)
			}
			resp, text = asked{method: "OPTIONS", path: path}.send(t, s.World.URL, nil, asks)
			if resp.StatusCode != http.StatusForbidden || resp.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("preflight at the IAM door: %d %s %v", resp.StatusCode, text, resp.Header)
			}
		}
	}
	for _, a := range []asked{{method: "GET", path: "/v1/whoami"}, {method: "GET", path: "/nope"}} {
		resp, text := a.send(t, s.World.JWTURL, nil, http.Header{"Origin": {shop}})
		if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("Access-Control-Allow-Origin") != shop {
			t.Errorf("a page's %s without a token: %d %s", a.path, resp.StatusCode, text)
		}
	}
	nope := asked{"GET", "/nope", "", 404, "not_found", ""}
	resp, text := nope.send(t, s.World.JWTURL, nil, http.Header{"Origin": {shop}, "Authorization": {"Bearer " + token}})
	nope.check(t, resp, text)
	if resp.Header.Get("Access-Control-Allow-Origin") != shop {
		t.Errorf("a page cannot read why: %v", resp.Header)
	}
}
