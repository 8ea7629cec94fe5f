package apigw

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/credvend/credvend/internal/local/oidc"
)

// The identity source that JWT authorizers are meant to have.
const authorizationHeader = "$request.header.Authorization"

// JWTAuthorizer is the JWT authorizer of an HTTP API.
type JWTAuthorizer struct {
	// Verifier holds the issuer and the audience.
	Verifier *oidc.Verifier

	// IdentitySource says where the token stands: "$request.header.NAME" or
	// "$request.querystring.NAME". "" is the Authorization header; anything else
	// is a mistake to plant, since the function re-reads the token there.
	IdentitySource string
}

// check returns the authorizer with its defaults.
func (j *JWTAuthorizer) check() (*JWTAuthorizer, error) {
	c := *j
	if c.IdentitySource == "" {
		c.IdentitySource = authorizationHeader
	}
	header, isHeader := strings.CutPrefix(c.IdentitySource, "$request.header.")
	query, isQuery := strings.CutPrefix(c.IdentitySource, "$request.querystring.")
	switch {
	case c.Verifier == nil:
		return nil, errors.New("the JWT authorizer has no verifier")
	case isHeader && header != "", isQuery && query != "":
		return &c, nil
	}
	return nil, fmt.Errorf("the identity source %q is neither $request.header.NAME nor $request.querystring.NAME", c.IdentitySource)
}

// token finds the token, bare or after "Bearer"; "" if there is none. Of repeated
// headers or parameters the first is looked at (unsure), while the event carries
// all of them: a client can so send a second token that nobody verified.
func (j *JWTAuthorizer) token(r *http.Request, query string) string {
	var value string
	if name, ok := strings.CutPrefix(j.IdentitySource, "$request.header."); ok {
		value = r.Header.Get(name)
	} else {
		name := strings.TrimPrefix(j.IdentitySource, "$request.querystring.")
		for _, p := range decodeQuery(query) {
			if p[0] == name {
				value = p[1]
				break
			}
		}
	}
	value = strings.TrimSpace(value)
	if scheme, token, ok := strings.Cut(value, " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return value
}

// authorizeJWT lets the request in, or answers it and reports false. An issuer
// that cannot be reached looks like a bad token, as it does on AWS.
func (k *call) authorizeJWT(j *JWTAuthorizer, scopes []string) (*httpAuthorizer, bool) {
	claims, err := j.Verifier.Verify(k.r.Context(), j.token(k.r, k.query), scopes)
	if err != nil {
		var refused *oidc.Error
		if !errors.As(err, &refused) {
			refused = &oidc.Error{}
		}
		k.trace.Reason = refused.Error()
		k.w.Header().Set("Www-Authenticate", refused.WWWAuthenticate())
		k.w.Header().Set("Content-Type", "application/json")
		k.reply(refused.StatusCode(), []byte(refused.Body()))
		return nil, false
	}
	k.trace.Subject = claims.Rendered["sub"]
	return &httpAuthorizer{JWT: &jwtIdentity{Claims: claims.Rendered, Scopes: scopes}}, true
}
