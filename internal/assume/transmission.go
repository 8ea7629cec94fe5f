package assume

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/sts"
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

func (t *transmission) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.dialing.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.connected.Store(true) },
	})
}

func (t *transmission) options(o *sts.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		entered := middleware.InitializeMiddlewareFunc("credvend:entered", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			t.entered.Store(true)
			return next.HandleInitialize(ctx, in)
		})
		handed := middleware.DeserializeMiddlewareFunc("credvend:handed", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			t.handed.Store(true)
			return next.HandleDeserialize(ctx, in)
		})
		if err := stack.Initialize.Add(entered, middleware.Before); err != nil {
			return err
		}
		return stack.Deserialize.Add(handed, middleware.After)
	})
}
