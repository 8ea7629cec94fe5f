// Package identity turns the raw event of a front door into a Caller, built
// only from fields that AWS verified.
//
// It reads the event's bytes with types of its own, before any library sees
// them: a bridge from events to HTTP requests can be talked into believing a
// header (see docs/adr). What it does not fully understand it refuses; there
// is no anonymous caller. It knows no allowlist.
package identity

import (
	"github.com/credvend/credvend/internal/arn"
)

// Kind is how a front door authenticates. Its zero value is none, which no
// caller has.
type Kind uint8

// The kinds of section 4 of the design.
const (
	NoKind  Kind = iota
	IAM          // HTTP API or function URL with AWS_IAM, payload 2.0
	JWT          // HTTP API with a JWT authorizer, payload 2.0
	RESTIAM      // REST API with AWS_IAM
)

// String is the kind's word in CREDVEND_FRONT_DOORS, answers and audit lines.
func (k Kind) String() string {
	switch k {
	case IAM:
		return "iam"
	case JWT:
		return "jwt"
	case RESTIAM:
		return "rest-iam"
	default:
		return "none"
	}
}

// Caller is who calls, as AWS verified it, with the facts of the request that
// AWS vouches for. The zero Caller matches no rule.
type Caller struct {
	Kind Kind
	Door string // the front door as configured: a1b2c3, url:xyz

	// Of the kinds IAM and RESTIAM.
	Principal arn.Principal // canonical; Session holds the self-asserted label
	UniqueID  string        // AROA… or AIDA…; empty for root and federated users
	Guest     bool          // an unauthenticated identity of a Cognito identity pool

	// Of the kind JWT.
	Issuer    string
	Audiences []string // aud, or client_id where aud is absent
	Claims    map[string]Claim

	// Subject tells individuals behind one principal apart: the token's sub, or
	// a role's session name.
	Subject string

	SourceIP string
}

// Claim is one verified claim of a token, typed.
type Claim struct {
	Values []string // the scalar, or the scalars of a list; none for anything nested
	List   bool     // the claim was a list
}

// Has reports whether the claim is value, or a list that holds it.
func (c Claim) Has(value string) bool {
	for _, v := range c.Values {
		if v == value {
			return true
		}
	}
	return false
}

// Scalar returns the claim's one value; false for lists and nested claims,
// which name nobody.
func (c Claim) Scalar() (string, bool) {
	if c.List || len(c.Values) != 1 {
		return "", false
	}
	return c.Values[0], true
}

// Key identifies the party that a rate is counted for: the canonical principal
// of an IAM caller, whatever its session is called; issuer and subject of a
// token.
func (c Caller) Key() string {
	if c.Kind == JWT {
		return "jwt\x00" + c.Issuer + "\x00" + c.Subject
	}
	return "iam\x00" + c.Principal.Canonical()
}
