package apigw

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/credvend/credvend/internal/local/iam"
	"github.com/credvend/credvend/internal/local/sigv4"
)

const kindRESTAPI = "rest-api"

var stageForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// RESTAPIOptions describe a REST API of the regional type.
type RESTAPIOptions struct {
	Door

	// Stage stands in the URL and in the resource that IAM judges. Required.
	Stage          string
	StageVariables map[string]string

	// CustomDomain and BasePath (with its slash, such as "/prod") play a custom
	// domain in front of the stage: the URL then holds the base path instead of
	// the stage, and the event's path keeps it. Both or neither.
	CustomDomain, BasePath string

	// Methods, as "GET /v1/{x}"; none: ANY on / and on /{proxy+}.
	Methods []Route

	// Policy is the API's resource policy; nil: none. Nobody of another account
	// gets in without one.
	Policy *iam.Policy

	// BinaryMediaTypes are the types whose bodies are passed in base64; none:
	// every body is passed as text, and no answer is decoded.
	BinaryMediaTypes []string

	Invoker Invoker // called with the proxy event of REST APIs
}

// RESTAPI is an API Gateway REST API.
type RESTAPI struct {
	core   *core
	opt    RESTAPIOptions
	routes table
}

// NewRESTAPI checks the options.
func NewRESTAPI(o RESTAPIOptions) (*RESTAPI, error) {
	c, err := newCore(kindRESTAPI, "execute-api", o.Door)
	if err != nil {
		return nil, err
	}
	if !stageForm.MatchString(o.Stage) {
		return nil, fmt.Errorf("%s %s: %q is not a stage", kindRESTAPI, o.ID, o.Stage)
	}
	if (o.CustomDomain == "") != (o.BasePath == "") || o.BasePath != "" && !strings.HasPrefix(o.BasePath, "/") {
		return nil, fmt.Errorf("%s %s: a custom domain needs a base path that begins with a slash", kindRESTAPI, o.ID)
	}
	if o.Invoker == nil {
		return nil, fmt.Errorf("%s %s: it needs an Invoker", kindRESTAPI, o.ID)
	}
	if len(o.Methods) == 0 {
		o.Methods = []Route{{Key: "ANY /"}, {Key: "ANY /{proxy+}"}}
	}
	routes, err := compileRoutes(o.Methods, false)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", kindRESTAPI, o.ID, err)
	}
	for _, m := range o.Methods {
		if o.World == nil && !m.Open {
			return nil, fmt.Errorf("%s %s: method %q needs a World to verify signatures with", kindRESTAPI, o.ID, m.Key)
		}
	}
	return &RESTAPI{core: c, opt: o, routes: routes}, nil
}

func (a *RESTAPI) domain() string {
	if a.opt.CustomDomain != "" {
		return a.opt.CustomDomain
	}
	return a.core.executeAPIDomain()
}

// ServeHTTP plays one request.
func (a *RESTAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k := a.core.begin(w, r)
	w.Header().Set("X-Amzn-Requestid", k.requestID)
	w.Header().Set("X-Amz-Apigw-Id", k.extendedID)
	if headerBytes(r) > maxHeaderBytes {
		k.trace.Reason = "request line and headers are over 10,240 bytes"
		w.Header().Set("Connection", "close")
		k.refuseREST(http.StatusRequestHeaderFieldsTooLarge, "RequestHeaderFieldsTooLargeException", "message", "Request Header Fields Too Large")
		return
	}
	path, eventPath, ok := a.stripStage(k.path)
	if !ok {
		k.trace.Reason = "no such stage"
		k.refuseREST(http.StatusForbidden, "ForbiddenException", "message", "Forbidden")
		return
	}
	// REST APIs do not tell "/orders/" from "/orders" (unsure).
	route, parameters, ok := a.routes.match(r.Method, trimSlash(path))
	if !ok {
		k.trace.Reason = "no such resource or method"
		if answer, ok := k.misread(); ok {
			k.replyRefusal(answer)
			return
		}
		k.refuseREST(http.StatusForbidden, "MissingAuthenticationTokenException", "message", "Missing Authentication Token")
		return
	}
	if k.throttled() {
		k.trace.Reason = "throttled"
		k.refuseREST(http.StatusTooManyRequests, "TooManyRequestsException", "message", "Too Many Requests")
		return
	}
	switch k.readBody(maxAPIBody) {
	case 0:
	case http.StatusRequestEntityTooLarge: // recorded answers have it as plain text
		w.Header().Set("X-Amzn-Errortype", "RequestTooLargeException")
		w.Header().Set("Content-Type", "text/plain")
		k.reply(http.StatusRequestEntityTooLarge, fmt.Appendf(nil, "HTTP content length exceeded %d bytes.", maxAPIBody))
		return
	default:
		k.refuseREST(http.StatusBadRequest, "BadRequestException", "message", "Bad Request")
		return
	}
	caller, ok := a.authorize(k, route, path)
	if !ok {
		return
	}
	k.trace.Allowed = true
	id := resourceID(route.path)
	event := k.restEvent(place{
		// Path and path parameters are as sent, not decoded (unsure for parameters).
		domain: a.domain(), stage: a.opt.Stage, resource: route.path, resourceID: &id, path: eventPath, contextPath: k.path,
		parameters: parameters, variables: a.opt.StageVariables,
	}, caller, !binaryType(a.opt.BinaryMediaTypes, r.Header.Get("Content-Type")))
	payload, err := k.invoke(a.opt.Invoker, event, restAPITimeout)
	var ans answer
	if err == nil {
		ans, err = parseRESTAnswer(payload, a.decodes(r))
	}
	switch {
	case errors.Is(err, errTimeout):
		k.trace.Reason = err.Error()
		k.refuseREST(http.StatusGatewayTimeout, "InternalServerErrorException", "message", "Endpoint request timed out")
	case errors.Is(err, errTooLarge):
		k.trace.Reason = err.Error()
		k.refuseREST(http.StatusRequestEntityTooLarge, "RequestTooLargeException", "message", "Request Too Long")
	case errors.Is(err, errNoInvoke):
		k.trace.Reason = err.Error()
		k.refuseREST(http.StatusInternalServerError, "InternalServerErrorException", "message", "Internal server error")
	case err != nil:
		k.trace.Reason = err.Error()
		k.refuseREST(http.StatusBadGateway, "InternalServerErrorException", "message", "Internal server error")
	default:
		ans.copyTo(w.Header())
		w.Header().Set("X-Amzn-Trace-Id", "Root="+k.traceID)
		k.reply(ans.status, ans.body)
	}
}

