package identity_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/identity"
)

// doors are the front doors of these tests.
const doors = "a1b2c3=iam d4e5f6=jwt url:xyz=iam r7s8t9=rest-iam,base=/prod"

// An HTTP API's event of payload format 2.0; %s is requestContext.authorizer.
const eventV2 = `{
  "version": "2.0",
  "routeKey": "$default",
  "rawPath": "/v1/credentials",
  "rawQueryString": "route=GET%%20%%2Forders&route=x",
  "cookies": ["theme=dark"],
  "headers": {"Content-Type": "application/json", "host": "a1b2c3.execute-api.us-east-1.amazonaws.com"},
  "queryStringParameters": {"route": "GET /orders,x"},
  "requestContext": {
    "accountId": "444455556666",
    "apiId": "a1b2c3",
    "authentication": null,
    "authorizer": %s,
    "domainName": "a1b2c3.execute-api.us-east-1.amazonaws.com",
    "domainPrefix": "a1b2c3",
    "http": {"method": "POST", "path": "/v1/credentials", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "aws-cli/2"},
    "requestId": "JKJaXmPLvHcESHA=",
    "routeKey": "$default",
    "stage": "$default",
    "time": "22/Nov/2026:12:00:00 +0000",
    "timeEpoch": 1795348800000
  },
  "body": "eyJ0YXJnZXQiOiJvcmRlcnMifQ==",
  "pathParameters": null,
  "stageVariables": null,
  "isBase64Encoded": true
}`

// The iam blocks that HTTP APIs and function URLs write.
const (
	iamRole = `{"iam": {"accessKey": "ASIAEXAMPLEACCESSKEY", "accountId": "444455556666",
  "callerId": "AROAEXAMPLEBILLING00:laptop", "cognitoIdentity": null, "principalOrgId": "aws:PrincipalOrgID",
  "userArn": "arn:aws:sts::444455556666:assumed-role/billing-service/laptop", "userId": "AROAEXAMPLEBILLING00:laptop"}}`
	iamUser = `{"iam": {"accessKey": "AKIAEXAMPLEACCESSKEY", "accountId": "444455556666",
  "callerId": "AIDAEXAMPLEOPERATOR0", "cognitoIdentity": null, "principalOrgId": null,
  "userArn": "arn:aws:iam::444455556666:user/people/operator", "userId": "AIDAEXAMPLEOPERATOR0"}}`
	iamRoot = `{"iam": {"accessKey": "AKIAEXAMPLEACCESSKEY", "accountId": "444455556666",
  "callerId": "444455556666", "cognitoIdentity": null, "principalOrgId": null,
  "userArn": "arn:aws:iam::444455556666:root", "userId": "444455556666"}}`
	iamFederated = `{"iam": {"accessKey": "ASIAEXAMPLEACCESSKEY", "accountId": "444455556666",
  "callerId": "444455556666:bob", "cognitoIdentity": null, "principalOrgId": null,
  "userArn": "arn:aws:sts::444455556666:federated-user/bob", "userId": "444455556666:bob"}}`
	// %s is amr.
	iamCognito = `{"iam": {"accessKey": "ASIAEXAMPLEACCESSKEY", "accountId": "444455556666",
  "callerId": "AROAEXAMPLECOGNITO00:CognitoIdentityCredentials",
  "cognitoIdentity": {"amr": %s, "identityId": "us-east-1:11111111-2222-3333-4444-555555555555", "identityPoolId": "us-east-1:66666666-7777-8888-9999-000000000000"},
  "principalOrgId": null,
  "userArn": "arn:aws:sts::444455556666:assumed-role/pool-role/CognitoIdentityCredentials", "userId": "AROAEXAMPLECOGNITO00:CognitoIdentityCredentials"}}`
)

// A REST API's event.
const eventREST = `{
  "resource": "/{proxy+}",
  "path": "/prod/v1/credentials/orders",
  "httpMethod": "GET",
  "headers": {"X-Twice": "two", "Host": "r7s8t9.execute-api.us-east-1.amazonaws.com"},
  "multiValueHeaders": {"X-Twice": ["one", "two"], "Host": ["r7s8t9.execute-api.us-east-1.amazonaws.com"]},
  "queryStringParameters": {"route": "GET /orders/*"},
  "multiValueQueryStringParameters": {"route": ["GET /orders", "GET /orders/*"], "durationSeconds": ["900"]},
  "pathParameters": {"proxy": "v1/credentials/orders"},
  "stageVariables": null,
  "requestContext": {
    "resourceId": "abc123",
    "resourcePath": "/{proxy+}",
    "httpMethod": "GET",
    "extendedRequestId": "JKJaXmPLvHcESHA=",
    "requestTime": "22/Nov/2026:12:00:00 +0000",
    "path": "/prod/v1/credentials/orders",
    "accountId": "444455556666",
    "protocol": "HTTP/1.1",
    "stage": "prod",
    "domainPrefix": "r7s8t9",
    "requestTimeEpoch": 1795348800000,
    "requestId": "11111111-2222-3333-4444-555555555555",
    "identity": {
      "cognitoIdentityPoolId": null,
      "accountId": "777788889999",
      "cognitoIdentityId": null,
      "caller": "AROAEXAMPLEOUTSIDER0:ci",
      "sourceIp": "192.0.2.8",
      "principalOrgId": "o-example",
      "accessKey": "ASIAEXAMPLEACCESSKEY",
      "cognitoAuthenticationType": null,
      "cognitoAuthenticationProvider": null,
      "userArn": "arn:aws:sts::777788889999:assumed-role/outsider/ci",
      "userAgent": "curl/8",
      "user": "AROAEXAMPLEOUTSIDER0:ci"
    },
    "domainName": "r7s8t9.execute-api.us-east-1.amazonaws.com",
    "apiId": "r7s8t9"
  },
  "body": null,
  "isBase64Encoded": false
}`

