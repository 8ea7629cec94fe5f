// Package awsconfig puts a profile into AWS's shared config file and takes it
// out again, for the tool.
//
// It knows its own profiles by the comments around them, and touches nothing
// else: not a line, a comment, a line ending, a mode or a link of the user's.
// It must not interpret the file beyond finding sections: AWS's SDKs do that.
package awsconfig

import (
	"bytes"
	"fmt"
	"strings"
)

// Profile is a profile that gets its credentials from a program.
type Profile struct {
	Name    string
	Region  string // "": none is written
	Command string // credential_process
}

func begin(name string) string {
	return "# credvend: profile " + name + ", written by credvend configure; its --undo takes it out"
}

func end(name string) string { return "# credvend: end of profile " + name }

// lines are the profile's, comments included.
func (p Profile) lines() []string {
	header := "[profile " + p.Name + "]"
	if p.Name == "default" {
		header = "[default]"
	}
	lines := []string{begin(p.Name), header}
	if p.Region != "" {
		lines = append(lines, "region = "+p.Region)
	}
	return append(lines, "credential_process = "+p.Command, end(p.Name))
}

// Check refuses what the file could not hold: AWS's parsers end a value at a
// comment, even within quotes, and a newline would begin a line of its own.
func (p Profile) Check() error {
	if p.Name == "" || strings.Trim(p.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@+-") != "" {
		return fmt.Errorf("the profile name %q holds more than letters, digits and _.@+-", p.Name)
	}
	for _, value := range []string{p.Region, p.Command} {
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) || strings.Contains(value, " #") || strings.Contains(value, " ;") {
			return fmt.Errorf("%q cannot stand in an AWS config file: it holds a control character, or what begins a comment there", value)
		}
	}
	return nil
}

// Add returns text with the profile: in the place of the one that was written
// before, else at the end. It refuses a profile of that name that is not ours.
func Add(text []byte, p Profile) ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	lines := split(text)
	from, to, err := find(lines, p.Name)
	if err != nil {
		return nil, err
	}
	for i, line := range lines {
		if (i < from || i >= to) && sectionOf(line) == p.Name {
			return nil, fmt.Errorf("line %d: the profile %q is there already, and credvend did not write it; choose another name with --name", i+1, p.Name)
		}
	}
	newline := newlineOf(text)
	var block bytes.Buffer
	for _, line := range p.lines() {
		block.WriteString(line + newline)
	}
	before, after := bytes.Join(lines[:from], nil), bytes.Join(lines[to:], nil)
	if from == len(lines) && len(before) > 0 && !bytes.HasSuffix(before, []byte("\n")) {
		before = append(before, newline...)
	}
	return bytes.Join([][]byte{before, block.Bytes(), after}, nil), nil
}

// Remove returns text without the profile that Add put there.
func Remove(text []byte, name string) ([]byte, error) {
	lines := split(text)
	from, to, err := find(lines, name)
	if err != nil {
		return nil, err
	}
	if from == to {
		return nil, fmt.Errorf("there is no profile %q that credvend configure wrote", name)
	}
	return bytes.Join(append(lines[:from:from], lines[to:]...), nil), nil
}

// Has reports whether text has a section of a name, as a config or as a
// credentials file writes it.
func Has(text []byte, name string) bool {
	for _, line := range split(text) {
		if s := section(line); s == name || sectionOf(line) == name {
			return true
		}
	}
	return false
}

// split returns the lines with their ends.
func split(text []byte) [][]byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if last := len(lines) - 1; len(lines[last]) == 0 {
		lines = lines[:last]
	}
	return lines
}

// find returns where the profile that credvend wrote begins and ends; without
// one, the end of the file twice.
func find(lines [][]byte, name string) (from, to int, err error) {
	from, to = -1, -1
	for i, line := range lines {
		switch string(bytes.TrimRight(line, "\r\n")) {
		case begin(name):
			if from >= 0 {
				return 0, 0, fmt.Errorf("line %d: credvend's profile %q begins a second time; take one out by hand", i+1, name)
			}
			from = i
		case end(name):
			if from < 0 || to >= 0 {
				return 0, 0, fmt.Errorf("line %d: credvend's profile %q ends where none began; mend it by hand", i+1, name)
			}
			to = i + 1
		}
	}
	switch {
	case from < 0:
		return len(lines), len(lines), nil
	case to < 0:
		return 0, 0, fmt.Errorf("line %d: credvend's profile %q begins, and its last line is missing; mend it by hand", from+1, name)
	}
	for i := from; i < to; i++ {
		// Somebody put a section of their own between the two comments.
		if s := section(lines[i]); s != "" && sectionOf(lines[i]) != name {
			return 0, 0, fmt.Errorf("line %d: the section [%s] stands within credvend's profile %q; move it out by hand", i+1, s, name)
		}
	}
	return from, to, nil
}

// section is what stands in the brackets of a section's line, else "".
func section(line []byte) string {
	text := strings.TrimSpace(strings.TrimPrefix(string(line), "\ufeff"))
	inner, found := strings.CutPrefix(text, "[")
	if !found {
		return ""
	}
	inner, _, _ = strings.Cut(inner, "]")
	return strings.TrimSpace(inner)
}

// sectionOf is the profile whose section a line begins, else "".
func sectionOf(line []byte) string {
	words := strings.Fields(section(line))
	switch {
	case len(words) == 1 && words[0] == "default":
		return "default"
	case len(words) >= 2 && words[0] == "profile":
		return strings.Trim(strings.Join(words[1:], " "), `"'`)
	default:
		return ""
	}
}

// newlineOf is the line ending that most lines of a text have.
func newlineOf(text []byte) string {
	if crlf := bytes.Count(text, []byte("\r\n")); crlf > 0 && 2*crlf >= bytes.Count(text, []byte("\n")) {
		return "\r\n"
	}
	return "\n"
}

// Diff shows what of the lines changes, with some around it. The two differ in
// one place.
func Diff(name string, before, after []byte) string {
	a, b := split(before), split(after)
	head := 0
	for head < len(a) && head < len(b) && bytes.Equal(a[head], b[head]) {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && bytes.Equal(a[len(a)-1-tail], b[len(b)-1-tail]) {
		tail++
	}
	const around = 3
	from := max(head-around, 0)
	show := min(tail, around)
	var d strings.Builder
	fmt.Fprintf(&d, "--- %s\n+++ %s\n@@ -%s +%s @@\n", name, name, span(from, len(a)-tail+show), span(from, len(b)-tail+show))
	write := func(mark string, lines [][]byte) {
		for _, line := range lines {
			d.WriteString(mark + strings.TrimRight(string(line), "\r\n") + "\n")
		}
	}
	write(" ", a[from:head])
	write("-", a[head:len(a)-tail])
	write("+", b[head:len(b)-tail])
	write(" ", a[len(a)-tail:len(a)-tail+show])
	return d.String()
}

// span is a range of lines as diffs write it.
func span(from, to int) string {
	if from == to {
		return fmt.Sprintf("%d,0", from)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}
