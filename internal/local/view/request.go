package view

import (
	"encoding/json"
	"time"
)

// Verdict sums up what became of a request.
type Verdict string

// The verdicts.
const (
	Waiting Verdict = "waiting" // it is under way
	Allowed Verdict = "allowed"
	Refused Verdict = "refused"
	Failed  Verdict = "failed" // nobody refused it, and yet it came to nothing
)

// Kind is what a request was for.
type Kind string

// The kinds.
const (
	Vend     Kind = "vend"     // credentials, asked of credvend
	Question Kind = "question" // whoami or targets, asked of credvend
	Other    Kind = "other"    // anything else at a front door
	Invoke   Kind = "invoke"   // at the function, past every front door
	Call     Kind = "call"     // at an API of Account A
	STS      Kind = "sts"      // at STS, and not by credvend
)

// The places that a request can pass, as the picture names them.
const (
	atDoor     = "door"
	atCredvend = "credvend"
	atSTS      = "sts"
	atRole     = "role"
	atAPI      = "api"
)

// Hop is one place on a request's way, and what it said there.
type Hop struct {
	At      string  `json:"at"`
	Verdict Verdict `json:"verdict"`
}

// Request is one request as the page shows it: what is known so far.
type Request struct {
	ID       uint64    `json:"id"`
	Kind     Kind      `json:"kind"`
	At       time.Time `json:"at"`
	Millis   float64   `json:"millis"`
	Where    string    `json:"where"` // name of the front door or of the target
	Who      string    `json:"who"`
	What     string    `json:"what"` // method and path, or action
	Status   int       `json:"status,omitempty"`
	Verdict  Verdict   `json:"verdict"`
	Sentence string    `json:"sentence"`
	Hops     []Hop     `json:"hops"`

	Front    *Front    `json:"front,omitempty"`
	Function *Function `json:"function,omitempty"`
	STS      []Assumed `json:"sts,omitempty"`

	Receipt string   `json:"receipt,omitempty"`
	Vend    uint64   `json:"vend,omitempty"`  // of a call: the request that got its credentials; of a reuse: the one they were issued for
	Calls   []uint64 `json:"calls,omitempty"` // of a vend: what its credentials were used for, the last ones
}

// Front is what a front door or an API of Account A told.
type Front struct {
	Kind      string  `json:"kind"`
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	RequestID string  `json:"requestId"`
	TraceID   string  `json:"traceId,omitempty"`
	Method    string  `json:"method"`
	Path      string  `json:"path"`
	SourceIP  string  `json:"sourceIp"`
	Caller    string  `json:"caller,omitempty"`
	AccessKey string  `json:"accessKey,omitempty"` // its id
	Subject   string  `json:"subject,omitempty"`
	Allowed   bool    `json:"allowed"`
	Reason    string  `json:"reason,omitempty"`
	Checks    []Check `json:"checks,omitempty"`
	Status    int     `json:"status"`
}

// Check is one permission that was evaluated.
type Check struct {
	Action    string `json:"action"`
	Resource  string `json:"resource"`
	Allowed   bool   `json:"allowed"`
	Reason    string `json:"reason,omitempty"`
	Statement string `json:"statement,omitempty"` // that decided; "" where none did
}

// Function is what the audit trail told. The names are those of its lines.
type Function struct {
	Event          string    `json:"event"`
	Action         string    `json:"action,omitempty"`
	RequestID      string    `json:"requestId"`
	Receipt        string    `json:"receipt,omitempty"`
	Reused         bool      `json:"reused,omitempty"`
	FrontDoor      string    `json:"frontDoor,omitempty"`
	Kind           string    `json:"kind,omitempty"`
	Principal      string    `json:"principal,omitempty"`
	UniqueID       string    `json:"uniqueId,omitempty"`
	Session        string    `json:"session,omitempty"`
	Issuer         string    `json:"issuer,omitempty"`
	Subject        string    `json:"subject,omitempty"`
	SourceIdentity string    `json:"sourceIdentity,omitempty"`
	SourceIP       string    `json:"sourceIp,omitempty"`
	Caller         string    `json:"caller,omitempty"`
	Callers        []string  `json:"callers,omitempty"`
	Target         string    `json:"target,omitempty"`
	Routes         []string  `json:"routes,omitempty"`
	DeniedRoutes   []string  `json:"deniedRoutes,omitempty"`
	Rules          []string  `json:"rules,omitempty"`
	RulesTried     []Tried   `json:"rulesTried,omitempty"`
	Requested      int       `json:"requestedSeconds,omitempty"`
	Granted        int       `json:"grantedSeconds,omitempty"`
	Digest         string    `json:"allowlistDigest,omitempty"`
	Outcome        string    `json:"outcome,omitempty"`
	Code           string    `json:"code,omitempty"`
	Reason         string    `json:"reason,omitempty"`
	STSRegion      string    `json:"stsRegion,omitempty"`
	STSRequestID   string    `json:"stsRequestId,omitempty"`
	Attempts       []Attempt `json:"attempts,omitempty"`
	AccessKeyID    string    `json:"accessKeyId,omitempty"`
	Packed         int       `json:"packedPolicyPercent,omitempty"`
	LatencyMS      float64   `json:"latencyMs,omitempty"`
	TraceID        string    `json:"traceId,omitempty"`
}

// Tried is one rule that was tried.
type Tried struct {
	ID      string `json:"id"`
	Effect  string `json:"effect"`
	Verdict string `json:"verdict"`
	Why     string `json:"why,omitempty"`
}

// Attempt is one call of one region's STS, as the function saw it.
type Attempt struct {
	Region       string  `json:"region"`
	Outcome      string  `json:"outcome"`
	Code         string  `json:"code,omitempty"`
	STSRequestID string  `json:"stsRequestId,omitempty"`
	LatencyMS    float64 `json:"latencyMs"`
}

// Assumed is one request to STS, as STS told it.
type Assumed struct {
	At             time.Time         `json:"at"`
	RequestID      string            `json:"requestId"`
	Action         string            `json:"action"`
	Region         string            `json:"region,omitempty"`
	Caller         string            `json:"caller,omitempty"`
	AccessKey      string            `json:"accessKey,omitempty"`
	Role           string            `json:"role,omitempty"`
	SessionName    string            `json:"sessionName,omitempty"`
	Policy         string            `json:"policy,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
	Transitive     []string          `json:"transitive,omitempty"`
	SourceIdentity string            `json:"sourceIdentity,omitempty"`
	Seconds        int               `json:"seconds,omitempty"`
	Packed         int               `json:"packedPercent,omitempty"`
	IssuedKey      string            `json:"issuedKey,omitempty"` // its id
	Session        string            `json:"session,omitempty"`
	Verdict        string            `json:"verdict"`
	Fault          string            `json:"fault,omitempty"`
	Status         int               `json:"status,omitempty"`
	Code           string            `json:"code,omitempty"`
	Reason         string            `json:"reason,omitempty"`
}

// record is a request in the journal.
type record struct {
	Request
	encoded json.RawMessage
	changed bool
}

// issuedKey is the id of the access key that was issued for the request, ""
// while it is not known.
func (r *record) issuedKey() string {
	for _, a := range r.STS {
		if a.IssuedKey != "" {
			return a.IssuedKey
		}
	}
	if r.Function != nil {
		return r.Function.AccessKeyID
	}
	return ""
}
