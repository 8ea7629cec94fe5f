//go:build conformance

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The service's paths.
const (
	credentialsPath = "/v1/credentials"
	whoamiPath      = "/v1/whoami"
	targetsPath     = "/v1/targets"
)

// door is a front door that asks for SigV4, and how it refuses.
type door struct {
	id      string // begins the ids of its checks
	url     string // variable
	service string // that signatures are for
	other   string // a service that they are not for
	kind    string // as /v1/whoami calls it

	unsigned    want
	bearer      want // a token instead of a signature
	malformed   want // a credential that is no scope
	mismatch    want // the signature is not the request's
	wrongScope  want // another service
	wrongRegion want
	unknownKey  want
	badToken    want // a session token that is not the key's
	expired     want // credentials
	tooOld      want // the signature
	tooNew      want
	notAllowed  want // signed well, by somebody without a permission
	oddMethod   want // PROPFIND
	longHeader  want // over 10,240 bytes
	headerLimit bool // whether it has that limit
	bodyLimit   int  // bytes
	longBody    want
	outsider    want
	head        want // HEAD of a path that is served for GET
	unknown     want // a path that is none of the service's
}

const (
	textMismatch     = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	textInvalidToken = "The security token included in the request is invalid."
	textExpiredToken = "The security token included in the request is expired"
	textURLForbidden = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
	stamp            = `\d{8}T\d{6}Z`
)

// forbidden is an HTTP API's one refusal.
func forbidden() want {
	return want{status: http.StatusForbidden, typed: "application/json", text: `{"message":"Forbidden"}`}
}

// notFound is an HTTP API's answer where it has no route.
func notFound() want {
	return want{status: http.StatusNotFound, typed: "application/json", text: `{"message":"Not Found"}`}
}

// named is a refusal with a type in x-amzn-ErrorType. The key of the message is
// "message" or "Message", and that is AWS's choice too.
func named(status int, errorType, key, message string) want {
	return want{
		status: status, typed: "application/json",
		header: map[string]string{"X-Amzn-Errortype": errorType}, json: map[string]string{key: message},
	}
}

// service is an answer of credvend itself: the door let the request in.
func serviceSays(status int, code string) want {
	return want{status: status, typed: "application/json", header: map[string]string{"Cache-Control": "no-store"}, json: map[string]string{"code": code, "Code": code}}
}

func iamDoor() door {
	f := forbidden()
	return door{
		id: "http-api", url: "URL", service: "execute-api", other: "lambda", kind: "iam",
		unsigned: f, bearer: f, malformed: f, mismatch: f, wrongScope: f, wrongRegion: f, unknownKey: f, badToken: f, expired: f,
		tooOld: f, tooNew: f, notAllowed: f, outsider: f,
		oddMethod: notFound(), head: want{status: http.StatusMethodNotAllowed}, unknown: serviceSays(http.StatusNotFound, "not_found"),
		headerLimit: true, longHeader: want{status: http.StatusRequestHeaderFieldsTooLarge, text: `{"message":"Request Header Fields Too Large"}`},
		bodyLimit: 10 << 20, longBody: want{status: http.StatusRequestEntityTooLarge, text: `{"message":"Request Entity Too Large"}`},
	}
}

// bySignature fills in the refusals of the doors that name a bad signature.
func (d door) bySignature() door {
	say := func(errorType, message string) want {
		return named(http.StatusForbidden, errorType, "message", message)
	}
	d.bearer = say("IncompleteSignatureException", `~Invalid key=value pair \(missing equal-sign\) in Authorization header \(hashed with SHA-256 and encoded with Base64\): '[A-Za-z0-9+/=]+'\.`)
	d.malformed = say("IncompleteSignatureException", "~Credential must have exactly 5 slash-delimited elements.*")
	d.mismatch = say("InvalidSignatureException", "~"+quote(textMismatch)+".*")
	d.wrongScope = say("InvalidSignatureException", "~Credential should be scoped to correct service: '"+d.service+"'\\. ?")
	d.wrongRegion = say("InvalidSignatureException", "~Credential should be scoped to a valid region\\. ?")
	d.unknownKey = say("UnrecognizedClientException", textInvalidToken)
	d.badToken = say("UnrecognizedClientException", textInvalidToken)
	d.expired = say("ExpiredTokenException", textExpiredToken)
	d.tooOld = say("InvalidSignatureException", "~Signature expired: "+stamp+" is now earlier than "+stamp+" .*")
	d.tooNew = say("InvalidSignatureException", "~Signature not yet current: "+stamp+" is still later than "+stamp+" .*")
	return d
}

