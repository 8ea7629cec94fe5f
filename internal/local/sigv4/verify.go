// Package sigv4 verifies AWS Signature Version 4 on requests as they arrived, in
// the header form and in the presigned (X-Amz-*) form, as API Gateway
// (execute-api), Lambda function URLs (lambda) and STS (sts) do.
//
// There is one canonical request for a given request on the wire, the one that
// AWS documents for every service but S3, and no other is tried:
//
//   - The path is taken as sent. Empty and dot segments are removed (a trailing
//     slash stays), then each byte outside A-Z a-z 0-9 - . _ ~ / is escaped,
//     "%" included, so that "/a%20b" becomes "/a%2520b". Botocore and the
//     JavaScript signer do the same. Go's signer does not remove segments, and
//     single-escapes under DisableURIPathEscaping; curl 7.88 takes neither step,
//     nor does it sort the query. They agree wherever those steps change nothing,
//     and are refused by AWS, and here, where they do.
//   - Query names and values are decoded ("+" is a space, which is how the Go
//     signer and API Gateway read it; other signers escape it), escaped again,
//     and sorted by escaped name, then escaped value. A name without "=" has the
//     empty value.
//   - Values of signed headers are trimmed, runs of spaces collapsed, and
//     repeated headers joined with a comma in the order they came.
//
// The package must not share code with what it judges, must not make its own
// allowances, and must not print secrets: neither secret keys nor session
// tokens stand in its errors.
package sigv4

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"

	// maxSkew is how far a signature's time may lie from the verifier's clock,
	// both ways. AWS states five minutes in its error texts.
	maxSkew = 5 * time.Minute
	// maxExpires is the longest life of a presigned request: seven days.
	maxExpires = 604800 * time.Second
)

// Keys finds the credential that belongs to an access key id.
type Keys interface {
	// SigningKey returns the secret access key and, for temporary credentials,
	// the session token and the moment they expire (zero: never). ok is false
	// for an id that is not known.
	SigningKey(accessKeyID string) (secret, sessionToken string, expiration time.Time, ok bool)
}

// Scope is the credential scope that a signature was made for.
type Scope struct {
	AccessKeyID string
	Date        string // YYYYMMDD
	Region      string
	Service     string
}

// Verified tells what a good signature covers.
type Verified struct {
	Scope         Scope
	Presigned     bool
	SignedHeaders []string  // lower-case, sorted
	SignedAt      time.Time // the signature's own time, UTC
}

// Verifier checks signatures for one service. Its zero value refuses everything.
// It is safe for concurrent use if its Keys are.
type Verifier struct {
	// Keys finds credentials. Nil knows none.
	Keys Keys
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Service is the only service name that scopes may carry.
	Service string
	// Regions are the regions that scopes may carry; empty admits any.
	Regions []string
}

// Verify checks the signature of r, a request as a server received it (the wire
// form of the path is taken from r.RequestURI), with its body, already read.
// Every error is an *Error.
func (v *Verifier) Verify(r *http.Request, body []byte) (Verified, error) {
	query, err := parseQuery(rawQuery(r))
	if err != nil {
		return Verified{}, err
	}
	sig, err := readSignature(r, query)
	if err != nil {
		return Verified{}, err
	}
	// The order is AWS's: of several faults a client is told the same one.
	if err := v.checkTime(sig); err != nil {
		return Verified{}, err
	}
	if err := checkSignedHeaders(r, sig.signedHeaders); err != nil {
		return Verified{}, err
	}
	if err := v.checkScope(sig); err != nil {
		return Verified{}, err
	}
	secret, err := v.checkCredential(sig)
	if err != nil {
		return Verified{}, err
	}
	hash, err := payloadHash(r, query, body)
	if err != nil {
		return Verified{}, err
	}
	canonical := canonicalRequest(r, query, sig, hash)
	toSign := stringToSign(sig, canonical)
	want := signature(secret, sig.scope, toSign)
	if subtle.ConstantTimeCompare([]byte(want), []byte(sig.signature)) != 1 {
		return Verified{}, &Error{
			Code:             CodeSignatureDoesNotMatch,
			Detail:           textMismatch,
			canonicalRequest: hideToken(canonical),
			stringToSign:     toSign,
		}
	}
	return Verified{
		Scope:         sig.scope,
		Presigned:     sig.presigned,
		SignedHeaders: sig.signedHeaders,
		SignedAt:      sig.time,
	}, nil
}

func (v *Verifier) now() time.Time {
	if v.Now == nil {
		return time.Now().UTC().Truncate(time.Second)
	}
	return v.Now().UTC().Truncate(time.Second)
}

