package vend

import (
	"context"
	"time"

	"github.com/credvend/credvend/internal/audit"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
)

// about notes what a call asks for and who it is, and returns its entry.
func (c *Call) about(action audit.Action) *audit.Entry {
	c.identify()
	c.entry.Action = action
	return &c.entry
}

// Asks notes what a call asks for, as soon as that can be read: a request that
// is refused for its form is recorded with its target too. The routes are as
// the caller wrote them.
func (c *Call) Asks(target string, routes []string) {
	e := c.about(audit.Vend)
	e.Target, e.Routes = target, routes
}

// identify copies what is known of the caller to the entry.
func (c *Call) identify() {
	e := &c.entry
	e.RequestID, e.TraceID = c.RequestID, c.TraceID
	switch {
	case e.Kind != identity.NoKind: // known already
	case c.Caller.Kind != identity.NoKind:
		e.SetCaller(c.Caller)
	default:
		e.FrontDoor, e.SourceIP = c.FrontDoor, c.SourceIP
	}
}

// Refuse records that a call fails and returns what to answer it with: why
// itself, or an internal failure if the record cannot be written. A call whose
// end is recorded already is not recorded again.
func (s *Service) Refuse(ctx context.Context, call *Call, why error) error {
	if call.ended {
		return why
	}
	call.identify()
	call.entry.Outcome, call.entry.GrantedSeconds = audit.Refused, 0
	call.entry.SetFault(why)
	if err := s.end(ctx, call, audit.Refusal); err != nil {
		return err
	}
	return why
}

// answered records that a question was answered.
func (s *Service) answered(ctx context.Context, call *Call) error {
	call.entry.Outcome = audit.Answered
	return s.end(ctx, call, audit.Done)
}

// end writes the one line that ends a call.
func (s *Service) end(ctx context.Context, call *Call, event audit.Event) error {
	call.ended = true // even if it fails: what cannot be written now is not tried again
	return s.write(ctx, call.began, call.entry, event)
}

// write writes one line. Its error is an internal failure: the caller learns
// nothing of why, the operator does.
func (s *Service) write(ctx context.Context, began time.Time, e audit.Entry, event audit.Event) error {
	e.Event = event
	e.Latency = s.cfg.Now().Sub(began)
	if err := s.cfg.Recorder.Write(ctx, e); err != nil {
		return fault.Wrap(fault.Internal, err, "the audit line could not be written")
	}
	return nil
}
