package vendtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// Request is what a client sends to a front door.
type Request struct {
	Method  string // default: GET, or POST with a body
	Path    string // default: /v1/credentials
	Query   string
	Body    string
	Base64  bool              // Body is base64
	Headers map[string]string // lower-case names
}

// Ask is a POST of a body to /v1/credentials.
func Ask(body string) Request {
	return Request{Body: body, Headers: map[string]string{"content-type": "application/json"}}
}

// Get is a GET of a path, with a query after "?".
func Get(path string) Request {
	path, query, _ := strings.Cut(path, "?")
	return Request{Path: path, Query: query}
}

func (r Request) withDefaults() Request {
	if r.Path == "" {
		r.Path = "/v1/credentials"
	}
	if r.Method == "" {
		r.Method = "GET"
		if r.Body != "" {
			r.Method = "POST"
		}
	}
	return r
}

// Principal is an AWS identity as a front door writes it into an event.
type Principal struct{ Account, UserARN, UserID string }

// Role is a session of a role, as STS names it.
func Role(account, role, uniqueID, session string) Principal {
	return Principal{account, fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", account, role, session), uniqueID + ":" + session}
}

// Billing is a session of the role billing-service, which the story's
// allowlist names.
func Billing() Principal {
	return Role("444455556666", "billing-service", "AROAEXAMPLEBILLING00", "i-0123456789abcdef0")
}

// Event is an event in the making, as a tree of JSON, so that a test can bend
// any part of it.
type Event map[string]any

// Bytes is the event as Lambda hands it over.
func (e Event) Bytes() []byte {
	return encode(e)
}

// Object returns the object at a path of keys, for bending.
func (e Event) Object(path ...string) map[string]any {
	m := map[string]any(e)
	for _, key := range path {
		m = m[key].(map[string]any)
	}
	return m
}

// IAM is the event of an HTTP API with AWS_IAM.
func IAM(api string, who Principal, r Request) Event {
	e := v2(api, api+".execute-api.us-east-1.amazonaws.com", r)
	e.Object("requestContext")["authorizer"] = map[string]any{"iam": iamBlock(who)}
	return e
}

// FunctionURL is the event of a function URL with AWS_IAM.
func FunctionURL(id string, who Principal, r Request) Event {
	e := v2(id, id+".lambda-url.us-east-1.on.aws", r)
	e.Object("requestContext")["authorizer"] = map[string]any{"iam": iamBlock(who)}
	return e
}

// JWT is the event of an HTTP API with a JWT authorizer. The claims are
// rendered as the gateway renders them, and a token with them stands in the
// Authorization header.
func JWT(api string, claims map[string]any, r Request) Event {
	rendered := map[string]any{}
	for name, value := range claims {
		rendered[name] = Render(value)
	}
	r.Headers = maps.Clone(r.Headers)
	if r.Headers == nil {
		r.Headers = map[string]string{}
	}
	r.Headers["authorization"] = "Bearer " + Token(claims)
	e := v2(api, api+".execute-api.us-east-1.amazonaws.com", r)
	e.Object("requestContext")["authorizer"] = map[string]any{"jwt": map[string]any{"claims": rendered, "scopes": nil}}
	return e
}

// TokenMark is the signature of every token made here. It is base64 as it
// stands, so that a leaked token shows it.
const TokenMark = mark + "bearerSIGNATURE00"

// Token is a token with claims and a signature that nobody checks: the front
// door did.
func Token(claims map[string]any) string {
	payload := encode(claims)
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + enc.EncodeToString(payload) + "." + TokenMark
}

// Render writes a claim as API Gateway writes it into an event.
func Render(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case []any, []string:
		return fmt.Sprint(v)
	default:
		return string(encode(v))
	}
}

// REST is the event of a REST API with AWS_IAM.
func REST(api string, who Principal, r Request) Event {
	r = r.withDefaults()
	headers, multi := map[string]any{}, map[string]any{}
	for name, value := range r.Headers {
		headers[name], multi[name] = value, []any{value}
	}
	var query, multiQuery any
	if r.Query != "" {
		single, all := map[string]any{}, map[string]any{}
		for pair := range strings.SplitSeq(r.Query, "&") {
			k, v, _ := strings.Cut(pair, "=")
			v = strings.NewReplacer("%20", " ", "%2F", "/").Replace(v)
			single[k] = v
			values, _ := all[k].([]any)
			all[k] = append(values, v)
		}
		query, multiQuery = single, all
	}
	return Event{
		"resource": "/{proxy+}", "path": r.Path, "httpMethod": r.Method,
		"headers": headers, "multiValueHeaders": multi,
		"queryStringParameters": query, "multiValueQueryStringParameters": multiQuery,
		"pathParameters": nil, "stageVariables": nil,
		"requestContext": map[string]any{
			"accountId": "444455556666", "apiId": api, "stage": "prod", "requestId": "11111111-2222-3333-4444-555555555555",
			"domainName": api + ".execute-api.us-east-1.amazonaws.com", "path": "/prod" + r.Path, "httpMethod": r.Method, "protocol": "HTTP/1.1",
			"identity": map[string]any{
				"accountId": who.Account, "userArn": who.UserARN, "caller": who.UserID, "user": who.UserID,
				"accessKey": "ASIAEXAMPLECALLER000", "sourceIp": "203.0.113.7", "userAgent": "test",
				"cognitoIdentityId": nil, "cognitoIdentityPoolId": nil, "cognitoAuthenticationType": nil, "cognitoAuthenticationProvider": nil,
				"principalOrgId": nil,
			},
		},
		"body": orNil(r.Body), "isBase64Encoded": r.Base64,
	}
}

func iamBlock(who Principal) map[string]any {
	return map[string]any{
		"accessKey": "ASIAEXAMPLECALLER000", "accountId": who.Account, "callerId": who.UserID, "userId": who.UserID,
		"userArn": who.UserARN, "cognitoIdentity": nil, "principalOrgId": nil,
	}
}

func v2(api, domain string, r Request) Event {
	r = r.withDefaults()
	headers := map[string]any{"host": domain, "x-forwarded-for": "203.0.113.7"}
	for name, value := range r.Headers {
		headers[name] = value
	}
	return Event{
		"version": "2.0", "routeKey": "$default", "rawPath": r.Path, "rawQueryString": r.Query, "headers": headers,
		"requestContext": map[string]any{
			"accountId": "444455556666", "apiId": api, "domainName": domain, "domainPrefix": api,
			"http":      map[string]any{"method": r.Method, "path": r.Path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "test"},
			"requestId": "JKJaXmPLvHcESHA=", "routeKey": "$default", "stage": "$default",
			"time": "22/Nov/2026:12:00:00 +0000", "timeEpoch": 1795435200000,
		},
		"body": r.Body, "isBase64Encoded": r.Base64,
	}
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// encode writes what a test made up as JSON.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) //nolint:forbidigo // a mistake in a test, which has no secrets of its own
	}
	return b
}
