package identity

import (
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
func isRendering(printed string, v value) bool {
	switch v.shape {
	case text, boolean:
		return printed == v.text
	case number:
		return isSameNumber(printed, v.text)
	case null:
		return printed == "null" || printed == "<nil>"
	case absent:
		return false
	case list, object:
	}
	if rest, ok := cutPrinted(printed, v); ok && rest == "" {
		return true
	}
	if !isNested(v) {
		return false
	}
	parsed, err := decodeJSON([]byte(printed))
	return err == nil && isSame(parsed, v)
}

// cutPrinted cuts from printed what Go prints for v, and returns the rest.
func cutPrinted(printed string, v value) (rest string, ok bool) {
	switch v.shape {
	case text, boolean:
		return strings.CutPrefix(printed, v.text)
	case number:
		end := strings.IndexAny(printed, " ]")
		if end < 0 {
			end = len(printed)
		}
		return printed[end:], isSameNumber(printed[:end], v.text)
	case list:
		rest, ok = strings.CutPrefix(printed, "[")
		for i := 0; ok && i < len(v.members); i++ {
			if i > 0 {
				if rest, ok = strings.CutPrefix(rest, " "); !ok {
					break
				}
			}
			rest, ok = cutPrinted(rest, v.members[i].value)
		}
	case object:
		rest, ok = strings.CutPrefix(printed, "map[")
		for i, key := range sortedNames(v.members) { // fmt sorts too
			if i > 0 && ok {
				rest, ok = strings.CutPrefix(rest, " ")
			}
			if ok {
				rest, ok = strings.CutPrefix(rest, key+":")
			}
			if ok {
				rest, ok = cutPrinted(rest, v.get(key))
			}
		}
	case null:
		if rest, ok = strings.CutPrefix(printed, "<nil>"); ok {
			return rest, true
		}
		return strings.CutPrefix(printed, "null")
	case absent:
		return "", false
	}
	if !ok {
		return "", false
	}
	return strings.CutPrefix(rest, "]")
}

// isNested reports whether v is an object, or a list that holds a list or an
// object.
func isNested(v value) bool {
	return v.shape == object || v.shape == list && slices.ContainsFunc(v.members, func(m member) bool {
		return m.value.shape == list || m.value.shape == object
	})
}

// isSame reports whether two JSON values are equal, numbers by value.
func isSame(a, b value) bool {
	if a.shape != b.shape || len(a.members) != len(b.members) {
		return false
	}
	switch a.shape {
	case number:
		return isSameNumber(a.text, b.text)
	case list:
		return slices.EqualFunc(a.members, b.members, func(x, y member) bool { return isSame(x.value, y.value) })
	case object:
		return !slices.ContainsFunc(a.members, func(m member) bool { return !isSame(m.value, b.get(m.name)) })
	default:
		return a.text == b.text
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
