package story

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

type chapter struct {
	title string
	steps []step
}

// stage is the story under way: what earlier steps got, later ones use.
type stage struct {
	world  World
	client *http.Client

	vended, narrow, shopper, outsider Keys
	token                             string
}

const (
	credentials = "/v1/credentials"
	askOrders   = `{"target":"orders"}`
)

func (s *stage) chapters() []chapter {
	w := s.world
	return []chapter{
		{"Without credvend", []step{
			{who: "nobody", what: "GET /orders/42 at Account A, unsigned", want: 403, says: "Forbidden",
				try: s.call(w.Target, "GET", "/orders/42", nil)},
			{who: "billing-service", what: "the same, signed with its own keys of Account B", want: 403, says: "Forbidden",
				try: s.call(w.Target, "GET", "/orders/42", &w.Billing),
				why: "An HTTP API admits its own account alone, whatever Account B's policies allow."},
		}},
		{"With credvend", []step{
			{who: "billing-service", what: "asks credvend for credentials for orders", want: 200,
				try: s.vend(w.IAM, "execute-api", &w.Billing, askOrders, &s.vended)},
			{who: "billing-service", what: "GET /orders/42, signed with the vended ones", want: 200, says: "billing-service@",
				try: s.call(w.Target, "GET", "/orders/42", &s.vended),
				why: "Account A sees assumed-role/orders-invoke/billing-service@RECEIPT, which joins its logs to the decision."},
			{who: "billing-service", what: "POST /orders, signed with the same", want: 403, says: "Forbidden",
				try: s.call(w.Target, "POST", "/orders", &s.vended),
				why: "The role may do it; the session policy that credvend sends along may not."},
		}},
		{"Who may not", []step{
			{who: "stranger", what: "asks for credentials; IAM lets it in, the list does not", want: 403, says: `"denied"`,
				try: s.vend(w.IAM, "execute-api", &w.Stranger, askOrders, nil)},
			{who: "stranger", what: "the same with a forged X-GoLambdaProxy-ApiGw-Context", want: 403, says: `"denied"`,
				try: s.forgedHeader(),
				why: "The header names billing-service. Identity comes from what AWS verified, never from a header."},
			{who: "an insider", what: "invokes the function with an event of an unknown door", want: 401, says: `"unauthenticated"`,
				try: s.forgedEvent(),
				why: "Only the front doors that are configured are believed."},
		}},
		{"Asking for more, and for less", []step{
			{who: "billing-service", what: "asks for GET /* where GET /orders/* is granted", want: 403, says: "nearest granted route",
				try: s.vend(w.IAM, "execute-api", &w.Billing, `{"target":"orders","routes":["GET /*"]}`, nil)},
			{who: "billing-service", what: "asks for GET /orders/42 alone, for 15 minutes", want: 200,
				try: s.vend(w.IAM, "execute-api", &w.Billing, `{"target":"orders","routes":["GET /orders/42"],"durationSeconds":900}`, &s.narrow)},
			{who: "billing-service", what: "GET /orders/42 with those", want: 200, says: "billing-service@",
				try: s.call(w.Target, "GET", "/orders/42", &s.narrow)},
			{who: "billing-service", what: "GET /orders/43 with those", want: 403, says: "Forbidden",
				try: s.call(w.Target, "GET", "/orders/43", &s.narrow)},
		}},
		{"A phone with a token", []step{
			{who: "shopper ana", what: "signs in at the issuer", want: 200,
				try: s.signIn("ana")},
			{who: "shopper ana", what: "asks for credentials with the token", want: 200,
				try: s.vendWithToken(&s.shopper)},
			{who: "shopper ana", what: "GET /users/ana/basket", want: 200, says: "shopper@",
				try: s.call(w.Target, "GET", "/users/ana/basket", &s.shopper)},
			{who: "shopper ana", what: "GET /users/ben/basket", want: 403, says: "Forbidden",
				try: s.call(w.Target, "GET", "/users/ben/basket", &s.shopper),
				why: "The rule grants GET /users/${claims.sub}/*, filled in from the verified token."},
		}},
		{"A caller of a third account (777788889999)", []step{
			{who: "outsider", what: "asks at the HTTP API", want: 403, says: "Forbidden",
				try: s.vend(w.IAM, "execute-api", &w.Outsider, askOrders, nil),
				why: "It is on the list, but an HTTP API lets no other account in."},
			{who: "outsider", what: "asks at the function URL", want: 200,
				try: s.vend(w.FunctionURL, "lambda", &w.Outsider, askOrders, &s.outsider)},
			{who: "outsider", what: "asks at the REST API", want: 200,
				try: s.vend(w.REST, "execute-api", &w.Outsider, askOrders, &s.outsider)},
			{who: "outsider", what: "GET /orders/42 with what it got", want: 200, says: "analytics-account@",
				try: s.call(w.Target, "GET", "/orders/42", &s.outsider)},
		}},
	}
}

