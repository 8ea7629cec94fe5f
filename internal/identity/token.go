package identity

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
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
func jwtCaller(block object, headers map[string][]string) (Caller, error) {
	verified, ok := block["claims"].(object)
	if !ok {
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
func bearer(headers map[string][]string) (string, error) {
	var values []string
	for name, v := range headers {
		if strings.EqualFold(name, "authorization") {
			values = append(values, v...)
		}
	}
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
func payload(token string) (object, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errToken("it has not three parts")
	}
	var decoded [3][]byte
	for i, part := range parts {
		// The decoder skips line breaks: two spellings of one token.
		b, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil || len(b) == 0 || strings.ContainsAny(part, "\r\n") {
			return nil, errToken("a part is empty or not base64url without padding")
		}
		decoded[i] = b
	}
	value, err := decodeJSON(decoded[1])
	if err != nil {
		return nil, errToken("its payload has " + err.Error())
	}
	claims, ok := value.(object)
	if !ok {
		return nil, errToken("its payload is not a JSON object")
	}
	return claims, nil
}

// sameClaims holds every claim of the token against the verified one. A null
// claim may also be absent: the gateway has been seen to leave those out, and
// they have no value that could match a rule.
func sameClaims(verified, claims object) error {
	const text = "the token in the Authorization header is not the one that was verified: its claim %q %s; send exactly one token, in one Authorization header"
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		v, ok := verified[name]
		if !ok && claims[name] == nil {
			continue
		}
		if !ok {
			return refuse(text, clip(name), "was not verified")
		}
		if s, ok := verifiedText(v); !ok || !isRendering(s, claims[name]) {
			return refuse(text, clip(name), "differs")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(verified)) {
		if _, ok := claims[name]; !ok {
			return refuse(text, clip(name), "is missing")
		}
	}
	return nil
}

// verifiedText returns a verified claim as text. The gateway writes strings; a
// number or a boolean counts by its text, so that one of them does not fail the
// whole, as it does where claims are decoded to a map of strings.
func verifiedText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	default:
		return "", false
	}
}

// maxSubject is OpenID Connect Core's limit for sub, in characters.
const maxSubject = 255

// tokenCaller builds the caller of a token whose claims are verified.
func tokenCaller(claims object) (Caller, error) {
	c := Caller{Claims: make(map[string]Claim, len(claims))}
	for name, v := range claims {
		if v != nil { // null is as good as absent, however the gateway wrote it
			c.Claims[name] = typed(v)
		}
	}
	// The allowlist compares the issuer literally, so its form does not matter
	// here; local issuers are plain http.
	c.Issuer, _ = claims["iss"].(string)
	c.Subject, _ = claims["sub"].(string)
	for _, required := range []string{"iss", "sub"} {
		if s, _ := claims[required].(string); s == "" {
			return Caller{}, refuse("the token's claim %s is not a non-empty string; use an issuer that sets it", required)
		}
	}
	if utf8.RuneCountInString(c.Subject) > maxSubject {
		return Caller{}, refuse("the token's claim sub is longer than %d characters; use an issuer that keeps to OpenID Connect's limit", maxSubject)
	}
	audience := "aud"
	if _, ok := claims[audience]; !ok {
		audience = "client_id" // Cognito's access tokens
	}
	switch v := claims[audience].(type) {
	case string:
		c.Audiences = []string{v}
	case []any:
		for _, v := range v {
			s, _ := v.(string)
			c.Audiences = append(c.Audiences, s)
		}
		if audience != "aud" {
			c.Audiences = nil // a client is one
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
func typed(v any) Claim {
	list, ok := v.([]any)
	if !ok {
		if s, ok := scalar(v); ok {
			return Claim{Values: []string{s}}
		}
		return Claim{}
	}
	c := Claim{List: true}
	for _, v := range list {
		s, ok := scalar(v)
		if !ok {
			return Claim{List: true}
		}
		c.Values = append(c.Values, s)
	}
	return c
}

// scalar returns a string as it is, an integer's digits as written and a
// boolean's word. 1.0 and 1e3 have no one spelling, so they have no value.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), !strings.ContainsAny(v.String(), ".eE")
	case bool:
		return strconv.FormatBool(v), true
	default:
		return "", false
	}
}