// misread is the answer to a request for nothing that brings an Authorization
// header which is no signature, a bearer token most often: a REST API takes it
// for one all the same, and says what it lacks.
func (k *call) misread() (sigv4.Answer, bool) {
	if k.r.Header.Get("Authorization") == "" {
		return sigv4.Answer{}, false
	}
	_, err := k.verifier.Verify(k.r, nil)
	var refused *sigv4.Error
	if !errors.As(err, &refused) || refused.Code != sigv4.CodeIncompleteSignature {
		return sigv4.Answer{}, false
	}
	return sigv4.RESTAnswer(err), true
}

// authorize lets the request in, or answers it and reports false. The caller of
// an open method is nil.
func (a *RESTAPI) authorize(k *call, route compiledRoute, path string) (*signer, bool) {
	resource := k.executeAPIARN(a.opt.Stage, k.r.Method, path)
	if route.Open {
		// A resource policy binds anonymous callers too.
		if a.opt.Policy == nil {
			return nil, true
		}
		res := k.permitted(signer{}, a.opt.Policy, "execute-api:Invoke", resource, nil)
		if !res.Allowed {
			k.denyREST("anonymous", resource, res)
		}
		return nil, res.Allowed
	}
	s, err := k.verify()
	if err != nil {
		k.replyRefusal(sigv4.RESTAnswer(err))
		return nil, false
	}
	res := k.permitted(s, a.opt.Policy, "execute-api:Invoke", resource, nil)
	if !res.Allowed {
		k.denyREST(s.principal.ARN, resource, res)
		return nil, false
	}
	return &s, true
}

// denyREST names the caller and the resource, with the account's first eight
// digits hidden, as API Gateway does.
func (k *call) denyREST(who, resource string, res iam.Result) {
	text := "User: " + who + " is not authorized to perform: execute-api:Invoke on resource: " +
		strings.Replace(resource, ":"+k.Account+":", ":********"+k.Account[8:]+":", 1)
	if explicit(res) {
		text += " with an explicit deny"
	}
	k.refuseREST(http.StatusForbidden, "AccessDeniedException", "Message", text)
}

func (k *call) refuseREST(status int, errorType, key, text string) {
	k.w.Header().Set("X-Amzn-Errortype", errorType)
	k.replyJSON(status, key, text)
}

// stripStage returns the path that is routed and judged, and the event's path.
func (a *RESTAPI) stripStage(path string) (routed, event string, ok bool) {
	prefix := "/" + a.opt.Stage
	if a.opt.BasePath != "" {
		prefix = a.opt.BasePath
	}
	rest, ok := strings.CutPrefix(path, prefix)
	switch {
	case !ok || rest != "" && rest[0] != '/':
		return "", "", false
	case rest == "":
		rest = "/"
	}
	if a.opt.BasePath != "" {
		return rest, path, true
	}
	return rest, rest, true
}

// decodes tells whether a base64 answer becomes bytes: the client must accept, or
// the function declare, a binary media type. API Gateway looks at the first type
// of Accept only.
func (a *RESTAPI) decodes(r *http.Request) func(string) bool {
	accept, _, _ := strings.Cut(r.Header.Get("Accept"), ",")
	return func(contentType string) bool {
		if accept != "" && accept != "*/*" {
			return binaryType(a.opt.BinaryMediaTypes, accept)
		}
		return binaryType(a.opt.BinaryMediaTypes, contentType)
	}
}

func trimSlash(path string) string {
	if len(path) > 1 {
		return strings.TrimSuffix(path, "/")
	}
	return path
}

// resourceID is a stable id of AWS's form: six lower-case letters and digits.
func resourceID(path string) string {
	sum := sha256.Sum256([]byte(path))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:6])
}
