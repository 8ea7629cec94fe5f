// Package vend is the service: the one way to a decision, a credential and
// their audit lines. Deciding, issuing and recording are one gate here: nothing
// leaves that was not recorded, and what cannot be recorded does not leave.
//
// It knows nothing of events, HTTP or AWS's SDK.
package vend

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/assume"
	"github.com/credvend/credvend/internal/audit"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
	"github.com/credvend/credvend/internal/scope"
)

// Lists gives the allowlist to decide by. Its error is a *fault.Error.
type Lists interface {
	List(ctx context.Context) (*allowlist.List, error)
}

// Issuer assumes roles. It reports its attempts whatever the result, since one
// that was given up may have issued. Its error is a *fault.Error.
type Issuer interface {
	Assume(ctx context.Context, s scope.Scope, receipt string) (assume.Issued, []assume.Attempt, error)
}

// Recorder writes audit entries. When it returns an error the entry is not
// written, and what it was to tell of must not happen.
type Recorder interface {
	Write(ctx context.Context, e audit.Entry) error
}

// Limiter is a brake on how often one caller makes STS work.
type Limiter interface {
	Allow(key string) (ok bool, retryAfter time.Duration)
}

// Config is what a Service is made of. All of it is needed but what may be nil.
type Config struct {
	Lists      Lists
	Issuer     Issuer
	Pool       *assume.Pool
	Limiter    Limiter // nil: no brake
	Recorder   Recorder
	Now        func() time.Time // nil: time.Now
	NewReceipt func() string    // nil: random; always of one length
}

// Service vends. It is safe for concurrent use.
type Service struct {
	cfg Config
}

// New returns a service.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.NewReceipt == nil {
		cfg.NewReceipt = newReceipt
	}
	return &Service{cfg}
}

// receiptBytes is 100 bits: nobody guesses one, and no two are alike.
const receiptBytes = 15

// receiptText is base32 in lower case.
//
//nolint:gochecknoglobals // never written to
var receiptText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newReceipt returns 24 characters of [a-z2-7]. With a caller name of 32 and
// the @ between them a session name has at most 57 of STS's 64.
func newReceipt() string {
	var b [receiptBytes]byte
	_, _ = rand.Read(b[:]) // never fails: see its documentation
	return receiptText.EncodeToString(b[:])
}

// Call is one request to the service and what AWS vouches for about it. The
// gateway fills it as it learns more, so that a refusal is recorded with all
// that was known. It belongs to one goroutine.
type Call struct {
	RequestID string
	TraceID   string
	FrontDoor string
	SourceIP  string
	Caller    identity.Caller // zero until identified; set once, before the service is asked

	entry audit.Entry // what is known for the audit trail
	began time.Time
	ended bool // its outcome or refusal is written: there is exactly one
}

// Begin starts a call.
func (s *Service) Begin(requestID, traceID string) *Call {
	return &Call{RequestID: requestID, TraceID: traceID, began: s.cfg.Now()}
}

// Ask is what a call asks for.
type Ask struct {
	Target   string
	Routes   []route.Route // none: all that is granted
	Duration time.Duration // 0: the target's default
}

// Vended is what a call gets.
type Vended struct {
	Scope        scope.Scope
	Issued       assume.Issued
	Reused       bool // issued for another request
	RefreshAfter time.Time
	Now          time.Time     // when the answer was made, in whole seconds
	Left         time.Duration // of the life, at Now
}

// Listing is what a caller may have, by target.
type Listing struct{ Decisions []allowlist.Decision }

// Identity is a caller as the service sees it.
type Identity struct {
	Callers        []string
	Digest         string
	SourceIdentity string
	Now            time.Time
}
