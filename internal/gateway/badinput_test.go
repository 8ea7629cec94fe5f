package gateway_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/vendtest"
)

// bad is a request that every door must refuse in the same way.
type bad struct {
	name    string
	request vendtest.Request
	want    answer
}

func invalid(text string) answer { return answer{400, "invalid_request", text} }

func post(body string) vendtest.Request {
	r := vendtest.Ask(body)
	r.Method = http.MethodPost
	return r
}

func encoded(body string) vendtest.Request {
	r := post(base64.StdEncoding.EncodeToString([]byte(body)))
	r.Base64 = true
	return r
}

func badBodies() []bad {
	const object = "must be a JSON object, such as"
	big := `{"target":"orders","routes":["` + strings.Repeat("a", 16<<10) + `"]}`
	notBase64 := post(`{"target":"orders"}`)
	notBase64.Base64 = true
	rows := []bad{
		{"not JSON", post(`nope`), invalid(object)},
		{"empty", post(``), invalid(object)},
		{"an array", post(`[{"target":"orders"}]`), invalid(object)},
		{"null", post(`null`), invalid(object)},
		{"a string", post(`"orders"`), invalid(object)},
		{"a byte order mark", post("\ufeff" + `{"target":"orders"}`), invalid(object)},
		{"cut off", post(`{"target":"orders"`), invalid("is not JSON")},
		{"a trailing comma", post(`{"target":"orders",}`), invalid("is not JSON")},
		{"a comment", post(`{"target":"orders"/**/}`), invalid("is not JSON")},
		{"trailing data", post(`{"target":"orders"} {"target":"users"}`), invalid("send one object alone")},
		{"a trailing brace", post(`{"target":"orders"}}`), invalid("send one object alone")},
		{"an unknown key", post(`{"target":"orders","role":"admin"}`), invalid(`unknown field "role"; known are`)},
		{"a key of another case", post(`{"Target":"orders"}`), invalid(`unknown field "Target"; known are`)},
		{"a repeated key", post(`{"target":"orders","target":"users"}`), invalid(`the field "target" twice`)},
		{"a repeated key, escaped", post(`{"target":"orders","t\u0061rget":"users"}`), invalid(`the field "target" twice`)},
		{"no target", post(`{"routes":["GET /orders"]}`), invalid(`names no target; send {"target":"NAME"}`)},
		{"a byte over 16 KiB", post(`{"target":"orders"` + strings.Repeat(" ", 16<<10-18) + `}`), answer{413, "too_large", "at most 16384"}},
		{"over 16 KiB", post(big), answer{413, "too_large", "at most 16384"}},
		{"over 16 KiB, base64", encoded(big), answer{413, "too_large", "at most 16384"}},
		{"not UTF-8", encoded("{\"target\":\"ord\xffers\"}"), invalid("not UTF-8; send JSON in UTF-8")},
		{"UTF-16", encoded("\xfe\xff\x00{\x00}"), invalid("not UTF-8; send JSON in UTF-8")},
		{"base64 that does not decode", notBase64, invalid("not the base64 it is said to be")},
	}
	for name, target := range map[string]string{
		"a path": `"../orders"`, "a path that rises": `"orders/../users"`, "a rooted path": `"/orders"`, "an escaped path": `"orders%2fusers"`,
		"a backslash": `"orders\\users"`, "upper case": `"Orders"`, "empty": `""`, "too long": `"` + strings.Repeat("a", 65) + `"`,
		"a wildcard": `"*"`, "a variable": `"${caller.name}"`, "a NUL": `"orders\u0000"`, "a line feed": `"orders\n"`, "not ASCII": `"ördérs"`,
	} {
		rows = append(rows, bad{"target: " + name, post(`{"target":` + target + `}`), invalid("not the name of a target; GET /v1/targets")})
	}
	for name, target := range map[string]string{"a number": `1`, "null": `null`, "a list": `["orders"]`, "an object": `{}`} {
		rows = append(rows, bad{"target: " + name, post(`{"target":` + target + `}`), invalid(`"target" must be a string`)})
	}
	for _, d := range []string{"0", "-0", "899", "3601", "-900", "-1", "1800.5", "1800.0", "1.8e3", `"1800"`, "null", "true", "[1800]", "18446744073709551616", "01800"} {
		rows = append(rows, bad{"duration " + d, post(`{"target":"orders","durationSeconds":` + d + `}`), invalid("a whole number from 900 to 3600")})
	}
	return append(rows, badRoutes()...)
}

