// Package hotpath holds what a vend is made of, wired as package function wires
// it but without AWS: the whole handler and each of its parts, ready to be run
// again and again, with stand-ins that cost next to nothing. It measures
// nothing and judges nothing.
package hotpath

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/assume"
	"github.com/credvend/credvend/internal/audit"
	"github.com/credvend/credvend/internal/gateway"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/source"
	"github.com/credvend/credvend/internal/vend"
)

// Ask is the body of a request for all that is granted.
const Ask = `{"target":"orders"}`

// Clock is a clock that can be put forward, so that what was issued has
// expired and the next vend is a fresh one.
type Clock struct {
	base    func() time.Time
	forward atomic.Int64
}

// Now is the clock's time.
func (c *Clock) Now() time.Time { return c.base().Add(time.Duration(c.forward.Load())) }

// Expire puts the clock forward by more than any credential's life.
func (c *Clock) Expire() { c.forward.Add(int64(2 * time.Hour)) }

// Running is a clock that runs, as the function's does.
func Running() *Clock { return &Clock{base: time.Now} }

// Standing is a clock that stands until it is put forward, so that two runs do
// the same to the letter.
func Standing() *Clock {
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return &Clock{base: func() time.Time { return start }}
}

// Function is the function from the event to the answer.
type Function struct {
	Handler *gateway.Handler
	Service *vend.Service
	Clock   *Clock
	Doors   identity.Doors
}

// NewFunction wires a function over an issuer. The recorder may be nil: then
// audit lines are encoded and go nowhere.
func NewFunction(clock *Clock, issuer vend.Issuer, recorder vend.Recorder) (*Function, error) {
	lists, err := load(Document().JSON())
	if err != nil {
		return nil, err
	}
	doors, err := identity.ParseDoors(frontDoors)
	if err != nil {
		return nil, err
	}
	if recorder == nil {
		recorder = audit.New(io.Discard, clock.Now)
	}
	service := vend.New(vend.Config{
		Lists: lists, Issuer: issuer, Recorder: recorder, Now: clock.Now,
		Pool:    assume.NewPool(assume.PoolConfig{Enabled: true, Now: clock.Now}),
		Limiter: assume.NewLimiter(assume.RateConfig{PerSecond: 1e9, Burst: 1e9, Now: clock.Now}), // in the way, and never shut
	})
	handler := gateway.New(doors, service, slog.New(slog.DiscardHandler))
	return &Function{handler, service, clock, doors}, nil
}

// NewBroker is what the function asks STS through, over one region's client.
func NewBroker(clock *Clock, client assume.Client) (*assume.Broker, error) {
	return assume.New(assume.Config{
		Regions:        []assume.Region{{Name: "us-east-1", Client: client}},
		AttemptTimeout: 400 * time.Millisecond, TotalTimeout: 850 * time.Millisecond, Now: clock.Now,
	})
}

// Load loads an allowlist from its JSON, as the function does when it starts.
func Load(document []byte) (*allowlist.List, error) {
	lists, err := load(document)
	if err != nil {
		return nil, err
	}
	return lists.List(context.Background())
}

// load is a source that has loaded its list. Its clock stands, or the list would
// be taken for outdated each time that credentials expire.
func load(document []byte) (*source.Source, error) {
	var failed error
	lists, err := source.New(source.Config{
		Loader: memory(document), MaxAge: time.Minute, MaxStale: time.Hour, Now: Standing().Now,
		Report: func(s source.Status) { failed = s.Err },
	})
	if err != nil {
		return nil, err
	}
	lists.Preload(context.Background(), 10*time.Minute)
	return lists, failed
}

// memory loads an allowlist that stands in memory.
type memory []byte

// Load implements source.Loader.
func (m memory) Load(context.Context, string) (source.Payload, error) {
	return source.Payload{Document: m, Version: "1"}, nil
}

// Identify reads an event and says who calls, as the handler does.
func (f *Function) Identify(event []byte) (identity.Caller, error) {
	e, err := identity.ParseEvent(event)
	if err != nil {
		return identity.Caller{}, err
	}
	caller, _, err := f.Doors.Identify(e)
	return caller, err
}

// Vend runs the service alone for a caller.
func (f *Function) Vend(ctx context.Context, caller identity.Caller) (vend.Vended, error) {
	call := f.Service.Begin(RequestID, "")
	call.Caller = caller
	return f.Service.Vend(ctx, call, vend.Ask{Target: "orders"})
}

// Context is an invocation's, as the Lambda runtime makes it.
func Context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: RequestID}), cancel
}

// Answers checks that a handler answered with a status. It allocates nothing
// unless it fails.
func Answers(status int, answer []byte, err error) error {
	if err != nil {
		return err
	}
	const prefix = `{"statusCode":`
	n := len(prefix)
	if len(answer) < n+3 || string(answer[:n]) != prefix || int(answer[n]-'0')*100+int(answer[n+1]-'0')*10+int(answer[n+2]-'0') != status {
		return fmt.Errorf("the handler answered %.300s and not status %d", answer, status)
	}
	return nil
}
