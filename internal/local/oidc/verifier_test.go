package oidc_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/credvend/credvend/internal/local/oidc"
)

func TestVerify(t *testing.T) {
	w := newWorld(t)
	invalid := func(description string) string {
		return `Bearer scope="" error="invalid_token" error_description="` + description + `"`
	}
	cases := []struct {
		name, form string
		alter      func(string) string
		scopes     []string
		status     int    // 0: verifies
		challenge  string // WWW-Authenticate
	}{
		{name: "defaults", form: ""},
		{name: "groups", form: "sub=alice&groups=shoppers,staff"},
		{name: "several audiences", form: "aud=mobile&aud=web"},
		{name: "client_id in place of aud", form: "client_id=web"},
		{name: "RS384", form: "alg=RS384"},
		{name: "RS512", form: "alg=RS512"},
		{name: "no token", alter: func(string) string { return "" }, status: 401, challenge: "Bearer"},
		{name: "expired", form: "exp=-1", status: 401, challenge: invalid("the token has expired")},
		{name: "expires now", form: "exp=0", status: 401, challenge: invalid("the token has expired")},
		{name: "expires in a second", form: "exp=1"},
		{name: "never expires", form: "exp=", status: 401, challenge: invalid("the token has no expiry")},
		{name: "valid from now", form: "nbf=0"},
		{name: "not valid yet", form: "nbf=1", status: 401, challenge: invalid("the token is not valid yet")},
		{name: "issued in the future", form: "iat=1", status: 401, challenge: invalid("the token is not valid yet")},
		{name: "another audience", form: "aud=mobile", status: 401, challenge: invalid("the token does not have a valid audience")},
		{name: "another audience, and the right client_id", form: "aud=mobile&client_id=web", status: 401, challenge: invalid("the token does not have a valid audience")},
		{name: "another client_id", form: "client_id=mobile", status: 401, challenge: invalid("the token does not have a valid audience")},
		{name: "two client_ids", form: "client_id=web&client_id=mobile", status: 401, challenge: invalid("the token does not have a valid audience")},
		{name: "no audience at all", form: "aud=", status: 401, challenge: invalid("the token does not have a valid audience")},
		{name: "another issuer", form: "iss=https://attacker.example.com", status: 401, challenge: invalid("the token does not have a valid issuer")},
		{name: "the issuer with a slash", form: "iss=" + w.server.URL + "/", status: 401, challenge: invalid("the token does not have a valid issuer")},
		{name: "no issuer", form: "iss=", status: 401, challenge: invalid("the token does not have a valid issuer")},
		{name: "alg none", form: "alg=none", status: 401, challenge: invalid("the token's signing method is invalid")},
		{name: "HS256 with the public key", form: "alg=HS256", status: 401, challenge: invalid("the token's signing method is invalid")},
		{name: "ES256 with a published key", form: "alg=ES256", status: 401, challenge: invalid("the token's signing method is invalid")},
		{name: "PS256", form: "alg=PS256", status: 401, challenge: invalid("the token's signing method is invalid")},
		{name: "a scope of those required", form: "scope=orders:read+profile", scopes: []string{"orders:write", "orders:read"}},
		{name: "no scope", scopes: []string{"orders:read"}, status: 403,
			challenge: `Bearer scope="orders:read" error="insufficient_scope" error_description="the token does not have one of the required scopes"`},
		{name: "a scope that is part of the required one", form: "scope=orders", scopes: []string{"orders:read"}, status: 403,
			challenge: `Bearer scope="orders:read" error="insufficient_scope" error_description="the token does not have one of the required scopes"`},
		{name: "expired and without scope", form: "exp=-1", scopes: []string{"orders:read"}, status: 401,
			challenge: `Bearer scope="orders:read" error="invalid_token" error_description="the token has expired"`},
		{name: "garbage", alter: func(string) string { return "garbage" }, status: 401, challenge: invalid("the token is malformed")},
		{name: "two parts", alter: func(s string) string { return s[:strings.LastIndex(s, ".")] }, status: 401, challenge: invalid("the token is malformed")},
		{name: "the JSON form", alter: func(s string) string {
			p := strings.Split(s, ".")
			return `{"protected":"` + p[0] + `","payload":"` + p[1] + `","signature":"` + p[2] + `"}`
		}, status: 401, challenge: invalid("the token is malformed")},
		{name: "another signature", alter: func(s string) string { return s[:len(s)-8] + "AAAAAAAA" }, status: 401, challenge: invalid("the token has an invalid signature")},
		{name: "another payload", alter: func(s string) string {
			p := strings.Split(s, ".")
			return p[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"`+w.server.URL+`","aud":"web","exp":9999999999}`)) + "." + p[2]
		}, status: 401, challenge: invalid("the token has an invalid signature")},
		{name: "too long", alter: func(s string) string { return s + strings.Repeat("A", 10240) }, status: 401, challenge: invalid("the token is too long")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			token := w.token(t, c.form)
			if c.alter != nil {
				token = c.alter(token)
			}
			_, err := w.verifier("web", "other").Verify(context.Background(), token, c.scopes)
			if c.status == 0 {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			var e *oidc.Error
			if !errors.As(err, &e) || e.StatusCode() != c.status || e.WWWAuthenticate() != c.challenge {
				t.Fatalf("error = %v\n got %s\nwant %d %s", err, e.WWWAuthenticate(), c.status, c.challenge)
			}
			if want := map[int]string{401: `{"message":"Unauthorized"}`, 403: `{"message":"Forbidden"}`}[c.status]; e.Body() != want {
				t.Errorf("body = %s", e.Body())
			}
		})
	}
}

func kidOf(t *testing.T, token string) string {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	return jws.Signatures[0].Header.KeyID
}

func TestVerifyRefusesForgedHeaders(t *testing.T) {
	w := newWorld(t)
	kid := kidOf(t, w.token(t, ""))
	mine, other := keyPool()[0], keyPool()[2]
	good := `{"iss":"` + w.server.URL + `","aud":"web","exp":1800000600}`
	cases := []struct {
		name    string
		key     any
		payload string
		header  map[jose.HeaderKey]any
		ok      bool
	}{
		{"as it should be", mine, good, map[jose.HeaderKey]any{"kid": kid}, true},
		{"no key id", mine, good, nil, false},
		{"an unknown key id", mine, good, map[jose.HeaderKey]any{"kid": "x"}, false},
		{"the key id of another key", other, good, map[jose.HeaderKey]any{"kid": kid}, false},
		{"a key in the header", jose.JSONWebKey{Key: other, KeyID: kid}, good, map[jose.HeaderKey]any{"jku": "https://attacker.example.com/keys"}, false},
		{"an unknown critical header", mine, good, map[jose.HeaderKey]any{"kid": kid, "crit": []string{"exp"}, "exp": 1}, false},
		{"claims that are an array", mine, `[` + good + `]`, map[jose.HeaderKey]any{"kid": kid}, false},
		{"claims twice", mine, good + good, map[jose.HeaderKey]any{"kid": kid}, false},
		{"claims null", mine, `null`, map[jose.HeaderKey]any{"kid": kid}, false},
		{"exp as a string", mine, strings.Replace(good, "1800000600", `"1800000600"`, 1), map[jose.HeaderKey]any{"kid": kid}, false},
		{"exp out of range", mine, strings.Replace(good, "1800000600", "1e999", 1), map[jose.HeaderKey]any{"kid": kid}, false},
		{"nbf as a string", mine, strings.Replace(good, "{", `{"nbf":"0",`, 1), map[jose.HeaderKey]any{"kid": kid}, false},
		{"Iss in place of iss", mine, strings.Replace(good, "iss", "Iss", 1), map[jose.HeaderKey]any{"kid": kid}, false},
		{"an aud that is an object", mine, strings.Replace(good, `"web"`, `{"web":"web"}`, 1), map[jose.HeaderKey]any{"kid": kid}, false},
		{"an aud that is null", mine, strings.Replace(good, `"web"`, `null,"client_id":"web"`, 1), map[jose.HeaderKey]any{"kid": kid}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.verifier("web").Verify(context.Background(), sign(t, c.key, jose.RS256, c.payload, c.header), nil)
			if (err == nil) != c.ok {
				t.Errorf("error = %v", err)
			}
		})
	}
	t.Run("a verifier without audience", func(t *testing.T) {
		for _, form := range []string{"", "aud=", "client_id="} {
			if _, err := w.verifier().Verify(context.Background(), w.token(t, form), nil); err == nil {
				t.Errorf("%q admitted", form)
			}
		}
	})
}

func TestClaims(t *testing.T) {
	w := newWorld(t)
	token, err := w.issuer.Token(map[string]any{
		"sub": "alice", "cognito:groups": []string{"shoppers", "vip users"}, "email_verified": true, "level": 7, "big": json.Number("12345678901234567890"),
		"ratio": 0.25, "exponent": json.Number("1.5e3"), "address": map[string]any{"zip": 12345, "city": "Bonn"}, "nested": []any{map[string]any{"b": 1, "a": []int{1, 2}}},
		"empty": []string{}, "scope": "orders:read profile", "jti": nil, "token_use": nil,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range []string{token, "Bearer " + token, "bearer  " + token + " "} {
		claims, err := w.verifier("web").VerifyHeader(context.Background(), header, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"iss": w.server.URL, "aud": "web", "iat": "1800000000", "exp": "1800003600",
			"sub": "alice", "cognito:groups": "[shoppers vip users]", "email_verified": "true", "level": "7", "big": "12345678901234567890",
			"ratio": "0.25", "exponent": "1500", "address": "map[city:Bonn zip:12345]", "nested": "[map[a:[1 2] b:1]]",
			"empty": "[]", "scope": "orders:read profile",
		}
		if !maps.Equal(claims.Rendered, want) {
			t.Errorf("rendered = %v\nwant       %v", claims.Rendered, want)
		}
		if claims.Typed["email_verified"] != true || claims.Typed["level"] != json.Number("7") {
			t.Errorf("typed = %v", claims.Typed)
		}
		if strings.Join(claims.Scopes, "|") != "orders:read|profile" {
			t.Errorf("scopes = %q", claims.Scopes)
		}
	}
	var missing *oidc.Error
	for _, header := range []string{"", "Bearer", "Bearer "} {
		if _, err := w.verifier("web").VerifyHeader(context.Background(), header, nil); !errors.As(err, &missing) {
			t.Errorf("header %q: %v", header, err)
		}
	}
	for _, header := range []string{"Basic " + token, token + "," + token, "Bearer " + token + ", Bearer " + token} {
		if _, err := w.verifier("web").VerifyHeader(context.Background(), header, nil); err == nil {
			t.Errorf("header %.10q… is admitted", header)
		}
	}
	scp, err := w.issuer.Token(map[string]any{"scp": []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.verifier("web").Verify(context.Background(), scp, []string{"b"}); err != nil {
		t.Errorf("scp: %v", err)
	}
}
