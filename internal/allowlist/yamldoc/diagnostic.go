package yamldoc

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// shown is how many diagnostics an error text lists before it counts the rest.
const shown = 20

// maxFound bounds the problems that are gathered from one file.
const maxFound = 1000

// Diagnostic is one problem of a file: where, what, and how to mend it.
type Diagnostic struct {
	File    string
	Line    int // from 1
	Column  int // from 1, in characters
	Text    string
	Remedy  string // may be empty
	Excerpt string // the line with its number, and a marker under the column; may be empty
}

// String writes the diagnostic as FILE:LINE:COLUMN: TEXT; REMEDY, the excerpt
// on lines below.
func (d Diagnostic) String() string {
	s := fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Column, d.Text)
	if d.Remedy != "" {
		s += "; " + d.Remedy
	}
	if d.Excerpt != "" {
		s += "\n" + d.Excerpt
	}
	return s
}

// Diagnostics is every problem of a file in order of position. It is an error
// when it is not empty.
type Diagnostics []Diagnostic

// Error lists the first 20 and says how many more there are.
func (ds Diagnostics) Error() string {
	lines := make([]string, 0, shown+1)
	for _, d := range ds[:min(len(ds), shown)] {
		lines = append(lines, d.String())
	}
	switch more := len(ds) - shown; {
	case more == 1:
		lines = append(lines, "and 1 more problem")
	case more > 1:
		lines = append(lines, fmt.Sprintf("and %d more problems", more))
	}
	return strings.Join(lines, "\n")
}

// problem is a problem at a byte of the text.
type problem struct {
	off          int
	text, remedy string
}

// diagnose sorts problems by position and adds line, column and excerpt.
func (f *File) diagnose(found []problem) Diagnostics {
	slices.SortStableFunc(found, func(a, b problem) int { return a.off - b.off })
	ds := make(Diagnostics, len(found))
	line, at := 1, 0
	for i, p := range found {
		line += bytes.Count(f.text[at:p.off], []byte("\n"))
		at = p.off
		ds[i] = Diagnostic{
			File: f.name, Line: line, Column: columnAt(f.text, p.off),
			Text: p.text, Remedy: p.remedy, Excerpt: excerpt(f.text, p.off, line),
		}
	}
	return ds
}

// columnAt counts the characters before off on its line.
func columnAt(text []byte, off int) int {
	start := bytes.LastIndexByte(text[:off], '\n') + 1
	return utf8.RuneCount(text[start:off]) + 1
}

// excerpt shows the line of off with a marker below. Of a long line it shows
// the part around off. What a terminal would act on is shown as a dot.
func excerpt(text []byte, off, line int) string {
	const before, after = 60, 80 // bytes
	start := bytes.LastIndexByte(text[:off], '\n') + 1
	end := len(text)
	if i := bytes.IndexByte(text[off:], '\n'); i >= 0 {
		end = off + i
	}
	lead, trail := "", ""
	if off-start > before {
		start, lead = off-before, "…"
		for start < off && !utf8.RuneStart(text[start]) {
			start++
		}
	}
	if end-off > after {
		end, trail = off+after, "…"
		for end > off && !utf8.RuneStart(text[end]) {
			end--
		}
	}
	left := lead + visible(text[start:off])
	whole := left + strings.TrimRight(visible(bytes.TrimRight(text[off:end], "\r")), " ") + trail
	return fmt.Sprintf("%5d | %s\n      | %s^", line, whole, strings.Repeat(" ", utf8.RuneCountInString(left)))
}

func visible(b []byte) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return '→'
		case forbidden(r) || r == utf8.RuneError:
			return '·'
		default:
			return r
		}
	}, string(b))
}

// clip shortens text from the file before it stands in a message.
func clip(s string) string {
	const limit = 60
	if len(s) <= limit {
		return s
	}
	cut := limit
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
