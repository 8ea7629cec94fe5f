package api

import "time"

// Paths of the service.
const (
	CredentialsPath = "/v1/credentials"
	TargetsPath     = "/v1/targets"
	WhoAmIPath      = "/v1/whoami"
)

// Limits of a request.
const (
	MaxBody            = 16 << 10 // bytes
	MaxRoutes          = 50
	MinDurationSeconds = 900  // STS's minimum
	MaxDurationSeconds = 3600 // role chaining caps AssumeRole at one hour
)

// Targets is the answer of GET /v1/targets: what this caller may have.
type Targets struct {
	RequestID string   `json:"requestId"`
	Targets   []Target `json:"targets"`
}

// Target is one target that a caller may have credentials for.
type Target struct {
	Target            string   `json:"target"`
	Endpoint          string   `json:"endpoint"`
	Region            string   `json:"region"`
	AccountID         string   `json:"accountId"`
	RoleARN           string   `json:"roleArn"`
	Routes            []string `json:"routes"`
	DeniedRoutes      []string `json:"deniedRoutes"`
	Rules             []string `json:"rules"`
	DefaultSeconds    int      `json:"defaultSeconds"`
	MaxSeconds        int      `json:"maxSeconds"`
	RequiresRoutes    bool     `json:"requiresRoutes"` // a request must name its routes
	DurationLimitedBy string   `json:"durationLimitedBy"`
}

// WhoAmI is the answer of GET /v1/whoami: the caller as the service sees it.
type WhoAmI struct {
	RequestID       string    `json:"requestId"`
	Kind            string    `json:"kind"`                // iam, jwt or rest-iam
	FrontDoor       string    `json:"frontDoor"`           // id of the API it came through
	Principal       string    `json:"principal,omitempty"` // canonical ARN
	Account         string    `json:"account,omitempty"`
	UniqueID        string    `json:"uniqueId,omitempty"`
	Session         string    `json:"session,omitempty"` // self-asserted label
	Issuer          string    `json:"issuer,omitempty"`
	Subject         string    `json:"subject,omitempty"`
	SourceIdentity  string    `json:"sourceIdentity"` // as credentials vended to it will carry
	Callers         []string  `json:"callers"`        // caller names that match
	AllowlistDigest string    `json:"allowlistDigest"`
	ServerTime      time.Time `json:"serverTime"`
}

// Error is the answer of every request that fails. The text stands twice
// because AWS's SDKs disagree about the case of its name.
type Error struct {
	Code       string `json:"code"`
	Message    string `json:"message"`
	CodeAWS    string `json:"Code"`
	MessageAWS string `json:"Message"`
	RequestID  string `json:"requestId"`
}

// NewError returns an error answer.
func NewError(code, message, requestID string) Error {
	return Error{code, message, code, message, requestID}
}
