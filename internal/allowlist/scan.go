package allowlist

import (
	"encoding/json"
	"slices"
	"strings"
)

// fields reads an object that has keys of a list, each once at most, and the
// first of them always.
func (r *reader) fields(keys []string, always int, value func(key string)) {
	seen := 0
	r.object(func(key string) {
		i := slices.Index(keys, key)
		if i < 0 || seen&(1<<i) != 0 {
			r.failed = true
			return
		}
		seen |= 1 << i
		value(keys[i])
	})
	must := 1<<always - 1
	r.failed = r.failed || seen&must != must
}

// members reads an object whose keys are names, each once.
func members[V any](r *reader, all map[string]V, value func() V) {
	r.object(func(key string) {
		if _, twice := all[key]; twice {
			r.failed = true
			return
		}
		all[key] = value()
	})
}

func (r *reader) object(member func(key string)) {
	if !r.take('{') {
		r.failed = true
		return
	}
	if r.take('}') {
		return
	}
	for !r.failed {
		key := r.string()
		if !r.take(':') {
			r.failed = true
		}
		if r.failed {
			return
		}
		member(key)
		if r.take('}') {
			return
		}
		r.failed = r.failed || !r.take(',')
	}
}

func (r *reader) list(item func()) {
	if !r.take('[') {
		r.failed = true
		return
	}
	if r.take(']') {
		return
	}
	for !r.failed {
		item()
		if r.take(']') {
			return
		}
		r.failed = r.failed || !r.take(',')
	}
}

// strings reads a list of strings. Lists are short and many: they share their
// memory by the thousand.
func (r *reader) strings() []string {
	const chunk = 1024
	if r.room == nil {
		r.room = make([]string, 0, chunk)
	}
	from := len(r.room)
	r.list(func() {
		if len(r.room) == cap(r.room) {
			begun := r.room[from:]
			r.room, from = append(make([]string, 0, max(chunk, 2*len(begun))), begun...), 0
		}
		r.room = append(r.room, r.string())
	})
	return slices.Clip(r.room[from:])
}

// some reads a string that is left out when it is empty.
func (r *reader) some() string {
	s := r.string()
	r.failed = r.failed || s == ""
	return s
}

func (r *reader) string() string {
	if !r.take('"') {
		r.failed = true
		return ""
	}
	from := r.at
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == '"':
			r.at++
			return r.text[from : r.at-1]
		case c == '\\':
			return r.escaped(from)
		case c < ' ':
			r.failed = true
			return ""
		}
	}
	r.failed = true
	return ""
}

// escaped reads on from the first backslash of a string.
func (r *reader) escaped(from int) (s string) {
	for ; r.at < len(r.text); r.at++ {
		switch r.text[r.at] {
		case '\\':
			r.at++ // whatever it is, it does not end the string
		case '"':
			r.at++
			r.failed = json.Unmarshal([]byte(r.text[from-1:r.at]), &s) != nil
			return s
		}
	}
	r.at, r.failed = len(r.text), true // a backslash at the end leads past it
	return ""
}

func (r *reader) bool() bool {
	r.space()
	on := strings.HasPrefix(r.text[r.at:], "true")
	switch {
	case on:
		r.at += len("true")
	case strings.HasPrefix(r.text[r.at:], "false"):
		r.at += len("false")
	default:
		r.failed = true
	}
	return on
}

// number reads a version: there is one.
func (r *reader) number() int {
	r.space()
	if r.at == len(r.text) || r.text[r.at] < '1' || r.text[r.at] > '9' {
		r.failed = true
		return 0
	}
	r.at++
	return int(r.text[r.at-1] - '0')
}

// take reads a mark, with the space before it, if it comes next.
func (r *reader) take(mark byte) bool {
	r.space()
	if r.at == len(r.text) || r.text[r.at] != mark {
		return false
	}
	r.at++
	return true
}

func (r *reader) space() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}
