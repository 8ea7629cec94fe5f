package yamldoc

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// wholeFile checks what is wrong with a file as a whole, before anything of it
// is looked at.
func wholeFile(text []byte) (problem, bool) {
	switch {
	case len(text) > MaxSize:
		return problem{
			text:   fmt.Sprintf("the file has %d bytes; the limit is %d (64 MiB)", len(text), MaxSize),
			remedy: "an allowlist of 100,000 rules takes about 15 MiB: is this the right file?",
		}, false
	case bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")):
		return problem{text: "the file is in UTF-16", remedy: "save it as UTF-8, without a byte-order mark"}, false
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")):
		return problem{text: "the file begins with a byte-order mark", remedy: "save it as UTF-8 without one (editors call it “UTF-8 without BOM”)"}, false
	case len(bytes.TrimSpace(text)) == 0:
		return problem{text: "the file is empty", remedy: "an allowlist begins with: version: 1"}, false
	}
	return problem{}, true
}

// characters finds what may stand nowhere in a file, comments included.
// Characters that are not seen, or that turn the order of the text around,
// would let a file look other than it reads: whoever reviews it would approve
// something else.
func characters(text []byte) []problem {
	var found []problem
	report := func(off int, text, remedy string) { found = append(found, problem{off, text, remedy}) }
	for off := 0; off < len(text) && len(found) < maxFound; {
		c := text[off]
		if c >= ' ' && c < 0x7f || c == '\n' {
			off++
			continue
		}
		r, size := utf8.DecodeRune(text[off:])
		switch {
		case r == utf8.RuneError && size == 1:
			report(off, fmt.Sprintf("the byte 0x%02x is not UTF-8", c), "save the file as UTF-8")
		case r == '\r' && off+1 < len(text) && text[off+1] == '\n':
		case r == '\r':
			report(off, "a carriage return without a line feed ends a line for some readers and not for others", "end lines with LF or CRLF")
		case r == '\t':
			report(off, "a tab; YAML forbids tabs where it counts columns, and here they are allowed nowhere", "use spaces")
			for off+1 < len(text) && text[off+1] == '\t' { // one report for a run of them
				off++
			}
		case forbidden(r):
			report(off, fmt.Sprintf("the character U+%04X is not to be seen in an editor, or not as what it is", r), "take it out, or put a plain space in its place")
		}
		off += size
	}
	return found
}

// forbidden reports whether r is a control, format or line-breaking character,
// or a space other than the plain one.
func forbidden(r rune) bool {
	return r != ' ' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Zs)
}
