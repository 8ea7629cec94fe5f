package iam

import "strings"

// setKind is the prefix of an operator on a key of several values.
type setKind int

const (
	noSet setKind = iota
	forAllValues
	forAnyValue
)

// condition is one operator on one key; all conditions of a statement must hold.
type condition struct {
	key      string // lower case
	set      setKind
	ifExists bool
	negated  bool
	null     bool // Null operator: wantNull decides alone
	wantNull bool
	values   []matcher
}

func parseConditions(v node, variables bool) ([]condition, error) {
	if v.kind != objectNode {
		return nil, malformed("Syntax errors in policy.", "Condition must be an object")
	}
	var out []condition
	for _, op := range v.members {
		if op.value.kind != objectNode {
			return nil, malformed("Syntax errors in policy.", op.name+" must hold an object of keys")
		}
		seen := map[string]bool{}
		for _, m := range op.value.members {
			key := strings.ToLower(m.name)
			if err := checkKey(key); err != nil {
				return nil, malformed("Syntax errors in policy.", err.Error())
			}
			if seen[key] {
				return nil, malformed("Syntax errors in policy.", "the key "+quote(m.name)+" stands twice under "+op.name)
			}
			seen[key] = true
			c, err := parseCondition(op.name, key, m.value.list(), variables)
			if err != nil {
				return nil, err
			}
			out = append(out, c)
		}
	}
	return out, nil
}

func parseCondition(name, key string, values []node, variables bool) (condition, error) {
	c := condition{key: key}
	base := name
	if rest, ok := strings.CutPrefix(base, "ForAllValues:"); ok {
		base, c.set = rest, forAllValues
	} else if rest, ok := strings.CutPrefix(base, "ForAnyValue:"); ok {
		base, c.set = rest, forAnyValue
	}
	base, c.ifExists = strings.CutSuffix(base, "IfExists")
	compile, negated, ok := operator(base, variables)
	c.negated = negated
	if base == "Null" {
		c.null, ok = true, c.set == noSet && !c.ifExists
	}
	if !ok {
		return c, malformed("Syntax errors in policy.", "unknown condition operator "+quote(name))
	}
	if len(values) == 0 || c.null && len(values) != 1 {
		return c, malformed("Syntax errors in policy.", name+" of "+key+" needs a value")
	}
	for _, v := range values {
		if v.kind != stringNode && v.kind != numberNode && v.kind != boolNode {
			return c, malformed("Syntax errors in policy.", name+" of "+key+" takes strings, numbers and booleans")
		}
		if c.null {
			want, err := parseBool(v.text)
			if err != nil {
				return c, badValue(name, v.text)
			}
			c.wantNull = want
			continue
		}
		m, err := compile(v.text)
		if err != nil {
			return c, badValue(name, v.text)
		}
		c.values = append(c.values, m)
	}
	return c, nil
}

func badValue(operator, value string) error {
	return malformed("Syntax errors in policy.", quote(value)+" is not a value for "+operator)
}

func (c condition) holds(ctx Context) bool {
	actual := ctx.Get(c.key)
	if c.null {
		return (len(actual) == 0) == c.wantNull
	}
	if c.set != noSet && len(actual) == 1 && actual[0] == "" {
		actual = nil // AWS: a key that resolves to an empty string is an empty set
	}
	switch {
	case c.set == forAllValues:
		for _, v := range actual {
			if c.compare(ctx, v) == c.negated {
				return false
			}
		}
		return true // an absent key too, which is why AWS warns of it in Allow
	case len(actual) == 0 && c.ifExists:
		return true
	case c.set == forAnyValue:
		for _, v := range actual {
			if c.compare(ctx, v) != c.negated {
				return true
			}
		}
		return false
	}
	for _, v := range actual {
		if c.compare(ctx, v) {
			return !c.negated
		}
	}
	return c.negated
}

// compare reports whether any of the policy's values matches; several values of
// one key are joined by OR, and a negated operator denies the whole of it.
func (c condition) compare(ctx Context, actual string) bool {
	for _, m := range c.values {
		if m(ctx, actual) {
			return true
		}
	}
	return false
}
