package identity_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/credvend/credvend/internal/identity"
)

// ignoreVerified leaves out what only Identify reads.
var ignoreVerified = cmpopts.IgnoreUnexported(identity.Event{})

// anyOrder leaves out the order of different headers: an event has it from a
// map.
var anyOrder = cmpopts.SortSlices(func(a, b identity.Header) bool { return a.Name < b.Name })

func TestParseEvent(t *testing.T) {
	rest := identity.Event{
		REST: true, Method: "GET", Path: "/prod/v1/credentials/orders",
		RawQuery:  "durationSeconds=900&route=GET+%2Forders&route=GET+%2Forders%2F%2A",
		Headers:   identity.Headers{{"x-twice", "one"}, {"x-twice", "two"}, {"host", "r7s8t9.execute-api.us-east-1.amazonaws.com"}},
		APIID:     "r7s8t9",
		Stage:     "prod",
		Domain:    "r7s8t9.execute-api.us-east-1.amazonaws.com",
		SourceIP:  "192.0.2.8",
		UserAgent: "curl/8",
		RequestID: "11111111-2222-3333-4444-555555555555",
	}
	single := tree(t, eventREST)
	set(t, single, "multiValueHeaders", nil)
	set(t, single, "multiValueQueryStringParameters", absent{})
	wantSingle := rest
	wantSingle.RawQuery = "route=GET+%2Forders%2F%2A"
	wantSingle.Headers = identity.Headers{{"x-twice", "two"}, {"host", "r7s8t9.execute-api.us-east-1.amazonaws.com"}}
	bare := tree(t, eventREST)
	for _, k := range []string{"headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters"} {
		set(t, bare, k, nil)
	}
	wantBare := rest
	wantBare.RawQuery, wantBare.Headers = "", identity.Headers{}

	tests := []struct {
		name  string
		event object
		want  identity.Event
	}{
		{"HTTP API", iamEvent(t, iamRole), identity.Event{
			Method: "POST", Path: "/v1/credentials", RawQuery: "route=GET%20%2Forders&route=x",
			Headers:  identity.Headers{{"content-type", "application/json"}, {"host", "a1b2c3.execute-api.us-east-1.amazonaws.com"}},
			Body:     "eyJ0YXJnZXQiOiJvcmRlcnMifQ==",
			Base64:   true,
			APIID:    "a1b2c3",
			Stage:    "$default",
			Domain:   "a1b2c3.execute-api.us-east-1.amazonaws.com",
			SourceIP: "192.0.2.7", UserAgent: "aws-cli/2", RequestID: "JKJaXmPLvHcESHA=",
		}},
		{"REST", tree(t, eventREST), rest},
		{"REST with single values", single, wantSingle},
		{"REST with neither", bare, wantBare},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := identity.ParseEvent(raw(t, tt.event))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got, ignoreVerified, anyOrder); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseEventRefusesBytes(t *testing.T) {
	good := string(raw(t, iamEvent(t, iamRole)))
	tests := []struct{ name, raw, want string }{
		{"nothing", "", "malformed JSON; call credvend through one of its front doors"},
		{"blank", " \n", "malformed JSON"},
		{"null", "null", "not a JSON object"},
		{"array", "[" + good + "]", "not a JSON object"},
		{"string", `"2.0"`, "not a JSON object"},
		{"number", "7", "not a JSON object"},
		{"true", "true", "not a JSON object"},
		{"empty object", "{}", "shape of no front door"},
		{"cut short", good[:len(good)-1], "malformed JSON"},
		{"trailing data", good + "{}", "malformed JSON"},
		{"comment", "/**/" + good, "malformed JSON"},
		{"byte order mark", "\ufeff" + good, "malformed JSON"},
		{"not UTF-8", strings.Replace(good, "aws-cli", "\xff", 1), "not UTF-8"},
		{"repeated key", strings.Replace(good, `"version":`, `"version":"2.0","version":`, 1), "a repeated key"},
		{"repeated key, escaped", strings.Replace(good, `"version":`, `"\u0076ersion":"2.0","version":`, 1), "a repeated key"},
		{"repeated key inside", strings.Replace(good, `"apiId":`, `"apiId":"d4e5f6","apiId":`, 1), "a repeated key"},
		{"repeated key in a list", `{"a":[{"b":1,"b":2}]}`, "a repeated key"},
		{"deep lists", strings.Repeat("[", 65) + strings.Repeat("]", 65), "too many levels"},
		{"deep objects", strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), "too many levels"},
		{"deeper than the library goes", strings.Repeat("[", 20000) + strings.Repeat("]", 20000), "malformed JSON"},
		{"deep and open", strings.Repeat(`{"a":[`, 100000), "malformed JSON"},
		{"9 MB of spaces", strings.Repeat(" ", 9<<20), "send a smaller request"},
		{"9 MB of body", strings.Replace(good, `"body":"`, `"body":"`+strings.Repeat("A", 9<<20), 1), "send a smaller request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := identity.ParseEvent([]byte(tt.raw))
			if got != nil {
				t.Error("an event beside an error")
			}
			assertRefused(t, identity.Caller{}, err, tt.want)
		})
	}
}

