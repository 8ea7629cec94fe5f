package iam

import (
	"regexp"
	"strings"
	"time"
)

// Principal is who signs a request, with the policies that bind them at that
// moment. The zero value may do nothing.
type Principal struct {
	ARN     string // as STS reports it: arn:aws:sts::ACCT:assumed-role/R/S, arn:aws:iam::ACCT:user/U, arn:aws:iam::ACCT:root
	Account string
	UserID  string // AROA…:S for a role session, AIDA… for a user
	RoleARN string // the role's own ARN, with its path, for a role session; else ""
	Service string // a service principal such as lambda.amazonaws.com; else ""

	Policies []*Policy
	Boundary *Policy // nil: none
	Session  *Policy // nil: none

	Tags           map[string]string // the role's tags, overridden by the session's
	Transitive     []string          // session tag keys that a chained session inherits
	SourceIdentity string
	IssuedAt       time.Time // aws:TokenIssueTime; zero for users
	Chained        bool      // the session was made from a role session

	// SourceFunctionARN is the Lambda function whose execution role this is.
	SourceFunctionARN string

	at time.Time // when World read it: aws:CurrentTime
}

// grade tells how a Principal element came to name a principal. Only a name
// that stands for this principal alone grants by itself.
type grade int

const (
	notNamed   grade = iota
	byAccount        // its account: delegates to the account's own identity policies
	byEveryone       // "*"
	byRole           // the role whose session it is
	byIdentity       // this user, this role session, this service
)

type principalKind int

const (
	everyonePrincipal principalKind = iota
	accountPrincipal
	rolePrincipal
	sessionPrincipal
	userPrincipal
	servicePrincipal
	otherPrincipal // federated and canonical users: nobody here is one
	uniqueIDPrincipal
)

type principalEntry struct {
	kind  principalKind
	value string
	// id is the unique id that a name stood for when the policy was stored. AWS
	// keeps the id: a role made anew under an old name is a stranger.
	id string
}

var (
	accountForm = regexp.MustCompile(`^\d{12}$`)
	rootForm    = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::(\d{12}):root$`)
	roleForm    = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::(\d{12}):role/([\x21-\x7e]+/)?([\w+=,.@-]+)$`)
	userForm    = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::(\d{12}):user/([\x21-\x7e]+/)?([\w+=,.@-]+)$`)
	sessionForm = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):sts::(\d{12}):assumed-role/([\w+=,.@-]+)/([\w+=,.@-]+)$`)
	fedUserForm = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):sts::(\d{12}):federated-user/[\w+=,.@-]+$`)
	uniqueForm  = regexp.MustCompile(`^A(ROA|IDA)[A-Z0-9]{12,124}$`)
	serviceForm = regexp.MustCompile(`^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$`)
)

func parsePrincipals(v node) ([]principalEntry, error) {
	if v.kind == stringNode {
		if v.text != "*" {
			return nil, malformed("Invalid principal in policy.", `Principal is "*" or an object`)
		}
		return []principalEntry{{kind: everyonePrincipal, value: "*"}}, nil
	}
	if v.kind != objectNode {
		return nil, malformed("Invalid principal in policy.", `Principal is "*" or an object`)
	}
	var out []principalEntry
	for _, m := range v.members {
		for _, item := range m.value.list() {
			if item.kind != stringNode {
				return nil, malformed("Invalid principal in policy.", m.name+" must hold strings")
			}
			e, err := parsePrincipal(m.name, item.text)
			if err != nil {
				return nil, err
			}
			out = append(out, e)
		}
	}
	if len(out) == 0 {
		return nil, malformed("Invalid principal in policy.", "Principal is empty")
	}
	return out, nil
}

func parsePrincipal(kind, text string) (principalEntry, error) {
	e := principalEntry{value: text}
	bad := malformed("Invalid principal in policy: "+quote(kind)+":"+quote(text), "")
	switch kind {
	case "AWS":
	case "Service":
		e.kind = servicePrincipal
		if !serviceForm.MatchString(text) {
			return e, bad
		}
		return e, nil
	case "Federated", "CanonicalUser":
		e.kind = otherPrincipal
		if text == "" || strings.ContainsAny(text, "*?") {
			return e, bad
		}
		return e, nil
	default:
		return e, malformed("Invalid principal in policy.", "unknown kind "+quote(kind))
	}
	switch {
	case text == "*":
		e.kind = everyonePrincipal
	case accountForm.MatchString(text):
		e.kind = accountPrincipal
	case rootForm.MatchString(text):
		e.kind, e.value = accountPrincipal, rootForm.FindStringSubmatch(text)[2]
	case roleForm.MatchString(text) && !strings.ContainsAny(text, "*?"):
		e.kind = rolePrincipal
	case userForm.MatchString(text) && !strings.ContainsAny(text, "*?"):
		e.kind = userPrincipal
	case sessionForm.MatchString(text):
		e.kind = sessionPrincipal
	case fedUserForm.MatchString(text):
		e.kind = otherPrincipal
	case uniqueForm.MatchString(text):
		e.kind, e.id = uniqueIDPrincipal, text
	default:
		return e, bad // a wildcard cannot match part of a principal's ARN
	}
	return e, nil
}

func (e principalEntry) grade(p *Principal) grade {
	if e.kind == everyonePrincipal {
		return byEveryone
	}
	if p == nil || p.ARN == "" && p.Service == "" {
		return notNamed
	}
	roleID, _, _ := strings.Cut(p.UserID, ":")
	switch e.kind {
	case accountPrincipal:
		if p.Service == "" && p.Account == e.value {
			return byAccount
		}
	case rolePrincipal:
		if p.RoleARN != "" && e.names(p.RoleARN, roleID) {
			return byRole
		}
	case sessionPrincipal:
		if p.RoleARN != "" && e.names(p.ARN, p.UserID) {
			return byIdentity
		}
	case userPrincipal:
		if p.RoleARN == "" && e.names(p.ARN, p.UserID) {
			return byIdentity
		}
	case uniqueIDPrincipal:
		switch {
		case p.RoleARN != "" && e.id == roleID:
			return byRole
		case p.RoleARN == "" && e.id == p.UserID:
			return byIdentity
		}
	case servicePrincipal:
		if p.Service == e.value {
			return byIdentity
		}
	}
	return notNamed
}

func (e principalEntry) names(arn, id string) bool {
	if e.id != "" {
		return e.id == id
	}
	return e.value == arn
}

// named grades a statement's Principal or NotPrincipal element.
func (s statement) named(p *Principal) grade {
	if s.notPrincipal {
		if exempt(s.principals, p) {
			return notNamed
		}
		return byEveryone
	}
	best := notNamed
	for _, e := range s.principals {
		best = max(best, e.grade(p))
	}
	return best
}

// exempt reports whether a Deny with NotPrincipal leaves p out. AWS looks at the
// account, then the role, then the session: each must be listed, or the Deny hits.
func exempt(entries []principalEntry, p *Principal) bool {
	found := map[grade]bool{}
	for _, e := range entries {
		found[e.grade(p)] = true
	}
	switch {
	case found[byEveryone]:
		return true
	case p == nil:
		return false
	case p.Service != "":
		return found[byIdentity]
	case p.RoleARN != "":
		return found[byAccount] && found[byRole] && found[byIdentity]
	case p.isRoot():
		return found[byAccount]
	}
	return found[byAccount] && found[byIdentity]
}
