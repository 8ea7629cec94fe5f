package gateway_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/vendtest"
)

func unauthenticated(text string) answer { return answer{401, "unauthenticated", text} }

// bend returns the bytes of an event after a change.
func bend(e vendtest.Event, change func(vendtest.Event)) []byte {
	change(e)
	return e.Bytes()
}

func authorizer(e vendtest.Event) map[string]any { return e.Object("requestContext", "authorizer") }

// TestBadEvent: what no front door sends, or not for a caller that it
// verified.
func TestBadEvent(t *testing.T) {
	const shape = "the shape of no front door"
	jwt := func() vendtest.Event { return vendtest.JWT("d4e5f6", vendtest.Shopper("alice"), good()) }
	v1 := func(e vendtest.Event) vendtest.Event { e["version"] = "1.0"; return e }
	rows := map[string]struct {
		event []byte
		want  answer
	}{
		"nothing":                       {nil, unauthenticated("call credvend through one of its front doors")},
		"null":                          {[]byte(`null`), unauthenticated("not a JSON object")},
		"an array":                      {[]byte(`[]`), unauthenticated("not a JSON object")},
		"a string":                      {[]byte(`"x"`), unauthenticated("not a JSON object")},
		"an empty object":               {[]byte(`{}`), unauthenticated(shape)},
		"not JSON":                      {[]byte(`{`), unauthenticated("malformed JSON")},
		"not UTF-8":                     {[]byte("{\"a\":\"\xff\"}"), unauthenticated("not UTF-8")},
		"a repeated key":                {[]byte(`{"version":"2.0","version":"2.0"}`), unauthenticated("a repeated key")},
		"a load balancer's":             {[]byte(`{"requestContext":{"elb":{}},"httpMethod":"GET","path":"/v1/whoami"}`), unauthenticated(shape)},
		"a scheduled event":             {[]byte(`{"source":"aws.events","detail":{}}`), unauthenticated(shape)},
		"a v1 event, v2 API":            {v1(vendtest.REST("a1b2c3", vendtest.Billing(), good())).Bytes(), unauthenticated("PayloadFormatVersion of its integration to 2.0")},
		"a v1 event, REST":              {v1(rest(good())).Bytes(), unauthenticated("PayloadFormatVersion")},
		"a REST event at an iam door":   {vendtest.REST("a1b2c3", vendtest.Billing(), good()).Bytes(), unauthenticated("must correct the kind in CREDVEND_FRONT_DOORS")},
		"a v2 event at a rest-iam door": {vendtest.IAM("r7s8t9", vendtest.Billing(), good()).Bytes(), unauthenticated("must correct the kind in CREDVEND_FRONT_DOORS")},
		"a REST event at a jwt door":    {vendtest.REST("d4e5f6", vendtest.Billing(), good()).Bytes(), unauthenticated("must correct the kind")},
		"an iam block at a jwt door":    {vendtest.IAM("d4e5f6", vendtest.Billing(), good()).Bytes(), unauthenticated("another authorizer's block")},
		"a jwt block at an iam door":    {vendtest.JWT("a1b2c3", vendtest.Shopper("alice"), good()).Bytes(), unauthenticated("another authorizer's block")},
		"both blocks": {bend(iam(good()), func(e vendtest.Event) { maps.Copy(authorizer(e), authorizer(jwt())) }),
			unauthenticated("another authorizer's block")},
		"a lambda authorizer": {bend(iam(good()), func(e vendtest.Event) {
			e.Object("requestContext")["authorizer"] = map[string]any{"lambda": map[string]any{"iam": authorizer(iam(good()))["iam"]}}
		}), unauthenticated("another authorizer's block")},
		"no authorizer":             {bend(iam(good()), func(e vendtest.Event) { delete(e.Object("requestContext"), "authorizer") }), unauthenticated("set the route's authorization to AWS_IAM")},
		"an unconfigured API":       {vendtest.IAM("z9z9z9", vendtest.Billing(), good()).Bytes(), unauthenticated("its operator must name it in CREDVEND_FRONT_DOORS")},
		"an API with a URL's id":    {vendtest.IAM("xyz", vendtest.Billing(), good()).Bytes(), unauthenticated(`"xyz" is not configured`)},
		"a URL with an API's id":    {vendtest.FunctionURL("a1b2c3", vendtest.Billing(), good()).Bytes(), unauthenticated(`"url:a1b2c3" is not configured`)},
		"an id with a prefix":       {vendtest.IAM("url:xyz", vendtest.Billing(), good()).Bytes(), unauthenticated("names no API id")},
		"an anonymous REST call":    {vendtest.REST("r7s8t9", vendtest.Principal{}, good()).Bytes(), unauthenticated("set the authorization to AWS_IAM")},
		"the console's test call":   {bend(rest(good()), func(e vendtest.Event) { e.Object("requestContext")["stage"] = "test-invoke-stage" }), unauthenticated("call a deployed stage")},
		"ids that contradict":       {vendtest.IAM("a1b2c3", vendtest.Principal{Account: "444455556666", UserARN: vendtest.Billing().UserARN, UserID: "AROAEXAMPLEOTHER0000:x"}, good()).Bytes(), unauthenticated("contradict each other")},
		"two Authorization headers": {bend(jwt(), func(e vendtest.Event) { e.Object("headers")["authorization"] = "Bearer a.b.c,Bearer d.e.f" }), unauthenticated("send exactly one token")},
		"two spellings of Authorization": {bend(jwt(), func(e vendtest.Event) { e.Object("headers")["Authorization"] = e.Object("headers")["authorization"] }),
			unauthenticated("2 Authorization headers; send exactly one")},
		"no Authorization header": {bend(jwt(), func(e vendtest.Event) { delete(e.Object("headers"), "authorization") }), unauthenticated("0 Authorization headers; send exactly one")},
		"10 KiB of no token":      {bend(jwt(), func(e vendtest.Event) { e.Object("headers")["authorization"] = strings.Repeat("x", 10<<10) }), unauthenticated("holds no JWT")},
		"another token than verified": {bend(jwt(), func(e vendtest.Event) {
			e.Object("headers")["authorization"] = "Bearer " + vendtest.Token(vendtest.Shopper("mallory"))
		}), unauthenticated(`its claim "sub" differs`)},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			wantRefused(t, vendtest.New(t, vendtest.Options{}), row.event, row.want)
		})
	}
}