type object = map[string]any

// tree parses an event's text, to be changed.
func tree(t testing.TB, text string) object {
	t.Helper()
	var o object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("the test's own event: %v", err)
	}
	return o
}

// raw writes an event's bytes.
func raw(t testing.TB, o any) []byte {
	t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// absent, as a value for set, removes the member.
type absent struct{}

// set changes the member at a path of keys: "requestContext/authorizer/iam".
func set(t testing.TB, o object, path string, value any) {
	t.Helper()
	keys := strings.Split(path, "/")
	for _, k := range keys[:len(keys)-1] {
		next, ok := o[k].(object)
		if !ok {
			t.Fatalf("no object %q on the way to %s", k, path)
		}
		o = next
	}
	if _, ok := value.(absent); ok {
		delete(o, keys[len(keys)-1])
		return
	}
	o[keys[len(keys)-1]] = value
}

// iamEvent is an HTTP API's event with the authorizer given as text.
func iamEvent(t testing.TB, authorizer string) object {
	return tree(t, fmt.Sprintf(eventV2, authorizer))
}

// urlEvent is a function URL's.
func urlEvent(t testing.TB) object {
	e := iamEvent(t, iamRole)
	set(t, e, "requestContext/apiId", "xyz")
	set(t, e, "requestContext/domainName", "xyz.lambda-url.us-east-1.on.aws")
	return e
}

// token is a JWT with the payload given as text.
func token(payload string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"RS256","kid":"k1"}`)) + "." + enc([]byte(payload)) + "." + enc([]byte("a signature"))
}

// printed is how an HTTP API writes a token's claims: as Go prints them.
func printed(t testing.TB, payload string) object {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(payload))
	d.UseNumber()
	var claims object
	if err := d.Decode(&claims); err != nil {
		t.Fatalf("the test's own token: %v", err)
	}
	out := object{}
	for name, v := range claims {
		out[name] = fmt.Sprint(v)
	}
	return out
}

// jwtEvent is an HTTP API's event with a JWT authorizer that verified a token
// with this payload.
func jwtEvent(t testing.TB, payload string) object {
	e := iamEvent(t, "null")
	set(t, e, "requestContext/apiId", "d4e5f6")
	set(t, e, "requestContext/authorizer", object{"jwt": object{"claims": printed(t, payload), "scopes": nil}})
	set(t, e, "headers/authorization", "Bearer "+token(payload))
	return e
}

// Payloads of tokens as their issuers make them.
const (
	cognitoAccess = `{"sub":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee","cognito:groups":["shoppers","testers"],"iss":"https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example","version":2,"client_id":"1example23456789","token_use":"access","scope":"openid email","auth_time":1795348800,"exp":1795352400,"iat":1795348800,"jti":"j1","username":"shopper"}`
	cognitoID     = `{"sub":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee","aud":"1example23456789","iss":"https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example","email_verified":true,"token_use":"id","exp":1795352400,"custom:level":"7","weight":1.5,"tags":[]}`
	listAudience  = `{"iss":"http://127.0.0.1:8086","sub":"ci","aud":["orders","invoices"],"client_id":"other","nbf":null,"sizes":[1,2],"flags":[true,"x"],"mixed":["a",{"b":1}]}`
	webIdentity   = `{"aud":"https://vend.example.com","sub":"arn:aws:iam::777788889999:role/outsider","https://sts.amazonaws.com/":{"aws_account":"777788889999","source_region":"us-east-1","org_id":"o-example","principal_id":"arn:aws:iam::777788889999:role/outsider","request_tags":{"team":"billing"}},"iss":"https://11111111-2222-3333-4444-555555555555.tokens.sts.global.api.aws","exp":1795352400,"iat":1795348800,"jti":"j2"}`
)

func parseDoors(t testing.TB) identity.Doors {
	t.Helper()
	d, err := identity.ParseDoors(doors)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// identify runs an event through both steps.
func identify(t testing.TB, o any) (identity.Caller, identity.Door, error) {
	t.Helper()
	b, ok := o.([]byte)
	if !ok {
		b = raw(t, o)
	}
	e, err := identity.ParseEvent(b)
	if err != nil {
		return identity.Caller{}, identity.Door{}, err
	}
	return parseDoors(t).Identify(e)
}

// allEvents are every event above that identifies somebody, by name.
func allEvents(t testing.TB) map[string]object {
	return map[string]object{
		"role session":    iamEvent(t, iamRole),
		"user":            iamEvent(t, iamUser),
		"root":            iamEvent(t, iamRoot),
		"federated user":  iamEvent(t, iamFederated),
		"cognito guest":   iamEvent(t, fmt.Sprintf(iamCognito, `["unauthenticated"]`)),
		"cognito user":    iamEvent(t, fmt.Sprintf(iamCognito, `["authenticated","cognito-idp.us-east-1.amazonaws.com/us-east-1_Example"]`)),
		"function URL":    urlEvent(t),
		"cognito access":  jwtEvent(t, cognitoAccess),
		"cognito id":      jwtEvent(t, cognitoID),
		"list audience":   jwtEvent(t, listAudience),
		"web identity":    jwtEvent(t, webIdentity),
		"REST cross acct": tree(t, eventREST),
	}
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
