// Package guard holds the hot path to what it cost when somebody last looked:
// it counts the allocations of each part, and the processor's instructions
// where the machine can count them, and compares them with bench/baseline.txt.
// A count is the same on a busy machine as on an idle one, which no time is.
//
// A change of more than 5 %, for the better too, needs a new line in the
// baseline that says why. `make guard` runs this, and so does go test.
package guard

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// placeholder stands where somebody still has to say why a count changed.
const placeholder = "say why"

// Line is one count of the baseline.
type Line struct {
	Name  string
	Count int    // allocations of one run, or what the name says
	Why   string // it is that
}

// explained reports whether somebody said why the count is what it is.
func (l Line) explained() bool { return l.Why != "" && l.Why != placeholder }

// String is the line as the baseline holds it.
func (l Line) String() string { return fmt.Sprintf("%-30s %7d  # %s", l.Name, l.Count, l.Why) }

// Baseline is what a run is compared with.
type Baseline struct {
	Head  []string // the comment at the top, as it stands
	Go    string   // the version that it was counted with, without its patch: 1.26
	Lines []Line
}

// Parse reads a baseline: a comment, the line "go 1.26", and lines of a name, a
// count and a reason, such as
//
//	decide  3  # the grant is compiled when the list is loaded
func Parse(text string) (Baseline, error) {
	var b Baseline
	var wrong []error
	seen := map[string]bool{}
	number := 0
	for raw := range strings.Lines(text) {
		number++
		fail := func(format string, a ...any) {
			wrong = append(wrong, fmt.Errorf("line %d: %s", number, fmt.Sprintf(format, a...)))
		}
		raw = strings.TrimRight(raw, "\r\n")
		before, why, hasWhy := strings.Cut(raw, "#")
		words := strings.Fields(before)
		switch {
		case len(words) == 0 && (b.Go == "" || strings.TrimSpace(raw) == ""):
			if b.Go == "" {
				b.Head = append(b.Head, raw)
			}
		case len(words) == 0:
			fail("a comment of its own stands at the top alone; put this one behind the count that it is about")
		case len(words) == 2 && words[0] == "go" && b.Go == "" && len(b.Lines) == 0:
			b.Go = words[1]
		case b.Go == "":
			fail("before any count stands the Go version that it was made with: go 1.26")
		case len(words) != 2 || !hasWhy:
			fail("%q is not a name, a count and # a reason", raw)
		default:
			l := Line{Name: words[0], Why: strings.TrimSpace(why)}
			n, err := strconv.ParseUint(words[1], 10, 31)
			l.Count = int(n)
			switch {
			case err != nil:
				fail("%q is not a count", words[1])
			case seen[l.Name]:
				fail("%s stands here twice", l.Name)
			}
			seen[l.Name] = true
			b.Lines = append(b.Lines, l)
		}
	}
	if b.Go == "" && len(wrong) == 0 {
		wrong = append(wrong, errors.New("it names no Go version, as in: go 1.26"))
	}
	return b, errors.Join(wrong...)
}

// String is the baseline as a file.
func (b Baseline) String() string {
	var s strings.Builder
	for _, l := range b.Head {
		s.WriteString(l + "\n")
	}
	s.WriteString("go " + b.Go + "\n")
	for _, l := range b.Lines {
		s.WriteString(l.String() + "\n")
	}
	return s.String()
}

func (b Baseline) line(name string) (Line, bool) {
	i := slices.IndexFunc(b.Lines, func(l Line) bool { return l.Name == name })
	if i < 0 {
		return Line{}, false
	}
	return b.Lines[i], true
}