func badRoutes() []bad {
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprintf(`"GET /orders/%d"`, i)
	}
	rows := []bad{
		{"51 routes", post(`{"target":"orders","routes":[` + strings.Join(many, ",") + `]}`), invalid("at most 50 are taken: merge them")},
		{"no routes", post(`{"target":"orders","routes":[]}`), invalid("leave it out")},
		{"routes: null", post(`{"target":"orders","routes":null}`), invalid("must be a list of strings")},
		{"routes: a string", post(`{"target":"orders","routes":"GET /orders"}`), invalid("must be a list of strings")},
		{"routes: of numbers", post(`{"target":"orders","routes":[1]}`), invalid("must be a list of strings")},
		{"routes: null among them", post(`{"target":"orders","routes":["GET /orders",null]}`), invalid("must be a list of strings")},
		{"routes: nested", post(`{"target":"orders","routes":[["GET /orders"]]}`), invalid("must be a list of strings")},
	}
	for _, r := range []struct{ route, text string }{
		{`/orders`, "has no method: write GET /orders"},
		{`orders`, "is not METHOD PATH"},
		{``, "is not METHOD PATH"},
		{`get /orders`, "methods are upper case"},
		{`TRACE /orders`, "is not a method"},
		{`GET orders`, "must begin with a slash"},
		{`GET /orders%2f42`, "write the plain character"},
		{`GET /orders/../users`, "backends resolve it"},
		{`GET /orders/./42`, "backends resolve it"},
		{`GET //orders`, "backends read it as one slash"},
		{`GET /orders?x=1`, "a query string is not part of a route"},
		{`GET /${aws:username}`, "IAM reads ${…} as a policy variable"},
		{`GET /orders\u0007`, "control characters are not allowed"},
		{`GET /orders\r\nX: y`, "control characters are not allowed"},
		{`GET /ord ers`, "spaces and control characters"},
		{`GET  /orders`, "must begin with a slash"},
		{`GET /ördérs`, "only ASCII"},
		{`GET /` + strings.Repeat("a", 600), "at most 512 are allowed"},
	} {
		rows = append(rows, bad{"route " + r.route[:min(len(r.route), 24)], post(`{"target":"orders","routes":["` + r.route + `"]}`), invalid(r.text)})
	}
	return rows
}

func badQueries() []bad {
	get := func(query string) vendtest.Request { return vendtest.Get("/v1/credentials/orders?" + query) }
	withBody := get("route=GET%20/orders")
	withBody.Method, withBody.Body = http.MethodGet, `{"routes":["GET /orders"]}`
	return []bad{
		{"query: unknown parameter", get("routes=GET%20/orders"), invalid("known are route and durationSeconds")},
		{"query: another case", get("Route=GET%20/orders"), invalid("known are route and durationSeconds")},
		{"query: a duration of 899", get("durationSeconds=899"), invalid("from 900 to 3600")},
		{"query: an empty duration", get("durationSeconds="), invalid("from 900 to 3600")},
		{"query: two durations", get("durationSeconds=900&durationSeconds=3600"), invalid("stands twice")},
		{"query: an empty route", get("route="), invalid("is not METHOD PATH")},
		{"query: a bad route", get("route=GET%20/a?b"), invalid("not part of a route")},
		{"query: 51 routes", get(strings.Repeat("route=GET%20/orders&", 50) + "route=GET%20/orders"), invalid("at most 50")},
		{"query: target of upper case", vendtest.Get("/v1/credentials/Orders"), invalid("not the name of a target")},
		{"a body with a GET", withBody, invalid("a GET takes no body")},
		{"a query with a POST", vendtest.Request{Method: "POST", Query: "target=orders", Body: `{"target":"orders"}`}, invalid("takes its fields in the body")},
		{"a query at targets", vendtest.Get("/v1/targets?target=orders"), invalid("takes no query parameters")},
		{"a query at whoami", vendtest.Get("/v1/whoami?verbose=1"), invalid("takes no query parameters")},
	}
}

