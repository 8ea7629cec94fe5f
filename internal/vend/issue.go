package vend

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/credvend/credvend/internal/assume"
	"github.com/credvend/credvend/internal/audit"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/scope"
)

// issue makes STS issue: intent before, outcome after. Only if both are
// written does the credential leave this function, so that nothing unrecorded
// is handed out or kept for reuse.
func (s *Service) issue(ctx context.Context, began time.Time, e audit.Entry, sc scope.Scope, rateKey string) (assume.Issued, error) {
	if s.cfg.Limiter != nil {
		if ok, after := s.cfg.Limiter.Allow(rateKey); !ok {
			f := fault.New(fault.Throttled, "you ask for new credentials too often; reuse those you have until refreshAfter")
			f.RetryAfter = after
			return assume.Issued{}, f
		}
	}
	e.Receipt = s.cfg.NewReceipt()
	if err := s.write(ctx, began, e, audit.Intent); err != nil {
		return assume.Issued{}, err
	}
	issued, attempts, err := s.assume(ctx, sc, e.Receipt)
	e.Attempts = make([]audit.Attempt, 0, len(attempts))
	for _, a := range attempts {
		e.Attempts = append(e.Attempts, audit.Attempt{
			Region: a.Region, Outcome: string(a.Outcome), Code: a.Code, STSRequestID: a.STSRequestID, Latency: a.Latency,
		})
	}
	if err != nil {
		e.Outcome, e.GrantedSeconds = worst(attempts), 0
		e.SetFault(err)
	} else {
		e.Outcome = audit.Issued
		setIssued(&e, issued)
	}
	if unwritten := s.write(ctx, began, e, audit.Done); unwritten != nil {
		return assume.Issued{}, &recorded{unwritten, e.Receipt, audit.Unknown}
	}
	if err != nil {
		return assume.Issued{}, &recorded{err, e.Receipt, e.Outcome}
	}
	return issued, nil
}

// assume asks the issuer. A panic there does not tell what STS did, so it is
// an attempt that may have issued; left to itself it would take the outcome
// line with it.
func (s *Service) assume(ctx context.Context, sc scope.Scope, receipt string) (issued assume.Issued, attempts []assume.Attempt, err error) {
	defer func() {
		if r := recover(); r != nil {
			issued = assume.Issued{}
			attempts = []assume.Attempt{{Outcome: assume.OutcomeUnknown, Code: "panic"}}
			// The panic's value is not told: it may hold anything.
			err = fault.Wrap(fault.Internal, fmt.Errorf("panic of type %T\n%s", r, debug.Stack()), "the issuance broke off")
		}
	}()
	return s.cfg.Issuer.Assume(ctx, sc, receipt)
}

// worst is how attempts that gave nothing ended, taken together: one that may
// have issued outweighs all others.
func worst(attempts []assume.Attempt) audit.Outcome {
	outcome := audit.Failed
	for _, a := range attempts {
		switch a.Outcome {
		case assume.OutcomeFailed:
		case assume.OutcomeDenied:
			outcome = audit.Denied
		default: // unknown, or issued and then not to be had
			return audit.Unknown
		}
	}
	return outcome
}

// setIssued records an issuance; its secrets have no field to go to.
func setIssued(e *audit.Entry, issued assume.Issued) {
	e.Receipt, e.AccessKeyID = issued.Receipt, issued.AccessKeyID()
	e.STSRegion, e.STSRequestID = issued.Region, issued.STSRequestID
	e.PackedPolicyPercent = issued.PackedPolicyPercent
}
