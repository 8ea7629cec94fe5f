package iam

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// AWS's bounds on the MaxSessionDuration of a role; the shorter is the default.
const (
	DefaultMaxSession = time.Hour
	LongestMaxSession = 12 * time.Hour
)

// Role is an IAM role. UniqueID and MaxSession may be left out: an id is minted,
// and sessions last at most an hour.
type Role struct {
	ARN        string // with its path
	UniqueID   string // AROA…
	Trust      *Policy
	Policies   []*Policy
	Boundary   *Policy
	MaxSession time.Duration
	Tags       map[string]string
}

// User is an IAM user.
type User struct {
	ARN      string
	UniqueID string // AIDA…
	Policies []*Policy
	Boundary *Policy
}

// World holds the principals of every account, and the credentials that were
// given out. It is safe for concurrent use. What it returns are copies.
type World struct {
	now func() time.Time

	mu      sync.RWMutex
	roles   map[string]Role    // by ARN
	users   map[string]User    // by ARN
	managed map[string]*Policy // by ARN
	issued  map[string]issued  // by access key id
}

// String tells the size of the World; fmt would print the secrets of unexported
// fields whatever their own types say.
func (w *World) String() string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return fmt.Sprintf("world of %d roles and %d users (credentials withheld)", len(w.roles), len(w.users))
}

// GoString is String.
func (w *World) GoString() string { return w.String() }

// NewWorld returns an empty World; a nil clock is the system's.
func NewWorld(now func() time.Time) *World {
	if now == nil {
		now = time.Now
	}
	return &World{now: now, roles: map[string]Role{}, users: map[string]User{}, managed: map[string]*Policy{}, issued: map[string]issued{}}
}

// AddRole creates a role. Its trust policy's principals are looked up at this
// moment and kept by unique id, as AWS does, so the roles and users that it
// names must exist already. A role that exists, or whose name another path of
// the account uses, is an error.
func (w *World) AddRole(r Role) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := nameOf(r.ARN)
	for arn := range w.roles {
		if accountOf(arn) == accountOf(r.ARN) && nameOf(arn) == name {
			return fmt.Errorf("role with name %s already exists: remove or update it", name)
		}
	}
	r, err := w.checkRole(r)
	if err != nil {
		return err
	}
	w.roles[r.ARN] = r
	return nil
}

// UpdateRole replaces a role's policies, limits and tags. The role keeps its
// unique id, and sessions that live are judged by the new policies at once.
func (w *World) UpdateRole(r Role) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	old, ok := w.roles[r.ARN]
	if !ok {
		return fmt.Errorf("there is no role %s", r.ARN)
	}
	r.UniqueID = old.UniqueID
	r, err := w.checkRole(r)
	if err != nil {
		return err
	}
	w.roles[r.ARN] = r
	return nil
}

// RemoveRole deletes a role. Its sessions die with it, and a role made again
// under its name has another unique id: policies that named the old one do not
// know it.
func (w *World) RemoveRole(arn string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.roles, arn)
}

// AddUser creates a user.
func (w *World) AddUser(u User) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !userForm.MatchString(u.ARN) {
		return fmt.Errorf("%q is not the ARN of a user", u.ARN)
	}
	if _, ok := w.users[u.ARN]; ok {
		return fmt.Errorf("user %s already exists", u.ARN)
	}
	if err := checkPolicies(u.Policies, u.Boundary); err != nil {
		return fmt.Errorf("user %s: %w", u.ARN, err)
	}
	if u.UniqueID == "" {
		u.UniqueID = mintID("AIDA")
	}
	u.Policies = slices.Clone(u.Policies)
	w.users[u.ARN] = u
	return nil
}

