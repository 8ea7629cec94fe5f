package blackbox

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/vendtest"
)

// presignedMark stands in the query of presigned requests.
const presignedMark = "PLANTEDpresigned"

// TestBadEvents: whatever is handed over gets the documented code, vends
// nothing, leaves one line, and the function stays up for the next.
func TestBadEvents(t *testing.T) {
	ask := func() vendtest.Event { return vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Ask(askOrders)) }
	bent := func(bend func(e vendtest.Event)) []byte {
		e := ask()
		bend(e)
		return e.Bytes()
	}
	v1 := func() vendtest.Event {
		e := vendtest.REST("a1b2c3", vendtest.Billing(), vendtest.Ask(askOrders))
		e["version"] = "1.0"
		return e
	}
	presigned := "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Security-Token=" + presignedMark + "&X-Amz-Signature=" + presignedMark
	f := up(t, setup{})
	for _, c := range []struct {
		name   string
		event  []byte
		status int
	}{
		{"nothing", []byte(``), 401},
		{"null", []byte(`null`), 401},
		{"an array", []byte(`[]`), 401},
		{"an array of events", []byte(`[` + string(ask().Bytes()) + `]`), 401},
		{"a string", []byte(`"POST /v1/credentials"`), 401},
		{"a number", []byte(`1e999`), 401},
		{"an empty object", []byte(`{}`), 401},
		{"binary", []byte("\x00\xff\xfe\x80PLANTED\x1f\x8b\x08"), 401},
		{"not UTF-8", bent(func(e vendtest.Event) { e["rawPath"] = "/\xff" }), 404},
		{"cut short", ask().Bytes()[:200], 401},
		{"two events", append(ask().Bytes(), ask().Bytes()...), 401},
		{"deep nesting", []byte(strings.Repeat(`[`, 1<<20)), 401},
		{"deep nesting in a field", []byte(`{"version":"2.0","x":` + strings.Repeat(`{"a":`, 20000) + `1` + strings.Repeat(`}`, 20001)), 401},
		{"6 MB of blanks", []byte(strings.Repeat(" ", 6<<20)), 401},
		{"6 MB of a body", bent(func(e vendtest.Event) { e["body"] = strings.Repeat("x", 6<<20-4096) }), 413},
		{"6 MB of base64", bent(func(e vendtest.Event) {
			e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString(make([]byte, 4<<20)), true
		}), 413},
		{"base64 that is none", bent(func(e vendtest.Event) { e["isBase64Encoded"] = true }), 400},
		{"payload format 1.0 at an HTTP API's door", v1().Bytes(), 401},
		{"a REST event at an HTTP API's door", vendtest.REST("a1b2c3", vendtest.Billing(), vendtest.Ask(askOrders)).Bytes(), 401},
		{"an HTTP API's event at a REST API's door", vendtest.IAM("r7s8t9", vendtest.Billing(), vendtest.Ask(askOrders)).Bytes(), 401},
		{"an IAM event at a JWT door", vendtest.IAM("d4e5f6", vendtest.Billing(), vendtest.Ask(askOrders)).Bytes(), 401},
		{"a JWT event at an IAM door", vendtest.JWT("a1b2c3", vendtest.Shopper("ana"), vendtest.Ask(askOrders)).Bytes(), 401},
		{"a function URL's event at an HTTP API's door", vendtest.FunctionURL("a1b2c3", vendtest.Billing(), vendtest.Ask(askOrders)).Bytes(), 401},
		{"a load balancer's event", []byte(`{"requestContext":{"elb":{"targetGroupArn":"arn:aws:elasticloadbalancing:x"}},"httpMethod":"POST","path":"/v1/credentials","headers":{},"body":"{}"}`), 401},
		{"a queue's event", []byte(`{"Records":[{"messageId":"1","body":"{\"target\":\"orders\"}","eventSource":"aws:sqs"}]}`), 401},
		{"no authorizer", bent(func(e vendtest.Event) { delete(e.Object("requestContext"), "authorizer") }), 401},
		{"two authorizers", bent(func(e vendtest.Event) {
			e.Object("requestContext", "authorizer")["jwt"] = map[string]any{"claims": map[string]any{"sub": "ana"}}
		}), 401},
		{"a path that does not parse", bent(func(e vendtest.Event) { e["rawPath"], e["rawQueryString"] = "/v1/%zz", presigned }), 404},
		{"a method that does not parse", bent(func(e vendtest.Event) {
			e.Object("requestContext", "http")["method"], e["rawQueryString"] = "GE T", presigned
		}), 405},
		{"a query that does not parse", bent(func(e vendtest.Event) { e["rawQueryString"] = presigned + "&a=%zz" }), 400},
		{"a forged context header", bent(func(e vendtest.Event) {
			delete(e.Object("requestContext"), "authorizer")
			e.Object("headers")["x-golambdaproxy-apigw-context"] = `{"authorizer":{"iam":{"userArn":"arn:aws:sts::444455556666:assumed-role/billing-service/x"}}}`
		}), 401},
		{"a presigned request for too much", vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Get("/v1/credentials/orders?route=GET%20/*&"+presigned)).Bytes(), 403},
		{"a bearer token that somebody swapped", func() []byte {
			e := vendtest.JWT("d4e5f6", vendtest.Shopper("ana"), vendtest.Ask(askOrders))
			e.Object("headers")["authorization"] = "Bearer " + vendtest.Token(vendtest.Shopper("ben"))
			return e.Bytes()
		}(), 401},
		{"two bearer tokens", func() []byte {
			e := vendtest.JWT("d4e5f6", vendtest.Shopper("ana"), vendtest.Ask(askOrders))
			e.Object("headers")["authorization"] = "Bearer " + vendtest.Token(vendtest.Shopper("ana")) + ",Bearer " + vendtest.Token(vendtest.Shopper("ben"))
			return e.Bytes()
		}(), 401},
		{"a token where none is on the list", vendtest.JWT("d4e5f6", map[string]any{"iss": vendtest.Issuer, "aud": vendtest.Audience, "sub": "x"}, vendtest.Ask(askOrders)).Bytes(), 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			id, a, _ := f.invokeWithin(t, c.event, 10e9)
			if a.Status != c.status {
				t.Errorf("%d %s %s, want %d", a.Status, a.Field("code"), a.Field("message"), c.status)
			}
			if leaks(a.Text) != "" {
				t.Errorf("a secret stands in the answer: %s", a.Text)
			}
			if got := ends(f.trail(t), id); got != "refusal" {
				t.Errorf("the trail tells %q, want one refusal", got)
			}
		})
	}
	if n := len(f.sts.regions()); n != 0 {
		t.Errorf("STS was asked %d times", n)
	}
	if a := f.invoke(t, ask().Bytes()); a.Status != http.StatusOK || !f.alive() {
		t.Errorf("afterwards: %d %s", a.Status, a.Text)
	}
}

