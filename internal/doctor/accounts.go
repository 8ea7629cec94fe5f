package doctor

import (
	"context"
	"errors"
	"strings"
)

// Accounts reads roles of the two accounts. Its implementations make the calls.
type Accounts interface {
	// Role reads a role with its policies. ErrNoReader and ErrNoRole are errors
	// that say something; others are passed on to people, and hold no secret.
	Role(ctx context.Context, arn string) (Role, error)
}

// Errors of an Accounts.
var (
	ErrNoReader = errors.New("no --operator-profile is of this account")
	ErrNoRole   = errors.New("IAM has no role of this name")
)

// Role is a role as IAM tells it.
type Role struct {
	ARN        string
	ID         string // AROA…
	Trust      string // JSON
	Policies   []Document
	Boundary   *Document // nil: none
	MaxSession int       // seconds
}

// Document is a policy.
type Document struct{ Name, Text string }

// Look is what was read of the two accounts.
type Look struct {
	Target     *Role // nil: TargetErr says why
	TargetErr  error
	Broker     *Role // nil: BrokerErr says why
	BrokerErr  error
	Guessed    bool    // the broker is whom the trust names, which may be the wrong one
	ExternalID *string // of the allowlist's target; nil: not known
}

// DefaultBroker is the name of credvend's role, unless its stack was given
// another.
const DefaultBroker = "credvend-broker"

// LookInto reads the roles. broker may be "": it is then the role of the default
// name in the account that the target's trust names, or the role that it names.
func LookInto(ctx context.Context, a Accounts, t TargetFacts, broker string) (Look, TargetFacts) {
	var look Look
	if role, err := a.Role(ctx, t.RoleARN); err != nil {
		look.TargetErr = err
	} else {
		look.Target = &role
	}
	guesses, named := []string{broker}, ""
	if broker == "" && look.Target != nil {
		var account string
		named, account = trusted(look.Target.Trust)
		guesses = nil
		if account != "" { // a trust that names a wrong role most often names the right account
			guesses = append(guesses, "arn:"+partition(t.RoleARN)+":iam::"+account+":role/"+DefaultBroker)
		}
		if named != "" {
			guesses = append(guesses, named)
		}
	}
	look.BrokerErr = errors.New("it is not known which role credvend has; name it with --broker-role")
	for _, arn := range guesses {
		if arn == "" {
			continue
		}
		t.BrokerARN = arn
		look.Guessed = arn == named && !strings.HasSuffix(arn, "/"+DefaultBroker)
		role, err := a.Role(ctx, arn)
		if err == nil {
			look.Broker, look.BrokerErr = &role, nil
			break
		}
		look.BrokerErr = err
	}
	return look, t
}