func functionURLDoor() door {
	d := door{id: "function-url", url: "FUNCTION_URL", service: "lambda", other: "execute-api", kind: "iam"}.bySignature()
	d.unsigned = named(http.StatusForbidden, "AccessDeniedException", "Message", textURLForbidden)
	d.notAllowed = d.unsigned
	d.outsider = want{status: http.StatusOK}
	d.oddMethod = serviceSays(http.StatusMethodNotAllowed, "method_not_allowed")
	d.head, d.unknown = want{status: http.StatusMethodNotAllowed}, serviceSays(http.StatusNotFound, "not_found")
	d.bodyLimit = 6 << 20
	d.longBody = named(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Message", "Request must be smaller than 6291556 bytes for the InvokeFunction operation")
	return d
}

func restDoor() door {
	d := door{id: "rest-api", url: "REST_URL", service: "execute-api", other: "lambda", kind: "rest-iam"}.bySignature()
	d.unsigned = named(http.StatusForbidden, "MissingAuthenticationTokenException", "message", "Missing Authentication Token")
	d.notAllowed = named(http.StatusForbidden, "AccessDeniedException", "Message",
		`~User: arn:[a-z-]+:sts::\d{12}:assumed-role/\S+ is not authorized to perform: execute-api:Invoke on resource: arn:[a-z-]+:execute-api:[a-z0-9-]+:\*{8}\d{4}:[a-z0-9]+/\S+/GET/v1/whoami with an explicit deny`)
	d.outsider = want{status: http.StatusOK}
	d.oddMethod, d.head, d.unknown = d.unsigned, want{status: http.StatusForbidden}, d.unsigned
	d.headerLimit = true
	d.longHeader = want{status: http.StatusRequestHeaderFieldsTooLarge}
	d.bodyLimit = 10 << 20
	d.longBody = want{status: http.StatusRequestEntityTooLarge, typed: "text/plain", text: "HTTP content length exceeded 10485760 bytes."}
	return d
}

// wrong secrets and keys, of nobody.
const (
	nobodysKey    = "ASIAEXAMPLENOBODY000"
	nobodysSecret = "0000000000000000000000000000000000000000"
)

// checks are the same for every door that asks for SigV4.
func (d door) checks() []check {
	caller, alone := []string{d.url, "CALLER_PROFILE"}, []string{d.url}
	get := func(change func(b *bench, q *request)) func(b *bench) request {
		return func(b *bench) request {
			q := request{base: b.settings.get(d.url), method: http.MethodGet, path: whoamiPath, as: b.who["CALLER_PROFILE"], service: d.service}
			if change != nil {
				change(b, &q)
			}
			return q
		}
	}
	as := func(change func(i *identity)) func(b *bench, q *request) {
		return func(_ *bench, q *request) {
			i := *q.as
			change(&i)
			q.as = &i
		}
	}
	late := func(by time.Duration) func(b *bench, q *request) {
		return func(_ *bench, q *request) { q.late = by }
	}
	tamper := func(f func(*http.Request)) func(b *bench, q *request) {
		return func(_ *bench, q *request) { q.tamper = f }
	}
	profile := func(name string) func(b *bench, q *request) {
		return func(b *bench, q *request) { q.as = b.who[name] }
	}
	is := func(id, says string, needs []string, change func(b *bench, q *request), w want) check {
		return ask(d.id+"."+id, says, needs, get(change), w)
	}
	list := []check{
		is("signed", "A signed request of a caller is let in, and AWS hands the function its role.", caller, nil, want{
			status: http.StatusOK, typed: "application/json",
			json: map[string]string{"kind": d.kind, "principal": `~arn:[a-z-]+:iam::\d{12}:(role|user)/.+`, "uniqueId": "~A(RO|ID)A[A-Z0-9]+"},
		}),
		is("unsigned", "An unsigned request is refused.", alone, func(_ *bench, q *request) { q.as = nil }, d.unsigned),
		is("bearer", "A bearer token in the place of a signature is refused.", alone, func(_ *bench, q *request) {
			q.as, q.header = nil, http.Header{"Authorization": {"Bearer none"}}
		}, d.bearer),
		is("malformed-credential", "A credential that is no scope of five parts is refused.", caller, tamper(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/aws4_request", "", 1))
		}), d.malformed),
		is("tampered-path", "A signature for another path is refused.", caller, func(_ *bench, q *request) { q.signedPath = targetsPath }, d.mismatch),
		is("tampered-query", "A query that was added after signing is refused.", caller, func(_ *bench, q *request) {
			q.path, q.signedPath = whoamiPath+"?a=1", whoamiPath
		}, d.mismatch),
		is("tampered-method", "A signature for another method is refused.", caller, func(_ *bench, q *request) { q.signedMethod = http.MethodPost }, d.mismatch),
		is("tampered-body", "A body that is not the one that was signed is refused.", caller, func(_ *bench, q *request) {
			q.method, q.path, q.body, q.signedBody = http.MethodPost, credentialsPath, []byte(`{"target":"0rders"}`), []byte(`{"target":"orders"}`)
		}, d.mismatch),
		is("wrong-secret", "A signature by another secret is refused.", caller, as(func(i *identity) { i.credentials.SecretAccessKey = nobodysSecret }), d.mismatch),
		is("unsigned-amz-header", "An x-amz-* header outside the signature is refused.", caller, tamper(func(r *http.Request) { r.Header.Set("X-Amz-Meta-Added", "later") }), d.unsignedHeader()),
		is("wrong-service", "A signature for another service is refused.", caller, func(_ *bench, q *request) { q.service = d.other }, d.wrongScope),
		is("wrong-region", "A signature for another region is refused.", caller, func(b *bench, q *request) { q.region = elsewhere(b) }, d.wrongRegion),
		is("unknown-key", "An access key that does not exist is refused.", alone, func(_ *bench, q *request) {
			q.as = &identity{}
			q.as.credentials.AccessKeyID, q.as.credentials.SecretAccessKey, q.as.credentials.SessionToken = nobodysKey, nobodysSecret, "none"
		}, d.unknownKey),
		is("wrong-session-token", "A session token that is not the key's is refused.", caller, as(func(i *identity) { i.credentials.SessionToken = "none" }), d.badToken),
		is("expired-credentials", "Credentials that have expired are refused.", []string{d.url, "EXPIRED_PROFILE"}, profile("EXPIRED_PROFILE"), d.expired),
		is("signature-too-old", "A signature of twenty minutes ago is refused.", caller, late(20*time.Minute), d.tooOld),
		is("signature-too-new", "A signature twenty minutes ahead is refused.", caller, late(-20*time.Minute), d.tooNew),
		is("presigned", "A presigned request is let in.", caller, func(_ *bench, q *request) { q.presign = time.Minute }, want{status: http.StatusOK}),
		is("presigned-expired", "A presigned request past its life is refused.", caller, func(_ *bench, q *request) { q.presign, q.late = time.Second, time.Minute }, d.presignedExpired()),
		is("stranger", "Whom IAM admits and the allowlist does not name, credvend refuses itself.", []string{d.url, "STRANGER_PROFILE", "TARGET"}, func(b *bench, q *request) {
			q.as, q.method, q.path, q.body = b.who["STRANGER_PROFILE"], http.MethodPost, credentialsPath, b.askBody()
		}, serviceSays(http.StatusForbidden, "denied")),
		is("outsider", d.outsiderSays(), []string{d.url, "OUTSIDER_PROFILE"}, profile("OUTSIDER_PROFILE"), d.outsider),
		is("head", "HEAD is not GET: it reaches the service, which refuses it (a REST API has no such method).", caller, func(_ *bench, q *request) { q.method = http.MethodHead }, d.head),
		is("odd-method", "A method outside API Gateway's seven is not routed (a function URL passes it on).", caller, func(_ *bench, q *request) { q.method = "PROPFIND" }, d.oddMethod),
		is("unknown-path", "A path that the service lacks is the service's own 404 (a REST API has no such resource).", caller, func(_ *bench, q *request) { q.path = "/v1/nothing" }, d.unknown),
		is("double-slash", "A doubled slash is another path, and is never redirected.", caller, func(_ *bench, q *request) {
			q.path, q.signedPath = "//v1//whoami", whoamiPath
		}, d.unknown),
		is("forged-context", "A header that pretends to be API Gateway's context changes nobody's identity.", []string{d.url, "STRANGER_PROFILE", "TARGET"}, func(b *bench, q *request) {
			q.as, q.method, q.path, q.body = b.who["STRANGER_PROFILE"], http.MethodPost, credentialsPath, b.askBody()
			q.header = http.Header{"X-Golambdaproxy-Apigw-Context": {`{"authorizer":{"iam":{"userArn":"arn:aws:iam::444455556666:role/billing-service"}}}`}}
		}, serviceSays(http.StatusForbidden, "denied")),
		d.vended(),
		d.window(),
		is("long-body", fmt.Sprintf("A body over %d MB is refused.", d.bodyLimit>>20), caller, func(_ *bench, q *request) {
			q.method, q.path, q.body = http.MethodPost, credentialsPath, bytes.Repeat([]byte(" "), d.bodyLimit+1)
		}, d.longBody),
	}
	if d.headerLimit {
		list = append(list, is("long-header", "Over 10,240 bytes of request line and headers are refused.", caller, func(_ *bench, q *request) {
			q.header = http.Header{"X-Filler": {strings.Repeat("x", 10240)}}
		}, d.longHeader))
	}
	return list
}