func badTypes() []bad {
	var rows []bad
	for _, ct := range []string{
		"application/x-www-form-urlencoded", "text/plain", "application/json-patch+json", "application/jsonx", "application/json/x", "json", ";",
		"application/json, text/plain", "multipart/form-data; boundary=x",
	} {
		r := post(`{"target":"orders"}`)
		r.Headers = map[string]string{"content-type": ct}
		rows = append(rows, bad{"content type " + ct, r, answer{415, "unsupported_media_type", "send Content-Type: application/json"}})
	}
	return rows
}

func badPaths() []bad {
	var rows []bad
	notFound := answer{404, "not_found", "/v1/credentials"}
	for _, path := range []string{
		"/", "/v1", "/v2/credentials", "/v1/credentials/", "/v1/targets/", "/v1/whoami/", "/v1/credentials/orders/", "/v1/credentials/orders/x",
		"//v1/targets", "/v1//targets", "/v1/./targets", "/v1/x/../targets", "/v1/..", "/v1/credentials/orders%2Fx", "/v1/%74argets", "/%zz", "%zz",
		"/V1/targets", "/v1/targets;x=1", "/v1/targets\\", "/v1/targets\x00", "/v1/targets ", "/v1/tärgets", "", "v1/targets",
		"https://evil.example.com/v1/targets", "/" + strings.Repeat("a", 2000),
	} {
		r := vendtest.Get(path)
		if path == "" {
			continue // the builder's default
		}
		rows = append(rows, bad{"path " + path[:min(len(path), 30)], r, notFound})
	}
	for _, m := range []struct{ method, path, takes string }{
		{"HEAD", "/v1/whoami", "GET"}, {"HEAD", "/v1/targets", "GET"}, {"HEAD", "/v1/credentials/orders", "GET"}, {"HEAD", "/v1/credentials", "POST"},
		{"POST", "/v1/targets", "GET"}, {"POST", "/v1/whoami", "GET"}, {"POST", "/v1/credentials/orders", "GET"}, {"GET", "/v1/credentials", "POST"},
		{"OPTIONS", "/v1/credentials", "POST"}, {"PUT", "/v1/credentials", "POST"}, {"DELETE", "/v1/targets", "GET"}, {"TRACE", "/v1/whoami", "GET"},
		{"CONNECT", "/v1/whoami", "GET"}, {"GE T", "/v1/whoami", "GET"}, {"get", "/v1/whoami", "GET"}, {"post", "/v1/credentials", "POST"},
		{"GET\r\nX: y", "/v1/whoami", "GET"}, {"BREW", "/v1/targets", "GET"}, {"GÉT", "/v1/targets", "GET"},
	} {
		rows = append(rows, bad{"method " + m.method + " " + m.path, vendtest.Request{Method: m.method, Path: m.path}, answer{405, "method_not_allowed", "this path takes " + m.takes}})
	}
	return append(rows, bad{"a method of nothing at no path", vendtest.Request{Method: "GE T", Path: "/nope"}, notFound})
}

// TestBadInput sends every bad request through every door.
func TestBadInput(t *testing.T) {
	var rows []bad
	for _, more := range [][]bad{badBodies(), badQueries(), badTypes(), badPaths()} {
		rows = append(rows, more...)
	}
	for _, d := range doors() {
		h := vendtest.New(t, vendtest.Options{})
		for _, row := range rows {
			t.Run(d.name+"/"+row.name, func(t *testing.T) {
				a := wantRefused(t, h, d.event(row.request).Bytes(), row.want)
				if allow := a.Headers["Allow"]; row.want.status == 405 && "this path takes "+allow != row.want.text || row.want.status != 405 && allow != "" {
					t.Errorf("Allow: %q", allow)
				}
			})
		}
	}
}
