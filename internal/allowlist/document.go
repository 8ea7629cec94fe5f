// Package allowlist holds the allowlist: its document, the compiler that turns
// a document into an immutable index, and Decide.
//
// It is pure: no clock, no I/O, no YAML (package yamldoc reads that). One
// compiler serves the function, the linter and every analysis, so they cannot
// disagree. Whatever it does not understand is an error, and whatever no rule
// allows is denied.
package allowlist

// Version is the one version of the document that is understood.
const Version = 1

// Document is an allowlist as written: YAML by people, canonical JSON by
// `credvend allowlist build`. Keys are the same in both.
type Document struct {
	Version int               `json:"version"`
	Targets map[string]Target `json:"targets"`
	Callers map[string]Caller `json:"callers"`
	Rules   []Rule            `json:"rules"`
}

// Target is an HTTP API in Account A: its stage, its role, its limits.
type Target struct {
	Role            string `json:"role"`                       // ARN of the role to assume; it may have a path
	API             string `json:"api"`                        // execute-api ARN of one stage
	Endpoint        string `json:"endpoint,omitempty"`         // https URL; derived from API if empty
	ExternalID      string `json:"external_id,omitempty"`      // for the role's trust policy
	DefaultDuration string `json:"default_duration,omitempty"` // 15m to 1h; 30m if empty
	MaxDuration     string `json:"max_duration,omitempty"`     // 15m to 1h; 1h if empty
	RequireRoutes   bool   `json:"require_routes,omitempty"`   // a request must name its routes
	SourceIdentity  *bool  `json:"source_identity,omitempty"`  // send a SourceIdentity; true if nil
	SessionTags     *bool  `json:"session_tags,omitempty"`     // send session tags; true if nil
}

// Caller says which identities bear a caller name. Exactly one of IAM and JWT
// is set.
type Caller struct {
	IAM  *IAMCaller        `json:"iam,omitempty"`
	JWT  *JWTCaller        `json:"jwt,omitempty"`
	Tags map[string]string `json:"tags,omitempty"` // session tags; values may hold templates
}

// IAMCaller matches AWS principals. Exactly one of Role, User and Account is
// set. In Role and User `*` stands for any text without `:` and `/`.
type IAMCaller struct {
	Role    string `json:"role,omitempty"`
	RoleID  string `json:"role_id,omitempty"` // AROA…: only this incarnation of the role
	User    string `json:"user,omitempty"`
	UserID  string `json:"user_id,omitempty"` // AIDA…
	Account string `json:"account,omitempty"` // every role and user of it; never root, federated users or guests
}

// pinned reports whether only one incarnation of a principal is meant.
func (k *IAMCaller) pinned() bool { return k != nil && (k.RoleID != "" || k.UserID != "") }

// JWTCaller matches tokens.
type JWTCaller struct {
	Issuer   string              `json:"issuer"`
	Audience string              `json:"audience"`
	Claims   map[string][]string `json:"claims,omitempty"` // each claim: any of these literal values
}

// Effects of a rule.
const (
	Allow = "allow"
	Deny  = "deny"
)

// AnyCaller in a rule stands for every caller of the document.
const AnyCaller = "*"

// Rule says which callers may, or may never, use which routes of a target.
type Rule struct {
	ID          string   `json:"id"`
	Effect      string   `json:"effect,omitempty"` // Allow if empty
	Callers     []string `json:"callers"`
	Target      string   `json:"target"`
	Routes      []string `json:"routes,omitempty"` // METHOD PATH, may hold templates; none in a deny rule: the whole target
	MaxDuration string   `json:"max_duration,omitempty"`
}
