package deploy

import (
	"fmt"
	"strings"
	"time"
)

// Throttle is a stage's limit on requests.
type Throttle struct {
	Rate  float64 // a second
	Burst int
}

// HTTPAPI is an API Gateway HTTP API.
type HTTPAPI struct {
	ID       string
	Stage    string    // "": nothing is deployed
	Throttle *Throttle // nil: the account's own, which is far
	CORS     *CORS     // nil: none
	Routes   []HTTPRoute

	authorizers  map[string]*JWTAuthorizer
	integrations map[string]integration
}

// CORS is what browsers are told.
type CORS struct {
	Origins, Methods, Headers, Expose []string
	Credentials                       bool
	MaxAge                            int // seconds; 0: not told
}

// HTTPRoute is a route of an HTTP API.
type HTTPRoute struct {
	Key        string         // "GET /v1/{x}" or "$default"
	Open       bool           // no authorization
	Authorizer *JWTAuthorizer // nil: AWS_IAM, unless Open
	Scopes     []string
	integration
}

// JWTAuthorizer is a JWT authorizer.
type JWTAuthorizer struct {
	Issuer         string
	Audience       []string
	IdentitySource string
}

// integration is what a route leads to.
type integration struct {
	FunctionARN   string
	PayloadFormat string
	Timeout       time.Duration // 0: API Gateway's own
}

func readAPI(r *reader, id string, p *properties) error {
	api := &HTTPAPI{ID: r.doorID(id, apiIDLength), authorizers: map[string]*JWTAuthorizer{}, integrations: map[string]integration{}}
	p.oneOf("ProtocolType", "HTTP")
	if p.flag("DisableExecuteApiEndpoint") {
		p.fail("DisableExecuteApiEndpoint leaves a custom domain alone, which a local run does not play")
	}
	if p.has("CorsConfiguration") {
		api.CORS = &CORS{}
		p.part("CorsConfiguration", func(q *properties) {
			c := api.CORS
			c.Origins, c.Methods, c.Headers, c.Expose = q.texts("AllowOrigins"), q.texts("AllowMethods"), q.texts("AllowHeaders"), q.texts("ExposeHeaders")
			c.Credentials, c.MaxAge = q.flag("AllowCredentials"), q.number("MaxAge", 0)
			for _, origin := range c.Origins {
				if origin == "*" && c.Credentials {
					q.fail("AllowCredentials is not supported with the origin *") // API Gateway refuses it
				}
			}
		})
	}
	r.stack.HTTPAPIs = append(r.stack.HTTPAPIs, api)
	return nil
}

// api is the HTTP API that a resource belongs to.
func (r *reader) api(p *properties) (*HTTPAPI, error) {
	id := p.required("ApiId")
	for _, api := range r.stack.HTTPAPIs {
		if api.ID == id {
			return api, nil
		}
	}
	return nil, fmt.Errorf("invalid API identifier specified %s:%s", r.Account, id)
}

func readAuthorizer(r *reader, id string, p *properties) error {
	api, err := r.api(p)
	if err != nil {
		return err
	}
	p.oneOf("AuthorizerType", "JWT")
	a := &JWTAuthorizer{}
	sources := p.texts("IdentitySource")
	if len(sources) != 1 {
		p.fail("a JWT authorizer has one IdentitySource, not %d", len(sources))
	} else {
		a.IdentitySource = sources[0]
	}
	p.part("JwtConfiguration", func(q *properties) {
		a.Issuer, a.Audience = q.required("Issuer"), q.texts("Audience")
		if len(a.Audience) == 0 {
			q.required("Audience")
		}
	})
	api.authorizers[r.id(id, 7)] = a
	return nil
}

func readIntegration(r *reader, id string, p *properties) error {
	api, err := r.api(p)
	if err != nil {
		return err
	}
	p.oneOf("IntegrationType", "AWS_PROXY")
	p.oneOf("IntegrationMethod", "POST")
	p.oneOf("ConnectionType", "INTERNET")
	i := integration{FunctionARN: functionOfURI(p.required("IntegrationUri")), PayloadFormat: p.required("PayloadFormatVersion")}
	if i.PayloadFormat != "1.0" && i.PayloadFormat != "2.0" {
		p.fail("PayloadFormatVersion is 1.0 or 2.0, not %s", i.PayloadFormat)
	}
	if ms := p.number("TimeoutInMillis", 30000); ms < 50 || ms > 30000 {
		p.fail("timeout should be between 50 ms and 30000 ms")
	} else if ms < 30000 {
		i.Timeout = time.Duration(ms) * time.Millisecond
	}
	api.integrations[r.id(id, 7)] = i
	return nil
}

// functionOfURI is the function's ARN in the URI of an integration, which is the
// ARN itself or API Gateway's path to it.
func functionOfURI(uri string) string {
	if _, path, ok := strings.Cut(uri, ":lambda:path/2015-03-31/functions/"); ok {
		return strings.TrimSuffix(path, "/invocations")
	}
	return uri
}

func readRoute(r *reader, _ string, p *properties) error {
	api, err := r.api(p)
	if err != nil {
		return err
	}
	route := HTTPRoute{Key: p.required("RouteKey"), Scopes: p.texts("AuthorizationScopes")}
	for _, other := range api.Routes {
		if other.Key == route.Key {
			return fmt.Errorf("route with key %s already exists for this API", route.Key)
		}
	}
	switch authorizer := p.text("AuthorizerId"); p.oneOf("AuthorizationType", "NONE", "AWS_IAM", "JWT") {
	case "NONE":
		route.Open = true
	case "JWT":
		route.Authorizer = api.authorizers[authorizer]
		if route.Authorizer == nil {
			return fmt.Errorf("invalid authorizer definition: setting the authorization type to JWT requires a valid authorizer")
		}
	}
	if len(route.Scopes) > 0 && route.Authorizer == nil {
		p.fail("AuthorizationScopes go with AuthorizationType JWT")
	}
	target, isIntegration := strings.CutPrefix(p.required("Target"), "integrations/")
	found := false
	if route.integration, found = api.integrations[target]; !found || !isIntegration {
		return fmt.Errorf("invalid integration identifier specified: %s", target)
	}
	api.Routes = append(api.Routes, route)
	return nil
}

func readStage(r *reader, _ string, p *properties) error {
	api, err := r.api(p)
	if err != nil {
		return err
	}
	name := p.required("StageName")
	if api.Stage != "" {
		p.fail("a local run plays one stage of an API, and %s has another", api.ID)
	}
	if p.flag("AutoDeploy") { // else nothing of it is deployed
		api.Stage = name
	}
	p.part("DefaultRouteSettings", func(q *properties) {
		if q.flag("DataTraceEnabled") {
			q.fail("DataTraceEnabled is for WebSocket APIs")
		}
		api.Throttle = q.throttle()
	}, "DetailedMetricsEnabled")
	return nil
}

func (p *properties) throttle() *Throttle {
	rate, limited := p.rate("ThrottlingRateLimit")
	burst := p.number("ThrottlingBurstLimit", 5000) // the account's own
	if !limited {
		return nil
	}
	return &Throttle{rate, burst}
}
