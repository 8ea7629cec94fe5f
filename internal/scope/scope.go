// Package scope turns a grant and a request into the exact session parameters
// of an AssumeRole call: session policy, name, tags, source identity and
// duration. It is pure, and it checks every limit of STS before STS is asked,
// because the SDK checks none.
package scope

import (
	"time"

	"github.com/credvend/credvend/internal/route"
)

// Scope is a grant narrowed to one request.
type Scope struct {
	Target     string
	RoleARN    string
	ExternalID string // empty: none is sent
	AccountID  string // of the role
	Region     string // of the target's API
	Endpoint   string // URL of the target's API

	CallerName     string // stands before the receipt in the session name
	Policy         string // the session policy, JSON; never empty
	Tags           []Tag  // session tags in a fixed order; none where the target switches them off
	SourceIdentity string // empty where the target switches it off
	Duration       time.Duration

	Routes            []route.Route // what the policy allows, merged
	Denied            []route.Route // what it denies by deny rules
	Rules             []string      // ids of the allow rules that contribute
	RequestedDuration time.Duration // what was asked for, or the target's default
	DurationLimitedBy string        // what Duration comes from: "request", "default of target …", "rule …", "target …"
}

// Tag is a session tag.
type Tag struct{ Key, Value string }

// SessionName is the RoleSessionName of one issuance.
func (s Scope) SessionName(receipt string) string { return s.CallerName + "@" + receipt }
