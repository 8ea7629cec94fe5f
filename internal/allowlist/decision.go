package allowlist

import (
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/route"
)

// Request is what is asked for.
type Request struct {
	Target string
	Routes []route.Route // none: all that is granted
}

// Decision is the answer of Decide: allow or deny, with the reasons. The zero
// Decision denies.
type Decision struct {
	Grant   *Grant   // nil: denied
	Callers []string // caller names that match the identity
	Tried   []Tried  // every rule that concerns these callers and the target, in document order

	refusal *fault.Error
}

// Allowed reports whether the request is allowed.
func (d Decision) Allowed() bool { return d.Grant != nil }

// Refusal is why the request is refused, for the caller's eyes; nil if it is
// allowed.
func (d Decision) Refusal() *fault.Error {
	switch {
	case d.Grant != nil:
		return nil
	case d.refusal != nil:
		return d.refusal
	default:
		return fault.New(fault.Denied, "denied")
	}
}

// Verdict is what came of trying one rule.
type Verdict string

// The verdicts.
const (
	Contributes Verdict = "contributes" // an allow rule that adds to the grant
	Restricts   Verdict = "restricts"   // a deny rule that carves out of the grant
	Refuses     Verdict = "refuses"     // a rule because of which the request is refused
	NoMatch     Verdict = "no_match"    // a rule that says nothing about this request
)

// Tried is one rule that was tried, and what came of it.
type Tried struct {
	Rule    string
	Effect  string // Allow or Deny
	Verdict Verdict
	Why     string // never holds a claim's value
}
