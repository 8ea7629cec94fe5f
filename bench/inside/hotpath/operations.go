package hotpath

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/audit"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/vend"
)

// Operation is a part of the hot path that can be run again and again, each
// time doing the same.
type Operation struct {
	Name string
	What string // in words
	// Foreign says that it runs none of credvend's code.
	Foreign bool
	// Run does it once. It fails if the outcome is not the one that the
	// operation is about, so that nobody counts the wrong thing.
	Run func() error
}

// Operations are the parts of the hot path. They share a clock and must be run
// one at a time. end frees what they hold.
func Operations(ctx context.Context, clock *Clock) (ops []Operation, end context.CancelFunc, err error) {
	ctx, end = Context(ctx)
	p, err := newParts(ctx, clock)
	if err != nil {
		end()
		return nil, nil, err
	}
	return []Operation{
		{"decide", "Decide for 3 rules of 5 routes among 1,000 callers", false, p.decide},
		{"service-vend", "Service.Vend over an issuer that answers at once", false, p.serviceVend},
		{"service-reuse", "Service.Vend of what was vended before", false, p.serviceReuse},
		{"handler-vend", "the handler, from the event to the answer, over an STS client that answers at once", false, p.handlerVend},
		{"handler-reuse", "the handler, for what was vended before", false, p.handlerReuse},
		{"handler-refusal", "the handler, for a route that is not granted", false, p.handlerRefusal},
		{"handler-stranger", "the handler, for somebody who is on no list", false, p.handlerStranger},
		{"identify-iam", "the event of an API with AWS_IAM, read and identified", false, p.identifyIAM},
		{"identify-jwt", "the event of an API with a JWT authorizer, read and identified", false, p.identifyJWT},
		{"audit-line", "the line of an outcome, encoded", false, p.auditLine},
		{"sdk-call", "the SDK's AssumeRole alone, over an HTTP client that answers at once", true, p.sdkCall},
	}, end, nil
}

// parts are what the operations run.
type parts struct {
	ctx   context.Context //nolint:containedctx // of the one invocation that all of them play
	clock *Clock

	service *Function // over an issuer
	handler *Function // over an STS client
	log     *audit.Log
	sdk     *sts.Client

	billing, shopper    []byte // events
	stranger, beyond    []byte
	caller, crowdCaller identity.Caller
	crowd               *allowlist.List
	entry               audit.Entry          // of a vend's outcome
	input               *sts.AssumeRoleInput // of a vend
}

var (
	errDenied = errors.New("denied")
	errFresh  = errors.New("issued anew, not reused")
	errReused = errors.New("reused, not issued anew")
)

func newParts(ctx context.Context, clock *Clock) (*parts, error) {
	client := newClient(clock.Now)
	broker, err := NewBroker(clock, client)
	if err != nil {
		return nil, err
	}
	p := &parts{
		ctx: ctx, clock: clock, log: audit.New(io.Discard, clock.Now),
		billing: Billing(Ask), shopper: Shopper(Ask), stranger: Stranger(Ask),
		beyond: Billing(`{"target":"orders","routes":["GET /invoices/*"]}`),
	}
	if p.service, err = NewFunction(clock, NewIssuer(clock), nil); err != nil {
		return nil, err
	}
	if p.handler, err = NewFunction(clock, broker, nil); err != nil {
		return nil, err
	}
	if p.caller, err = p.service.Identify(p.billing); err != nil {
		return nil, err
	}
	if p.crowdCaller, err = p.service.Identify(CrowdCaller()); err != nil {
		return nil, err
	}
	if p.crowd, err = allowlist.Compile(Crowd(crowd * rulesEach)); err != nil {
		return nil, err
	}
	// The entry and the input are those of a vend that runs here once.
	kept := &keeper{}
	recorded, err := NewFunction(clock, broker, kept)
	if err != nil {
		return nil, err
	}
	if _, err := recorded.Vend(ctx, p.caller); err != nil {
		return nil, err
	}
	p.entry, p.input = kept.last, client.last
	p.sdk = NewSTS(clock.Now)
	return p, nil
}

// keeper is a recorder that keeps the last entry.
type keeper struct{ last audit.Entry }

// Write implements vend.Recorder.
func (k *keeper) Write(_ context.Context, e audit.Entry) error {
	k.last = e
	return nil
}

func (p *parts) decide() error {
	if d := p.crowd.Decide(p.crowdCaller, allowlist.Request{Target: "orders"}); !d.Allowed() {
		return errDenied
	}
	return nil
}

func (p *parts) serviceVend() error {
	p.clock.Expire()
	vended, err := p.service.Vend(p.ctx, p.caller)
	return fresh(vended, err)
}

func fresh(vended vend.Vended, err error) error {
	if err == nil && vended.Reused {
		return errReused
	}
	return err
}

// serviceReuse is fresh the first time, after the clock was put forward.
func (p *parts) serviceReuse() error {
	vended, err := p.service.Vend(p.ctx, p.caller)
	if err == nil && !vended.Reused {
		vended, err = p.service.Vend(p.ctx, p.caller)
	}
	if err == nil && !vended.Reused {
		return errFresh
	}
	return err
}

func (p *parts) handlerVend() error {
	p.clock.Expire()
	reused, err := p.ask()
	if err == nil && reused {
		return errReused
	}
	return err
}

// handlerReuse is fresh the first time, after the clock was put forward.
func (p *parts) handlerReuse() error {
	reused, err := p.ask()
	if err == nil && !reused {
		reused, err = p.ask()
	}
	if err == nil && !reused {
		return errFresh
	}
	return err
}

func (p *parts) ask() (reused bool, err error) {
	answer, err := p.handler.Handler.Invoke(p.ctx, p.billing)
	return bytes.Contains(answer, []byte(`\"reused\":true`)), Answers(http.StatusOK, answer, err)
}

func (p *parts) handlerRefusal() error { return p.refused(p.beyond) }

func (p *parts) handlerStranger() error { return p.refused(p.stranger) }

func (p *parts) refused(event []byte) error {
	answer, err := p.handler.Handler.Invoke(p.ctx, event)
	return Answers(http.StatusForbidden, answer, err)
}

func (p *parts) identifyIAM() error {
	_, err := p.service.Identify(p.billing)
	return err
}

func (p *parts) identifyJWT() error {
	_, err := p.service.Identify(p.shopper)
	return err
}

func (p *parts) auditLine() error { return p.log.Write(p.ctx, p.entry) }

func (p *parts) sdkCall() error {
	_, err := p.sdk.AssumeRole(p.ctx, p.input)
	return err
}
