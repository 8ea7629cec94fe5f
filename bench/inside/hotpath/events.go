package hotpath

import (
	"bytes"
	_ "embed" // the event below
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// RequestID is the Lambda request id under which the operations run.
const RequestID = "00000000-1111-2222-3333-444444444444"

// frontDoors are the doors that the handler believes.
const frontDoors = "a1b2c3=iam d4e5f6=jwt"

// template is an event of an HTTP API, on one line as AWS sends it, with
// %[1]s in place of the API's id, %[2]s of the Authorization header, %[3]s of
// the authorizer's block and %[4]s of the body as a JSON string.
//
//go:embed event.json
var template []byte

// Event is a POST /v1/credentials from the principal of arn and unique id, as an
// HTTP API with AWS_IAM hands it over.
func Event(userARN, userID, body string) []byte {
	signature := "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLECALLER000/20261122/us-east-1/execute-api/aws4_request, " +
		"SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=" + strings.Repeat("0", 64)
	return event("a1b2c3", signature, map[string]any{"iam": map[string]any{
		"accessKey": "ASIAEXAMPLECALLER000", "accountId": strings.Split(userARN, ":")[4], "callerId": userID, "userId": userID,
		"userArn": userARN, "cognitoIdentity": nil, "principalOrgId": nil,
	}}, body)
}

// Billing is the request of a session that the list lets have orders' routes.
func Billing(body string) []byte { return billing("i-0123456789abcdef0", body) }

// BillingSession is the request of another session of the same role, for all
// that is granted.
func BillingSession(session string) []byte { return billing(session, Ask) }

func billing(session, body string) []byte {
	return Event("arn:aws:sts::444455556666:assumed-role/billing-service/"+session, "AROAEXAMPLEBILLING00:"+session, body)
}

// Stranger is the request of a session that is on no list.
func Stranger(body string) []byte {
	return Event("arn:aws:sts::444455556666:assumed-role/stranger/i-0123456789abcdef0", "AROAEXAMPLESTRANGER0:i-0123456789abcdef0", body)
}

// claim is one claim of a token: its value, and the text that API Gateway makes
// of it.
type claim struct {
	name, rendered string
	value          any
}

// Shopper is the request of a token that the list lets have its own routes, as
// an HTTP API with a JWT authorizer hands it over.
func Shopper(body string) []byte {
	claims, rendered := map[string]any{}, map[string]string{}
	for _, c := range []claim{
		{"iss", issuer, issuer},
		{"aud", audience, audience},
		{"sub", "7f3c9a52-ana", "7f3c9a52-ana"},
		{"cognito:groups", "[shoppers vip]", []string{"shoppers", "vip"}},
		{"email_verified", "true", true},
		{"token_use", "id", "id"},
		{"auth_time", "1795348500", 1795348500},
		{"iat", "1795348500", 1795348500},
		{"exp", "1795352100", 1795352100},
		{"jti", "3f1c2b7e-0000-4000-8000-000000000001", "3f1c2b7e-0000-4000-8000-000000000001"},
	} {
		claims[c.name], rendered[c.name] = c.value, c.rendered
	}
	enc := base64.RawURLEncoding
	token := enc.EncodeToString([]byte(`{"alg":"RS256","kid":"example"}`)) + "." + enc.EncodeToString(text(claims)) + "." + enc.EncodeToString(make([]byte, 256))
	return event("d4e5f6", "Bearer "+token, map[string]any{"jwt": map[string]any{"claims": rendered, "scopes": nil}}, body)
}

func event(api, authorization string, authorizer any, body string) []byte {
	return fmt.Appendf(nil, string(bytes.TrimSpace(template)), api, authorization, text(authorizer), text(body))
}

// text is v as JSON. It is made of strings and numbers, which always have one.
func text(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}
