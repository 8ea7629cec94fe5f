package local

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/credvend/credvend/internal/local/apigw"
	"github.com/credvend/credvend/internal/local/deploy"
	"github.com/credvend/credvend/internal/local/iam"
)

// gatewayInvoker invokes the function on behalf of an API, as far as Lambda lets
// API Gateway: each method needs a permission with its source ARN. To whoever
// called, a refusal is an internal error, as on AWS.
type gatewayInvoker struct {
	next       apigw.Invoker
	function   *deploy.Function
	policy     *iam.Policy
	api, stage string
	targets    map[string]target // by route: "GET /v1/{x}" or "$default"
}

// target is where a route leads.
type target struct {
	uri      string
	mistaken error // it can never work
}

// Invoke implements apigw.Invoker.
func (g gatewayInvoker) Invoke(ctx context.Context, payload []byte) ([]byte, string, error) {
	// The event says which route it came by, in either format's way.
	var event struct {
		RouteKey       string `json:"routeKey"`
		Resource       string `json:"resource"`
		HTTPMethod     string `json:"httpMethod"`
		RequestContext struct {
			HTTP struct {
				Method string `json:"method"`
			} `json:"http"`
		} `json:"requestContext"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, "", err
	}
	method := event.HTTPMethod
	keys := []string{method + " " + event.Resource, "ANY " + event.Resource, event.Resource}
	if event.RouteKey != "" {
		method, keys = event.RequestContext.HTTP.Method, []string{event.RouteKey}
	}
	for _, key := range keys {
		t, ok := g.targets[key]
		if !ok {
			continue
		}
		if t.mistaken != nil {
			return nil, "", t.mistaken
		}
		if err := g.function.Invocable(g.policy, t.uri, g.source(key, method)); err != nil {
			return nil, "", err
		}
		return g.next.Invoke(ctx, payload)
	}
	return nil, "", fmt.Errorf("the event is of no route of the API %s", g.api) // not so: the API routed it
}

// source is the route as it stands in the source ARN: with the request's own
// method where the route takes any.
func (g gatewayInvoker) source(key, method string) deploy.Source {
	s := deploy.Source{API: g.api, Stage: g.stage, Method: key}
	if _, path, ok := strings.Cut(key, " "); ok {
		s.Method, s.Path = method, path
	}
	return s
}
