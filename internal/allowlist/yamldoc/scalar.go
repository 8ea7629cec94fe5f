package yamldoc

import (
	"fmt"
	"regexp"
	"strings"
)

// scalar reads one-line text at pos: quoted, or plain up to the end of the
// line, a comment, or a colon and a space; in brackets also up to a comma or
// bracket. It reports what cannot begin text and returns an invalid node.
func (r *reader) scalar(inFlow bool) node {
	start := r.pos
	bad := func(text, remedy string) node {
		r.report(start, text, remedy)
		return node{kind: invalid, off: int32(start)} //nolint:gosec // bounded by MaxSize
	}
	const quotes = "put the value in quotes"
	c := r.at(0)
	switch {
	case c == '"' || c == '\'':
		return r.quoted(c)
	case c == '&':
		return bad("anchors (&name) are not read", "write the value out wherever it is needed; "+quotes+" if the & belongs to it")
	case c == '*':
		return bad("a * without quotes begins an alias, and aliases are not read", `put the star in quotes ("*"), or write the value out`)
	case c == '!':
		return bad("tags (!name) are not read", "take it away: the key decides the type")
	case c == '|' || c == '>':
		return bad("block text (| and >) goes over lines; a value stays on one", "write it on the line of its key, in quotes")
	case c == '%' || c == '@' || c == '`':
		return bad(fmt.Sprintf("%c cannot begin a value", c), quotes)
	case c == '#':
		return bad("# without a space before it begins no comment", "put a space before it, or "+quotes)
	case flowIndicator(c):
		return bad(fmt.Sprintf("unexpected %c", c), quotes+" if it belongs to it")
	case (c == '-' || c == '?' || c == ':') && (blank(r.at(1)) || inFlow && flowIndicator(r.at(1))):
		return bad(fmt.Sprintf("%c and a space cannot begin a value here", c), quotes)
	}
	for r.pos < len(r.text) {
		c := r.text[r.pos]
		if c == '\n' || c == '\r' ||
			c == ':' && (blank(r.at(1)) || inFlow && flowIndicator(r.at(1))) ||
			c == '#' && r.text[r.pos-1] == ' ' ||
			inFlow && flowIndicator(c) {
			break
		}
		r.pos++
	}
	return node{kind: plain, off: int32(start), text: strings.TrimRight(r.source[start:r.pos], " ")} //nolint:gosec // bounded by MaxSize
}

// quoted reads text in quotes on one line.
//
// Of the escapes only those of the quote, the backslash and the slash are
// read. The others can spell any letter: "\u0061dmin" would be an admin whom a
// search of the file does not find.
func (r *reader) quoted(quote byte) node {
	start := r.pos
	r.pos++
	b := r.unescaped[:0]
	for {
		c := r.at(0)
		switch {
		case r.pos >= len(r.text) || c == '\n' || c == '\r':
			return r.stop(start, "this quote is not closed on its line; a value stays on one line", "close the quote")
		case c == '\'' && quote == '\'' && r.at(1) == '\'':
			b = append(b, c)
			r.pos += 2
		case c == quote:
			text := r.source[start+1 : r.pos]
			if len(text) != len(b) { // an escape was read
				text = string(b)
			}
			r.unescaped = b
			r.pos++
			return node{kind: quoted, off: int32(start), text: text} //nolint:gosec // bounded by MaxSize
		case c == '\\' && quote == '"':
			e := r.at(1)
			if e != '"' && e != '\\' && e != '/' {
				r.report(r.pos, `of the escapes only \" and \\ are read`, "write the character itself, or use single quotes, in which a backslash is a backslash")
			}
			b = append(b, e)
			if r.pos += 2; e == '\n' || e == '\r' {
				r.pos-- // the loop finds that the line is over
			}
		default:
			b = append(b, c)
			r.pos++
		}
	}
}

// The forms of plain text that some version of YAML does not read as text.
var (
	numberForm = regexp.MustCompile(`^[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*|([0-9][0-9_]*)?\.?[0-9_]*([eE][-+]?[0-9]+)?|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	dateForm   = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?$`)
)

// ambiguous says what plain text is to YAML 1.1 or 1.2 if it is not text to
// both; else it returns "".
func ambiguous(s string) string {
	switch strings.ToLower(s) {
	case "", "~", "null":
		return "null"
	case "true", "false":
		return "a boolean"
	case "yes", "no", "on", "off", "y", "n":
		return "a boolean to some YAML readers"
	}
	if c := s[0]; c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') {
		return ""
	}
	switch {
	case len(s) <= 64 && numberForm.MatchString(s) && strings.ContainsAny(s, "0123456789infaINFA"):
		return "a number"
	case len(s) > 64 && strings.Trim(s, "+-0123456789_.eExX:") == "":
		return "a number"
	case dateForm.MatchString(s):
		return "a date"
	}
	return ""
}