// AddManagedPolicy creates a managed policy, which AssumeRole may name in
// PolicyArns.
func (w *World) AddManagedPolicy(arn string, p *Policy) error {
	if p == nil {
		return fmt.Errorf("managed policy %s has no document", arn)
	}
	if err := p.checkIdentity(); err != nil {
		return fmt.Errorf("managed policy %s: %w", arn, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.managed[arn] = p
	return nil
}

// ManagedPolicy returns a managed policy.
func (w *World) ManagedPolicy(arn string) (*Policy, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	p, ok := w.managed[arn]
	return p, ok
}

// Role returns a role by its full ARN.
func (w *World) Role(arn string) (Role, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	r, ok := w.roles[arn]
	r.Policies, r.Tags = slices.Clone(r.Policies), maps.Clone(r.Tags)
	return r, ok
}

// PinPrincipals returns the policy with each role, session and user that it names held
// by unique id, as AWS stores resource policies. A principal that does not exist
// is an error.
func (w *World) PinPrincipals(p *Policy) (*Policy, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.pin(p)
}

func (w *World) checkRole(r Role) (Role, error) {
	fail := func(err error) (Role, error) { return Role{}, fmt.Errorf("role %s: %w", r.ARN, err) }
	if !roleForm.MatchString(r.ARN) || strings.ContainsAny(r.ARN, "*?") {
		return Role{}, fmt.Errorf("%q is not the ARN of a role", r.ARN)
	}
	if r.MaxSession == 0 {
		r.MaxSession = DefaultMaxSession
	}
	if r.MaxSession < DefaultMaxSession || r.MaxSession > LongestMaxSession {
		return fail(fmt.Errorf("a role's longest session is 1 to 12 hours, not %s", r.MaxSession))
	}
	if err := checkPolicies(r.Policies, r.Boundary); err != nil {
		return fail(err)
	}
	if r.Trust != nil { // without one nobody can assume the role
		if err := r.Trust.checkTrust(); err != nil {
			return fail(err)
		}
		pinned, err := w.pin(r.Trust)
		if err != nil {
			return fail(err)
		}
		r.Trust = pinned
	}
	if r.UniqueID == "" {
		r.UniqueID = mintID("AROA")
	}
	r.Policies, r.Tags = slices.Clone(r.Policies), maps.Clone(r.Tags)
	return r, nil
}

func checkPolicies(policies []*Policy, boundary *Policy) error {
	for _, p := range append(slices.Clone(policies), boundary) {
		if p == nil {
			continue
		}
		if err := p.checkIdentity(); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) pin(p *Policy) (*Policy, error) {
	out := &Policy{statements: slices.Clone(p.statements)}
	for i := range out.statements {
		s := &out.statements[i]
		s.principals = slices.Clone(s.principals)
		for j := range s.principals {
			e := &s.principals[j]
			if e.id != "" {
				continue
			}
			id, ok := w.uniqueID(*e)
			if !ok {
				return nil, malformed(`Invalid principal in policy: "AWS":`+quote(e.value), "a principal must exist before a policy names it")
			}
			e.id = id
		}
	}
	return out, nil
}

// uniqueID finds the id behind a name; kinds that have none give "".
func (w *World) uniqueID(e principalEntry) (string, bool) {
	switch e.kind {
	case rolePrincipal:
		r, ok := w.roles[e.value]
		return r.UniqueID, ok
	case userPrincipal:
		u, ok := w.users[e.value]
		return u.UniqueID, ok
	case sessionPrincipal:
		m := sessionForm.FindStringSubmatch(e.value)
		for arn, r := range w.roles {
			if accountOf(arn) == m[2] && nameOf(arn) == m[3] {
				return r.UniqueID + ":" + m[4], true
			}
		}
		return "", false
	}
	return "", true
}

// partitionOf, accountOf and nameOf read an ARN that World has checked, or "".
func partitionOf(arn string) string { return field(arn, 1) }
func accountOf(arn string) string   { return field(arn, 4) }
func nameOf(arn string) string      { return arn[strings.LastIndexByte(arn, '/')+1:] }

func field(arn string, i int) string {
	fields := strings.SplitN(arn, ":", 6)
	if len(fields) != 6 {
		return ""
	}
	return fields[i]
}