// checkScope names everything that is wrong with the scope at once, as AWS does;
// each sentence ends in a space there. The code is that of the first.
func (v *Verifier) checkScope(sig *signed) error {
	var code Code
	var text strings.Builder
	wrong := func(c Code, format string, args ...any) {
		code = cmp.Or(code, c)
		fmt.Fprintf(&text, format+". ", args...)
	}
	if sig.scope.Region == "" || len(v.Regions) > 0 && !slices.Contains(v.Regions, sig.scope.Region) {
		wrong(CodeWrongRegion, "Credential should be scoped to a valid region")
	}
	if v.Service == "" || sig.scope.Service != v.Service {
		wrong(CodeWrongService, "Credential should be scoped to correct service: '%s'", v.Service)
	}
	if sig.terminator != terminator {
		wrong(CodeWrongScope, "Credential should be scoped with a valid terminator: '%s', not '%s'", terminator, sig.terminator)
	}
	if day := sig.time.Format("20060102"); sig.scope.Date != day {
		wrong(CodeWrongScope, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'",
			sig.scope.Date, day, sig.time.Format(timeFormat))
	}
	if code == "" {
		return nil
	}
	return &Error{Code: code, Detail: text.String()}
}

// checkCredential finds the secret. The token must be exactly the credential's:
// a long-term key with a token is as wrong as a temporary one without.
func (v *Verifier) checkCredential(sig *signed) (secret string, err error) {
	if v.Keys == nil {
		return "", fail(CodeInvalidClientTokenID, textInvalidToken)
	}
	secret, token, expiration, ok := v.Keys.SigningKey(sig.scope.AccessKeyID)
	if !ok || secret == "" {
		return "", fail(CodeInvalidClientTokenID, textInvalidToken)
	}
	if sig.hasToken != (token != "") || subtle.ConstantTimeCompare([]byte(token), []byte(sig.token)) != 1 {
		return "", fail(CodeInvalidToken, textInvalidToken)
	}
	if !expiration.IsZero() && !v.now().Before(expiration) {
		return "", fail(CodeExpiredToken, textExpiredToken)
	}
	return secret, nil
}

func (v *Verifier) checkTime(sig *signed) error {
	now, at := v.now(), sig.time
	stamp := func(t time.Time) string { return t.Format(timeFormat) }
	if latest := now.Add(maxSkew); at.After(latest) {
		return fail(CodeSignatureNotYetCurrent, "Signature not yet current: %s is still later than %s (%s + 5 min.)", stamp(at), stamp(latest), stamp(now))
	}
	if sig.expires > 0 {
		if end := at.Add(sig.expires); now.After(end) {
			return fail(CodeSignatureExpired, "Signature expired: %s is now earlier than %s", stamp(end), stamp(now))
		}
		return nil
	}
	if earliest := now.Add(-maxSkew); at.Before(earliest) {
		return fail(CodeSignatureExpired, "Signature expired: %s is now earlier than %s (%s - 5 min.)", stamp(at), stamp(earliest), stamp(now))
	}
	return nil
}

// checkSignedHeaders sees that nothing which AWS insists on is left unsigned.
// An x-amz-* header outside the signature could be added by anyone on the way.
func checkSignedHeaders(r *http.Request, names []string) error {
	if !slices.Contains(names, "host") {
		return fail(CodeUnsignedHeader, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(names, lower) {
			return fail(CodeUnsignedHeader, "'%s' must be a 'SignedHeader' in the AWS Authorization.", lower)
		}
	}
	return nil
}

// payloadHash is the SHA-256 of the body, in hex. A hash that the client states
// must be that of the body: UNSIGNED-PAYLOAD and the streaming forms belong to S3.
func payloadHash(r *http.Request, query []pair, body []byte) (string, error) {
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	stated := slices.Clone(headerValues(r, "x-amz-content-sha256"))
	for _, p := range query {
		if strings.EqualFold(p.name, "X-Amz-Content-Sha256") {
			stated = append(stated, p.value)
		}
	}
	for _, s := range stated {
		if strings.TrimSpace(s) != hash {
			return "", fail(CodeContentHashMismatch, textMismatch)
		}
	}
	return hash, nil
}

func stringToSign(sig *signed, canonical string) string {
	sum := sha256.Sum256([]byte(canonical))
	return fmt.Sprintf("%s\n%s\n%s/%s/%s/%s\n%s", algorithm, sig.time.Format(timeFormat),
		sig.scope.Date, sig.scope.Region, sig.scope.Service, terminator, hex.EncodeToString(sum[:]))
}

func signature(secret string, s Scope, toSign string) string {
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.Date, s.Region, s.Service, terminator} {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, toSign))
}

func mac(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data)) // never fails: hash.Hash says so
	return h.Sum(nil)
}
