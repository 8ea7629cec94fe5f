// Package audit writes the audit trail: one JSON line for the intent before
// STS is called, one for the outcome, one for each refusal. Whether a line was
// written decides whether a credential leaves: Write's error withholds it.
//
// An entry cannot hold a credential. It has no field for one, and this package
// may not import package assume, so none can be handed to it by mistake.
package audit

import (
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/scope"
)

// Event is what a line is about.
type Event string

// The events. Every request ends in exactly one outcome or refusal. An intent
// that none follows counts as issued.
const (
	Intent  Event = "intent"  // STS is about to be called
	Done    Event = "outcome" // what came of it, or of a reuse, or of a question answered
	Refusal Event = "refusal" // refused before STS was called
)

// Action is what was asked for. It is empty where the request was refused
// before that was known.
type Action string

// The actions.
const (
	Vend    Action = "vend"
	Targets Action = "targets"
	WhoAmI  Action = "whoami"
)

// Outcome is how a request ended. Anything that is none of these is written as
// unknown.
type Outcome string

// The outcomes.
const (
	Unknown  Outcome = "unknown"  // STS may have issued; nobody got it
	Issued   Outcome = "issued"   // by STS, for this request
	Reused   Outcome = "reused"   // issued for another request of the same caller
	Answered Outcome = "answered" // a question that vends nothing
	Refused  Outcome = "refused"  // by credvend
	Denied   Outcome = "denied"   // by STS
	Failed   Outcome = "failed"   // certainly nothing was issued
)

// Entry is one line's content: the same fields for intent, outcome and
// refusal, as far as each is known. Every text in it is clipped when it is
// written, so that nobody can make a line grow, or break it in two.
type Entry struct {
	Event     Event  `json:"event"`
	Action    Action `json:"action"`
	RequestID string `json:"requestId"`
	Receipt   string `json:"receipt,omitempty"` // of the issuance; stands in the session name
	Reused    bool   `json:"reused"`            // another request announced the issuance, whatever came of it

	// Who asked, as the front door verified it.
	FrontDoor      string        `json:"frontDoor,omitempty"`
	Kind           identity.Kind `json:"-"` // written as its word
	Principal      string        `json:"principal,omitempty"`
	UniqueID       string        `json:"uniqueId,omitempty"`
	Session        string        `json:"session,omitempty"` // self-asserted
	Guest          bool          `json:"guest,omitempty"`   // an unauthenticated identity of a Cognito pool
	Issuer         string        `json:"issuer,omitempty"`
	Subject        string        `json:"subject,omitempty"` // of a token
	SourceIdentity string        `json:"sourceIdentity,omitempty"`
	SourceIP       string        `json:"sourceIp,omitempty"`
	CallerName     string        `json:"caller,omitempty"`  // in the session name
	Callers        []string      `json:"callers,omitempty"` // all names that match

	// What for, and why.
	Target           string   `json:"target,omitempty"`
	Routes           []string `json:"routes,omitempty"`       // granted; of a refusal, asked for
	DeniedRoutes     []string `json:"deniedRoutes,omitempty"` // carved out of them
	Rules            []string `json:"rules,omitempty"`        // that contribute
	RulesTried       []Tried  `json:"rulesTried,omitempty"`
	RequestedSeconds int      `json:"requestedSeconds,omitempty"`
	GrantedSeconds   int      `json:"grantedSeconds,omitempty"`
	AllowlistDigest  string   `json:"allowlistDigest,omitempty"`

	// What came of it. An intent has no outcome.
	Outcome             Outcome       `json:"outcome,omitempty"`
	Code                string        `json:"code,omitempty"`   // public code of the error
	Reason              string        `json:"reason,omitempty"` // its public text
	STSRegion           string        `json:"stsRegion,omitempty"`
	STSRequestID        string        `json:"stsRequestId,omitempty"`
	Attempts            []Attempt     `json:"attempts,omitempty"`
	AccessKeyID         string        `json:"accessKeyId,omitempty"`
	PackedPolicyPercent int           `json:"packedPolicyPercent,omitempty"`
	Latency             time.Duration `json:"-"` // of the request so far; written in milliseconds
	TraceID             string        `json:"traceId,omitempty"`
}

// Tried is one rule that was tried, and what came of it.
type Tried struct {
	ID      string `json:"id"`
	Effect  string `json:"effect"`
	Verdict string `json:"verdict"`
	Why     string `json:"why,omitempty"`
}

// Attempt is one call of one region's STS.
type Attempt struct {
	Region       string        `json:"region"`
	Outcome      string        `json:"outcome"`
	Code         string        `json:"code,omitempty"`
	STSRequestID string        `json:"stsRequestId,omitempty"`
	Latency      time.Duration `json:"-"`
	LatencyMS    float64       `json:"latencyMs"` // set from Latency when written
}

// SetCaller records who asks.
func (e *Entry) SetCaller(c identity.Caller) {
	e.FrontDoor, e.Kind, e.SourceIP = c.Door, c.Kind, c.SourceIP
	switch c.Kind {
	case identity.JWT:
		e.Issuer, e.Subject = c.Issuer, c.Subject
	case identity.IAM, identity.RESTIAM:
		e.Principal, e.UniqueID, e.Session, e.Guest = c.Principal.Canonical(), c.UniqueID, c.Principal.Session, c.Guest
	case identity.NoKind: // nobody was recognised
	}
}

// SetDecision records what the allowlist said, and why.
func (e *Entry) SetDecision(d allowlist.Decision) {
	e.Callers = d.Callers
	e.RulesTried = make([]Tried, len(d.Tried))
	for i, t := range d.Tried {
		e.RulesTried[i] = Tried{t.Rule, t.Effect, string(t.Verdict), t.Why}
	}
	if d.Grant != nil {
		e.CallerName, e.Rules = d.Grant.CallerName, d.Grant.Rules
	}
}

// SetScope records what STS is asked for.
func (e *Entry) SetScope(s scope.Scope) {
	e.Target, e.CallerName, e.SourceIdentity, e.Rules = s.Target, s.CallerName, s.SourceIdentity, s.Rules
	e.Routes, e.DeniedRoutes = nil, nil
	for _, r := range s.Routes {
		e.Routes = append(e.Routes, r.String())
	}
	for _, r := range s.Denied {
		e.DeniedRoutes = append(e.DeniedRoutes, r.String())
	}
	e.RequestedSeconds = int(s.RequestedDuration / time.Second)
	e.GrantedSeconds = int(s.Duration / time.Second)
}

// SetFault records the error that the caller is answered with: its public code
// and text. The cause goes to the operator's log, not here.
func (e *Entry) SetFault(err error) {
	if f := fault.Of(err); f != nil {
		e.Code, e.Reason = f.Kind.Code(), f.Public()
	}
}