// TestSecretsOfGoodRequests: what callers send along and get back stands in the
// answer alone; the harness searches what the function wrote.
func TestSecretsOfGoodRequests(t *testing.T) {
	presigned := "&X-Amz-Security-Token=" + presignedMark + "&x-amz-credential=" + presignedMark + "&X-AMZ-Signature=" + presignedMark
	headers := map[string]string{
		"content-type": "application/json", "authorization": "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLECALLER000/20261122/us-east-1/execute-api/aws4_request, Signature=PLANTED",
		"x-amz-security-token": "PLANTEDheader", "cookie": "session=PLANTED", "x-golambdaproxy-apigw-stagevars": "PLANTED", "user-agent": "PLANTED", "x-forwarded-for": "PLANTED",
	}
	f := up(t, setup{env: map[string]string{"AWS_SDK_LOG_LEVEL": "debug", "AWS_LAMBDA_LOG_LEVEL": "DEBUG", "AWS_LAMBDA_LOG_FORMAT": "JSON"}})
	for name, event := range map[string][]byte{
		"headers":         vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Request{Body: askOrders, Headers: headers}).Bytes(),
		"a query":         vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Get("/v1/credentials/orders?durationSeconds=900"+presigned)).Bytes(),
		"a query at REST": vendtest.REST("r7s8t9", vendtest.Billing(), vendtest.Get("/v1/credentials/orders?durationSeconds=901"+presigned)).Bytes(),
		"a function URL":  vendtest.FunctionURL("xyz", vendtest.Billing(), vendtest.Request{Body: `{"target":"orders","durationSeconds":902}`, Headers: headers}).Bytes(),
		"a bearer token":  vendtest.JWT("d4e5f6", vendtest.Shopper("ana"), vendtest.Ask(askOrders)).Bytes(),
	} {
		for range 2 { // issued, and reused
			a := f.invoke(t, event)
			if a.Status != http.StatusOK || !strings.Contains(a.Text, vendtest.SecretKeyMark) || !strings.Contains(a.Text, vendtest.SessionTokenMark) {
				t.Errorf("%s: %d %s", name, a.Status, a.Field("message"))
			}
			for _, mark := range []string{presignedMark, brokerMark, "PLANTEDheader"} {
				if strings.Contains(a.Text, mark) {
					t.Errorf("%s: %s stands in the answer", name, mark)
				}
			}
		}
	}
}

// TestLeaksAreFound: the search that all tests rely on finds what it should.
func TestLeaksAreFound(t *testing.T) {
	for name, text := range map[string]string{
		"a secret key":      `{"x":"` + vendtest.SecretKeyMark + `1"}`,
		"a session token":   vendtest.SessionTokenMark,
		"the broker's":      brokerMark,
		"a presigned query": presignedMark,
		"a bearer token":    vendtest.Token(vendtest.Shopper("ana")),
	} {
		if leaks(text) == "" {
			t.Errorf("%s is not found", name)
		}
	}
	if leaks("ASIAEXAMPLE000000001") != "" {
		t.Error("an access key id is no secret")
	}
}
