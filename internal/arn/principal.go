// Package arn reads the two shapes of AWS ARN that credvend lives on: the
// principal that calls and the execute-api stage that is called. Parsing is
// strict and gives canonical values, so that two spellings of one identity
// compare equal and nothing that was not understood compares equal to
// anything.
//
// It knows no allowlist and no event. Wildcards are not ARNs: an ARN with one
// does not parse (package allowlist splits its patterns itself).
package arn

import (
	"fmt"
	"strings"
)

// PrincipalType is the kind of AWS identity. Its zero value is none.
type PrincipalType uint8

// The types a verified ARN can have.
const (
	NoType        PrincipalType = iota
	Role                        // a role, or a session of it
	User                        // an IAM user
	Root                        // an account's root user
	FederatedUser               // a GetFederationToken session
)

// String is the word that stands before the name in an ARN.
func (t PrincipalType) String() string {
	switch t {
	case Role:
		return "role"
	case User:
		return "user"
	case Root:
		return "root"
	case FederatedUser:
		return "federated-user"
	default:
		return "none"
	}
}

// Principal is an AWS identity in canonical form: a session of a role is that
// role, with the session name kept beside it as a label. Paths of roles do not
// occur, because STS does not report them; a user's name keeps its path.
//
// The struct without Session is comparable and identifies the principal.
type Principal struct {
	Partition string // aws, aws-cn, aws-us-gov
	Account   string // 12 digits
	Type      PrincipalType
	Name      string // role name, user path and name, federated user's name; empty for root
	Session   string // role session name: chosen by its user, never authorised on
}

// Canonical returns the principal's ARN without session:
// arn:aws:iam::444455556666:role/billing-service.
func (p Principal) Canonical() string {
	service := "iam"
	if p.Type == FederatedUser {
		service = "sts"
	}
	s := "arn:" + p.Partition + ":" + service + "::" + p.Account + ":" + p.Type.String()
	if p.Type == Root {
		return s
	}
	return s + "/" + p.Name
}

// String returns the canonical ARN.
func (p Principal) String() string { return p.Canonical() }

// ParsePrincipal reads the ARN of a caller as AWS reports it
// (arn:aws:sts::444455556666:assumed-role/R/S) or as IAM names it
// (arn:aws:iam::444455556666:role/R).
//
// A role ARN with a path is an error: STS never reports the path, so a rule
// with one would never match, and dropping it would make role/team-a/x and
// role/team-b/x the same.
func ParsePrincipal(s string) (Principal, error) {
	a, err := split(s)
	if err != nil {
		return Principal{}, err
	}
	if a.region != "" {
		return Principal{}, fmt.Errorf("ARN %q has a region; an identity has none", clip(s))
	}
	if !IsAccount(a.account) {
		return Principal{}, fmt.Errorf("ARN %q needs an account of 12 digits", clip(s))
	}
	p := Principal{Partition: a.partition, Account: a.account}
	kind, name, _ := strings.Cut(a.resource, "/")
	switch {
	case a.service == "sts" && kind == "assumed-role":
		role, session, ok := strings.Cut(name, "/")
		if !ok || !isName(role) || !isName(session) {
			return Principal{}, fmt.Errorf("ARN %q is not of the form assumed-role/ROLE/SESSION", clip(s))
		}
		p.Type, p.Name, p.Session = Role, role, session
	case a.service == "sts" && kind == "federated-user":
		if !isName(name) {
			return Principal{}, fmt.Errorf("ARN %q is not of the form federated-user/NAME", clip(s))
		}
		p.Type, p.Name = FederatedUser, name
	case a.service == "iam" && kind == "role":
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			return Principal{}, fmt.Errorf("role ARN %q has a path; STS reports roles without their path, so write role/%s", clip(s), clip(name[i+1:]))
		}
		if !isName(name) {
			return Principal{}, fmt.Errorf("ARN %q is not of the form role/NAME", clip(s))
		}
		p.Type, p.Name = Role, name
	case a.service == "iam" && kind == "user":
		if !isUser(name) {
			return Principal{}, fmt.Errorf("ARN %q is not of the form user/NAME", clip(s))
		}
		p.Type, p.Name = User, name
	case a.service == "iam" && a.resource == "root":
		p.Type = Root
	default:
		return Principal{}, fmt.Errorf("ARN %q names no IAM role, user, root or STS session", clip(s))
	}
	return p, nil
}

// IsAccount reports whether s is an AWS account id: 12 digits.
func IsAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// IsUniqueID reports whether s is a unique id as IAM makes them: AROA… for a
// role, AIDA… for a user; 16 to 128 of A–Z and 0–9.
func IsUniqueID(s string) bool {
	if len(s) < 16 || len(s) > 128 || (s[:4] != "AROA" && s[:4] != "AIDA") {
		return false
	}
	for i := range len(s) {
		if (s[i] < 'A' || s[i] > 'Z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}

// maxName is the longest name of a role, a user or a session.
const maxName = 64

// isName reports whether s is a role, session or federated user name: 1 to 64
// characters of [\w+=,.@-].
func isName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		if !IsNameByte(s[i]) {
			return false
		}
	}
	return true
}

// IsNameByte reports whether c may stand in the name of a role, a user or a
// session: [\w+=,.@-].
func IsNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_+=,.@-", c) >= 0
}

// isUser reports whether s is a user's path and name: path segments and a name
// of at most 64, parted by single slashes, at most 512 and 64 characters.
func isUser(s string) bool {
	path, name := "", s
	if i := strings.LastIndexByte(s, '/'); i >= 0 {
		path, name = s[:i], s[i+1:]
		if path == "" || len(path) > 510 {
			return false
		}
		for _, seg := range strings.Split(path, "/") {
			if seg == "" || strings.ContainsAny(seg, "*?:$ ") || !isPrintable(seg) {
				return false
			}
		}
	}
	return isName(name)
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] <= 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// ParseTargetRole reads the ARN of a role that is to be assumed. Unlike a
// caller's ARN it is sent to STS as it is, so a path is right where the role
// has one; Name is then the path and the name.
func ParseTargetRole(s string) (Principal, error) {
	a, err := split(s)
	if err != nil {
		return Principal{}, err
	}
	name, isRole := strings.CutPrefix(a.resource, "role/")
	if a.service != "iam" || a.region != "" || !isRole || !IsAccount(a.account) || !isUser(name) {
		return Principal{}, fmt.Errorf("ARN %q is not of the form arn:aws:iam::ACCOUNT:role/NAME", clip(s))
	}
	return Principal{Partition: a.partition, Account: a.account, Type: Role, Name: name}, nil
}
