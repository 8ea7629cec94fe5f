package apigw

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/local/oidc"
)

func TestJWTAuthorizer(t *testing.T) {
	t.Parallel()
	sub := map[string]any{"sub": "u-1", "scope": "orders/read"}
	with := func(name string, value any) map[string]any {
		claims := map[string]any{"sub": "u-1"}
		claims[name] = value
		return claims
	}
	bearer := func(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	cases := []struct {
		name   string
		scopes []string
		header func(t *testing.T, i *oidc.Issuer) http.Header
		status int
		www    string // what www-authenticate begins with
	}{
		{"good", nil, func(_ *testing.T, i *oidc.Issuer) http.Header { return bearer(must(i.Token(sub))) }, 200, ""},
		{"bare", nil, func(_ *testing.T, i *oidc.Issuer) http.Header {
			return http.Header{"Authorization": {must(i.Token(sub))}}
		}, 200, ""},
		{"scheme in small letters", nil, func(_ *testing.T, i *oidc.Issuer) http.Header {
			return http.Header{"Authorization": {"bearer " + must(i.Token(sub))}}
		}, 200, ""},
		{"client_id where aud is absent", nil, func(_ *testing.T, i *oidc.Issuer) http.Header {
			return bearer(must(i.Token(map[string]any{"aud": nil, "client_id": "shop"})))
		}, 200, ""},
		{"scope that the route asks for", []string{"orders/read"}, func(_ *testing.T, i *oidc.Issuer) http.Header { return bearer(must(i.Token(sub))) }, 200, ""},
		{"after a rotation", nil, func(t *testing.T, i *oidc.Issuer) http.Header {
			if err := i.Rotate(); err != nil {
				t.Fatal(err)
			}
			return bearer(must(i.Token(sub)))
		}, 200, ""},
		{"no token", nil, func(*testing.T, *oidc.Issuer) http.Header { return http.Header{} }, 401, "Bearer"},
		{"empty token", nil, func(*testing.T, *oidc.Issuer) http.Header { return bearer("") }, 401, "Bearer"},
		{"garbage", nil, func(*testing.T, *oidc.Issuer) http.Header { return bearer("a.b.c") }, 401, `Bearer scope="" error="invalid_token"`},
		{"expired", nil, func(_ *testing.T, i *oidc.Issuer) http.Header {
			return bearer(must(i.Token(with("exp", noon.Add(-time.Minute).Unix()))))
		}, 401, `Bearer scope="" error="invalid_token"`},
		{"wrong audience", nil, func(_ *testing.T, i *oidc.Issuer) http.Header { return bearer(must(i.Token(with("aud", "other")))) }, 401, `Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"`}, // AWS's own example
		{"wrong issuer", nil, func(_ *testing.T, i *oidc.Issuer) http.Header {
			return bearer(must(i.Token(with("iss", "https://evil.example"))))
		}, 401, `Bearer scope="" error="invalid_token"`},
		{"alg none", nil, func(_ *testing.T, i *oidc.Issuer) http.Header { return bearer(must(i.TokenWith("none", sub))) }, 401, `Bearer scope="" error="invalid_token"`},
		{"alg HS256 with the public key", nil, func(_ *testing.T, i *oidc.Issuer) http.Header { return bearer(must(i.TokenWith("HS256", sub))) }, 401, `Bearer scope="" error="invalid_token"`},
		{"tampered", nil, func(_ *testing.T, i *oidc.Issuer) http.Header {
			parts := strings.Split(must(i.Token(sub)), ".")
			other := strings.Split(must(i.Token(with("sub", "u-2"))), ".")
			return bearer(parts[0] + "." + other[1] + "." + parts[2])
		}, 401, `Bearer scope="" error="invalid_token"`},
		{"missing scope", []string{"orders/write", "admin"}, func(_ *testing.T, i *oidc.Issuer) http.Header { return bearer(must(i.Token(sub))) }, 403, `Bearer scope="orders/write admin" error="insufficient_scope"`},
		{"two tokens in one header", nil, func(_ *testing.T, i *oidc.Issuer) http.Header {
			return bearer(must(i.Token(sub)) + "," + must(i.Token(with("sub", "u-2"))))
		}, 401, `Bearer scope="" error="invalid_token"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, f := newBench(t), &fakeFunction{}
			h, issuer := jwtAPI(t, b, f, "", Route{Key: "GET /v1/whoami", Scopes: c.scopes})
			header := c.header(t, issuer)
			got := b.do(h, sending{target: "/v1/whoami", header: header})
			www := got.header.Get("www-authenticate")
			if got.status != c.status || !strings.HasPrefix(www, c.www) || (www == "") != (c.www == "") {
				t.Fatalf("%d %s %q; %+v", got.status, got.body, www, b.lastTrace())
			}
			if body := map[int]string{200: `{"ok":true}`, 401: `{"message":"Unauthorized"}`, 403: `{"message":"Forbidden"}`}[c.status]; got.body != body {
				t.Errorf("body %s", got.body)
			}
			if (f.calls() == 1) != (c.status == 200) || got.header.Get("Content-Type") != "application/json" {
				t.Errorf("%d calls, %v", f.calls(), got.header)
			}
			if tr := b.lastTrace(); tr.Allowed != (c.status == 200) || (tr.Reason == "") != tr.Allowed || strings.Contains(tr.Reason, "eyJ") {
				t.Errorf("trace %+v", tr)
			}
		})
	}
}

// A second Authorization header rides along unverified: the function gets both,
// joined, and the claims of the first.
func TestSecondTokenReachesTheFunction(t *testing.T) {
	t.Parallel()
	b, f := newBench(t), &fakeFunction{}
	h, issuer := jwtAPI(t, b, f, "")
	good, forged := must(issuer.Token(map[string]any{"sub": "u-1"})), must(issuer.TokenWith("none", map[string]any{"sub": "admin"}))
	got := b.do(h, sending{target: "/", header: http.Header{"Authorization": {"Bearer " + good, "Bearer " + forged}}})
	e := f.event(t)
	if got.status != 200 || e["headers"].(map[string]any)["authorization"] != "Bearer "+good+",Bearer "+forged || b.lastTrace().Subject != "u-1" {
		t.Errorf("%d %v", got.status, e["headers"])
	}
}

// The planted mistake: the authorizer reads a parameter, the function the header.
func TestIdentitySourceInTheQuery(t *testing.T) {
	t.Parallel()
	b, f := newBench(t), &fakeFunction{}
	h, issuer := jwtAPI(t, b, f, "$request.querystring.token")
	good, forged := must(issuer.Token(map[string]any{"sub": "u-1"})), must(issuer.TokenWith("none", map[string]any{"sub": "admin"}))
	header := http.Header{"Authorization": {"Bearer " + forged}}
	if got := b.do(h, sending{target: "/x?token=" + url.QueryEscape(good), header: header}); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	e := f.event(t)
	claims := e["requestContext"].(map[string]any)["authorizer"].(map[string]any)["jwt"].(map[string]any)["claims"].(map[string]any)
	if claims["sub"] != "u-1" || e["headers"].(map[string]any)["authorization"] != "Bearer "+forged {
		t.Errorf("%v", e)
	}
	if got := b.do(h, sending{target: "/x", header: http.Header{"Authorization": {"Bearer " + good}}}); got.status != 401 || got.header.Get("www-authenticate") != "Bearer" {
		t.Errorf("the header counted: %d", got.status)
	}
	for _, source := range []string{"$request.header.", "$request.querystring.", "Authorization", "$context.x"} {
		if _, err := (&JWTAuthorizer{Verifier: oidc.NewVerifier(oidc.VerifierOptions{}), IdentitySource: source}).check(); err == nil {
			t.Errorf("%q is no identity source", source)
		}
	}
}

// Behind a JWT authorizer a signature means nothing, and at an IAM door a token.
func TestDoorsDoNotMix(t *testing.T) {
	t.Parallel()
	b, f := newBench(t), &fakeFunction{}
	_, issuer := jwtAPI(t, b, f, "")
	token := http.Header{"Authorization": {"Bearer " + must(issuer.Token(nil))}}
	for door, d := range doors(b, f) {
		if got := b.do(d.handler, sending{target: d.target, header: token}); got.status != 403 || f.calls() != 0 {
			t.Errorf("%s: %d %s", door, got.status, got.body)
		}
	}
}