// TestBigEvent: an identified caller learns that its body is too large, whatever
// its size.
func TestBigEvent(t *testing.T) {
	for _, d := range doors() {
		t.Run(d.name, func(t *testing.T) {
			r := post(`{"target":"orders","routes":["` + strings.Repeat("a", 6_000_000) + `"]}`)
			wantRefused(t, vendtest.New(t, vendtest.Options{}), d.event(r).Bytes(), answer{413, "too_large", "at most 16384"})
		})
	}
	t.Run("beyond all that Lambda lets pass", func(t *testing.T) {
		r := post(strings.Repeat("a", 9<<20))
		wantRefused(t, vendtest.New(t, vendtest.Options{}), iam(r).Bytes(), unauthenticated("send a smaller request"))
	})
}

// TestBadClaims: a claim that fills a route must be a plain segment. Nothing is
// escaped, cut or dropped.
func TestBadClaims(t *testing.T) {
	denied := answer{403, "denied", "rule shoppers-see-their-own cannot be applied to you"}
	for name, row := range map[string]struct {
		sub  any
		want answer
	}{
		"*":           {"*", denied},
		"a*":          {"a*", denied},
		"?":           {"a?", denied},
		"$":           {"${aws:username}", denied},
		"/":           {"a/b", denied},
		"a rooted /":  {"/", denied},
		"a space":     {"a b", denied},
		"..":          {"..", denied},
		".":           {".", denied},
		"%2f":         {"a%2fb", denied},
		"a line feed": {"a\nb", denied},
		"not ASCII":   {"alicé", denied},
		"129 letters": {strings.Repeat("a", 129), denied},
		"empty":       {"", unauthenticated("claim sub is not a non-empty string")},
		"a number":    {42, unauthenticated("claim sub is not a non-empty string")},
		"null":        {nil, unauthenticated("claim sub")},
		"a list":      {[]any{"alice"}, unauthenticated("claim sub is not a non-empty string")},
		"nested":      {map[string]any{"sub": "alice"}, unauthenticated("claim sub is not a non-empty string")},
		"10 KiB":      {strings.Repeat("a", 10<<10), unauthenticated("longer than 255")},
	} {
		t.Run(name, func(t *testing.T) {
			claims := vendtest.Shopper("")
			claims["sub"] = row.sub
			wantRefused(t, vendtest.New(t, vendtest.Options{}), vendtest.JWT("d4e5f6", claims, good()).Bytes(), row.want)
		})
	}
	for name, groups := range map[string]any{
		"a string that reads like a list": "[shoppers]", "another group": []any{"shopper"}, "two words": []any{"x shoppers"}, "nested": []any{[]any{"shoppers"}}, "none": []any{},
	} {
		t.Run("groups: "+name, func(t *testing.T) {
			claims := vendtest.Shopper("alice")
			claims["cognito:groups"] = groups
			wantRefused(t, vendtest.New(t, vendtest.Options{}), vendtest.JWT("d4e5f6", claims, good()).Bytes(), answer{403, "denied", "no rule lets you"})
		})
	}
}

