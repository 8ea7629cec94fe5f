package sts

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/credvend/credvend/internal/local/iam"
)

const apiVersion = "2011-06-15"

// Authenticator verifies a request's signature and session token as of now. The
// body has been read already. It returns the access key and the region of the
// signature's scope; its errors should be AuthError.
type Authenticator interface {
	Authenticate(r *http.Request, body []byte) (accessKeyID, region string, err error)
}

// AuthError is an error that knows how STS reports it.
type AuthError interface {
	error
	STSError() (code string, status int, message string)
}

// Options configure a Server.
type Options struct {
	World         *iam.World    // nil: an empty one
	Authenticator Authenticator // nil: every request is refused
	Now           func() time.Time
	Regions       []string    // that this endpoint serves; empty: any
	Faults        *Faults     // nil: none
	Log           func(Event) // nil: no one listens; called from many goroutines

	// WebIdentity signs the token of GetWebIdentityToken. Nil: the account has
	// not enabled outbound federation, and the action says so.
	WebIdentity func(context.Context, WebIdentityRequest) (string, error)

	// PackedAllotment is the space that PackedPolicySize is a percentage of, in
	// bytes; 0: DefaultPackedAllotment.
	PackedAllotment int
}

// Server is the http.Handler of STS's query protocol.
type Server struct{ o Options }

// New returns a Server.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.World == nil {
		o.World = iam.NewWorld(o.Now)
	}
	if o.PackedAllotment <= 0 {
		o.PackedAllotment = DefaultPackedAllotment
	}
	o.Regions = slices.Clone(o.Regions)
	return &Server{o: o}
}

// call is one request on its way through the server.
type call struct {
	request   *http.Request
	params    params
	requestID string
	region    string
	caller    *iam.Principal
	expires   time.Time // of the caller's own credential; zero: never
	now       time.Time
	event     Event
}

// ServeHTTP answers one request. As in AWS the operation is found first, then the
// signature is checked, then the parameters, then the permissions.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{request: r, requestID: newRequestID(), now: s.o.Now()}
	c.event = Event{Time: c.now, RequestID: c.requestID, Verdict: Granted, Status: http.StatusOK}
	body, bad := readBody(w, r)
	if bad == nil {
		if r.Method == http.MethodGet && r.URL.Path == "/" && r.URL.RawQuery == "" {
			http.Redirect(w, r, "https://aws.amazon.com/iam", http.StatusFound)
			return
		}
		bad = s.route(c, body)
	}
	if bad == nil {
		bad = s.authenticate(c, body)
	}
	if bad != nil {
		s.refuse(w, c, bad)
		return
	}
	fault := s.o.Faults.take(c.region, c.event.Action)
	if fault.Kind != "" && fault.Kind != Slow && fault.Kind != Lost {
		s.fail(w, c, fault)
		return
	}
	if fault.Kind == Slow && !waitFor(r.Context(), fault.Delay) {
		s.drop(c, fault.Kind)
		return
	}
	answer, bad := s.perform(c)
	switch {
	case fault.Kind == Lost:
		if bad != nil {
			c.event.Code, c.event.Reason = bad.code, bad.reason
		}
		s.drop(c, fault.Kind)
		resetConnection(w)
	case bad != nil:
		s.refuse(w, c, bad)
	default:
		s.log(c.event)
		writeXML(w, http.StatusOK, c.requestID, answer)
	}
}

// route finds the operation.
func (s *Server) route(c *call, body []byte) (bad *refusal) {
	r := c.request
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "Use GET or POST.")
	}
	if r.URL.Path != "/" && r.URL.Path != "" {
		return refuse(http.StatusNotFound, "UnknownOperationException", "")
	}
	if c.params, bad = parseParams(r, body); bad != nil {
		return bad
	}
	action, version := c.params.get("Action"), c.params.get("Version")
	if action == nil {
		return refuse(http.StatusBadRequest, "MissingAction", "The request is missing an action or a required parameter.")
	}
	c.event.Action = *action
	known := *action == "AssumeRole" || *action == "GetCallerIdentity" || *action == "GetWebIdentityToken"
	switch {
	case version == nil:
		return refuse(http.StatusBadRequest, "InvalidAction", "Could not find operation %s for version NO_VERSION_SPECIFIED", *action)
	case !known || *version != apiVersion:
		return refuse(http.StatusBadRequest, "InvalidAction", "Could not find operation %s for version %s", *action, *version)
	}
	return nil
}

