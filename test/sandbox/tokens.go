//go:build conformance

package main

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

func quote(s string) string { return regexp.QuoteMeta(s) }

// unauthorized is a JWT authorizer's refusal. Without a token the header says
// "Bearer" alone.
func unauthorized(authenticate string) want {
	return want{
		status: http.StatusUnauthorized, typed: "application/json", text: `{"message":"Unauthorized"}`,
		header: map[string]string{"Www-Authenticate": authenticate},
	}
}

func invalidToken(description string) want {
	return unauthorized(`~Bearer scope="" error="invalid_token" error_description="` + description + `"`)
}

// jwtChecks are those of the front door that takes tokens.
func jwtChecks() []check {
	alone, token := []string{"JWT_URL"}, []string{"JWT_URL", "TOKEN"}
	with := func(change func(b *bench, q *request)) func(b *bench) request {
		return func(b *bench) request {
			q := request{base: b.settings.get("JWT_URL"), method: http.MethodGet, path: whoamiPath, header: http.Header{"Authorization": {"Bearer " + b.tokens["TOKEN"]}}}
			change(b, &q)
			return q
		}
	}
	bearer := func(edit func(b *bench) string) func(b *bench) request {
		return with(func(b *bench, q *request) { q.header = http.Header{"Authorization": {edit(b)}} })
	}
	return []check{
		ask("jwt.token", "A good token is let in, and AWS hands the function its claims.", token, with(func(*bench, *request) {}),
			want{status: http.StatusOK, json: map[string]string{"kind": "jwt", "subject": "~.+", "issuer": "~https?://.+"}}),
		ask("jwt.bare-token", "A token without the word Bearer is let in too.", token, bearer(func(b *bench) string { return b.tokens["TOKEN"] }), want{status: http.StatusOK}),
		ask("jwt.lower-case-bearer", "The word Bearer may be in lower case.", token, bearer(func(b *bench) string { return "bearer " + b.tokens["TOKEN"] }), want{status: http.StatusOK}),
		ask("jwt.no-token", "Without a token: 401, and www-authenticate says Bearer.", alone, with(func(_ *bench, q *request) { q.header = nil }), unauthorized("Bearer")),
		ask("jwt.garbage", "What is no token is refused as one that is invalid.", alone, bearer(func(*bench) string { return "Bearer none" }), invalidToken(".+")),
		ask("jwt.expired", "A token that has expired is refused, and the header says so.", []string{"JWT_URL", "EXPIRED_TOKEN"}, bearer(func(b *bench) string { return "Bearer " + b.tokens["EXPIRED_TOKEN"] }), invalidToken("the token has expired")),
		ask("jwt.other-audience", "A token for another audience is refused, and the header says so.", []string{"JWT_URL", "OTHER_TOKEN"}, bearer(func(b *bench) string { return "Bearer " + b.tokens["OTHER_TOKEN"] }), invalidToken("the token does not have a valid audience")),
		ask("jwt.tampered-payload", "A token whose claims were changed is refused.", token, bearer(func(b *bench) string {
			parts := strings.Split(b.tokens["TOKEN"], ".")
			return "Bearer " + parts[0] + ".eyJzdWIiOiJzb21lYm9keSJ9." + parts[2]
		}), invalidToken(".+")),
		ask("jwt.unsigned-token", "A token of the algorithm none is refused.", token, bearer(func(b *bench) string {
			// {"alg":"none","typ":"JWT"}
			return "Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + strings.Split(b.tokens["TOKEN"], ".")[1] + "."
		}), invalidToken(".+")),
		ask("jwt.in-query", "A token in the query is none: the authorizer reads the Authorization header.", token, with(func(b *bench, q *request) {
			q.header, q.path = nil, whoamiPath+"?access_token="+b.tokens["TOKEN"]
		}), unauthorized("Bearer")),
		ask("jwt.sigv4", "A SigV4 signature is no token.", []string{"JWT_URL", "CALLER_PROFILE"}, with(func(b *bench, q *request) {
			q.header, q.as, q.service = nil, b.who["CALLER_PROFILE"], "execute-api"
		}), invalidToken(".+")),
		preflight("jwt.preflight", "JWT_URL", credentialsPath, http.StatusNotFound, http.StatusNoContent),
		ask("jwt.unknown-path", "A path that the service lacks is the service's own 404.", token, with(func(_ *bench, q *request) { q.path = "/v1/nothing" }),
			serviceSays(http.StatusNotFound, "not_found")),
		ask("jwt.root", "So is the root, for which {proxy+} does not stand.", token, with(func(_ *bench, q *request) { q.path = "/" }), serviceSays(http.StatusNotFound, "not_found")),
		ask("jwt.other-method", "A method that the path lacks is the service's own 405.", token, with(func(_ *bench, q *request) { q.method, q.path = http.MethodDelete, credentialsPath }),
			serviceSays(http.StatusMethodNotAllowed, "method_not_allowed")),
		ask("jwt.unknown-path-no-token", "Without a token no path is answered otherwise than any other.", alone, with(func(_ *bench, q *request) { q.header, q.path = nil, "/v1/nothing" }), unauthorized("Bearer")),
		ask("jwt.odd-method", "A method outside API Gateway's seven is not routed.", token, with(func(_ *bench, q *request) { q.method = "PROPFIND" }),
			notFound()),
		{
			id: "jwt.vend", says: "A token vends credentials that name the token's caller.", needs: []string{"JWT_URL", "TOKEN", "TARGET"},
			try: func(ctx context.Context, b *bench) (finding, error) {
				a, err := b.send(ctx, with(func(b *bench, q *request) { q.method, q.path, q.body = http.MethodPost, credentialsPath, b.askBody() })(b))
				if err != nil {
					return finding{}, err
				}
				var v vended
				b.read(a, &v)
				return vendedWant().compare(a), nil
			},
		},
	}
}

// preflight is a CORS preflight of an origin that nobody admitted. What status
// it gets depends on the API: 204 where it has CORS set up, and what any other
// request without a route or a signature gets where it has not.
func preflight(id, base, path string, statuses ...int) check {
	return check{
		id: id, says: "A preflight of an origin that was not admitted gets no Access-Control-Allow-Origin.", needs: []string{base},
		try: func(ctx context.Context, b *bench) (finding, error) {
			a, err := b.send(ctx, request{
				base: b.settings.get(base), method: http.MethodOptions, path: path,
				header: http.Header{"Origin": {"https://nobody.example.com"}, "Access-Control-Request-Method": {"POST"}},
			})
			if err != nil {
				return finding{}, err
			}
			w := want{status: statuses[0], header: map[string]string{"Access-Control-Allow-Origin": "-"}}
			if slices.Contains(statuses, a.status) {
				w.status = a.status
			}
			return w.compare(a), nil
		},
	}
}
