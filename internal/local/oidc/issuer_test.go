package oidc_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/local/oidc"
)

func TestEndpoints(t *testing.T) {
	w := newWorld(t)
	get := func(path string) map[string]any {
		resp, err := http.Get(w.server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		var doc map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
			t.Fatal(err)
		}
		return doc
	}
	if doc := get("/.well-known/openid-configuration"); doc["issuer"] != w.server.URL || doc["jwks_uri"] != w.server.URL+"/keys" {
		t.Errorf("discovery = %v", doc)
	}
	keys, ok := get("/keys")["keys"].([]any)
	if !ok || len(keys) != 3 {
		t.Fatalf("keys = %v", keys)
	}
	for _, key := range keys {
		for _, private := range []string{"d", "p", "q", "k"} {
			if _, leaked := key.(map[string]any)[private]; leaked {
				t.Errorf("a private part %q is published", private)
			}
		}
	}
	bad := map[string]string{"exp=soon": "exp takes seconds from now", "alg=RS1": "is not one of RS256", "a=%zz": "The body is not a form", "x=" + strings.Repeat("x", 70000): "at most 64 KB"}
	for form, want := range bad {
		if status, body := w.ask(t, form); status != 400 || !strings.Contains(body, want) {
			t.Errorf("form %.20q: %d %s", form, status, body)
		}
	}
	form := url.Values{"sub": {"alice"}, "groups": {"a, b", "c"}, "tenant": {"t1"}, "roles": {"x", "y"}, "sub2": {""}}
	claims, err := w.verifier("web").Verify(context.Background(), w.token(t, form.Encode()), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"cognito:groups": "[a b c]", "tenant": "t1", "roles": "[x y]", "sub": "alice", "token_use": "id"} {
		if claims.Rendered[name] != want {
			t.Errorf("%s = %q, want %q", name, claims.Rendered[name], want)
		}
	}
	for _, name := range []string{"groups", "alg", "sub2"} {
		if _, present := claims.Rendered[name]; present {
			t.Errorf("claim %q is there", name)
		}
	}
	access, err := w.verifier("app").Verify(context.Background(), w.token(t, "client_id=app"), nil)
	if err != nil || access.Rendered["token_use"] != "access" || access.Rendered["aud"] != "" {
		t.Errorf("access token = %v %v", access.Rendered, err)
	}
	if _, err := oidc.New(oidc.Options{}); err == nil {
		t.Error("an issuer without a URL was made")
	}
}

func TestGeneratedKeys(t *testing.T) {
	issuer, err := oidc.New(oidc.Options{URL: "http://127.0.0.1:1/", Audience: "web"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := issuer.Token(nil)
	if err != nil || issuer.URL() != "http://127.0.0.1:1" {
		t.Fatal(issuer.URL(), err)
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[strings.LastIndex(token, ".")+1:])
	if err != nil || len(signature) != 256 {
		t.Errorf("the signature has %d bytes, want the 256 of a 2048-bit key: %v", len(signature), err)
	}
}

// TestOwnHostAlone: the issuer gives a token to programs that call it by its own
// address, and to no web page that reached its port.
func TestOwnHostAlone(t *testing.T) {
	issuer, err := oidc.New(oidc.Options{URL: "https://issuer.example:8443", Audience: "web"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, method, host, origin string
		status                     int
	}{
		{"its own name", http.MethodPost, "ISSUER.example:8443", "", 200},
		{"its own name, another port", http.MethodPost, "issuer.example", "", 403},
		{"loopback", http.MethodPost, "127.0.0.1:1", "", 200},
		{"all of loopback's addresses", http.MethodPost, "127.8.9.1:1", "", 200},
		{"loopback, version 6", http.MethodPost, "[::1]:1", "", 200},
		{"loopback without a port", http.MethodPost, "[::1]", "", 200},
		{"localhost", http.MethodPost, "LocalHost:1", "", 200},
		{"a rebound name", http.MethodPost, "evil.example:8443", "", 403},
		{"a rebound name that holds the own one", http.MethodPost, "issuer.example:8443.evil.example", "", 403},
		{"an address of the network", http.MethodPost, "192.0.2.1:1", "", 403},
		{"no host", http.MethodPost, "", "", 403},
		{"keys, for a rebound name", http.MethodGet, "evil.example", "", 403},
		{"its own origin", http.MethodPost, "127.0.0.1:1", "https://issuer.example:8443", 200},
		{"another origin", http.MethodPost, "127.0.0.1:1", "https://evil.example", 403},
		{"an opaque origin", http.MethodPost, "127.0.0.1:1", "null", 403},
		{"another origin may read keys, which are public", http.MethodGet, "127.0.0.1:1", "https://evil.example", 200},
	} {
		path := map[string]string{http.MethodPost: "/token", http.MethodGet: "/keys"}[c.method]
		r := httptest.NewRequestWithContext(t.Context(), c.method, path, strings.NewReader("sub=ana"))
		r.Host = c.host
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		issuer.ServeHTTP(w, r)
		if w.Code != c.status || c.status == 403 && strings.Contains(w.Body.String(), "eyJ") {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
}

// TestES384 is what GetWebIdentityToken may be asked for; a JWT authorizer, which
// takes RSA alone, refuses it for its algorithm.
func TestES384(t *testing.T) {
	w := newWorld(t)
	token, err := w.issuer.TokenWith("ES384", map[string]any{"sub": "ana"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.verifier("web").Verify(t.Context(), token, nil); err == nil || !strings.Contains(err.Error(), "the token's signing method is invalid") {
		t.Errorf("got %v", err)
	}
}
