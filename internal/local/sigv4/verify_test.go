package sigv4_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/credvend/credvend/internal/local/sigv4"
)

const exampleToken = "IQoJb3JpZ2luX2VjEXAMPLETOKEN=="

// signedBySDK is a POST for a temporary credential, in either form.
func signedBySDK(t *testing.T, presign bool, expires string) *http.Request {
	t.Helper()
	target := "http://127.0.0.1:8080/prod/orders?b=2&a=1"
	if expires != "" {
		target += "&X-Amz-Expires=" + expires
	}
	r, err := http.NewRequest(http.MethodPost, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("{}"))
	credentials := aws.Credentials{AccessKeyID: exampleKey, SecretAccessKey: exampleSecret, SessionToken: exampleToken}
	hash := hex.EncodeToString(sum[:])
	if !presign {
		r.Header.Set("X-Amz-Content-Sha256", hash)
		if err := v4.NewSigner().SignHTTP(context.Background(), credentials, r, hash, "execute-api", "us-east-1", exampleTime); err != nil {
			t.Fatal(err)
		}
	} else {
		uri, _, err := v4.NewSigner().PresignHTTP(context.Background(), credentials, r, hash, "execute-api", "us-east-1", exampleTime)
		if err != nil {
			t.Fatal(err)
		}
		if r.URL, err = url.Parse(uri); err != nil {
			t.Fatal(err)
		}
	}
	r.RequestURI = r.URL.RequestURI()
	r.Host = r.URL.Host
	return r
}

type alteration struct {
	name     string
	presign  bool
	expires  string
	alter    func(r *http.Request, v *sigv4.Verifier, k *keyring)
	body     string
	want     sigv4.Code // "": it verifies
	rest     string     // x-amzn-ErrorType
	sts      string     // "400 IncompleteSignature"
	textPart string
}

func replaceAuth(old, replacement string) func(*http.Request, *sigv4.Verifier, *keyring) {
	return func(r *http.Request, _ *sigv4.Verifier, _ *keyring) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, replacement, 1))
	}
}

func replaceQuery(old, replacement string) func(*http.Request, *sigv4.Verifier, *keyring) {
	return func(r *http.Request, _ *sigv4.Verifier, _ *keyring) {
		r.RequestURI = strings.Replace(r.RequestURI, old, replacement, 1)
	}
}

func clock(d time.Duration) func(*http.Request, *sigv4.Verifier, *keyring) {
	return func(_ *http.Request, v *sigv4.Verifier, _ *keyring) { v.Now = at(exampleTime.Add(d)) }
}

