package audit

import (
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// appendText appends s to b as a JSON string: clipped, and with an escape for
// everything that is not to be seen. JSON lets DEL, C1 controls and marks of
// text direction stand, but a terminal obeys or hides them.
func appendText(b []byte, s string) []byte {
	s = clip(s)
	b = append(b, '"')
	from := 0 // of what is still to be copied
	for i := 0; i < len(s); {
		if isPlain(rune(s[i])) {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if n == 1 || !unicode.IsPrint(r) { // not ASCII and not UTF-8 has the length 1 too
			b = append(b, s[from:i]...)
			b = appendEscape(b, r)
			from = i + n
		}
		i += n
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

// isPlain reports whether r is ASCII and stands in a JSON string, and in a line,
// as it is.
func isPlain(r rune) bool { return ' ' <= r && r <= '~' && r != '"' && r != '\\' }

// appendEscape appends r in the form that encoding/json gives it.
func appendEscape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	if r >= 0x10000 {
		high, low := utf16.EncodeRune(r)
		return appendUnit(appendUnit(b, high), low)
	}
	return appendUnit(b, r)
}

// appendUnit appends \uXXXX.
func appendUnit(b []byte, unit rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[unit>>12&15], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
}

// clip cuts s to what takes up maxText bytes in the line, and marks the cut.
func clip(s string) string {
	if len(s) <= maxText/len(`\u0000`) {
		return s // whatever is in it
	}
	size := 0
	for i, r := range s {
		if size += written(r); size > maxText {
			return s[:i] + "…"
		}
	}
	return s
}

// written is at most how many bytes r takes up in a JSON string.
func written(r rune) int {
	switch {
	case isPlain(r):
		return 1
	case r == '"' || r == '\\':
		return 2
	case r == utf8.RuneError || r < 0x10000 && !unicode.IsPrint(r):
		return len(`\u0000`)
	case !unicode.IsPrint(r):
		return 2 * len(`\u0000`)
	default:
		return utf8.RuneLen(r)
	}
}