func (d door) presignedExpired() want {
	if d.id == "http-api" {
		return forbidden()
	}
	return named(http.StatusForbidden, "InvalidSignatureException", "message", "~Signature expired: "+stamp+" is now earlier than "+stamp+".*")
}

func (d door) unsignedHeader() want {
	if d.id == "http-api" {
		return forbidden()
	}
	return named(http.StatusForbidden, "InvalidSignatureException", "message", "'x-amz-meta-added' must be a 'SignedHeader' in the AWS Authorization.")
}

func (d door) outsiderSays() string {
	if d.id == "http-api" {
		return "A caller of another account is refused: an HTTP API has no policy to admit it."
	}
	return "A caller of another account is let in where policies on both sides allow it."
}

// vended: credentials of Account A open no door of Account B.
func (d door) vended() check {
	return check{
		id: d.id + ".vended-credentials", says: "Credentials that were vended do not open the front door.",
		needs: []string{d.url, "URL", "CALLER_PROFILE", "TARGET"},
		try: func(ctx context.Context, b *bench) (finding, error) {
			v, err := b.vend(ctx)
			if err != nil {
				return finding{}, err
			}
			a, err := b.send(ctx, request{base: b.settings.get(d.url), method: http.MethodGet, path: whoamiPath, as: &v.identity, service: d.service})
			if err != nil {
				return finding{}, err
			}
			return d.notAllowed.compare(a), nil
		},
	}
}

// window measures how far a signature's time may be off.
func (d door) window() check {
	return window(d.id, []string{d.url, "CALLER_PROFILE"}, func(b *bench, late time.Duration) request {
		return request{base: b.settings.get(d.url), method: http.MethodGet, path: whoamiPath, as: b.who["CALLER_PROFILE"], service: d.service, late: late}
	})
}

// askBody asks for the target.
func (b *bench) askBody() []byte { return []byte(`{"target":"` + b.settings.get("TARGET") + `"}`) }

// elsewhere is a region that is not the sandbox's.
func elsewhere(b *bench) string {
	if b.settings.get("REGION") == "eu-central-1" {
		return "us-east-1"
	}
	return "eu-central-1"
}
