package vend

import (
	"context"
	"errors"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/assume"
	"github.com/credvend/credvend/internal/audit"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
	"github.com/credvend/credvend/internal/scope"
)

// Vend decides, issues and records. On an error nothing leaves, and exactly
// one refusal or outcome tells of it.
func (s *Service) Vend(ctx context.Context, call *Call, ask Ask) (Vended, error) {
	e := call.about(audit.Vend)
	e.Target, e.RequestedSeconds = ask.Target, int(ask.Duration.Seconds())
	e.Routes = texts(ask.Routes)
	list, err := s.list(ctx, call)
	if err != nil {
		return Vended{}, s.Refuse(ctx, call, err)
	}
	if !allowlist.IsTargetName(ask.Target) {
		return Vended{}, s.Refuse(ctx, call, fault.New(fault.InvalidRequest, "that is not the name of a target; GET /v1/targets lists what you may have"))
	}
	decision := list.Decide(call.Caller, allowlist.Request{Target: ask.Target, Routes: ask.Routes})
	e.SetDecision(decision)
	if !decision.Allowed() {
		return Vended{}, s.Refuse(ctx, call, decision.Refusal())
	}
	sc, err := scope.New(call.Caller, *decision.Grant, ask.Duration)
	if err != nil {
		return Vended{}, s.Refuse(ctx, call, err)
	}
	e.SetScope(sc)
	return s.obtain(ctx, call, list.Digest(), sc)
}

// obtain gets an issuance for a scope: a kept one, one under way, or its own.
func (s *Service) obtain(ctx context.Context, call *Call, digest string, sc scope.Scope) (Vended, error) {
	c := call.Caller
	// The kind of door is no part of it: one individual is one, whichever way in
	// it takes. Only a token has an issuer.
	principal := c.Principal.Canonical()
	key := assume.Key(sc, c.Issuer, principal, c.UniqueID, c.Subject)
	// The issuance is not this call's alone, for others may wait for it too: it
	// gets a copy of the entry and never sees the call.
	entry, began, rateKey := call.entry, call.began, c.Key()
	// Nobody leaves before the issuance has ended, which STS's timeouts and
	// this call's deadline bound: an answer given earlier would be a second end
	// of the request, beside the outcome that is still to come.
	deadline, bounded := ctx.Deadline()
	issued, how, err := s.cfg.Pool.Do(context.WithoutCancel(ctx), key, digest, func(ctx context.Context) (assume.Issued, error) {
		if bounded {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline)
			defer cancel()
		}
		return s.issue(ctx, began, entry, sc, rateKey)
	})
	if how == assume.Fresh {
		var r *recorded
		if err == nil || errors.As(err, &r) {
			call.ended = true // by the issuance, which wrote its outcome
		}
	}
	if err != nil {
		var r *recorded
		if how == assume.Shared && errors.As(err, &r) {
			return Vended{}, s.shared(ctx, call, r)
		}
		return Vended{}, s.Refuse(ctx, call, err)
	}
	// Expirations are of whole seconds, and so is the clock of the answer.
	now := s.cfg.Now().UTC().Truncate(time.Second)
	left := min(issued.Expiration.Sub(now), sc.Duration)
	if how != assume.Fresh {
		e := &call.entry
		e.Outcome, e.Reused = audit.Reused, true
		setIssued(e, issued)
		e.GrantedSeconds = int(left / time.Second)
		if err := s.end(ctx, call, audit.Done); err != nil {
			return Vended{}, err
		}
	}
	return Vended{
		Scope: sc, Issued: issued, Reused: how != assume.Fresh,
		RefreshAfter: assume.RefreshAfter(issued, individual(c, principal)), Now: now, Left: left,
	}, nil
}

// individual names the one that a refresh's jitter is fixed for, whatever it
// asks for: sessions of one role are many, and must not come back together.
func individual(c identity.Caller, principal string) string {
	return c.Issuer + "\x00" + principal + "\x00" + c.UniqueID + "\x00" + c.Subject
}

// recorded is an error of an issuance that came as far as STS: an outcome line
// tells of it already. Those who shared the issuance end alike, each with a
// line of its own.
type recorded struct {
	error
	receipt string
	outcome audit.Outcome
}

func (r *recorded) Unwrap() error { return r.error }

// shared ends a call whose issuance, begun by another, failed at STS.
func (s *Service) shared(ctx context.Context, call *Call, r *recorded) error {
	e := &call.entry
	e.Receipt, e.Reused, e.Outcome, e.GrantedSeconds = r.receipt, true, r.outcome, 0
	e.SetFault(r.error)
	if err := s.end(ctx, call, audit.Done); err != nil {
		return err
	}
	return r.error
}

// Targets tells what a caller may have.
func (s *Service) Targets(ctx context.Context, call *Call) (Listing, error) {
	call.about(audit.Targets)
	list, err := s.list(ctx, call)
	if err != nil {
		return Listing{}, s.Refuse(ctx, call, err)
	}
	decisions := list.Access(call.Caller)
	call.entry.Callers = list.Names(call.Caller)
	return Listing{decisions}, s.answered(ctx, call)
}

// WhoAmI tells a caller how the service sees it, listed or not.
func (s *Service) WhoAmI(ctx context.Context, call *Call) (Identity, error) {
	call.about(audit.WhoAmI)
	list, err := s.list(ctx, call)
	if err != nil {
		return Identity{}, s.Refuse(ctx, call, err)
	}
	call.entry.Callers = list.Names(call.Caller)
	return Identity{
		Callers: call.entry.Callers, Digest: list.Digest(),
		SourceIdentity: scope.SourceIdentity(call.Caller), Now: s.cfg.Now(),
	}, s.answered(ctx, call)
}

// list gets the allowlist and notes its digest.
func (s *Service) list(ctx context.Context, call *Call) (*allowlist.List, error) {
	if call.Caller.Kind == identity.NoKind {
		// The gateway refuses these; this is for whoever calls the service
		// without asking who it is for.
		return nil, fault.New(fault.Unauthenticated, "the request has no verified identity")
	}
	list, err := s.cfg.Lists.List(ctx)
	if err != nil {
		return nil, err
	}
	call.entry.AllowlistDigest = list.Digest()
	return list, nil
}

func texts(routes []route.Route) []string {
	out := make([]string, len(routes))
	for i, r := range routes {
		out[i] = r.String()
	}
	return out
}
