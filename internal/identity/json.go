package identity

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds nesting. Events and tokens have fewer than ten levels.
const maxDepth = 64

// The ways in which bytes fail to be JSON we read. None quotes its input.
var (
	errSyntax    = errors.New("malformed JSON")
	errNotUTF8   = errors.New("bytes that are not UTF-8")
	errDuplicate = errors.New("a repeated key")
	errDeep      = errors.New("too many levels")
)

// decodeJSON reads one JSON value strictly.
//
// encoding/json would take the last of two equal keys, match keys whatever
// their case, and mend invalid UTF-8: each a way to make two readers of the
// same bytes see two identities. Its decoder that tells keys apart, token by
// token, was also the costliest part of a request. What is JSON and what its
// strings say is still as encoding/json has it: a fuzz test holds the two
// together.
func decodeJSON(raw []byte) (value, error) {
	if !utf8.Valid(raw) {
		return value{}, errNotUTF8
	}
	r := reader{text: string(raw), open: make([]member, 0, 32)}
	v, err := r.value(maxDepth)
	if err == nil && r.next() != end {
		err = errSyntax
	}
	if err != nil && !json.Valid(raw) {
		return value{}, errSyntax // before anything that is wrong in what was read so far
	}
	if err != nil {
		return value{}, err
	}
	return v, nil
}

// reader reads a JSON text from its start to its end. The strings that it
// gives are parts of the text.
type reader struct {
	text string
	at   int
	open []member // those of all objects and lists that are not read to their end
}

// end is what next returns behind the text; no text has it outside a string.
const end = 0

// next skips blanks and returns the byte that stands there, without taking it.
func (r *reader) next() byte {
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\r', '\n':
		case end:
			return '?' // an actual one is none of JSON's
		default:
			return c
		}
	}
	return end
}

// take takes one byte, if it is what comes next.
func (r *reader) take(c byte) error {
	if r.next() != c {
		return errSyntax
	}
	r.at++
	return nil
}

func (r *reader) value(depth int) (v value, err error) {
	if depth == 0 {
		return value{}, errDeep
	}
	switch r.next() {
	case '{':
		v.shape = object
		v.members, err = r.objectMembers(depth - 1)
	case '[':
		v.shape = list
		v.members, err = r.listMembers(depth - 1)
	case '"':
		v.shape = text
		v.text, err = r.string()
	case 't':
		v.shape = boolean
		v.text, err = r.word("true")
	case 'f':
		v.shape = boolean
		v.text, err = r.word("false")
	case 'n':
		v.shape = null
		v.text, err = r.word("null")
	default:
		v.shape = number
		v.text, err = r.number()
	}
	return v, err
}

func (r *reader) objectMembers(depth int) ([]member, error) {
	first := len(r.open)
	r.at++ // the brace
	for r.next() != '}' {
		if len(r.open) > first {
			if err := r.take(','); err != nil {
				return nil, err
			}
		}
		if r.next() != '"' {
			return nil, errSyntax
		}
		name, err := r.string()
		if err != nil {
			return nil, err
		}
		if err := r.take(':'); err != nil {
			return nil, err
		}
		v, err := r.value(depth)
		if err != nil {
			return nil, err
		}
		r.open = append(r.open, member{name, v})
	}
	members := r.open[first:]
	if len(members) >= many {
		slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	}
	if !areDistinct(members) {
		return nil, errDuplicate
	}
	return r.close(first), nil
}

func (r *reader) listMembers(depth int) ([]member, error) {
	first := len(r.open)
	r.at++ // the bracket
	for r.next() != ']' {
		if len(r.open) > first {
			if err := r.take(','); err != nil {
				return nil, err
			}
		}
		v, err := r.value(depth)
		if err != nil {
			return nil, err
		}
		r.open = append(r.open, member{value: v})
	}
	return r.close(first), nil
}

// close takes the closing bracket and the members that were read since first.
func (r *reader) close(first int) []member {
	r.at++
	members := slices.Clone(r.open[first:])
	r.open = r.open[:first]
	return members
}

// areDistinct reports whether no two members of an object have one name.
func areDistinct(members []member) bool {
	for i := range members {
		first := 0
		if len(members) >= many {
			first = max(i-1, 0) // they are sorted: equal ones are neighbours
		}
		for j := first; j < i; j++ {
			if members[i].name == members[j].name {
				return false
			}
		}
	}
	return true
}

// string reads a string, whose first quote comes next.
func (r *reader) string() (string, error) {
	start := r.at + 1
	for i := start; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c > '\\', c >= ' ' && c != '"' && c != '\\': // most
		case c == '"':
			r.at = i + 1
			return r.text[start:i], nil
		case c == '\\':
			return r.escaped(start)
		default:
			return "", errSyntax
		}
	}
	return "", errSyntax
}

// escaped reads a string with escapes, which encoding/json knows best.
func (r *reader) escaped(start int) (string, error) {
	for i := start; i < len(r.text); i++ {
		switch r.text[i] {
		case '\\':
			i++
		case '"':
			r.at = i + 1
			var s string
			if json.Unmarshal([]byte(r.text[start-1:r.at]), &s) != nil {
				return "", errSyntax
			}
			return s, nil
		}
	}
	return "", errSyntax
}

func (r *reader) word(w string) (string, error) {
	if !strings.HasPrefix(r.text[r.at:], w) {
		return "", errSyntax
	}
	r.at += len(w)
	return w, nil
}

// number reads a number by RFC 8259's grammar.
func (r *reader) number() (string, error) {
	start := r.at
	r.skip("-")
	switch {
	case r.skip("0"):
	case r.digits():
	default:
		return "", errSyntax
	}
	if r.skip(".") && !r.digits() {
		return "", errSyntax
	}
	if r.skip("eE") {
		r.skip("+-")
		if !r.digits() {
			return "", errSyntax
		}
	}
	return r.text[start:r.at], nil
}

// skip takes one byte, if it is one of set.
func (r *reader) skip(set string) bool {
	if r.at < len(r.text) && strings.IndexByte(set, r.text[r.at]) >= 0 {
		r.at++
		return true
	}
	return false
}

// digits takes all digits there are, and reports whether there is one.
func (r *reader) digits() bool {
	start := r.at
	for r.at < len(r.text) && r.text[r.at]-'0' <= 9 {
		r.at++
	}
	return r.at > start
}
