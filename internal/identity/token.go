package identity

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/credvend/credvend/internal/fault"
)

// jwtCaller reads requestContext.authorizer.jwt.claims and, for the types that
// the gateway flattened to strings, the bearer token again.
//
// The token's signature is not checked here: the gateway did, and a token that
// says the same as the verified claims, all of them, is as good as verified. A
// forged event from a direct invoke can hold any token, alg none included; that
// is lambda:InvokeFunction's boundary, not this function's.
//
// What an attacker would try at the front door is to have one token verified
// and another one read: two headers, two tokens in one, a token in a second
// spelling of the header.
func jwtCaller(block value, headers Headers) (Caller, error) {
	verified := block.get("claims")
	if verified.shape != object {
		return Caller{}, refuse("the event carries no claims verified by jwt; give the route a JWT authorizer")
	}
	token, err := bearer(headers)
	if err != nil {
		return Caller{}, err
	}
	claims, err := payload(token)
	if err != nil {
		return Caller{}, err
	}
	if err := sameClaims(verified, claims); err != nil {
		return Caller{}, err
	}
	return tokenCaller(claims)
}

// bearer returns the one token of the request.
func bearer(headers Headers) (string, error) {
	values := headers.Values("authorization")
	if len(values) != 1 {
		return "", refuse("the request has %d Authorization headers; send exactly one, with one token", len(values))
	}
	token := values[0]
	if strings.Contains(token, ",") {
		return "", refuse("the Authorization header has a comma; send exactly one token") // the gateway joins two headers with one
	}
	if scheme, rest, ok := strings.Cut(token, " "); ok && strings.EqualFold(scheme, "bearer") {
		token = rest
	}
	return token, nil
}

// errToken is the refusal of a token that is not a signed JWT.
func errToken(detail string) *fault.Error {
	return refuse("the Authorization header holds no JWT (%s); send the token bare or as \"Bearer TOKEN\"", detail)
}

// payload returns the claims of a token in the compact form.
func payload(token string) (value, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return value{}, errToken("it has not three parts")
	}
	var decoded [3][]byte
	for i, part := range parts {
		// The decoder skips line breaks: two spellings of one token.
		b, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil || len(b) == 0 || strings.ContainsAny(part, "\r\n") {
			return value{}, errToken("a part is empty or not base64url without padding")
		}
		decoded[i] = b
	}
	claims, err := decodeJSON(decoded[1])
	if err != nil {
		return value{}, errToken("its payload has " + err.Error())
	}
	if claims.shape != object {
		return value{}, errToken("its payload is not a JSON object")
	}
	return claims, nil
}

// sameClaims holds every claim of the token against the verified one. A null
// claim may also be absent: the gateway has been seen to leave those out, and
// they have no value that could match a rule.
func sameClaims(verified, claims value) error {
	const other = "the token in the Authorization header is not the one that was verified: its claim %q %s; send exactly one token, in one Authorization header"
	for _, name := range sortedNames(claims.members) {
		v, claim := verified.get(name), claims.get(name)
		if v.shape == absent && claim.none() {
			continue
		}
		if v.shape == absent {
			return refuse(other, clip(name), "was not verified")
		}
		if s, ok := verifiedText(v); !ok || !isRendering(s, claim) {
			return refuse(other, clip(name), "differs")
		}
	}
	for _, name := range sortedNames(verified.members) {
		if claims.get(name).shape == absent {
			return refuse(other, clip(name), "is missing")
		}
	}
	return nil
}

// verifiedText returns a verified claim as text. The gateway writes strings; a
// number or a boolean counts by its text, so that one of them does not fail the
// whole, as it does where claims are decoded to a map of strings.
func verifiedText(v value) (string, bool) {
	switch v.shape {
	case text, number, boolean:
		return v.text, true
	default:
		return "", false
	}
}

// maxSubject is OpenID Connect Core's limit for sub, in characters.
const maxSubject = 255

// tokenCaller builds the caller of a token whose claims are verified.
func tokenCaller(claims value) (Caller, error) {
	c := Caller{Claims: make(map[string]Claim, len(claims.members))}
	for _, m := range claims.members {
		if m.value.shape != null { // as good as absent, however the gateway wrote it
			c.Claims[m.name] = typed(m.value)
		}
	}
	// The allowlist compares the issuer literally, so its form does not matter
	// here; local issuers are plain http.
	c.Issuer, _ = claims.get("iss").string()
	c.Subject, _ = claims.get("sub").string()
	for _, required := range []string{"iss", "sub"} {
		if s, _ := claims.get(required).string(); s == "" {
			return Caller{}, refuse("the token's claim %s is not a non-empty string; use an issuer that sets it", required)
		}
	}
	if utf8.RuneCountInString(c.Subject) > maxSubject {
		return Caller{}, refuse("the token's claim sub is longer than %d characters; use an issuer that keeps to OpenID Connect's limit", maxSubject)
	}
	audience := claims.get("aud")
	isClient := audience.shape == absent
	if isClient {
		audience = claims.get("client_id") // Cognito's access tokens
	}
	switch {
	case audience.shape == text:
		c.Audiences = []string{audience.text}
	case audience.shape == list && !isClient: // a client is one
		for _, m := range audience.members {
			s, _ := m.value.string()
			c.Audiences = append(c.Audiences, s)
		}
	}
	if len(c.Audiences) == 0 || slices.Contains(c.Audiences, "") {
		return Caller{}, refuse("the token's audience is no non-empty string or list of them; use an issuer that sets aud, or client_id where there is no aud")
	}
	return c, nil
}

// typed turns a claim into what rules compare. What is not a string, an
// integer, a boolean or a list of those alone has no values: a rule cannot be
// met by the half of a claim that happened to be readable.
func typed(v value) Claim {
	if v.shape != list {
		if s, ok := scalar(v); ok {
			return Claim{Values: []string{s}}
		}
		return Claim{}
	}
	c := Claim{List: true}
	for _, m := range v.members {
		s, ok := scalar(m.value)
		if !ok {
			return Claim{List: true}
		}
		c.Values = append(c.Values, s)
	}
	return c
}

// scalar returns a string as it is, an integer's digits as written and a
// boolean's word. 1.0 and 1e3 have no one spelling, so they have no value.
func scalar(v value) (string, bool) {
	switch v.shape {
	case text, boolean:
		return v.text, true
	case number:
		return v.text, !strings.ContainsAny(v.text, ".eE")
	default:
		return "", false
	}
}
