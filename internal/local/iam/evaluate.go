package iam

import "fmt"

// Request is one call to be judged.
type Request struct {
	Action   string  // execute-api:Invoke
	Resource string  // an ARN
	Context  Context // the request's own facts; keys that describe the principal are taken from the principal alone
}

// Result is a verdict; the zero value is a denial. Reason and Statement are for
// tests and for the story: AWS tells a caller neither.
type Result struct {
	Allowed   bool
	Reason    string
	Statement string // the statement that decided, such as "identity policy 1, statement 2 (Sid)"; "" for an implicit denial
}

// layer is one set of policies among those that bind a request.
type layer struct {
	name     string
	policies []*Policy
}

func (p *Principal) layers() []layer {
	if p == nil {
		return nil
	}
	out := []layer{{"identity policy", p.Policies}}
	if p.Boundary != nil {
		out = append(out, layer{"permissions boundary", []*Policy{p.Boundary}})
	}
	if p.Session != nil {
		out = append(out, layer{"session policy", []*Policy{p.Session}})
	}
	return out
}

// Evaluate judges a call by AWS's documented logic. An explicit deny in any
// policy decides first. Within one account the identity's policies or the
// resource's must allow; across accounts both must. Session policy and
// permissions boundary bound what the identity's policies give, and what a
// resource policy gives to the role's ARN or to everybody; a resource policy
// that names the very session or user is not bounded by them.
//
// A nil p is an anonymous caller. A nil resourcePolicy is a resource without
// one, such as an HTTP API: nobody of another account can reach it.
func Evaluate(p *Principal, resourcePolicy *Policy, resourceAccount string, r Request) Result {
	ctx := evaluationContext(p, resourceAccount, r.Context)
	if denied, ok := explicitDeny(p, resourcePolicy, r, ctx); ok {
		return denied
	}
	named, statement := resourceAllows(p, resourcePolicy, r, ctx)
	if p == nil || p.Service != "" {
		if named == notNamed {
			return Result{Reason: "no resource policy allows it"}
		}
		return Result{Allowed: true, Reason: "allowed by the resource policy", Statement: statement}
	}
	identity := identityAllows(p, r, ctx)
	if p.Account == "" || p.Account != resourceAccount {
		return crossAccount(identity, named, statement)
	}
	if identity.Allowed {
		return identity
	}
	return sameAccountGrant(p, identity, named, statement, r, ctx)
}

// EvaluateTrust judges sts:AssumeRole and its companions on a role. It differs
// from Evaluate in that the trust policy must allow even within one account: an
// identity policy is never enough.
func EvaluateTrust(p *Principal, trust *Policy, roleAccount string, r Request) Result {
	ctx := evaluationContext(p, roleAccount, r.Context)
	if denied, ok := explicitDeny(p, trust, r, ctx); ok {
		return denied
	}
	named, statement := resourceAllows(p, trust, r, ctx)
	if named == notNamed {
		return Result{Reason: "the role's trust policy does not allow it"}
	}
	if p == nil {
		return Result{Reason: "an anonymous caller cannot assume a role"}
	}
	if p.Service != "" {
		return Result{Allowed: true, Reason: "allowed by the trust policy", Statement: statement}
	}
	identity := identityAllows(p, r, ctx)
	if p.Account == "" || p.Account != roleAccount {
		return crossAccount(identity, named, statement)
	}
	if identity.Allowed {
		return Result{Allowed: true, Reason: "allowed by the trust policy", Statement: statement}
	}
	return sameAccountGrant(p, identity, named, statement, r, ctx)
}

// PolicyAllows reports whether one policy by itself allows an action: a
// statement allows it and none denies it. Statements that name principals never
// allow here, since nobody is asking; their denials count.
func PolicyAllows(p *Policy, action, resource string, ctx Context) bool {
	r := Request{Action: action, Resource: resource}
	if p.find(r, ctx, true) != nil {
		return false
	}
	return p.find(r, ctx, false) != nil
}

// find returns the first identity-based statement of the effect that matches.
func (p *Policy) find(r Request, ctx Context, deny bool) *statement {
	if p == nil {
		return nil
	}
	for i := range p.statements {
		s := &p.statements[i]
		// An Allow that is not an identity-based statement gives nothing.
		if s.deny != deny || !deny && (s.principals != nil || s.resources == nil) {
			continue
		}
		if s.matches(r.Action, r.Resource, ctx) {
			return s
		}
	}
	return nil
}

func (l layer) find(r Request, ctx Context, deny bool) (where string, found bool) {
	for i, p := range l.policies {
		if s := p.find(r, ctx, deny); s != nil {
			if len(l.policies) > 1 {
				return fmt.Sprintf("%s %d, %s", l.name, i+1, s), true
			}
			return l.name + ", " + s.String(), true
		}
	}
	return "", false
}

func explicitDeny(p *Principal, resourcePolicy *Policy, r Request, ctx Context) (Result, bool) {
	for _, l := range p.layers() {
		if where, found := l.find(r, ctx, true); found {
			return Result{Reason: "explicit deny in the " + l.name, Statement: where}, true
		}
	}
	if resourcePolicy == nil {
		return Result{}, false
	}
	for _, s := range resourcePolicy.statements {
		// A statement without Principal in a resource policy is not one that AWS
		// would store; a denial in doubt is kept.
		if s.deny && (s.principals == nil || s.named(p) != notNamed) && s.matches(r.Action, r.Resource, ctx) {
			return Result{Reason: "explicit deny in the resource policy", Statement: "resource policy, " + s.String()}, true
		}
	}
	return Result{}, false
}

// resourceAllows returns the strongest grade at which the resource policy allows.
func resourceAllows(p *Principal, resourcePolicy *Policy, r Request, ctx Context) (best grade, where string) {
	if resourcePolicy == nil {
		return notNamed, ""
	}
	for _, s := range resourcePolicy.statements {
		if s.deny || s.principals == nil {
			continue
		}
		if g := s.named(p); g > best && s.matches(r.Action, r.Resource, ctx) {
			best, where = g, "resource policy, "+s.String()
		}
	}
	return best, where
}

// identityAllows judges the identity's half: its policies, its permissions
// boundary and its session policy must each allow.
func identityAllows(p *Principal, r Request, ctx Context) Result {
	decided := ""
	for i, l := range p.layers() {
		where, found := l.find(r, ctx, false)
		if i == 0 && p.isRoot() {
			where, found = "the account's root user", true
		}
		if !found {
			return Result{Reason: "no " + l.name + " allows it"}
		}
		if i == 0 {
			decided = where
		}
	}
	return Result{Allowed: true, Reason: "allowed by the identity policy", Statement: decided}
}

func crossAccount(identity Result, named grade, statement string) Result {
	switch {
	case !identity.Allowed:
		return identity
	case named == notNamed:
		return Result{Reason: "the caller is of another account and no resource policy allows it"}
	}
	return Result{Allowed: true, Reason: "allowed by the identity policy and the resource policy", Statement: statement}
}

// sameAccountGrant decides where the identity's half alone did not allow.
func sameAccountGrant(p *Principal, identity Result, named grade, statement string, r Request, ctx Context) Result {
	switch named {
	case notNamed, byAccount:
		// Naming the account hands the decision to its identity policies, and
		// they have not allowed it.
		return identity
	case byEveryone, byRole:
		for _, l := range p.layers()[1:] {
			if _, found := l.find(r, ctx, false); !found {
				return Result{Reason: "no " + l.name + " allows it"}
			}
		}
	}
	return Result{Allowed: true, Reason: "allowed by the resource policy", Statement: statement}
}
