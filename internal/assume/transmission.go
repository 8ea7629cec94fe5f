package assume

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/aws/smithy-go/middleware"
)

// transmission watches how far one request got, to tell a failure that
// certainly issued nothing from one that may have. It speaks only on proof:
// a client that shows it nothing counts as one that may have sent.
type transmission struct {
	entered, handed    atomic.Bool // the SDK began; the SDK gave the signed request to its HTTP client
	dialing, connected atomic.Bool // the HTTP client asked for a connection; it got one, TLS included
}

// neverSent reports that no byte of the request can have left.
func (t *transmission) neverSent() bool {
	return t.entered.Load() && !t.handed.Load() || t.dialing.Load() && !t.connected.Load()
}

// transmissionKey is where a call's transmission stands in its context.
type transmissionKey struct{}

// watch returns a context under which t sees how far a request gets, if the
// client's options hold watched.
func (t *transmission) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(context.WithValue(ctx, transmissionKey{}, t), &httptrace.ClientTrace{
		GetConn: func(string) { t.dialing.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.connected.Store(true) },
	})
}

// watched adds the two steps that tell a call's transmission where it is.
func watched(stack *middleware.Stack) error {
	if err := stack.Initialize.Add(entered{}, middleware.Before); err != nil {
		return err
	}
	return stack.Deserialize.Add(handed{}, middleware.After)
}

type entered struct{}

func (entered) ID() string { return "credvend:entered" }

// HandleInitialize notes that the SDK has begun.
func (entered) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	if t, ok := ctx.Value(transmissionKey{}).(*transmission); ok {
		t.entered.Store(true)
	}
	return next.HandleInitialize(ctx, in)
}

type handed struct{}

func (handed) ID() string { return "credvend:handed" }

// HandleDeserialize notes that the SDK hands the signed request on.
func (handed) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	if t, ok := ctx.Value(transmissionKey{}).(*transmission); ok {
		t.handed.Store(true)
	}
	return next.HandleDeserialize(ctx, in)
}