// TestHarmless: what looks odd and is none of our business changes nothing.
func TestHarmless(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{})
	typed := func(ct string) vendtest.Request {
		r := good()
		r.Headers = map[string]string{"content-type": ct}
		return r
	}
	rows := map[string]vendtest.Request{
		"10 KiB of headers":        {Method: "POST", Body: `{"target":"orders"}`, Headers: map[string]string{"x-long": strings.Repeat("x", 10<<10)}},
		"no content type":          {Method: "POST", Body: `{"target":"orders"}`},
		"a content type's charset": typed("application/json; charset=utf-8"),
		"a content type's case":    typed("Application/JSON"),
		"base64":                   encoded(`{"target":"orders"}`),
		"50 routes":                post(`{"target":"orders","routes":["GET /orders"` + strings.Repeat(`,"GET /orders"`, 49) + `]}`),
		"escapes and blanks":       post(" {\r\n\t\"t\\u0061rget\" : \"ord\\u0065rs\" , \"durationSeconds\" : 1800 } \n"),
		"a GET":                    vendtest.Get("/v1/credentials/orders"),
		"a GET with a duration":    vendtest.Get("/v1/credentials/orders?durationSeconds=900"),
		"16 KiB":                   post(`{"target":"orders"` + strings.Repeat(" ", 16<<10-19) + `}`),
	}
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			for _, d := range doors() {
				if name == "50 routes" && d.name == "jwt" {
					continue // other routes are granted there
				}
				wantVended(t, h, d.event(r).Bytes())
			}
		})
	}
}

// TestPrefixes: a named stage and a base path are no part of the path.
func TestPrefixes(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{})
	staged := func(path, stage string) []byte {
		return bend(iam(vendtest.Get(path)), func(e vendtest.Event) { e.Object("requestContext")["stage"] = stage })
	}
	for name, event := range map[string][]byte{
		"a stage":                       staged("/prod/v1/credentials/orders", "prod"),
		"a stage that the path has not": staged("/v1/credentials/orders", "prod"),
		"a stage called v1":             staged("/v1/v1/credentials/orders", "v1"),
		"REST under its base":           rest(vendtest.Get("/prod/v1/credentials/orders")).Bytes(),
		"REST without it":               rest(vendtest.Get("/v1/credentials/orders")).Bytes(),
	} {
		t.Run(name, func(t *testing.T) { wantVended(t, h, event) })
	}
	for name, event := range map[string][]byte{
		"another stage":         staged("/dev/v1/credentials/orders", "prod"),
		"a stage twice":         staged("/prod/prod/v1/credentials/orders", "prod"),
		"a stage's beginning":   staged("/prodv1/credentials/orders", "prod"),
		"a base twice":          rest(vendtest.Get("/prod/prod/v1/credentials/orders")).Bytes(),
		"a base at another API": iam(vendtest.Get("/prod/v1/credentials/orders")).Bytes(),
		"a base alone":          rest(vendtest.Get("/prod")).Bytes(),
		"a base and //":         rest(vendtest.Get("/prod//v1/credentials/orders")).Bytes(),
	} {
		t.Run(name, func(t *testing.T) { wantRefused(t, h, event, answer{404, "not_found", "/v1/credentials"}) })
	}
}

// TestRoutesOfAGet: the parameter may stand several times, and each one counts.
func TestRoutesOfAGet(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{})
	for _, d := range doors() {
		if d.name == "jwt" {
			continue // other routes are granted there
		}
		a := wantVended(t, h, d.event(vendtest.Get("/v1/credentials/orders?route=GET%20/orders/1&route=GET%20/orders/2&durationSeconds=900")).Bytes())
		routes, err := json.Marshal(a.Body["Grant"].(map[string]any)["routes"])
		if err != nil || string(routes) != `["GET /orders/1","GET /orders/2"]` {
			t.Errorf("%s: routes %s", d.name, routes)
		}
		wantRefused(t, h, d.event(vendtest.Get("/v1/credentials/orders?route=GET%20/orders/1&route=GET%20/users/2")).Bytes(), answer{http.StatusForbidden, "denied", `the nearest granted route is "GET /orders`})
	}
}
