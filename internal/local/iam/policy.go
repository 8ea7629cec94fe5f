package iam

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Malformed says why a policy document was refused. Reason is the sentence that
// AWS prints; Detail adds what an author needs to mend it.
type Malformed struct{ Reason, Detail string }

func (m *Malformed) Error() string {
	if m.Detail == "" {
		return "malformed policy: " + m.Reason
	}
	return "malformed policy: " + m.Reason + " (" + m.Detail + ")"
}

func malformed(reason, detail string) error { return &Malformed{Reason: reason, Detail: detail} }

// quote shortens what it quotes: an error text must not carry a whole document.
func quote(s string) string {
	if r := []rune(s); len(r) > 120 {
		s = string(r[:120]) + "…"
	}
	return strconv.Quote(s)
}

// Policy is a parsed policy document of any kind. It never changes.
type Policy struct{ statements []statement }

type statement struct {
	number       int // counted from 1, as people count
	sid          string
	deny         bool
	principals   []principalEntry // nil: no Principal element
	notPrincipal bool
	actions      []pattern
	notAction    bool
	resources    []pattern // nil: no Resource element, as in trust policies
	notResource  bool
	conditions   []condition
}

func (s statement) String() string {
	if s.sid != "" {
		return fmt.Sprintf("statement %d (%s)", s.number, s.sid)
	}
	return fmt.Sprintf("statement %d", s.number)
}

// ParsePolicy reads a policy document. It is strict: an unknown or repeated
// element, an unknown operator, condition key or effect, and a resource or
// principal that is no ARN are errors of type *Malformed. A document without
// Version is of 2008-10-17, in which "${…}" is plain text.
func ParsePolicy(doc []byte) (*Policy, error) {
	root, err := decodeStrict(doc)
	if err != nil {
		return nil, err
	}
	if root.kind != objectNode {
		return nil, malformed("Syntax errors in policy.", "the document must be a JSON object")
	}
	var statements []node
	variables := false
	for _, m := range root.members {
		switch m.name {
		case "Version":
			if m.value.kind != stringNode || m.value.text != "2012-10-17" && m.value.text != "2008-10-17" {
				return nil, malformed("The policy must contain a valid version string.", `Version is "2012-10-17"`)
			}
			variables = m.value.text == "2012-10-17"
		case "Id":
			if m.value.kind != stringNode {
				return nil, malformed("Syntax errors in policy.", "Id must be a string")
			}
		case "Statement":
			statements = m.value.list()
		default:
			return nil, malformed("Syntax errors in policy.", "unknown element "+quote(m.name))
		}
	}
	if len(statements) == 0 {
		return nil, malformed("Syntax errors in policy.", "the document has no Statement")
	}
	p := &Policy{}
	sids := map[string]bool{}
	for i, n := range statements {
		s, err := parseStatement(n, variables)
		if err != nil {
			return nil, err
		}
		if s.sid != "" && sids[s.sid] {
			return nil, malformed("Statement IDs (SID) in a single policy must be unique.", quote(s.sid))
		}
		sids[s.sid] = true
		s.number = i + 1
		p.statements = append(p.statements, s)
	}
	return p, nil
}

func parseStatement(n node, variables bool) (statement, error) {
	var s statement
	if n.kind != objectNode {
		return s, malformed("Syntax errors in policy.", "a statement must be an object")
	}
	seen := map[string]bool{}
	for _, m := range n.members {
		// Action and NotAction exclude each other, and so do the other pairs.
		element := strings.TrimPrefix(m.name, "Not")
		if seen[element] {
			return s, malformed("Syntax errors in policy.", "a statement holds "+element+" once, or Not"+element+" in its place")
		}
		seen[element] = true
		if err := s.setElement(m, variables); err != nil {
			return s, err
		}
	}
	switch {
	case !seen["Effect"]:
		return s, malformed("Syntax errors in policy.", "a statement has no Effect")
	case s.actions == nil:
		return s, malformed("Policy statement must contain actions.", "")
	case s.resources == nil && s.principals == nil:
		return s, malformed("Policy statement must contain resources.", "")
	case s.notPrincipal && !s.deny:
		// It would admit everybody else, anonymous callers included.
		return s, malformed("Allow with NotPrincipal is not allowed.", "NotPrincipal goes with Deny only")
	}
	return s, nil
}

func (s *statement) setElement(m member, variables bool) (err error) {
	v := m.value
	switch m.name {
	case "Sid":
		if v.kind != stringNode {
			return malformed("Syntax errors in policy.", "Sid must be a string")
		}
		s.sid = v.text
	case "Effect":
		if v.kind != stringNode || v.text != "Allow" && v.text != "Deny" {
			return malformed("Syntax errors in policy.", "Effect is Allow or Deny, in this case of letters")
		}
		s.deny = v.text == "Deny"
	case "Principal", "NotPrincipal":
		s.notPrincipal = m.name == "NotPrincipal"
		s.principals, err = parsePrincipals(v)
	case "Action", "NotAction":
		s.notAction = m.name == "NotAction"
		s.actions, err = parseStrings(v, m.name, parseAction)
	case "Resource", "NotResource":
		s.notResource = m.name == "NotResource"
		s.resources, err = parseStrings(v, m.name, func(text string) (pattern, error) { return parseResource(text, variables) })
	case "Condition":
		s.conditions, err = parseConditions(v, variables)
	default:
		return malformed("Syntax errors in policy.", "unknown element "+quote(m.name))
	}
	return err
}

