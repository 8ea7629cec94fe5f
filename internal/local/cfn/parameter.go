package cfn

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Types of parameters that are understood here.
const (
	stringType = "String"
	numberType = "Number"
	listType   = "CommaDelimitedList"
)

// Parameter is a parameter of a template, with what its values must fulfil.
type Parameter struct {
	Name        string
	Type        string // String, Number or CommaDelimitedList
	Description string
	Default     string
	HasDefault  bool // else a value must be given

	pattern              *regexp.Regexp // nil: any
	allowed              []string       // nil: any
	minLength, maxLength int            // in characters; maxLength -1: any
	minValue, maxValue   *big.Rat       // nil: any
	advice               string         // ConstraintDescription
}

func parseParameter(m member) (Parameter, error) {
	p := Parameter{Name: m.name, maxLength: -1}
	if m.value.kind != mapNode {
		return p, m.value.errorf("a parameter is a map with a Type")
	}
	for _, a := range m.value.members {
		if err := p.setAttribute(a); err != nil {
			return p, err
		}
	}
	if p.Type == "" {
		return p, m.value.errorf("a parameter needs a Type")
	}
	if p.Type != numberType && (p.minValue != nil || p.maxValue != nil) {
		return p, m.value.errorf("MinValue and MaxValue are for numbers")
	}
	if p.Type != stringType && (p.minLength != 0 || p.maxLength >= 0) {
		return p, m.value.errorf("MinLength and MaxLength are for strings")
	}
	if p.HasDefault {
		if err := p.check(p.Default); err != nil {
			return p, m.value.errorf("its default is not allowed by itself: %w", err)
		}
	}
	return p, nil
}

func (p *Parameter) setAttribute(a member) (err error) {
	v := a.value
	switch a.name {
	case "Type":
		if p.Type, err = v.text("Type"); err == nil && !slices.Contains([]string{stringType, numberType, listType}, p.Type) {
			return v.errorf("the parameter type %s is not understood here; String, Number and CommaDelimitedList are", p.Type)
		}
	case "Description":
		p.Description, err = v.text(a.name)
	case "ConstraintDescription":
		p.advice, err = v.text(a.name)
	case "Default":
		p.HasDefault = true
		p.Default, err = v.scalar(a.name)
	case "AllowedPattern":
		var pattern string
		if pattern, err = v.text(a.name); err != nil {
			return err
		}
		// CloudFormation's pattern matches the whole value.
		if p.pattern, err = regexp.Compile(`^(?:` + pattern + `)$`); err != nil {
			return v.errorf("the AllowedPattern cannot be read here: %w", err)
		}
	case "AllowedValues":
		if v.kind != listNode || len(v.items) == 0 {
			return v.errorf("AllowedValues is a list")
		}
		for _, item := range v.items {
			s, err := item.scalar(a.name)
			if err != nil {
				return err
			}
			p.allowed = append(p.allowed, s)
		}
	case "MinLength":
		p.minLength, err = v.count(a.name)
	case "MaxLength":
		p.maxLength, err = v.count(a.name)
	case "MinValue":
		p.minValue, err = v.number(a.name)
	case "MaxValue":
		p.maxValue, err = v.number(a.name)
	case "NoEcho":
		if _, ok := v.value.(bool); !ok {
			return v.errorf("NoEcho is true or false")
		}
	default:
		return v.errorf("the parameter attribute %s is not understood here", a.name)
	}
	return err
}

// scalar is the text of a string, number or boolean.
func (n node) scalar(what string) (string, error) {
	s, ok := Text(n.value)
	if n.kind != scalarNode || !ok {
		return "", n.errorf("%s is a single value", what)
	}
	return s, nil
}

func (n node) count(what string) (int, error) {
	s, err := n.scalar(what)
	if err != nil {
		return 0, err
	}
	i, err := strconv.Atoi(s)
	if err != nil || i < 0 {
		return 0, n.errorf("%s is a whole number", what)
	}
	return i, nil
}

func (n node) number(what string) (*big.Rat, error) {
	s, err := n.scalar(what)
	if err != nil {
		return nil, err
	}
	r, ok := parseNumber(s)
	if !ok {
		return nil, n.errorf("%s is a number", what)
	}
	return r, nil
}

func parseNumber(s string) (*big.Rat, bool) {
	if len(s) > 40 || !plainNumber.MatchString(s) {
		return nil, false // big.Rat would spend memory on exponents
	}
	return new(big.Rat).SetString(s)
}

const tooLong = "CloudFormation takes at most 4096 characters"

// check says whether a value is allowed. Its error tells what to write.
func (p *Parameter) check(value string) error {
	why := p.broken(value)
	if why == "" {
		return nil
	}
	if len(value) > 128 {
		value = strings.ToValidUTF8(value[:128], "") + "…"
	}
	if p.advice != "" && why != tooLong { // no advice knows of CloudFormation's own limit
		why = p.advice
	}
	return fmt.Errorf("parameter %s: %q is refused: %s", p.Name, value, why)
}

func (p *Parameter) broken(value string) string {
	length := utf8.RuneCountInString(value)
	switch {
	case length > 4096:
		return tooLong
	case length < p.minLength:
		return fmt.Sprintf("it is shorter than %d", p.minLength)
	case p.maxLength >= 0 && length > p.maxLength:
		return fmt.Sprintf("it is longer than %d", p.maxLength)
	}
	if p.Type == numberType {
		r, ok := parseNumber(value)
		switch {
		case !ok:
			return "it is no number"
		case p.minValue != nil && r.Cmp(p.minValue) < 0:
			return "it is below " + p.minValue.RatString()
		case p.maxValue != nil && r.Cmp(p.maxValue) > 0:
			return "it is above " + p.maxValue.RatString()
		}
	}
	parts := []string{value}
	if p.Type == listType {
		parts = splitList(value)
	}
	for _, part := range parts {
		if p.pattern != nil && !p.pattern.MatchString(part) {
			return "it does not match the AllowedPattern"
		}
		if p.allowed != nil && !slices.Contains(p.allowed, part) {
			return "it is none of " + strings.Join(p.allowed, ", ")
		}
	}
	return ""
}

// value is what Ref gives: a list for a list, else a string; CloudFormation
// treats numbers as text.
func (p *Parameter) value(given string) any {
	if p.Type != listType {
		return given
	}
	list := []any{}
	for _, s := range splitList(given) {
		list = append(list, s)
	}
	return list
}

// splitList parts a CommaDelimitedList, without the blanks around its parts.
func splitList(s string) []string {
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// Text is the text of a resolved string, number or boolean, as CloudFormation
// turns one into another; false for anything else.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	default:
		return "", false
	}
}

// bind joins the given values with the defaults, and checks them.
func (t *Template) bind(given map[string]string) (map[string]any, error) {
	bound := map[string]any{}
	for i := range t.parameters {
		p := &t.parameters[i]
		value, ok := given[p.Name]
		if !ok {
			if !p.HasDefault {
				return nil, fmt.Errorf("parameter %s: it has no default; give it a value (%s)", p.Name, p.Description)
			}
			value = p.Default
		}
		if err := p.check(value); err != nil {
			return nil, err
		}
		bound[p.Name] = p.value(value)
	}
	for name := range given {
		if _, known := bound[name]; !known {
			return nil, fmt.Errorf("parameter %s: the template has no parameter of this name", name)
		}
	}
	return bound, nil
}
