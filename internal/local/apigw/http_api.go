package apigw

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/credvend/credvend/internal/local/sigv4"
)

const kindHTTPAPI = "http-api"

// HTTPAPIOptions describe an HTTP API. One of Invoker and Backend is required.
type HTTPAPIOptions struct {
	Door

	// Stage is the one deployed stage; "" is "$default". A named stage stands in
	// the URL, in rawPath and in the resource that IAM judges.
	Stage          string
	StageVariables map[string]string

	// Routes; none: a single $default.
	Routes []Route

	// JWT authorizes the routes by token; nil: by AWS_IAM.
	JWT *JWTAuthorizer

	// Invoker is the function behind the API.
	Invoker Invoker

	// PayloadFormat is that of the function's events: "" and "2.0", or "1.0",
	// a mistake to plant.
	PayloadFormat string

	// Backend answers instead of a function; CallerOf tells it who calls.
	Backend http.Handler

	// JudgeRawPath lets IAM judge the path as sent instead of decoded. Which of
	// the two AWS does is not documented (unsure).
	JudgeRawPath bool
}

// HTTPAPI is an API Gateway HTTP API.
type HTTPAPI struct {
	core   *core
	opt    HTTPAPIOptions
	routes table
}

// NewHTTPAPI checks the options.
func NewHTTPAPI(o HTTPAPIOptions) (*HTTPAPI, error) {
	c, err := newCore(kindHTTPAPI, "execute-api", o.Door)
	if err != nil {
		return nil, err
	}
	if o.Stage == "" {
		o.Stage = "$default"
	}
	if o.Stage != "$default" && !stageForm.MatchString(o.Stage) {
		return nil, fmt.Errorf("%s %s: %q is not a stage", kindHTTPAPI, o.ID, o.Stage)
	}
	if (o.Invoker == nil) == (o.Backend == nil) {
		return nil, fmt.Errorf("%s %s: give it either an Invoker or a Backend", kindHTTPAPI, o.ID)
	}
	if o.PayloadFormat != "" && o.PayloadFormat != "1.0" && o.PayloadFormat != "2.0" {
		return nil, fmt.Errorf("%s %s: %q is not a payload format", kindHTTPAPI, o.ID, o.PayloadFormat)
	}
	if len(o.Routes) == 0 {
		o.Routes = []Route{{Key: DefaultRoute}}
	}
	routes, err := compileRoutes(o.Routes, true)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", kindHTTPAPI, o.ID, err)
	}
	if o.JWT != nil {
		jwt, err := o.JWT.check()
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", kindHTTPAPI, o.ID, err)
		}
		o.JWT = jwt
	} else if o.World == nil {
		for _, r := range o.Routes {
			if !r.Open {
				return nil, fmt.Errorf("%s %s: route %q needs a World to verify signatures with", kindHTTPAPI, o.ID, r.Key)
			}
		}
	}
	return &HTTPAPI{core: c, opt: o, routes: routes}, nil
}

// ServeHTTP plays one request.
func (a *HTTPAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k := a.core.begin(w, r)
	w.Header().Set("Apigw-Requestid", k.extendedID)
	k.trace.RequestID = k.extendedID
	if headerBytes(r) > maxHeaderBytes {
		// The status is reported; the text is not documented (unsure).
		k.trace.Reason = "request line and headers are over 10,240 bytes"
		w.Header().Set("Connection", "close")
		k.replyJSON(http.StatusRequestHeaderFieldsTooLarge, "message", "Request Header Fields Too Large")
		return
	}
	rawPath := r.URL.Path // decoded, as HTTP APIs pass it on
	path, ok := a.stripStage(rawPath)
	if !ok {
		k.trace.Reason = "no such stage"
		k.replyJSON(http.StatusNotFound, "message", "Not Found")
		return
	}
	route, parameters, ok := a.routes.match(r.Method, path)
	if !ok {
		k.trace.Reason = "no such route"
		k.replyJSON(http.StatusNotFound, "message", "Not Found")
		return
	}
	if k.throttled() {
		k.trace.Reason = "throttled"
		k.replyJSON(http.StatusTooManyRequests, "message", "Too Many Requests")
		return
	}
	if status := k.readBody(maxAPIBody); status != 0 {
		k.replyJSON(status, "message", http.StatusText(status))
		return
	}
	authorizer, ok := a.authorize(k, route, path)
	if !ok {
		return
	}
	k.trace.Allowed = true
	if a.opt.Backend != nil {
		a.proxy(k, path, authorizer)
		return
	}
	parse := parseHTTPAnswer
	var event any = k.httpEvent(k.executeAPIDomain(), route.Key, a.opt.Stage, rawPath, parameters, a.opt.StageVariables, authorizer)
	if a.opt.PayloadFormat == "1.0" {
		parse, event = parseHTTPAnswer1, a.event1(k, route, rawPath, parameters, authorizer)
	}
	payload, err := k.invoke(a.opt.Invoker, event, httpAPITimeout)
	var ans answer
	if err == nil {
		ans, err = parse(payload, "text/plain;charset=utf-8")
	}
	if err != nil {
		k.integrationFailed(err)
		return
	}
	ans.copyTo(w.Header())
	k.reply(ans.status, ans.body)
}

// authorize lets the request in, or answers it and reports false.
func (a *HTTPAPI) authorize(k *call, route compiledRoute, path string) (*httpAuthorizer, bool) {
	switch {
	case route.Open:
		return nil, true
	case a.opt.JWT != nil:
		return k.authorizeJWT(a.opt.JWT, route.Scopes)
	}
	s, err := k.verify()
	if err == nil {
		if a.opt.JudgeRawPath {
			path, _ = a.stripStage(k.path)
		}
		// An HTTP API has no resource policy, so that no account but its own gets in.
		if k.permitted(s, nil, "execute-api:Invoke", k.executeAPIARN(a.opt.Stage, k.r.Method, path), nil).Allowed {
			return k.httpIdentity(s), true
		}
	}
	k.replyRefusal(sigv4.HTTPAPIAnswer())
	return nil, false
}

// stripStage takes a named stage off the path.
func (a *HTTPAPI) stripStage(path string) (string, bool) {
	if a.opt.Stage == "$default" {
		return path, strings.HasPrefix(path, "/")
	}
	rest, ok := strings.CutPrefix(path, "/"+a.opt.Stage)
	switch {
	case !ok || rest != "" && rest[0] != '/':
		return "", false
	case rest == "":
		return "/", true
	}
	return rest, true
}

// integrationFailed is an HTTP API's answer when the function gave none that it
// can use.
func (k *call) integrationFailed(err error) {
	k.trace.Reason = err.Error()
	switch {
	case errors.Is(err, errTimeout):
		k.replyJSON(http.StatusServiceUnavailable, "message", "Service Unavailable")
	case errors.Is(err, errTooLarge):
		k.replyJSON(http.StatusRequestEntityTooLarge, "message", "Request Entity Too Large")
	default:
		k.replyJSON(http.StatusInternalServerError, "message", "Internal Server Error")
	}
}