func parseStrings(v node, element string, parse func(string) (pattern, error)) ([]pattern, error) {
	var out []pattern
	for _, item := range v.list() {
		if item.kind != stringNode {
			return nil, malformed("Syntax errors in policy.", element+" must hold strings")
		}
		p, err := parse(item.text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, malformed("Syntax errors in policy.", element+" is empty")
	}
	return out, nil
}

// actionForm: a service prefix, which may not hold a wildcard, and a name.
var actionForm = regexp.MustCompile(`^[A-Za-z0-9-]+:[A-Za-z0-9*?_-]+$`)

func parseAction(text string) (pattern, error) {
	switch {
	case text != "*" && !strings.Contains(text, ":"):
		return pattern{}, malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", quote(text))
	case strings.Count(text, ":") > 1:
		return pattern{}, malformed("Actions/Condition can contain only one colon.", quote(text))
	case text != "*" && !actionForm.MatchString(text):
		return pattern{}, malformed("Syntax errors in policy.", quote(text)+" is not an action")
	}
	return compilePattern(text, patternMode{wildcards: true})
}

func parseResource(text string, variables bool) (pattern, error) {
	p, err := compilePattern(text, patternMode{wildcards: true, variables: variables})
	if err != nil || text == "*" {
		return p, err
	}
	fields := strings.SplitN(text, ":", 6)
	if len(fields) < 6 || fields[0] != "arn" {
		return pattern{}, malformed("Resource "+shorten(text)+` must be in ARN format or "*".`, "")
	}
	if !partitionForm.MatchString(fields[1]) {
		return pattern{}, malformed(`Partition "`+shorten(fields[1])+`" is not valid for resource "`+shorten(text)+`".`, "")
	}
	if strings.ContainsAny(fields[2], "*?") {
		return pattern{}, malformed("Resource vendor must be fully qualified and cannot contain regexes.", quote(text))
	}
	if fields[2] == "" || fields[5] == "" {
		return pattern{}, malformed("Resource "+shorten(text)+` must be in ARN format or "*".`, "its service or its last part is empty")
	}
	return p, nil
}

var partitionForm = regexp.MustCompile(`^(aws|aws-cn|aws-us-gov|\*)$`)

func shorten(s string) string {
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}

// matches compares everything but the principal.
func (s statement) matches(action, resource string, ctx Context) bool {
	return anyMatch(s.actions, func(p pattern) bool { return p.matchFold(ctx, action) }) != s.notAction &&
		(s.resources == nil || anyMatch(s.resources, func(p pattern) bool { return p.match(ctx, resource) }) != s.notResource) &&
		s.conditionsHold(ctx)
}

func anyMatch(patterns []pattern, match func(pattern) bool) bool {
	for _, p := range patterns {
		if match(p) {
			return true
		}
	}
	return false
}

func (s statement) conditionsHold(ctx Context) bool {
	for _, c := range s.conditions {
		if !c.holds(ctx) {
			return false
		}
	}
	return true
}

// Merge joins the statements of several policies into one, as AWS joins an
// inline session policy with managed ones. Nil policies are left out.
func Merge(policies ...*Policy) *Policy {
	out := &Policy{}
	for _, p := range policies {
		if p != nil {
			out.statements = append(out.statements, p.statements...)
		}
	}
	return out
}

// checkIdentity refuses what an identity-based policy, a session policy or a
// permissions boundary must not hold.
func (p *Policy) checkIdentity() error {
	for _, s := range p.statements {
		if s.principals != nil {
			return malformed("Policy document should not specify a principal.", s.String())
		}
	}
	return nil
}

// CheckSession refuses what a session policy must not hold.
func (p *Policy) CheckSession() error { return p.checkIdentity() }

// checkTrust refuses what a role's trust policy must not hold.
func (p *Policy) checkTrust() error {
	for _, s := range p.statements {
		switch {
		case s.principals == nil:
			return malformed("Missing required field Principal", s.String())
		case s.notPrincipal:
			return malformed("AssumeRolepolicy contained an invalid principal: NotPrincipal.", s.String())
		case s.resources != nil:
			return malformed("Has prohibited field Resource", s.String())
		case s.notAction:
			return malformed("AssumeRole policy may only specify STS AssumeRole actions.", s.String())
		}
		for _, a := range s.actions {
			if !strings.HasPrefix(strings.ToLower(a.text), "sts:") {
				return malformed("AssumeRole policy may only specify STS AssumeRole actions.", s.String()+" has "+quote(a.text))
			}
		}
	}
	return nil
}
