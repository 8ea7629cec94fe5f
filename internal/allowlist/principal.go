package allowlist

import (
	"fmt"
	"strings"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
)

// principalPattern matches AWS principals of one account. Without a wildcard
// it names one principal.
type principalPattern struct {
	partition string // empty: any, with an account alone
	account   string
	kind      arn.PrincipalType // NoType: roles and users
	name      string            // may hold `*`, which stops at slashes
	uniqueID  string            // empty: any incarnation
}

func (p principalPattern) wild() bool { return strings.Contains(p.name, "*") }

// matches reports whether a verified caller is meant.
func (p *principalPattern) matches(c *identity.Caller) bool {
	who := c.Principal
	if who.Account != p.account || p.uniqueID != "" && c.UniqueID != p.uniqueID {
		return false
	}
	if p.kind == arn.NoType {
		// A whole account means its roles and users: a root user, a federated
		// user or a guest of an identity pool would be a surprise.
		return (who.Type == arn.Role || who.Type == arn.User) && !c.Guest
	}
	return who.Type == p.kind && who.Partition == p.partition && matchSegments(p.name, who.Name)
}

// matchSegments matches name against pattern segment by segment, so that `*`
// never spans a slash.
func matchSegments(pattern, name string) bool {
	for {
		p, pRest, pMore := strings.Cut(pattern, "/")
		n, nRest, nMore := strings.Cut(name, "/")
		if pMore != nMore || !matchSegment(p, n) {
			return false
		}
		if !pMore {
			return true
		}
		pattern, name = pRest, nRest
	}
}

// matchSegment matches one segment; `*` stands for any text.
func matchSegment(pattern, s string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == s
	}
	if !strings.HasPrefix(s, head) {
		return false
	}
	s = s[len(head):]
	for {
		middle, more, wild := strings.Cut(rest, "*")
		if !wild {
			return strings.HasSuffix(s, middle)
		}
		at := strings.Index(s, middle)
		if at < 0 {
			return false
		}
		s, rest = s[at+len(middle):], more
	}
}

// parsePrincipalPattern reads the ARN of a role or user, in which the name may
// hold wildcards.
func parsePrincipalPattern(s string, kind arn.PrincipalType) (principalPattern, error) {
	// An ARN without its wildcards must be an ARN: `*` stands where one letter
	// could, so nothing but the name can hold one.
	p, err := arn.ParsePrincipal(strings.ReplaceAll(s, "*", "x"))
	_, name, _ := strings.Cut(s, "/")
	switch {
	case err == nil:
	case !strings.Contains(s, "*"):
		return principalPattern{}, err
	case kind == arn.Role && strings.Contains(name, "/") && strings.Contains(s, ":role/"):
		// Without its path role/team-a/* is role/*, every role of the account.
		return principalPattern{}, fmt.Errorf("role ARN %q has a path; STS reports roles without their path, so name each role without it, or write a beginning that only their names have", clip(s))
	default:
		return principalPattern{}, fmt.Errorf("%q is not the ARN of a %s, or its wildcard stands elsewhere than in the name", clip(s), kind)
	}
	switch {
	case p.Session != "":
		role, _, _ := strings.Cut(name, "/")
		return principalPattern{}, fmt.Errorf("%q is the ARN of a session; its session name is chosen by whoever assumes the role, so write arn:%s:iam::%s:role/%s", clip(s), p.Partition, p.Account, role)
	case p.Type != kind:
		return principalPattern{}, fmt.Errorf("%q is the ARN of a %s, not of a %s", clip(s), p.Type, kind)
	}
	return principalPattern{partition: p.Partition, account: p.Account, kind: kind, name: name}, nil
}
