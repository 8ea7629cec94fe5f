package allowlist

import (
	"fmt"
	"strings"
)

// Problem is one fault of a document: where it is, what is wrong, how to mend
// it.
type Problem struct {
	// Path leads to the node: keys of objects as strings, places in lists as
	// ints, such as ["rules", 3, "routes", 0]. With Key set it is the key
	// itself, not its value, that is at fault.
	Path   []any
	Key    bool
	Text   string // what is wrong
	Remedy string // what to write instead; may be empty
}

// Where writes the path as rules[3].routes[0].
func (p Problem) Where() string {
	var b strings.Builder
	for _, step := range p.Path {
		switch s := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", s)
		case string:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s)
		}
	}
	return b.String()
}

// String writes where, what and the remedy on one line.
func (p Problem) String() string {
	s := p.Text
	if w := p.Where(); w != "" {
		s = w + ": " + s
	}
	if p.Remedy != "" {
		s += "; " + p.Remedy
	}
	return s
}

// Problems is every fault that was found in a document, in document order. It
// is an error when it is not empty.
type Problems []Problem

// Error lists the problems, a line each.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}
