package oidc_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
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
	if !ok || len(keys) != 2 {
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