func TestParseEventRefusesShapes(t *testing.T) {
	v2, rest := iamEvent(t, iamRole), tree(t, eventREST)
	tests := []struct {
		name string
		base object
		with []change
		want string
	}{
		{"payload 1.0", rest, []change{{"version", "1.0"}}, "set PayloadFormatVersion of its integration to 2.0"},
		{"payload 1.0 without resource", v2, []change{{"version", "1.0"}}, "set PayloadFormatVersion"},
		{"payload 3.0", v2, []change{{"version", "3.0"}}, "shape of no front door"},
		{"version is a number", v2, []change{{"version", 2.0}}, "shape of no front door"},
		{"version is an object", v2, []change{{"version", object{}}}, "shape of no front door"},
		{"no version and no resource", v2, []change{{"version", absent{}}}, "shape of no front door"},
		{"2.0 with a resource", v2, []change{{"resource", "/x"}}, "shape of no front door"},
		{"2.0 without http", v2, []change{{"requestContext/http", nil}}, "shape of no front door"},
		{"2.0 with a REST identity", v2, []change{{"requestContext/identity", object{"userArn": "arn:aws:iam::444455556666:root"}}}, "shape of no front door"},
		{"REST with version 2.0", rest, []change{{"version", "2.0"}}, "shape of no front door"},
		{"REST with http", rest, []change{{"requestContext/http", object{}}}, "shape of no front door"},
		{"no request context", v2, []change{{"requestContext", absent{}}}, "shape of no front door"},
		{"request context is a string", v2, []change{{"requestContext", "x"}}, "shape of no front door"},
		{"REST request context is a list", rest, []change{{"requestContext", []any{}}}, "shape of no front door"},
		{"load balancer", v2, []change{{"version", absent{}}, {"requestContext", object{"elb": object{}}}}, "shape of no front door"},
		{"http is a list", v2, []change{{"requestContext/http", []any{}}}, "field http is not of the type"},
		{"method is a number", v2, []change{{"requestContext/http/method", 1}}, "field method"},
		{"path is an object", v2, []change{{"rawPath", object{}}}, "field rawPath"},
		{"body is an object", v2, []change{{"body", object{}}}, "field body"},
		{"base64 flag is a string", v2, []change{{"isBase64Encoded", "true"}}, "field isBase64Encoded"},
		{"headers are a list", v2, []change{{"headers", []any{"a"}}}, "field headers"},
		{"a header is a list", v2, []change{{"headers/authorization", []any{"a"}}}, "field headers"},
		{"a header is null", v2, []change{{"headers/authorization", nil}}, "field headers"},
		{"API id is a number", v2, []change{{"requestContext/apiId", 1}}, "field apiId"},
		{"endless API id", v2, []change{{"requestContext/apiId", strings.Repeat("a", 256)}}, "field apiId"},
		{"request id with a line break", v2, []change{{"requestContext/requestId", "a\nb"}}, "field requestId"},
		{"source IP with a blank", v2, []change{{"requestContext/http/sourceIp", "192.0.2.7 "}}, "field sourceIp"},
		{"REST source IP in another script", rest, []change{{"requestContext/identity/sourceIp", "١"}}, "field sourceIp"},
		{"stage with a control character", v2, []change{{"requestContext/stage", "a\x7f"}}, "field stage"},
		{"domain is a list", v2, []change{{"requestContext/domainName", []any{}}}, "field domainName"},
		{"resource is a number", rest, []change{{"resource", 1}}, "field resource"},
		{"identity is a list", rest, []change{{"requestContext/identity", []any{}}}, "field identity"},
		{"multi-value header is a string", rest, []change{{"multiValueHeaders/Host", "x"}}, "field multiValueHeaders"},
		{"multi-value header holds a number", rest, []change{{"multiValueHeaders/Host", []any{1}}}, "field multiValueHeaders"},
		{"first of two wrong fields", v2, []change{{"requestContext/http/method", 1}, {"body", 1}}, "field method"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			event := tree(t, string(raw(t, tt.base)))
			for _, c := range tt.with {
				set(t, event, c.path, c.value)
			}
			_, err := identity.ParseEvent(raw(t, event))
			assertRefused(t, identity.Caller{}, err, tt.want)
		})
	}
}

// A large but bearable event is parsed: the answer about its body is then the
// gateway's, which says more.
func TestParseEventLeavesBodiesToTheGateway(t *testing.T) {
	e := iamEvent(t, iamRole)
	set(t, e, "body", strings.Repeat("A", 512<<10))
	if _, _, err := identify(t, e); err != nil {
		t.Error(err)
	}
}

// An event holds bearer tokens: no way of printing it shows one.
func TestEventDoesNotPrint(t *testing.T) {
	e, err := identity.ParseEvent(raw(t, jwtEvent(t, cognitoAccess)))
	if err != nil {
		t.Fatal(err)
	}
	secret := e.Headers.Values("authorization")[0]
	if !strings.HasPrefix(secret, "Bearer ey") {
		t.Fatalf("the test's own header is %q", secret)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "event", e, "value", *e, "both", []any{e, *e})
	asJSON, err := json.Marshal([]any{e, *e, struct{ E identity.Event }{*e}})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v %s %x %q", e, e, e, e, e, e), fmt.Sprintf("%v %+v %#v %s", *e, *e, *e, *e),
		fmt.Sprintf("%+v", struct{ E *identity.Event }{e}), fmt.Sprintf("%+v", []identity.Event{*e}), log.String(), string(asJSON),
	} {
		if strings.Contains(text, "eyJ") || strings.Contains(text, "authorization") || !strings.Contains(text, "[event]") {
			t.Errorf("printed: %s", text)
		}
	}
}
