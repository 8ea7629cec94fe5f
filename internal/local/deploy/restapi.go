package deploy

import (
	"strings"

	"github.com/credvend/credvend/internal/local/iam"
)

// RESTAPI is an API Gateway REST API of the regional type.
type RESTAPI struct {
	ID       string
	Stage    string
	Throttle *Throttle // nil: the account's own, which is far
	Policy   *iam.Policy
	Methods  []RESTMethod
}

// RESTMethod is a method of a REST API.
type RESTMethod struct {
	Key         string // "GET /v1/{x}", or with ANY
	Open        bool   // no authorization
	FunctionARN string
	Mistaken    string // why the integration can never work; "": it can
}

func readRESTAPI(r *reader, id string, p *properties) error {
	api := &RESTAPI{ID: r.doorID(id, apiIDLength), Stage: p.required("StageName")}
	p.part("EndpointConfiguration", func(q *properties) {
		q.oneOf("Type", "REGIONAL") // an edge-optimised one would have another domain
	})
	cluster, cached := p.flag("CacheClusterEnabled"), false
	p.parts("MethodSettings", func(q *properties) {
		if method, path := q.required("HttpMethod"), q.required("ResourcePath"); method != "*" || path != "/*" {
			q.fail("a local run plays settings of all methods (HttpMethod '*', ResourcePath /*), not of %s %s", method, path)
		}
		cached = q.flag("CachingEnabled")
		if q.flag("DataTraceEnabled") {
			q.fail("DataTraceEnabled writes whole answers into the log, credentials with them")
		}
		api.Throttle = q.throttle()
	}, "LoggingLevel", "MetricsEnabled")
	if cluster && cached {
		// It would be played wrongly in silence: a cache has no identity in its
		// key and hands one caller's credentials to the next.
		p.fail("CacheClusterEnabled with CachingEnabled: a local run has no cache, and credentials must not stand in one")
	}
	p.part("DefinitionBody", func(q *properties) { r.readDefinition(api, q) }, "openapi", "info")
	r.stack.RESTAPIs = append(r.stack.RESTAPIs, api)
	return nil
}

// readDefinition reads an OpenAPI document with API Gateway's extensions.
func (r *reader) readDefinition(api *RESTAPI, p *properties) {
	if document, ok := p.values["x-amazon-apigateway-policy"].(map[string]any); ok {
		r.expandResources(api, document)
	}
	api.Policy = p.policy("x-amazon-apigateway-policy")
	schemes := map[string]bool{} // that are AWS_IAM
	p.part("components", func(q *properties) {
		q.part("securitySchemes", func(all *properties) {
			all.members(func(name string, s *properties) {
				s.oneOf("x-amazon-apigateway-authtype", "", "awsSigv4")
				schemes[name] = s.text("x-amazon-apigateway-authtype") == "awsSigv4"
				s.oneOf("type", "", "apiKey")
				s.oneOf("in", "", "header")
				s.oneOf("name", "", "Authorization")
			})
		})
	})
	inherited := p.security(schemes, true)
	p.part("paths", func(all *properties) {
		all.members(func(path string, q *properties) {
			q.members(func(method string, op *properties) {
				api.Methods = append(api.Methods, readMethod(path, method, op, schemes, inherited))
			})
		})
	})
	if len(api.Methods) == 0 && p.err == nil {
		p.fail("the REST API doesn't contain any methods")
	}
}

func readMethod(path, method string, p *properties, schemes map[string]bool, inherited bool) RESTMethod {
	m := RESTMethod{Key: strings.ToUpper(method) + " " + path}
	if method == "x-amazon-apigateway-any-method" {
		m.Key = "ANY " + path
	}
	m.Open = p.security(schemes, inherited)
	p.raw("parameters") // a proxy integration passes all of them
	p.part("x-amazon-apigateway-integration", func(q *properties) {
		q.required("type")
		q.oneOf("type", "aws_proxy")
		m.FunctionARN = functionOfURI(q.required("uri"))
		if verb := q.required("httpMethod"); verb != "POST" {
			m.Mistaken = "Lambda is invoked by POST, and the integration says " + verb
		}
	}, "passthroughBehavior", "timeoutInMillis")
	return m
}

// security tells whether a document or a method is open to everybody.
func (p *properties) security(schemes map[string]bool, otherwise bool) (open bool) {
	list, ok := p.raw("security").([]any)
	if !ok {
		if p.has("security") {
			p.fail("security is a list")
		}
		return otherwise
	}
	open = true
	for _, item := range list {
		m, _ := item.(map[string]any)
		for name := range m {
			sigv4, defined := schemes[name]
			if !defined || !sigv4 {
				// An API key, or an authorizer that is not played.
				p.fail("security names %s, which is no scheme with x-amazon-apigateway-authtype: awsSigv4", name)
			}
			open = false
		}
	}
	return open
}

// expandResources writes the resources of an API's own policy long, as API
// Gateway does: execute-api:/stage/METHOD/path is one of this API.
func (r *reader) expandResources(api *RESTAPI, v any) {
	whole := r.arn("execute-api", true, api.ID)
	expand := func(s string) string {
		if path, ok := strings.CutPrefix(s, "execute-api:/"); ok {
			return whole + "/" + path
		}
		return s
	}
	statements, _ := v.(map[string]any)["Statement"].([]any)
	for _, s := range statements {
		statement, _ := s.(map[string]any)
		for _, element := range []string{"Resource", "NotResource"} {
			switch resource := statement[element].(type) {
			case string:
				statement[element] = expand(resource)
			case []any:
				for i, one := range resource {
					if text, ok := one.(string); ok {
						resource[i] = expand(text)
					}
				}
			}
		}
	}
}