func (s *Server) authenticate(c *call, body []byte) *refusal {
	if s.o.Authenticator == nil {
		return refuse(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	key, region, err := s.o.Authenticator.Authenticate(c.request, body)
	if err != nil {
		var auth AuthError
		if errors.As(err, &auth) {
			code, status, message := auth.STSError()
			return refuse(status, code, "%s", message)
		}
		bad := refuse(http.StatusInternalServerError, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure.")
		bad.reason = "the authenticator failed: " + err.Error()
		return bad
	}
	if len(s.o.Regions) > 0 && !slices.Contains(s.o.Regions, region) {
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "Credential should be scoped to a valid region. ")
	}
	credential, ok := s.o.World.Credential(key)
	if !ok || credential.Principal == nil {
		return refuse(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
	}
	if !credential.Expiration.IsZero() && !c.now.Before(credential.Expiration) {
		return refuse(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
	}
	c.region, c.caller, c.expires = region, credential.Principal, credential.Expiration
	c.event.Region, c.event.Caller, c.event.AccessKey = region, c.caller.ARN, key
	return nil
}

func (s *Server) perform(c *call) (any, *refusal) {
	switch c.event.Action {
	case "AssumeRole":
		return s.assumeRole(c)
	case "GetWebIdentityToken":
		return s.getWebIdentityToken(c)
	}
	// GetCallerIdentity needs no permission, and no policy can deny it.
	v := callerIdentityXML{Namespace: namespace, Metadata: responseMetadata{c.requestID}}
	v.Result.Arn, v.Result.UserID, v.Result.Account = c.caller.ARN, c.caller.UserID, c.caller.Account
	return v, nil
}

// requestContext gives the condition keys of any request to STS.
func (c *call) requestContext() iam.Context {
	ctx := iam.Context{}
	if host, _, err := net.SplitHostPort(c.request.RemoteAddr); err == nil {
		ctx.Set("aws:SourceIp", host)
	}
	if agent := c.request.UserAgent(); agent != "" {
		ctx.Set("aws:UserAgent", agent)
	}
	ctx.Set("aws:RequestedRegion", c.region)
	// The loopback stands for an endpoint that AWS serves over TLS alone.
	ctx.Set("aws:SecureTransport", "true")
	ctx.Set("aws:ViaAWSService", "false")
	return ctx
}

func (s *Server) refuse(w http.ResponseWriter, c *call, r *refusal) {
	c.event.Verdict, c.event.Status, c.event.Code = Refused, r.status, r.code
	if c.event.Reason == "" {
		c.event.Reason = r.reason
	}
	if c.event.Reason == "" {
		c.event.Reason = r.message
	}
	s.log(c.event)
	writeRefusal(w, c.requestID, r)
}

// drop records a request that gets no answer.
func (s *Server) drop(c *call, kind FaultKind) {
	c.event.Verdict, c.event.Fault, c.event.Status = Faulted, kind, 0
	s.log(c.event)
}

// fail plays a fault that comes in place of the answer.
func (s *Server) fail(w http.ResponseWriter, c *call, f Fault) {
	var r *refusal
	switch f.Kind {
	case Hang:
		s.drop(c, f.Kind)
		<-c.request.Context().Done()
		return
	case Reset:
		s.drop(c, f.Kind)
		resetConnection(w)
		return
	case Garbage:
		c.event.Verdict, c.event.Fault = Faulted, f.Kind
		s.log(c.event)
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write([]byte("<AssumeRoleResponse><AssumeRoleResult><Credentials>\x00\xff&"))
		return
	case Throttle:
		r = refuse(http.StatusBadRequest, "Throttling", "Rate exceeded")
	case Disabled:
		r = refuse(http.StatusForbidden, "RegionDisabledException", "STS is not activated in this region for account:%s. "+
			"Your account administrator can activate STS in this region using the IAM Console.", c.caller.Account)
	default:
		r = refuse(http.StatusInternalServerError, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure.")
	}
	c.event.Verdict, c.event.Fault, c.event.Status, c.event.Code, c.event.Reason = Faulted, f.Kind, r.status, r.code, r.message
	s.log(c.event)
	writeRefusal(w, c.requestID, r)
}

func (s *Server) log(e Event) {
	if s.o.Log != nil {
		s.o.Log(e)
	}
}
