package apigw

import (
	"encoding/base64"
	"mime"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/local/iam"
	"github.com/credvend/credvend/internal/local/wire"
)

// restEvent is the event of a REST API's Lambda proxy integration, and that of an
// HTTP API with payload format 1.0, which alone states a version. Empty optional
// fields are null. Header names stand as the client wrote them, where the door's
// listener remembers that (package wire), else in their canonical form. A client
// that speaks HTTP/2 to AWS sends them in lower case; this one speaks HTTP/1.1.
type restEvent struct {
	Version                         string              `json:"version,omitempty"`
	Resource                        string              `json:"resource"`
	Path                            string              `json:"path"`
	HTTPMethod                      string              `json:"httpMethod"`
	Headers                         map[string]string   `json:"headers"`
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters                  map[string]string   `json:"pathParameters"`
	StageVariables                  map[string]string   `json:"stageVariables"`
	RequestContext                  restContext         `json:"requestContext"`
	Body                            *string             `json:"body"`
	IsBase64Encoded                 bool                `json:"isBase64Encoded"`
}

type restContext struct {
	Authorizer        *restClaims  `json:"authorizer,omitempty"` // of an HTTP API
	ResourceID        *string      `json:"resourceId"`
	ResourcePath      string       `json:"resourcePath"`
	HTTPMethod        string       `json:"httpMethod"`
	ExtendedRequestID string       `json:"extendedRequestId"`
	RequestTime       string       `json:"requestTime"`
	Path              string       `json:"path"`
	AccountID         string       `json:"accountId"`
	Protocol          string       `json:"protocol"`
	Stage             string       `json:"stage"`
	DomainPrefix      string       `json:"domainPrefix"`
	RequestTimeEpoch  int64        `json:"requestTimeEpoch"` // milliseconds
	RequestID         string       `json:"requestId"`
	Identity          restIdentity `json:"identity"`
	DomainName        string       `json:"domainName"`
	APIID             string       `json:"apiId"`
}

type restClaims struct {
	Claims map[string]string `json:"claims"`
	Scopes []string          `json:"scopes"`
}

type restIdentity struct {
	CognitoIdentityPoolID         *string `json:"cognitoIdentityPoolId"`
	AccountID                     *string `json:"accountId"`
	CognitoIdentityID             *string `json:"cognitoIdentityId"`
	Caller                        *string `json:"caller"`
	SourceIP                      string  `json:"sourceIp"`
	PrincipalOrgID                *string `json:"principalOrgId"`
	AccessKey                     *string `json:"accessKey"`
	CognitoAuthenticationType     *string `json:"cognitoAuthenticationType"`
	CognitoAuthenticationProvider *string `json:"cognitoAuthenticationProvider"`
	UserARN                       *string `json:"userArn"`
	UserAgent                     *string `json:"userAgent"`
	User                          *string `json:"user"`
}

// place is where in an API a request arrived.
type place struct {
	domain, stage string
	resource      string // path of the route
	resourceID    *string
	path          string // the event's
	contextPath   string // the one with the stage
	parameters    map[string]string
	variables     map[string]string
}

// restEvent describes the call. s is nil where nobody was asked for a signature;
// text tells which bodies are passed as they are.
func (k *call) restEvent(at place, s *signer, text bool) restEvent {
	prefix, _, _ := strings.Cut(at.domain, ".")
	e := restEvent{
		Resource: at.resource, Path: at.path, HTTPMethod: k.r.Method,
		Headers: map[string]string{}, MultiValueHeaders: map[string][]string{},
		PathParameters: at.parameters, StageVariables: at.variables,
		RequestContext: restContext{
			ResourceID: at.resourceID, ResourcePath: at.resource, HTTPMethod: k.r.Method,
			ExtendedRequestID: k.extendedID, RequestTime: k.at.Format(clfTime), Path: at.contextPath,
			AccountID: k.Account, Protocol: k.r.Proto, Stage: at.stage, DomainPrefix: prefix,
			RequestTimeEpoch: k.at.UnixMilli(), RequestID: k.requestID, DomainName: at.domain, APIID: k.ID,
			Identity: restIdentity{SourceIP: k.trace.SourceIP},
		},
	}
	id := &e.RequestContext.Identity
	if ua := k.r.UserAgent(); ua != "" {
		id.UserAgent = &ua
	}
	if s != nil {
		p := s.principal
		id.AccountID, id.Caller, id.User, id.UserARN = &p.Account, &p.UserID, &p.UserID, &p.ARN
		id.AccessKey, id.PrincipalOrgID = &s.accessKeyID, k.orgID()
	}
	for name, values := range k.forwardedHeaders(at.domain) {
		name = k.spelling(name)
		e.Headers[name] = values[len(values)-1] // of repeated headers the single-value form keeps the last
		e.MultiValueHeaders[name] = values
	}
	for _, p := range decodeQuery(k.query) {
		if e.QueryStringParameters == nil {
			e.QueryStringParameters, e.MultiValueQueryStringParameters = map[string]string{}, map[string][]string{}
		}
		e.QueryStringParameters[p[0]] = p[1]
		e.MultiValueQueryStringParameters[p[0]] = append(e.MultiValueQueryStringParameters[p[0]], p[1])
	}
	if len(k.body) > 0 {
		body := strings.ToValidUTF8(string(k.body), "\uFFFD") // a REST API mangles what it takes for text
		if !text {
			body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(k.body), true
		}
		e.Body = &body
	}
	return e
}

// spelling is how a REST API passes a header's name on: as the client wrote it,
// but for those that AWS's proxies write anew, as recorded events show.
func (k *call) spelling(name string) string {
	switch name {
	case "Authorization", "Host", "User-Agent", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Amzn-Trace-Id":
		return name
	}
	return wire.Spelling(k.r, name)
}

// event1 is the event of payload format 1.0. Its path holds the stage, decoded
// (unsure).
func (a *HTTPAPI) event1(k *call, route compiledRoute, rawPath string, parameters map[string]string, authorizer *httpAuthorizer) restEvent {
	at := place{
		domain: k.executeAPIDomain(), stage: a.opt.Stage, resource: route.path, path: rawPath, contextPath: rawPath,
		parameters: parameters, variables: a.opt.StageVariables,
	}
	if at.resource == "" {
		at.resource = DefaultRoute
	}
	var s *signer
	claims := &restClaims{}
	switch {
	case authorizer == nil:
	case authorizer.IAM != nil:
		i := authorizer.IAM
		s = &signer{principal: &iam.Principal{ARN: i.UserARN, Account: i.AccountID, UserID: i.UserID}, accessKeyID: i.AccessKey}
	case authorizer.JWT != nil:
		claims = &restClaims{Claims: authorizer.JWT.Claims, Scopes: authorizer.JWT.Scopes}
	}
	e := k.restEvent(at, s, isText(k.r.Header.Get("Content-Type"), k.body))
	e.Version, e.RequestContext.Authorizer = "1.0", claims
	e.RequestContext.RequestID = k.extendedID
	return e
}

// binaryType reports whether a REST API was told to treat the media type as binary.
func binaryType(types []string, contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return slices.Contains(types, "*/*")
	}
	kind, _, _ := strings.Cut(media, "/")
	return slices.ContainsFunc(types, func(t string) bool {
		return t == "*/*" || strings.EqualFold(t, media) || strings.EqualFold(t, kind+"/*")
	})
}
