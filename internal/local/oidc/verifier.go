package oidc

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// maxToken is the longest token that is looked at: an HTTP API takes 10,240 bytes
// of request line and headers altogether.
const maxToken = 10240

// rsaAlgorithms are those that a JWT authorizer supports. The token does not get
// to choose any other: not none, and no HMAC with the public key for a secret.
func rsaAlgorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512}
}

// VerifierOptions are the settings of a JWT authorizer.
type VerifierOptions struct {
	// Issuer is what the claim iss must be, to the letter, and where discovery is.
	Issuer string
	// Audience are the values one of which aud, or client_id where aud is absent,
	// must be. Empty admits nobody.
	Audience []string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Client fetches discovery and keys; nil is one with a timeout of 5 s that
	// follows no redirects.
	Client *http.Client
	// MaxAge is how long fetched keys are used; 0 is API Gateway's two hours.
	MaxAge time.Duration
}

// Claims are the verified content of a token.
type Claims struct {
	// Typed are the claims as decoded from JSON, numbers as json.Number.
	Typed map[string]any
	// Rendered are the claims as strings, the way an HTTP API puts them into the
	// event: arrays as "[a b]", objects as "map[k:v]".
	Rendered map[string]string
	// Scopes are the token's own, from scope or scp.
	Scopes []string
}

// Verifier checks tokens as the JWT authorizer of an HTTP API does. It is safe for
// concurrent use.
type Verifier struct {
	options VerifierOptions
	keys    *keySet
}

// NewVerifier makes a verifier. Nothing is fetched before the first token.
func NewVerifier(o VerifierOptions) *Verifier {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxAge <= 0 {
		o.MaxAge = 2 * time.Hour
	}
	if o.Client == nil {
		o.Client = &http.Client{
			Timeout:       5 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &Verifier{options: o, keys: newKeySet(o)}
}

// VerifyHeader checks the token in the value of an Authorization header, which may
// stand alone or after "Bearer".
func (v *Verifier) VerifyHeader(ctx context.Context, header string, scopes []string) (Claims, error) {
	token := strings.TrimSpace(header)
	if scheme, rest, ok := strings.Cut(token, " "); ok && strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(rest)
	}
	return v.Verify(ctx, token, scopes)
}

// Verify checks a token. scopes are those of the route: the token must have one of
// them, if there are any. Every error is an *Error.
func (v *Verifier) Verify(ctx context.Context, token string, scopes []string) (Claims, error) {
	if token == "" {
		return Claims{}, &Error{Status: http.StatusUnauthorized}
	}
	payload, err := v.signedPayload(ctx, token)
	if err != nil {
		return Claims{}, invalid(scopes, err)
	}
	claims, err := decodeClaims(payload)
	if err != nil {
		return Claims{}, invalid(scopes, err)
	}
	if err := v.check(claims); err != nil {
		return Claims{}, invalid(scopes, err)
	}
	has := scopesOf(claims)
	if len(scopes) > 0 && !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(has, s) }) {
		return Claims{}, &Error{
			Status: http.StatusForbidden, Code: "insufficient_scope", Scopes: scopes,
			Description: "the token does not have one of the required scopes",
		}
	}
	return Claims{Typed: claims, Rendered: renderAll(claims), Scopes: has}, nil
}

// signedPayload gives the payload once its signature is good.
func (v *Verifier) signedPayload(ctx context.Context, token string) ([]byte, error) {
	if len(token) > maxToken {
		return nil, errors.New("the token is too long")
	}
	// Compact form alone: the JSON forms of JWS may carry several signatures.
	jws, err := jose.ParseSignedCompact(token, rsaAlgorithms())
	if err != nil {
		var algorithm *jose.ErrUnexpectedSignatureAlgorithm
		if errors.As(err, &algorithm) {
			return nil, errors.New("the token's signing method is invalid")
		}
		return nil, errors.New("the token is malformed")
	}
	header := jws.Signatures[0].Protected
	if header.KeyID == "" {
		return nil, errors.New("the token has no key id")
	}
	key, err := v.keys.find(ctx, header.KeyID, header.Algorithm)
	if err != nil {
		return nil, err
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return nil, errors.New("the token has an invalid signature")
	}
	return payload, nil
}

func decodeClaims(payload []byte) (map[string]any, error) {
	dec := json.NewDecoder(strings.NewReader(string(payload)))
	dec.UseNumber()
	var claims map[string]any
	if err := dec.Decode(&claims); err != nil || claims == nil || dec.More() {
		return nil, errors.New("the token's claims are malformed")
	}
	return claims, nil
}

// check holds the registered claims to the authorizer's settings.
func (v *Verifier) check(claims map[string]any) error {
	if iss, ok := claims["iss"].(string); !ok || iss == "" || iss != v.options.Issuer {
		return errors.New("the token does not have a valid issuer")
	}
	if !v.audienceMatches(claims) {
		return errors.New("the token does not have a valid audience")
	}
	now := float64(v.options.Now().UnixMilli()) / 1000
	exp, present, err := date(claims, "exp")
	switch {
	case err != nil:
		return err
	case !present:
		return errors.New("the token has no expiry")
	case now >= exp:
		return errors.New("the token has expired")
	}
	for _, name := range []string{"nbf", "iat"} {
		from, present, err := date(claims, name)
		if err != nil {
			return err
		}
		if present && now < from {
			return errors.New("the token is not valid yet")
		}
	}
	return nil
}

// audienceMatches looks at client_id only where there is no aud at all: a token
// with somebody else's aud is meant for somebody else.
func (v *Verifier) audienceMatches(claims map[string]any) bool {
	var has []string
	aud, present := claims["aud"]
	if !present {
		aud = claims["client_id"]
	}
	switch value := aud.(type) {
	case string:
		has = []string{value}
	case []any:
		for _, element := range value {
			if s, ok := element.(string); ok && present {
				has = append(has, s)
			}
		}
	}
	return slices.ContainsFunc(has, func(s string) bool { return s != "" && slices.Contains(v.options.Audience, s) })
}

// date reads a NumericDate: seconds since 1970, a fraction allowed.
func date(claims map[string]any, name string) (seconds float64, present bool, err error) {
	value, present := claims[name]
	if !present {
		return 0, false, nil
	}
	number, ok := value.(json.Number)
	if !ok {
		return 0, true, fmt.Errorf("the token's %s is not a number", name)
	}
	seconds, err = number.Float64()
	if err != nil {
		return 0, true, fmt.Errorf("the token's %s is out of range", name)
	}
	return seconds, true, nil
}

func scopesOf(claims map[string]any) []string {
	for _, name := range []string{"scope", "scp"} {
		switch value := claims[name].(type) {
		case string:
			return strings.Fields(value)
		case []any:
			var scopes []string
			for _, element := range value {
				if s, ok := element.(string); ok {
					scopes = append(scopes, s)
				}
			}
			return scopes
		}
	}
	return nil
}

// usable tells whether a published key may check signatures of the algorithm.
func usable(key jose.JSONWebKey, alg string) (*rsa.PublicKey, bool) {
	public, ok := key.Key.(*rsa.PublicKey)
	return public, ok && (key.Use == "" || key.Use == "sig") && (key.Algorithm == "" || key.Algorithm == alg)
}
