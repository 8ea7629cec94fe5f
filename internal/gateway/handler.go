// Package gateway is the way in: it takes the event of a Lambda invocation,
// has it identified, hands method, path, query and body to an http.Handler,
// and writes the answer.
//
// It decides nothing about access and writes no audit line itself: every
// answer, refusals included, passes through vend.Service. The one table from
// kinds of failure to HTTP statuses is in answer.go; the one file that touches
// the proxy library is bridge.go.
package gateway

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/credvend/credvend/api"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/vend"
)

// Service is what the gateway asks of package vend. Each method writes the
// audit lines of what it does before it returns.
type Service interface {
	// Begin starts the record of one request.
	Begin(requestID, traceID string) *vend.Call
	Vend(ctx context.Context, call *vend.Call, ask vend.Ask) (vend.Vended, error)
	Targets(ctx context.Context, call *vend.Call) (vend.Listing, error)
	WhoAmI(ctx context.Context, call *vend.Call) (vend.Identity, error)
	// Refuse records a refusal that was decided before the service was asked,
	// and returns the failure to answer with.
	Refuse(ctx context.Context, call *vend.Call, why error) error
}

// Handler answers Lambda invocations. It implements lambda.Handler.
type Handler struct {
	doors   identity.Doors
	service Service
	bridge  bridge
	log     *slog.Logger // for the operator; never given a header, a body or a query
}

// New returns a handler that believes the events of doors.
func New(doors identity.Doors, service Service, log *slog.Logger) *Handler {
	h := &Handler{doors: doors, service: service, log: log}
	h.bridge = newBridge(h.routes())
	return h
}

// Invoke answers one event. The error is always nil: whatever happens, the
// caller gets a JSON answer and the function stays up.
func (h *Handler) Invoke(ctx context.Context, event []byte) (answer []byte, _ error) {
	call := h.service.Begin(requestID(ctx), traceID(ctx))
	defer func() {
		if recover() != nil {
			answer = encode(h.afterPanic(ctx, call))
		}
	}()
	return encode(h.answer(ctx, call, event)), nil
}

// afterPanic answers a request that panicked. The panic's value may hold
// anything, and so may that of a second panic on the way of recording the
// first: neither is told to anyone, and neither reaches the Lambda runtime,
// which would log it.
func (h *Handler) afterPanic(ctx context.Context, call *vend.Call) (r response) {
	broken := fault.New(fault.Internal, "panic")
	defer func() {
		if recover() != nil {
			r = failure(call.RequestID, broken)
		}
	}()
	h.log.ErrorContext(ctx, "panic while answering", slog.String("requestId", call.RequestID), slog.String("stack", string(debug.Stack())))
	return h.refusal(ctx, call, broken)
}

func (h *Handler) answer(ctx context.Context, call *vend.Call, raw []byte) response {
	event, err := identity.ParseEvent(raw)
	if err != nil {
		return h.refusal(ctx, call, err)
	}
	call.SourceIP, call.FrontDoor = event.SourceIP, event.APIID
	caller, door, err := h.doors.Identify(event)
	if name := door.Name(); name != "" {
		call.FrontDoor = name
	}
	if err != nil {
		return h.refusal(ctx, call, err)
	}
	call.Caller = caller
	req, err := plain(event, door)
	if err != nil {
		return h.refusal(ctx, call, err)
	}
	resp, err := h.bridge.serve(withCall(ctx, call), req)
	if err != nil {
		h.log.ErrorContext(ctx, "the bridge failed", slog.String("requestId", call.RequestID))
		return h.refusal(ctx, call, fault.New(fault.Internal, "bridge"))
	}
	return resp
}

// request is what the bridge gets: checked text, no identity.
type request struct {
	method, path, query string
	contentType         string
	body                string
}

// plain checks everything that could be read in two ways and keeps what the
// service looks at. Of the headers that is the content type alone: nothing
// else that a client writes there reaches the code behind the bridge.
func plain(event *identity.Event, door identity.Door) (request, error) {
	path := door.StripPrefix(event)
	if err := identity.CheckPath(path); err != nil {
		return request{}, err
	}
	method := event.Method
	if !isMethod(method) {
		// The library would upper-case "get" and print what is no method at all.
		// Both become a method that no path takes, so that the answer is the
		// path's own 404 or 405.
		method = http.MethodTrace
	}
	query, err := plainQuery(event.RawQuery)
	if err != nil {
		return request{}, err
	}
	body := event.Body
	if event.Base64 {
		decoded, err := base64.StdEncoding.DecodeString(event.Body)
		if err != nil {
			return request{}, fault.New(fault.InvalidRequest, "the body is not the base64 it is said to be; send JSON as text")
		}
		body = string(decoded)
	}
	if len(body) > api.MaxBody {
		return request{}, fault.New(fault.TooLarge, "the body has %d bytes and at most %d are taken; ask for fewer or shorter routes", len(body), api.MaxBody)
	}
	// Two content types are no content type: joined, they do not parse.
	contentType := strings.Join(event.Headers.Values("content-type"), ", ")
	return request{method, path, query, contentType, body}, nil
}

// plainQuery returns a query in one spelling, without a presigned request's
// own parameters: its session token goes no further.
func plainQuery(raw string) (string, error) {
	if raw == "" {
		return "", nil
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return "", fault.New(fault.InvalidRequest, "the query string is not well formed; percent-encode its values, as in ?route=GET%%20%%2Forders%%2F%%2A")
	}
	for name := range query {
		if isSignature(name) {
			delete(query, name)
		}
	}
	return query.Encode(), nil
}

// isSignature reports whether a query parameter is part of a presigned
// request's signature.
func isSignature(name string) bool {
	switch strings.ToLower(name) {
	case "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature", "x-amz-security-token":
		return true
	}
	return false
}

// isMethod reports whether s is a method of HTTP as it is sent.
func isMethod(s string) bool {
	switch s {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodTrace, http.MethodConnect:
		return true
	}
	return false
}

func requestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}

// traceID is the X-Ray trace header of the invocation, as aws-lambda-go keeps
// it in the context.
func traceID(ctx context.Context) string {
	id, _ := ctx.Value("x-amzn-trace-id").(string)
	return id
}

type callKey struct{}

func withCall(ctx context.Context, call *vend.Call) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}

func callFrom(ctx context.Context) *vend.Call {
	call, _ := ctx.Value(callKey{}).(*vend.Call)
	return call
}
