package allowlist

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

// variable is what stands between ${ and } in a template.
type variable struct {
	source variableSource
	claim  string // with fromClaim
}

type variableSource uint8

const (
	fromClaim variableSource = iota
	fromCallerName
	fromCallerAccount
)

// String writes the variable as in a template, for messages.
func (v variable) String() string {
	switch v.source {
	case fromCallerName:
		return "${caller.name}"
	case fromCallerAccount:
		return "${caller.account}"
	default:
		return "${claims[" + fmt.Sprintf("%q", v.claim) + "]}"
	}
}

// template is text with variables: literals[0] variables[0] literals[1] …, one
// literal more than variables.
type template struct {
	literals  []string
	variables []variable
}

// parseTemplate cuts s at its variables.
func parseTemplate(s string) (template, error) {
	var t template
	for {
		before, rest, found := strings.Cut(s, "${")
		t.literals = append(t.literals, before)
		if !found {
			return t, nil
		}
		v, after, err := parseVariable(rest)
		if err != nil {
			return template{}, err
		}
		t.variables = append(t.variables, v)
		s = after
	}
}

// parseVariable reads the text behind "${" up to and with its "}".
func parseVariable(s string) (v variable, rest string, err error) {
	if name, ok := strings.CutPrefix(s, `claims["`); ok {
		claim, after, ok := strings.Cut(name, `"]}`)
		if !ok || claim == "" || len(claim) > 128 || !isPrintableASCII(claim) || strings.ContainsAny(claim, `"\`) {
			return v, "", fmt.Errorf(`%q is not ${claims["NAME"]}`, "${"+clip(s))
		}
		return variable{fromClaim, claim}, after, nil
	}
	inner, after, ok := strings.Cut(s, "}")
	if !ok {
		return v, "", fmt.Errorf("%q has no closing brace", "${"+clip(s))
	}
	switch claim, isClaim := strings.CutPrefix(inner, "claims."); {
	case inner == "caller.name":
		return variable{source: fromCallerName}, after, nil
	case inner == "caller.account":
		return variable{source: fromCallerAccount}, after, nil
	case isClaim && isWord(claim):
		return variable{fromClaim, claim}, after, nil
	case isClaim:
		return v, "", fmt.Errorf(`"${%s}": a claim's name of other characters than letters, digits, _ and - is written ${claims["NAME"]}`, clip(inner))
	default:
		return v, "", fmt.Errorf(`"${%s}" is not a variable; known are ${claims.NAME}, ${caller.name} and ${caller.account}`, clip(inner))
	}
}

// wholeSegments reports whether each variable fills a path segment by itself.
// Anything less would let a value decide where a segment's fixed part ends.
func (t template) wholeSegments() bool {
	for i := range t.variables {
		before, after := t.literals[i], t.literals[i+1]
		if !strings.HasSuffix(before, "/") || after != "" && after[0] != '/' {
			return false
		}
	}
	return true
}

// with returns the text with value in the place of every variable.
func (t template) with(value func(variable) string) string {
	if len(t.variables) == 0 {
		return t.literals[0]
	}
	var b strings.Builder
	for i, v := range t.variables {
		b.WriteString(t.literals[i])
		b.WriteString(value(v))
	}
	b.WriteString(t.literals[len(t.variables)])
	return b.String()
}

// fillError says why a template cannot be filled for a caller.
type fillError struct {
	variable variable
	reason   fillReason
}

type fillReason uint8

const (
	unusableValue fillReason = iota // the caller has a value that may not be used
	tooLong                         // what the value makes of the route is
	missingValue                    // the caller has no such value
)

// Error names the variable, never its value.
func (e *fillError) Error() string {
	switch e.reason {
	case missingValue:
		return fmt.Sprintf("your identity has no value for %s", e.variable)
	case tooLong:
		return fmt.Sprintf("with your value for %s the route is longer than %d characters", e.variable, route.MaxLength)
	default:
		return fmt.Sprintf("your value for %s cannot be used: it must be one text of 1 to 128 letters, digits and ._@+=,- that does not begin with one of .@+=,", e.variable)
	}
}

// fill replaces the variables by the caller's values. Nothing is escaped, cut
// or dropped: a value that could mean more than itself is an error. Such a
// value counts for more than one that is missing.
func (t template) fill(caller *identity.Caller, callerName string) (string, *fillError) {
	var missing *fillError
	for _, v := range t.variables {
		switch value, present := v.value(caller, callerName); {
		case !present:
			missing = cmp.Or(missing, &fillError{v, missingValue})
		case !isTemplateValue(value):
			return "", &fillError{v, unusableValue}
		}
	}
	if missing != nil {
		return "", missing
	}
	return t.with(func(v variable) string {
		value, _ := v.value(caller, callerName)
		return value
	}), nil
}

// value is the caller's value for v. A claim that is present but no scalar
// gives text that isTemplateValue refuses.
func (v variable) value(caller *identity.Caller, callerName string) (value string, present bool) {
	switch v.source {
	case fromCallerName:
		return callerName, true
	case fromCallerAccount:
		return caller.Principal.Account, caller.Principal.Account != ""
	default:
		claim, present := caller.Claims[v.claim]
		if !present {
			return "", false
		}
		value, _ := claim.Scalar()
		return value, true
	}
}

// isTemplateValue reports whether s is [A-Za-z0-9_-][A-Za-z0-9._@+=,-]{0,127}.
// The first character keeps out "..", the rest keeps out everything that IAM
// or a URL reads as more than a letter.
func isTemplateValue(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if isWord(s[i:i+1]) || i > 0 && strings.IndexByte(".@+=,", c) >= 0 {
			continue
		}
		return false
	}
	return true
}

// isWord reports whether s is letters, digits, _ and -, at least one.
func isWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != ""
}

func isPrintableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