type attempt = func(ctx context.Context) (result, error)

// call sends a request to a service of execute-api, signed unless keys is nil.
func (s *stage) call(base, method, path string, keys *Keys) attempt {
	return func(ctx context.Context) (result, error) {
		if keys != nil && keys.AccessKeyID == "" {
			return result{}, errNoCredentials
		}
		return s.send(ctx, request{base: base, method: method, path: path, keys: keys, service: "execute-api"})
	}
}

// vend asks for credentials with a signature, and keeps them in got.
func (s *stage) vend(base, service string, keys *Keys, body string, got *Keys) attempt {
	return func(ctx context.Context) (result, error) {
		r, err := s.send(ctx, request{base: base, method: "POST", path: credentials, body: body, keys: keys, service: service})
		if err != nil {
			return r, err
		}
		return r, r.readVend(got)
	}
}

func (s *stage) vendWithToken(got *Keys) attempt {
	return func(ctx context.Context) (result, error) {
		r, err := s.send(ctx, request{base: s.world.JWT, method: "POST", path: credentials, body: askOrders, header: http.Header{"Authorization": {"Bearer " + s.token}}})
		if err != nil {
			return r, err
		}
		return r, r.readVend(got)
	}
}

func (s *stage) signIn(sub string) attempt {
	return func(ctx context.Context) (result, error) {
		form := url.Values{"sub": {sub}, "groups": {"shoppers"}}
		r, err := s.send(ctx, request{
			base: s.world.Issuer, method: "POST", path: "/token", body: form.Encode(),
			header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		})
		s.token, r.body = strings.TrimSpace(r.body), "" // a secret from here on
		return r, err
	}
}

// forgedHeader is the header by which the proxy library would hand an identity
// to code that trusts it.
func (s *stage) forgedHeader() attempt {
	forged := `{"authorizer":{"iam":{"accountId":"444455556666","userArn":"arn:aws:sts::444455556666:assumed-role/billing-service/x","callerId":"AROAEXAMPLEBILLING00:x","userId":"AROAEXAMPLEBILLING00:x","accessKey":"ASIAEXAMPLEFORGED000"}}}`
	return func(ctx context.Context) (result, error) {
		return s.send(ctx, request{
			base: s.world.IAM, method: "POST", path: credentials, body: askOrders, keys: &s.world.Stranger, service: "execute-api",
			header: http.Header{"X-Golambdaproxy-Apigw-Context": {forged}},
		})
	}
}

// forgedEvent is a complete event of an API that credvend was not told of.
func (s *stage) forgedEvent() attempt {
	//nolint:gosec // no key of anyone's: the event is forged
	event := `{"version":"2.0","routeKey":"$default","rawPath":"/v1/credentials","rawQueryString":"","headers":{"content-type":"application/json"},
		"requestContext":{"accountId":"444455556666","apiId":"forgedapi0","domainName":"forgedapi0.execute-api.us-east-1.amazonaws.com","stage":"$default","requestId":"forged",
		"http":{"method":"POST","path":"/v1/credentials","protocol":"HTTP/1.1","sourceIp":"203.0.113.9","userAgent":"forged"},
		"authorizer":{"iam":{"accountId":"444455556666","userArn":"arn:aws:sts::444455556666:assumed-role/billing-service/x","callerId":"AROAEXAMPLEBILLING00:x","userId":"AROAEXAMPLEBILLING00:x","accessKey":"ASIAEXAMPLEFORGED000","cognitoIdentity":null,"principalOrgId":null}}},
		"body":"{\"target\":\"orders\"}","isBase64Encoded":false}`
	return func(ctx context.Context) (result, error) {
		raw, err := s.world.Invoke(ctx, []byte(event))
		if err != nil {
			return result{}, err
		}
		var answer struct {
			StatusCode int    `json:"statusCode"`
			Body       string `json:"body"`
		}
		if err := json.Unmarshal(raw, &answer); err != nil {
			return result{}, fmt.Errorf("the function's answer is not JSON: %w", err)
		}
		return result{status: answer.StatusCode, body: answer.Body}.withMessage(), nil
	}
}
