package yamldoc

import "fmt"

// reader turns text into nodes. It goes over the text once and never back, and
// recurses at most MaxDepth deep.
//
// A problem in a value is reported, the value is passed over, and reading goes
// on. A problem in the structure ends the reading: what follows could only be
// guessed at.
type reader struct {
	text      []byte
	source    string // the same text: scalars are parts of it
	unescaped []byte // scratch
	pos       int    // of the next byte
	lineStart int    // of the line that holds pos
	depth     int
	nodes     int
	begun     bool // the document has begun, or its marker was seen
	found     []problem
	stopped   bool
}

func (r *reader) report(off int, text, remedy string) {
	if r.stopped {
		return
	}
	r.found = append(r.found, problem{off, text, remedy})
	if len(r.found) >= maxFound {
		r.end()
	}
}

// stop reports a problem and ends the reading: the rest looks like the end of
// the file, at which every loop ends.
func (r *reader) stop(off int, text, remedy string) node {
	r.report(off, text, remedy)
	r.end()
	return node{kind: invalid, off: int32(off)} //nolint:gosec // bounded by MaxSize
}

func (r *reader) end() { r.stopped, r.pos = true, len(r.text) }

// at returns the byte n places on, or a line feed past the end.
func (r *reader) at(n int) byte {
	if r.pos+n < len(r.text) {
		return r.text[r.pos+n]
	}
	return '\n'
}

func (r *reader) column() int { return r.pos - r.lineStart }

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' }

func (r *reader) skipSpaces() {
	for r.pos < len(r.text) && r.text[r.pos] == ' ' {
		r.pos++
	}
}

func (r *reader) skipLine() {
	for r.pos < len(r.text) && r.text[r.pos] != '\n' {
		r.pos++
	}
}

// lineIsOver skips spaces and reports whether nothing but a comment is left on
// the line.
func (r *reader) lineIsOver() bool {
	r.skipSpaces()
	c := r.at(0)
	return c == '\n' || c == '\r' || c == '#' && (r.pos == r.lineStart || r.text[r.pos-1] == ' ')
}

// next moves to the next content, over line ends and comments; false at the
// end of the file.
func (r *reader) next() bool {
	for r.lineIsOver() {
		r.skipLine()
		if r.pos >= len(r.text) {
			return false
		}
		r.pos++
		r.lineStart = r.pos
		r.lineHead()
	}
	return r.pos < len(r.text)
}

// lineHead deals with what has a meaning at the very beginning of a line: the
// marker before the document, and what is refused.
func (r *reader) lineHead() {
	switch {
	case r.marker("---") && !r.begun:
		r.begun = true
		r.pos += 3
		if !r.lineIsOver() {
			r.stop(r.pos, "content on the line of ---", "begin it on the next line")
		}
	case r.marker("---"):
		r.stop(r.pos, "a second document begins here; a file holds one allowlist", "take the line --- away, or put what follows into a file of its own")
	case r.marker("..."):
		r.stop(r.pos, "the marker ... ends a document; it is not read here", "take it away")
	case r.at(0) == '%':
		r.stop(r.pos, "directives (%YAML, %TAG) are not read", "take the line away")
	}
}

func (r *reader) marker(m string) bool {
	return r.at(0) == m[0] && r.at(1) == m[1] && r.at(2) == m[2] && blank(r.at(3))
}

// document reads the whole text.
func (r *reader) document() node {
	r.lineHead()
	if !r.next() {
		return r.stop(0, "the file holds no allowlist, only comments", "an allowlist begins with: version: 1")
	}
	r.begun = true
	n := r.block(-1, false)
	if !r.stopped && r.next() {
		return r.stop(r.pos, "this line belongs to nothing above it", "indent it like the keys it stands among")
	}
	return n
}

// enter counts a mapping or list in; the caller calls leave, entered or not.
func (r *reader) enter() bool {
	r.depth++
	if r.depth > MaxDepth {
		r.stop(r.pos, fmt.Sprintf("more than %d mappings and lists inside one another", MaxDepth), "no key of an allowlist goes that deep: look for a bracket or an indentation too many")
		return false
	}
	return true
}

func (r *reader) leave() { r.depth-- }

// count bounds the memory that a file can take.
func (r *reader) count() {
	r.nodes++
	if r.nodes > maxNodes {
		r.stop(r.pos, fmt.Sprintf("more than %d keys and values", maxNodes), "split the allowlist")
	}
}

// absent is the value that a key or dash at off lacks.
func (r *reader) absent(off int32) node {
	r.count()
	return node{kind: absent, off: off}
}
