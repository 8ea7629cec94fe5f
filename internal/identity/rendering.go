package identity

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// isRendering reports whether text is how an HTTP API writes the value of a
// claim into the map of verified claims.
//
// Strings stand as they are. Lists come out as Go prints them, "[a b c]", and
// so do objects, "map[k:v]"; other emulations of the gateway write nested
// values as JSON, so that is taken too, wherever a list or an object lies
// inside the claim or the claim is an object. Numbers were seen as digits and
// with an exponent: what counts is that the number is the same, exactly. Null
// is "<nil>" or "null".
//
// "[a b]" is the list [a, b], the list ["a b"] and the string "[a b]" alike.
// That cannot be told from the text, and need not be: this comparison stands
// behind the rule that there is exactly one token in exactly one header.
func isRendering(text string, value any) bool {
	switch v := value.(type) {
	case string:
		return text == v
	case json.Number:
		return isSameNumber(text, v.String())
	case bool:
		return text == strconv.FormatBool(v)
	case nil:
		return text == "null" || text == "<nil>"
	}
	if rest, ok := cutPrinted(text, value); ok && rest == "" {
		return true
	}
	if !isNested(value) {
		return false
	}
	parsed, err := decodeJSON([]byte(text))
	return err == nil && isSame(parsed, value)
}

// cutPrinted cuts from text what Go prints for value, and returns the rest.
func cutPrinted(text string, value any) (rest string, ok bool) {
	switch v := value.(type) {
	case string:
		return strings.CutPrefix(text, v)
	case json.Number:
		end := strings.IndexAny(text, " ]")
		if end < 0 {
			end = len(text)
		}
		return text[end:], isSameNumber(text[:end], v.String())
	case bool:
		return strings.CutPrefix(text, strconv.FormatBool(v))
	case []any:
		rest, ok = strings.CutPrefix(text, "[")
		for i := 0; ok && i < len(v); i++ {
			if i > 0 {
				if rest, ok = strings.CutPrefix(rest, " "); !ok {
					break
				}
			}
			rest, ok = cutPrinted(rest, v[i])
		}
	case object:
		rest, ok = strings.CutPrefix(text, "map[")
		for i, key := range slices.Sorted(maps.Keys(v)) { // fmt sorts too
			if i > 0 && ok {
				rest, ok = strings.CutPrefix(rest, " ")
			}
			if ok {
				rest, ok = strings.CutPrefix(rest, key+":")
			}
			if ok {
				rest, ok = cutPrinted(rest, v[key])
			}
		}
	default: // null
		if rest, ok = strings.CutPrefix(text, "<nil>"); ok {
			return rest, true
		}
		return strings.CutPrefix(text, "null")
	}
	if !ok {
		return "", false
	}
	return strings.CutPrefix(rest, "]")
}

// isNested reports whether value is an object, or a list that holds a list or
// an object.
func isNested(value any) bool {
	list, ok := value.([]any)
	if !ok {
		_, ok = value.(object)
		return ok
	}
	return slices.ContainsFunc(list, func(v any) bool {
		switch v.(type) {
		case []any, object:
			return true
		default:
			return false
		}
	})
}

// isSame reports whether two decoded JSON values are equal, numbers by value.
func isSame(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && isSameNumber(a.String(), b.String())
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, isSame)
	case object:
		b, ok := b.(object)
		return ok && maps.EqualFunc(a, b, isSame)
	default: // string, bool, nil; b may be a map, which must not be compared with ==
		switch b.(type) {
		case string, bool, nil:
			return a == b
		default:
			return false
		}
	}
}

// isSameNumber reports whether two decimal numbers are exactly equal. Nothing
// is computed: 1e999999999 must not cost memory.
func isSameNumber(a, b string) bool {
	x, ok := parseDecimal(a)
	if !ok {
		return false
	}
	y, ok := parseDecimal(b)
	return ok && x == y
}

// decimal is ±0.digits × 10^exponent, without zeros at either end of digits.
type decimal struct {
	negative bool
	digits   string
	exponent int
}

// parseDecimal reads a decimal number with an exponent of at most nine
// characters.
func parseDecimal(s string) (decimal, bool) {
	var d decimal
	s, d.negative = strings.CutPrefix(s, "-")
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		exponent, err := strconv.Atoi(s[i+1:])
		if err != nil || len(s)-i > 10 {
			return decimal{}, false
		}
		d.exponent, s = exponent, s[:i]
	}
	whole, fraction, hasPoint := strings.Cut(s, ".")
	if whole == "" || hasPoint && fraction == "" {
		return decimal{}, false
	}
	digits := whole + fraction
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return decimal{}, false
		}
	}
	d.exponent += len(whole)
	d.digits = strings.TrimLeft(digits, "0")
	d.exponent -= len(digits) - len(d.digits)
	d.digits = strings.TrimRight(d.digits, "0")
	if d.digits == "" {
		d.exponent = 0
	}
	return d, true
}
