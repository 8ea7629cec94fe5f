package local

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"github.com/credvend/credvend/internal/local/apigw"
	"github.com/credvend/credvend/internal/local/deploy"
	"github.com/credvend/credvend/internal/local/iam"
	"github.com/credvend/credvend/internal/local/oidc"
)

// opener opens Account B's front doors as its stack makes them.
type opener struct {
	stack    *deploy.Stack
	policy   *iam.Policy // the function's
	function apigw.Invoker
	door     func(id string) apigw.Door

	issuer string // the local one
	played string // the issuer in the template that it plays
	now    func() time.Time
}

// handler opens the door of an id.
func (o opener) handler(id string) (http.Handler, error) {
	if api := o.stack.HTTPAPI(id); api != nil {
		return o.httpAPI(api)
	}
	if api := o.stack.RESTAPI(id); api != nil {
		return o.restAPI(api)
	}
	u := o.stack.URL(id) // doorways found it
	return apigw.NewFunctionURL(apigw.FunctionURLOptions{
		Door: o.door(id), FunctionARN: o.stack.Function.ARN, Policy: o.policy, Open: u.Open, Invoker: o.function,
	})
}

// limiter is a stage's throttle. API Gateway counts each route by itself; here
// the routes of a door share one limit, which a single client does not notice.
func limiter(t *deploy.Throttle) *rate.Limiter {
	if t == nil {
		return nil
	}
	return rate.NewLimiter(rate.Limit(t.Rate), t.Burst)
}

// httpAPI opens an HTTP API. Routes that differ in authorizer or integration are
// parted into APIs of one kind each, behind one table of routes.
func (o opener) httpAPI(api *deploy.HTTPAPI) (http.Handler, error) {
	if api.Stage == "" || len(api.Routes) == 0 {
		return http.HandlerFunc(notDeployed), nil
	}
	type alike struct {
		jwt     *deploy.JWTAuthorizer
		format  string
		timeout time.Duration
	}
	groups := map[alike]*apigw.HTTPAPIOptions{}
	gateway := gatewayInvoker{next: o.function, function: o.stack.Function, policy: o.policy, api: api.ID, stage: api.Stage, targets: map[string]target{}}
	throttle := limiter(api.Throttle)
	for _, r := range api.Routes {
		gateway.targets[r.Key] = target{uri: r.FunctionARN}
		kind := alike{r.Authorizer, r.PayloadFormat, r.Timeout}
		if r.Open { // it goes with any authorizer
			kind.jwt = nil
		}
		g := groups[kind]
		if g == nil {
			g = &apigw.HTTPAPIOptions{Door: o.door(api.ID), Stage: api.Stage, PayloadFormat: r.PayloadFormat, JWT: o.authorizer(kind.jwt), Invoker: gateway}
			g.Throttle, g.Timeout = throttle, r.Timeout
			groups[kind] = g
		}
		g.Routes = append(g.Routes, apigw.Route{Key: r.Key, Open: r.Open, Scopes: r.Scopes})
	}
	front := &routed{stage: api.Stage, routes: map[string]http.Handler{}}
	var all []apigw.Route
	for _, g := range groups {
		h, err := apigw.NewHTTPAPI(*g)
		if err != nil {
			return nil, err
		}
		front.none = h
		for _, r := range g.Routes {
			front.routes[r.Key] = h
		}
		all = append(all, g.Routes...)
	}
	var err error
	if front.table, err = apigw.NewTable(all); err != nil {
		return nil, err
	}
	if api.CORS != nil {
		return cors{*api.CORS, front.route, front}, nil
	}
	return front, nil
}

// authorizer is a JWT authorizer: the local issuer where the template has the
// issuer that it was given, and else one that cannot be reached.
func (o opener) authorizer(a *deploy.JWTAuthorizer) *apigw.JWTAuthorizer {
	if a == nil {
		return nil
	}
	options := oidc.VerifierOptions{Issuer: a.Issuer, Audience: a.Audience, Now: o.now, Client: &http.Client{Transport: nowhere{}}}
	if a.Issuer == o.played {
		options.Issuer, options.Client = o.issuer, nil
	}
	return &apigw.JWTAuthorizer{Verifier: oidc.NewVerifier(options), IdentitySource: a.IdentitySource}
}

// nowhere reaches nobody: the local accounts ask nothing of the real world.
type nowhere struct{}

// RoundTrip implements http.RoundTripper.
func (nowhere) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("%s is not played here", r.URL.Host)
}

func (o opener) restAPI(api *deploy.RESTAPI) (http.Handler, error) {
	gateway := gatewayInvoker{next: o.function, function: o.stack.Function, policy: o.policy, api: api.ID, stage: api.Stage, targets: map[string]target{}}
	options := apigw.RESTAPIOptions{Door: o.door(api.ID), Stage: api.Stage, Policy: api.Policy, Invoker: gateway}
	options.Throttle = limiter(api.Throttle)
	for _, m := range api.Methods {
		t := target{uri: m.FunctionARN}
		if m.Mistaken != "" {
			t.mistaken = errors.New(m.Mistaken)
		}
		gateway.targets[m.Key] = t
		options.Methods = append(options.Methods, apigw.Route{Key: m.Key, Open: m.Open})
	}
	return apigw.NewRESTAPI(options)
}
