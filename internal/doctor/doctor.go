// Package doctor judges what the steps of a vend showed, one by one, and says
// what is wrong, on whose side, and what mends it.
//
// It is given facts and gives findings: it calls nobody, reads no clock, no file
// and no environment, and is never handed a secret key or a session token. Where
// AWS does not say why it refused, it names candidates, the likeliest first; an
// Accounts, which can read the roles of both accounts, narrows them down.
package doctor

import "slices"

// Status is what came of a step. Its zero value is none of them.
type Status string

// What may come of a step.
const (
	OK      Status = "ok"
	Wrong   Status = "wrong"
	Unclear Status = "unclear" // it could not be told, and nothing shows that it is wrong
	Skipped Status = "skipped" // what it needs was not there
)

// Side is who has to mend something.
type Side string

// The three sides of a vend.
const (
	Caller   Side = "caller"
	AccountB Side = "account-b" // credvend's operator
	AccountA Side = "account-a" // the target's owner
)

// People is how a side is called in a sentence.
func (s Side) People() string {
	switch s {
	case Caller:
		return "your side"
	case AccountB:
		return "Account B, credvend's operator"
	case AccountA:
		return "Account A, the target's owner"
	default:
		return "an unknown side"
	}
}

// Candidate is something that may be the cause.
type Candidate struct {
	Cause     Cause      `json:"cause"`
	Side      Side       `json:"side"`
	Account   string     `json:"account,omitempty"` // where it is known
	Says      string     `json:"says"`
	Do        string     `json:"do"`
	Evidence  string     `json:"evidence,omitempty"` // what shows that it is the cause; "": it is a guess
	Statement *Statement `json:"statement,omitempty"`
	Where     string     `json:"where,omitempty"` // the statement's place
	YAML      string     `json:"allowlist,omitempty"`
}

// Step is one step of the walk, with what came of it.
type Step struct {
	Name       string      `json:"step"`
	Target     string      `json:"target,omitempty"`
	Status     Status      `json:"status"`
	Says       string      `json:"says"`
	Candidates []Candidate `json:"candidates,omitempty"`
}

// The steps, in their order.
const (
	StepConfig      = "config"
	StepCredentials = "credentials"
	StepToken       = "token"
	StepDoor        = "front door"
	StepClock       = "clock"
	StepIdentity    = "identity"
	StepRule        = "rule"
	StepAssume      = "assume role"
	StepUnsigned    = "unsigned call"
	StepSigned      = "signed call"
	StepAccounts    = "accounts"
)

// Report is a whole walk.
type Report struct {
	OK    bool   `json:"ok"`
	Steps []Step `json:"steps"`
}

// Add appends a step.
func (r *Report) Add(s Step) {
	r.Steps = append(r.Steps, s)
	r.OK = !slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Status == Wrong })
}

// Wrong are the steps with something wrong.
func (r *Report) Wrong() (all []Step) {
	for _, s := range r.Steps {
		if s.Status == Wrong {
			all = append(all, s)
		}
	}
	return all
}

// Blocked reports whether the last step leaves nothing to go on with.
func (s Step) Blocked() bool { return s.Status == Wrong || s.Status == Skipped }

func ok(name, says string) Step { return Step{Name: name, Status: OK, Says: says} }

func wrong(name, says string, candidates ...Candidate) Step {
	return Step{Name: name, Status: Wrong, Says: says, Candidates: candidates}
}

// Skip is a step that could not be tried.
func Skip(name, says string) Step { return Step{Name: name, Status: Skipped, Says: says} }

// first moves the candidates of the causes to the front, in the order of causes,
// and gives each its evidence.
func first(all []Candidate, evidence string, causes ...Cause) []Candidate {
	front := make([]Candidate, 0, len(all))
	for _, cause := range causes {
		for _, c := range all {
			if c.Cause == cause {
				c.Evidence = evidence
				front = append(front, c)
			}
		}
	}
	for _, c := range all {
		if !slices.Contains(causes, c.Cause) {
			front = append(front, c)
		}
	}
	return front
}
