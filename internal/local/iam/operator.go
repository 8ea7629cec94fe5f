package iam

import (
	"bytes"
	"encoding/base64"
	"math/big"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// matcher compares one value of the request with one value of the policy.
type matcher func(ctx Context, actual string) bool

// operator returns the compiler of an operator's values, and whether it is the
// negated form of that comparison.
func operator(name string, variables bool) (compile func(string) (matcher, error), negated, ok bool) {
	switch name {
	case "StringEquals", "StringNotEquals":
		return stringOperator(patternMode{variables: variables}, pattern.match), name == "StringNotEquals", true
	case "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase":
		return stringOperator(patternMode{variables: variables}, pattern.matchFold), name == "StringNotEqualsIgnoreCase", true
	case "StringLike", "StringNotLike":
		return stringOperator(patternMode{wildcards: true, variables: variables}, pattern.match), name == "StringNotLike", true
	case "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike":
		return arnOperator(variables), strings.HasPrefix(name, "ArnNot"), true
	case "Bool":
		return boolOperator, false, true
	case "BinaryEquals":
		return binaryOperator, false, true
	case "IpAddress", "NotIpAddress":
		return ipOperator, name == "NotIpAddress", true
	}
	if rest, ok := strings.CutPrefix(name, "Numeric"); ok {
		if holds, negated, ok := ordering(rest); ok {
			return numericOperator(holds), negated, true
		}
	}
	if rest, ok := strings.CutPrefix(name, "Date"); ok {
		if holds, negated, ok := ordering(rest); ok {
			return dateOperator(holds), negated, true
		}
	}
	return nil, false, false
}

// ordering turns the end of a Numeric or Date operator into a test on how the
// request's value compares with the policy's.
func ordering(name string) (holds func(cmp int) bool, negated, ok bool) {
	switch name {
	case "Equals":
		return func(c int) bool { return c == 0 }, false, true
	case "NotEquals":
		return func(c int) bool { return c == 0 }, true, true
	case "LessThan":
		return func(c int) bool { return c < 0 }, false, true
	case "LessThanEquals":
		return func(c int) bool { return c <= 0 }, false, true
	case "GreaterThan":
		return func(c int) bool { return c > 0 }, false, true
	case "GreaterThanEquals":
		return func(c int) bool { return c >= 0 }, false, true
	}
	return nil, false, false
}

func stringOperator(mode patternMode, match func(pattern, Context, string) bool) func(string) (matcher, error) {
	return func(value string) (matcher, error) {
		p, err := compilePattern(value, mode)
		return func(ctx Context, actual string) bool { return match(p, ctx, actual) }, err
	}
}

// arnOperator compares the six parts of an ARN one by one, so that a wildcard in
// one part never reaches the next. ArnEquals and ArnLike are the same in AWS.
func arnOperator(variables bool) func(string) (matcher, error) {
	return func(value string) (matcher, error) {
		p, err := compilePattern(value, patternMode{wildcards: true, variables: variables})
		if err != nil {
			return nil, err
		}
		if !p.variables {
			if parts, ok := splitARN(p.tokens); !ok || !matchTokens(parts[0], []rune("arn"), false) {
				return nil, malformed("Syntax errors in policy.", quote(value)+" is not an ARN")
			}
		}
		return func(ctx Context, actual string) bool {
			tokens, ok := p.expand(ctx)
			if !ok {
				return false
			}
			parts, ok := splitARN(tokens)
			fields := strings.SplitN(actual, ":", 6)
			if !ok || len(fields) != 6 {
				return false
			}
			for i := range parts {
				if !matchTokens(parts[i], []rune(fields[i]), false) {
					return false
				}
			}
			return true
		}, nil
	}
}

func boolOperator(value string) (matcher, error) {
	want, err := parseBool(value)
	return func(_ Context, actual string) bool {
		got, err := parseBool(actual)
		return err == nil && got == want
	}, err
}

func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, strconv.ErrSyntax
}

func binaryOperator(value string) (matcher, error) {
	want, err := base64.StdEncoding.DecodeString(value)
	return func(_ Context, actual string) bool {
		got, err := base64.StdEncoding.DecodeString(actual)
		return err == nil && bytes.Equal(got, want)
	}, err
}

func ipOperator(value string) (matcher, error) {
	prefix, err := netip.ParsePrefix(value)
	if err != nil {
		var addr netip.Addr
		if addr, err = netip.ParseAddr(value); err == nil {
			prefix, err = addr.Prefix(addr.BitLen())
		}
	}
	return func(_ Context, actual string) bool {
		addr, err := netip.ParseAddr(actual)
		return err == nil && prefix.Contains(addr.Unmap())
	}, err
}

// numberForm keeps exponents out: "1e999999999" would cost the judge its memory.
var numberForm = regexp.MustCompile(`^[+-]?\d{1,40}(\.\d{1,40})?$`)

func parseNumber(s string) (*big.Rat, bool) {
	if !numberForm.MatchString(s) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func numericOperator(holds func(int) bool) func(string) (matcher, error) {
	return func(value string) (matcher, error) {
		want, ok := parseNumber(value)
		if !ok {
			return nil, strconv.ErrSyntax
		}
		return func(_ Context, actual string) bool {
			got, ok := parseNumber(actual)
			return ok && holds(got.Cmp(want))
		}, nil
	}
}

func dateOperator(holds func(int) bool) func(string) (matcher, error) {
	return func(value string) (matcher, error) {
		want, err := parseDate(value)
		return func(_ Context, actual string) bool {
			got, err := parseDate(actual)
			return err == nil && holds(got.Compare(want))
		}, err
	}
}

// parseDate reads the W3C forms of ISO 8601 and seconds since 1970.
func parseDate(s string) (time.Time, error) {
	if seconds, err := strconv.ParseInt(s, 10, 64); err == nil && len(s) > 4 {
		return time.Unix(seconds, 0), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, strconv.ErrSyntax
}
