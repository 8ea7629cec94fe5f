package oidc_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/credvend/credvend/internal/local/oidc"
)

func TestKeys(t *testing.T) {
	w := newWorld(t)
	v := w.verifier("web")
	check := func(name, token string, ok bool, fetches int64) {
		t.Helper()
		before := w.fetches.Load()
		_, err := v.Verify(context.Background(), token, nil)
		if (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
		if got := w.fetches.Load() - before; got != fetches {
			t.Errorf("%s: %d fetches, want %d", name, got, fetches)
		}
	}
	first := w.token(t, "exp=1000000")
	check("the first token", first, true, 1)
	check("the second", w.token(t, ""), true, 0)
	if err := w.issuer.Rotate(); err != nil {
		t.Fatal(err)
	}
	second := w.token(t, "exp=1000000")
	check("of the new key", second, true, 1)
	check("of the old key, still published", first, true, 0)
	w.issuer.Retire()
	check("of the old key, cached", first, true, 0)
	w.now.Add(int64(2 * time.Hour / time.Second))
	check("of the old key, when the cache is too old", first, false, 1)
	check("of the new key", second, true, 0)

	t.Run("made-up key ids do not flood the issuer", func(t *testing.T) {
		before := w.fetches.Load()
		madeUp := sign(t, keyPool()[0], jose.RS256, `{}`, map[jose.HeaderKey]any{"kid": "made-up"})
		for range 50 {
			if _, err := v.Verify(context.Background(), madeUp, nil); err == nil {
				t.Fatal("a made-up key id is admitted")
			}
		}
		if got := w.fetches.Load() - before; got > 5 {
			t.Errorf("%d fetches", got)
		}
		check("a good token meanwhile", second, true, 0)
		w.now.Add(5)
		check("once more after the pause", madeUp, false, 1)
		check("and no more", madeUp, false, 0)
	})
}

// What a published key says of its own use binds the verifier.
func TestKeysOfAnotherUse(t *testing.T) {
	named := map[jose.HeaderKey]any{"kid": "k"}
	cases := []struct {
		name   string
		key    jose.JSONWebKey
		header map[jose.HeaderKey]any
		ok     bool
	}{
		{"no restriction", jose.JSONWebKey{KeyID: "k"}, named, true},
		{"for this algorithm", jose.JSONWebKey{KeyID: "k", Algorithm: "RS256", Use: "sig"}, named, true},
		{"for another algorithm", jose.JSONWebKey{KeyID: "k", Algorithm: "RS512"}, named, false},
		{"for encryption", jose.JSONWebKey{KeyID: "k", Use: "enc"}, named, false},
		{"neither key nor token has an id", jose.JSONWebKey{}, nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.key.Key = &keyPool()[0].PublicKey
			var server *httptest.Server
			server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				var doc any = map[string]string{"issuer": server.URL, "jwks_uri": server.URL + "/keys"}
				if r.URL.Path == "/keys" {
					doc = map[string]any{"keys": []any{map[string]string{"kty": "new kind", "kid": "k"}, c.key}}
				}
				if err := json.NewEncoder(rw).Encode(doc); err != nil {
					t.Error(err)
				}
			}))
			defer server.Close()
			token := sign(t, keyPool()[0], jose.RS256, `{"iss":"`+server.URL+`","aud":"web","exp":9999999999}`, c.header)
			_, err := oidc.NewVerifier(oidc.VerifierOptions{Issuer: server.URL, Audience: []string{"web"}}).Verify(context.Background(), token, nil)
			if (err == nil) != c.ok {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestIssuerThatFails(t *testing.T) {
	w := newWorld(t)
	token := w.token(t, "")
	v := w.verifier("web")
	w.broken.Store(true)
	_, err := v.Verify(context.Background(), token, nil)
	var e *oidc.Error
	if !errors.As(err, &e) || e.Description != "OIDC discovery endpoint communication error" || e.StatusCode() != 401 {
		t.Errorf("issuer down: %v", err)
	}
	w.broken.Store(false)
	if _, err := v.Verify(context.Background(), token, nil); err != nil {
		t.Errorf("issuer up again: %v", err)
	}
	answers := map[string]string{
		"not JSON":         "<html>",
		"another issuer":   `{"issuer":"https://other.example.com","jwks_uri":"SELF/keys"}`,
		"a file for keys":  `{"issuer":"SELF","jwks_uri":"file:///etc/passwd"}`,
		"no keys document": `{"issuer":"SELF"}`,
		"too large":        `{"issuer":"SELF","x":"` + strings.Repeat("x", 1<<20) + `"}`,
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			var server *httptest.Server
			server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/keys" && name != "no keys document" {
					set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &keyPool()[0].PublicKey, KeyID: "k"}}}
					if err := json.NewEncoder(rw).Encode(set); err != nil {
						t.Error(err)
					}
					return
				}
				_, _ = io.WriteString(rw, strings.NewReplacer("SELF", server.URL).Replace(answer))
			}))
			defer server.Close()
			forged := sign(t, keyPool()[0], jose.RS256, `{"iss":"`+server.URL+`","aud":"web","exp":9999999999}`, map[jose.HeaderKey]any{"kid": "k"})
			v := oidc.NewVerifier(oidc.VerifierOptions{Issuer: server.URL, Audience: []string{"web"}})
			if _, err := v.Verify(context.Background(), forged, nil); err == nil {
				t.Error("admitted")
			}
		})
	}
}