func alterations() []alteration {
	const (
		mismatch   = "InvalidSignatureException"
		unknown    = "UnrecognizedClientException"
		incomplete = "IncompleteSignatureException"
		stsMis     = "403 SignatureDoesNotMatch"
		stsUnknown = "403 InvalidClientTokenId"
		stsInc     = "400 IncompleteSignature"
	)
	header := func(name, value string) func(*http.Request, *sigv4.Verifier, *keyring) {
		return func(r *http.Request, _ *sigv4.Verifier, _ *keyring) { r.Header.Set(name, value) }
	}
	return []alteration{
		{name: "untouched"},
		{name: "untouched, presigned", presign: true},
		{name: "5 minutes late, to the second", alter: clock(5 * time.Minute)},
		{name: "5 minutes early, to the second", alter: clock(-5 * time.Minute)},
		{name: "a second more than 5 minutes late", alter: clock(5*time.Minute + time.Second), want: sigv4.CodeSignatureExpired, rest: mismatch, sts: stsMis,
			textPart: "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)"},
		{name: "a second more than 5 minutes early", alter: clock(-5*time.Minute - time.Second), want: sigv4.CodeSignatureNotYetCurrent, rest: mismatch, sts: stsMis,
			textPart: "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)"},
		{name: "presigned for an hour, used at its end", presign: true, expires: "3600", alter: clock(time.Hour)},
		{name: "presigned for an hour, used after it", presign: true, expires: "3600", alter: clock(time.Hour + time.Second), want: sigv4.CodeSignatureExpired, rest: mismatch, sts: stsMis},
		{name: "presigned for a second", presign: true, expires: "1", alter: clock(time.Second)},
		{name: "presigned for a week, used on the sixth day", presign: true, expires: "604800", alter: clock(6 * 24 * time.Hour)},
		{name: "presigned for longer than a week", presign: true, expires: "604801", want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc},
		{name: "presigned for no time", presign: true, expires: "0", want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc},
		{name: "presigned for a negative time", presign: true, expires: "-1", want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc},
		{name: "presigned without a life, after 5 minutes", presign: true, alter: clock(6 * time.Minute), want: sigv4.CodeSignatureExpired, rest: mismatch, sts: stsMis},
		{name: "the life stretched after signing", presign: true, expires: "60", alter: replaceQuery("X-Amz-Expires=60", "X-Amz-Expires=600"), want: sigv4.CodeSignatureDoesNotMatch, rest: mismatch, sts: stsMis},
		{name: "unsigned", alter: func(r *http.Request, _ *sigv4.Verifier, _ *keyring) { r.Header.Del("Authorization") },
			want: sigv4.CodeMissingAuthenticationToken, rest: "MissingAuthenticationTokenException", sts: "403 MissingAuthenticationToken"},
		{name: "a bearer token", alter: header("Authorization", "Bearer secret.bearer.token"), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc,
			textPart: "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): 'f1yty4YM1BNcp3K4MdC6Om+lsBSP+R0pHywBCLAYsuU='."},
		{name: "a bare token", alter: header("Authorization", "secret.bearer.token"), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc,
			textPart: "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. (Hashed with SHA-256 and encoded with Base64) Authorization="},
		{name: "another scheme with all the parts", alter: replaceAuth("AWS4-HMAC-SHA256", "Digest"), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc},
		{name: "several faults in the scope", alter: replaceAuth("/us-east-1/execute-api/aws4_request", "/eu-west-1/lambda/aws5_request"), want: sigv4.CodeWrongRegion, rest: mismatch, sts: stsMis,
			textPart: "Credential should be scoped to a valid region. Credential should be scoped to correct service: 'execute-api'. Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. "},
		{name: "late, and of another region", alter: func(r *http.Request, v *sigv4.Verifier, k *keyring) {
			replaceAuth("/us-east-1/", "/eu-west-1/")(r, v, k)
			clock(6*time.Minute)(r, v, k)
		}, want: sigv4.CodeSignatureExpired, rest: mismatch, sts: stsMis},
		{name: "of another region, by a key that nobody has", alter: func(r *http.Request, v *sigv4.Verifier, k *keyring) {
			replaceAuth("/us-east-1/", "/eu-west-1/")(r, v, k)
			k.id = "AKIDOTHER"
		}, want: sigv4.CodeWrongRegion, rest: mismatch, sts: stsMis},
		{name: "another algorithm", alter: replaceAuth("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc, textPart: "Unsupported AWS 'algorithm'"},
		{name: "two Authorization headers", alter: func(r *http.Request, _ *sigv4.Verifier, _ *keyring) {
			r.Header.Add("Authorization", r.Header.Get("Authorization"))
		}, want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc},
		{name: "both forms at once", presign: true, alter: header("Authorization", "AWS4-HMAC-SHA256 Credential=x"), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc},
		{name: "header form, with a presigned credential beside it", alter: replaceQuery("?", "?X-Amz-Credential=x&"), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc},
		{name: "an empty token for a long-term key", alter: func(r *http.Request, _ *sigv4.Verifier, k *keyring) {
			k.token = ""
			r.Header.Set("X-Amz-Security-Token", "")
		}, want: sigv4.CodeInvalidToken, rest: unknown, sts: stsUnknown},
		{name: "two tokens for a long-term key", alter: func(r *http.Request, _ *sigv4.Verifier, k *keyring) {
			k.token = ""
			r.Header.Add("X-Amz-Security-Token", exampleToken)
		}, want: sigv4.CodeInvalidToken, rest: unknown, sts: stsUnknown},
		{name: "no Signature", alter: replaceAuth("Signature=", "Sig="), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc, textPart: "requires 'Signature' parameter."},
		{name: "no SignedHeaders", alter: replaceAuth("SignedHeaders=", "Headers="), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc},
		{name: "Credential twice", alter: replaceAuth("Credential=", "Credential=x, Credential="), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc},
		{name: "no equals sign", alter: replaceAuth("Credential=", "Credential "), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc, textPart: "missing equal-sign"},
		{name: "no date", alter: func(r *http.Request, _ *sigv4.Verifier, _ *keyring) { r.Header.Del("X-Amz-Date") }, want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc,
			textPart: "requires existence of either a 'X-Amz-Date' or a 'Date' header."},
		{name: "two dates", alter: func(r *http.Request, _ *sigv4.Verifier, _ *keyring) { r.Header.Add("X-Amz-Date", "20150830T123600Z") }, want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc},
		{name: "a date with a fraction", alter: header("X-Amz-Date", "20150830T123600.5Z"), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc},
		{name: "a date in words", alter: header("X-Amz-Date", "yesterday"), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc, textPart: "ISO-8601 'basic format'"},
		{name: "presigned without signed headers", presign: true, alter: replaceQuery("X-Amz-SignedHeaders", "X-Amz-Signed"), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc},
		{name: "presigned with a second credential", presign: true, alter: replaceQuery("?", "?X-Amz-Credential=x&"), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc},
		{name: "scope of four parts", alter: replaceAuth("/us-east-1/", "/"), want: sigv4.CodeIncompleteSignature, rest: incomplete, sts: stsInc, textPart: "exactly 5 slash-delimited elements"},
		{name: "scope of another date", alter: replaceAuth("/20150830/", "/20150831/"), want: sigv4.CodeWrongScope, rest: mismatch, sts: stsMis,
			textPart: "'20150831' != '20150830', from '20150830T123600Z'."},
		{name: "scope of another region", alter: replaceAuth("/us-east-1/", "/eu-west-1/"), want: sigv4.CodeWrongRegion, rest: mismatch, sts: stsMis, textPart: "valid region"},
		{name: "scope of another service", alter: replaceAuth("/execute-api/", "/lambda/"), want: sigv4.CodeWrongService, rest: mismatch, sts: stsMis, textPart: "correct service: 'execute-api'"},
		{name: "scope with another end", alter: replaceAuth("/aws4_request", "/aws5_request"), want: sigv4.CodeWrongScope, rest: mismatch, sts: stsMis, textPart: "valid terminator"},
		{name: "unknown key", alter: replaceAuth(exampleKey, "AKIDUNKNOWN"), want: sigv4.CodeInvalidClientTokenID, rest: unknown, sts: stsUnknown, textPart: "The security token included in the request is invalid."},
		{name: "no token", alter: func(r *http.Request, _ *sigv4.Verifier, _ *keyring) { r.Header.Del("X-Amz-Security-Token") }, want: sigv4.CodeInvalidToken, rest: unknown, sts: stsUnknown},
		{name: "wrong token", alter: header("X-Amz-Security-Token", exampleToken+"x"), want: sigv4.CodeInvalidToken, rest: unknown, sts: stsUnknown},
		{name: "two tokens", alter: func(r *http.Request, _ *sigv4.Verifier, _ *keyring) {
			r.Header.Add("X-Amz-Security-Token", exampleToken)
		}, want: sigv4.CodeInvalidToken, rest: unknown, sts: stsUnknown},
		{name: "a token for a long-term key", alter: func(_ *http.Request, _ *sigv4.Verifier, k *keyring) { k.token = "" }, want: sigv4.CodeInvalidToken, rest: unknown, sts: stsUnknown},
		{name: "presigned, wrong token", presign: true, alter: replaceQuery("X-Amz-Security-Token=", "X-Amz-Security-Token=x"), want: sigv4.CodeInvalidToken, rest: unknown, sts: stsUnknown},
		{name: "presigned, token in a header instead", presign: true, alter: func(r *http.Request, v *sigv4.Verifier, k *keyring) {
			replaceQuery("X-Amz-Security-Token=", "X-Other=")(r, v, k)
			r.Header.Set("X-Amz-Security-Token", exampleToken)
		}, want: sigv4.CodeUnsignedHeader, rest: mismatch, sts: stsMis},
		{name: "the credential expires in a second", alter: func(_ *http.Request, _ *sigv4.Verifier, k *keyring) { k.expiration = exampleTime.Add(time.Second) }},
		{name: "the credential expires now", alter: func(_ *http.Request, _ *sigv4.Verifier, k *keyring) { k.expiration = exampleTime }, want: sigv4.CodeExpiredToken,
			rest: "ExpiredTokenException", sts: "403 ExpiredToken", textPart: "The security token included in the request is expired"},
		{name: "expired, but with the wrong token", alter: func(_ *http.Request, _ *sigv4.Verifier, k *keyring) {
			k.expiration, k.token = exampleTime, "other"
		}, want: sigv4.CodeInvalidToken, rest: unknown, sts: stsUnknown},
		{name: "a key without a secret", alter: func(_ *http.Request, _ *sigv4.Verifier, k *keyring) { k.secret = "" }, want: sigv4.CodeInvalidClientTokenID, rest: unknown, sts: stsUnknown},
		{name: "wrong secret", alter: func(_ *http.Request, _ *sigv4.Verifier, k *keyring) { k.secret += "x" }, want: sigv4.CodeSignatureDoesNotMatch, rest: mismatch, sts: stsMis,
			textPart: "The request signature we calculated does not match the signature you provided."},
		{name: "no signature bytes", alter: func(r *http.Request, _ *sigv4.Verifier, _ *keyring) {
			head, _, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", head+"Signature=0")
		}, want: sigv4.CodeSignatureDoesNotMatch, rest: mismatch, sts: stsMis},
		{name: "signature in upper case", alter: func(r *http.Request, _ *sigv4.Verifier, _ *keyring) {
			head, sig, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", head+"Signature="+strings.ToUpper(sig))
		}, want: sigv4.CodeSignatureDoesNotMatch, rest: mismatch, sts: stsMis},
		{name: "host not signed", alter: replaceAuth("SignedHeaders=host;", "SignedHeaders="), want: sigv4.CodeUnsignedHeader, rest: mismatch, sts: stsMis, textPart: "'Host' or ':authority' must be a 'SignedHeader'"},
		{name: "signed headers out of order", alter: replaceAuth("host;x-amz-content-sha256", "x-amz-content-sha256;host"), want: sigv4.CodeSignatureDoesNotMatch, rest: mismatch, sts: stsMis},
		{name: "signed headers in capitals", alter: replaceAuth("=host;", "=Host;"), want: sigv4.CodeSignatureDoesNotMatch, rest: mismatch, sts: stsMis},
		{name: "an x-amz header added", alter: header("X-Amz-Target", "x"), want: sigv4.CodeUnsignedHeader, rest: mismatch, sts: stsMis, textPart: "'x-amz-target' must be a 'SignedHeader'"},
		{name: "an unsigned x-amzn header added", alter: header("X-Amzn-Trace-Id", "Root=1")},
		{name: "an unsigned ordinary header added", alter: header("Accept", "*/*")},
		{name: "another body", body: `{"x":1}`, want: sigv4.CodeContentHashMismatch, rest: mismatch, sts: stsMis},
		{name: "another body, presigned", presign: true, body: `{"x":1}`, want: sigv4.CodeSignatureDoesNotMatch, rest: mismatch, sts: stsMis},
		{name: "UNSIGNED-PAYLOAD", alter: header("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), want: sigv4.CodeContentHashMismatch, rest: mismatch, sts: stsMis},
		{name: "two content hashes", alter: func(r *http.Request, _ *sigv4.Verifier, _ *keyring) { r.Header.Add("X-Amz-Content-Sha256", "x") }, want: sigv4.CodeContentHashMismatch, rest: mismatch, sts: stsMis},
		{name: "path of one less escape", alter: replaceQuery("/orders", "/%6frders"), want: sigv4.CodeSignatureDoesNotMatch, rest: mismatch, sts: stsMis},
		{name: "broken escape in the query", alter: replaceQuery("a=1", "a=1%zz"), want: sigv4.CodeMalformedQuery, rest: mismatch, sts: stsMis},
		{name: "query in another order", alter: replaceQuery("a=1&b=2", "b=2&a=1")},
		{name: "verifier without keys", alter: func(_ *http.Request, v *sigv4.Verifier, _ *keyring) { v.Keys = nil }, want: sigv4.CodeInvalidClientTokenID, rest: unknown, sts: stsUnknown},
		{name: "verifier without a service", alter: func(_ *http.Request, v *sigv4.Verifier, _ *keyring) { v.Service = "" }, want: sigv4.CodeWrongService, rest: mismatch, sts: stsMis},
	}
}

func TestVerify(t *testing.T) {
	for _, c := range alterations() {
		t.Run(c.name, func(t *testing.T) {
			r := signedBySDK(t, c.presign, c.expires)
			k := &keyring{id: exampleKey, secret: exampleSecret, token: exampleToken}
			v := &sigv4.Verifier{Now: at(exampleTime), Service: "execute-api", Regions: []string{"us-east-1"}, Keys: k}
			if c.alter != nil {
				c.alter(r, v, k)
			}
			body := c.body
			if body == "" {
				body = "{}"
			}
			_, err := v.Verify(r, []byte(body))
			if c.want == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			var e *sigv4.Error
			if !errors.As(err, &e) || e.Code != c.want {
				t.Fatalf("error = %v, want %s", err, c.want)
			}
			if !strings.Contains(e.Detail, c.textPart) {
				t.Errorf("Detail = %q, want it to hold %q", e.Detail, c.textPart)
			}
			checkAnswers(t, err, c)
		})
	}
}
