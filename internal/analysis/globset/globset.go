// Package globset answers questions about sets of texts that globs describe:
// is a text in this set and not in that one, and which is the shortest?
//
// It walks the automaton of all globs of a question at once, state by state,
// so its answers are exact, intersections and differences included, and each
// comes with a text that shows it. It shares no code with the matcher of the
// routes. The walk is bounded: past the bound it says so, and guesses nothing.
//
// It knows no routes, no callers and no rules.
package globset

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// The bounds of one walk.
const (
	MaxStates = 100_000    // states of the automaton
	maxWork   = 64_000_000 // places in globs, looked at
)

// TooLargeError says that a question needs more states than are walked.
type TooLargeError struct{ Globs int }

// Error names the bound and what is over it.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%d patterns together need more than %d states to compare, so they are not compared; ask about fewer routes, or write patterns with fewer wildcards", e.Globs, MaxStates)
}

// Walk calls visit for each state of the automaton, shortest text first, with
// a text that leads there and the numbers of the groups that it is in, in
// order. The empty text is visited too, and the state that it leads to again
// with another; with segments, each state also with a text that does not end in
// a slash. Of texts in no group not all are visited. It ends when visit returns
// false. In a glob `*` stands for any text; with segments, for any text without
// a slash.
func Walk(groups [][]string, segments bool, visit func(text string, in []int) bool) error {
	m := newMachine(groups, segments)
	start := m.closed(m.starts)
	seen := map[string]bool{} // without the start, so that a text that is not empty shows its state too
	type step struct {
		state []int32
		from  int
		by    byte
	}
	queue := []step{{state: start, from: -1}}
	for at := 0; at < len(queue); at++ {
		now := queue[at]
		in := m.in(now.state)
		var text []byte
		for i := at; queue[i].from >= 0; i = queue[i].from {
			text = append(text, queue[i].by)
		}
		slices.Reverse(text)
		if !visit(string(text), in) {
			return nil
		}
		for _, letter := range m.letters(now.state) {
			next := m.next(now.state, letter)
			key := m.key(next)
			if segments && letter == '/' {
				key = append(key, letter) // nor do names end in a slash
			}
			if seen[string(key)] {
				continue
			}
			if len(queue) >= MaxStates || m.work > maxWork {
				return &TooLargeError{m.globs}
			}
			seen[string(key)] = true
			queue = append(queue, step{next, at, letter})
		}
		queue[at].state = nil // only the way back is needed now
	}
	return nil
}

// Shortest returns a shortest text of which accept, told which groups it is
// in, says yes; false if there is none. Groups are unions of globs.
func Shortest(groups [][]string, accept func(in func(group int) bool) bool) (string, bool, error) {
	found, text := false, ""
	err := Walk(groups, false, func(t string, in []int) bool {
		if accept(func(group int) bool { return slices.Contains(in, group) }) {
			found, text = true, t
		}
		return !found
	})
	return text, found, err
}

// machine is the automaton of many globs. A state is the sorted set of places
// that a text may have reached, counted through all globs.
type machine struct {
	text     []byte  // all globs, a zero byte behind each
	group    []int32 // of each place
	first    []int32 // place at which the glob of a place begins
	starts   []int32
	segments bool
	globs    int
	fresh    []byte // letters by preference: those in no glob first
	work     int
}

// likely are letters that may stand in paths and in names of principals.
const likely = "xyzabcdefghijklmnopqrstuvw0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_=,@+"

func newMachine(groups [][]string, segments bool) *machine {
	m := &machine{segments: segments}
	var used [256]bool
	for g, globs := range groups {
		for _, glob := range globs {
			begin := int32(len(m.text)) //nolint:gosec // far below: lists are of at most 64 MiB
			m.starts = append(m.starts, begin)
			m.globs++
			for i := 0; i <= len(glob); i++ {
				c := byte(0)
				if i < len(glob) {
					c = glob[i]
				}
				if c == '*' && i > 0 && glob[i-1] == '*' {
					continue
				}
				used[c] = true
				m.text = append(m.text, c)
				m.group = append(m.group, int32(g))
				m.first = append(m.first, begin)
			}
		}
	}
	for _, want := range []bool{false, true} {
		for i := range len(likely) {
			if used[likely[i]] == want {
				m.fresh = append(m.fresh, likely[i])
			}
		}
	}
	return m
}

// closed adds what is reached without a letter, and leaves out what makes no
// difference: a place before a star of the same glob that is reached too, for
// whatever follows it the star can take.
func (m *machine) closed(places []int32) []int32 {
	for i := 0; i < len(places); i++ {
		if p := places[i]; m.text[p] == '*' {
			places = append(places, p+1)
		}
	}
	slices.Sort(places)
	places = slices.Compact(places)
	m.work += len(places)
	out := make([]int32, 0, len(places))
	var star int32 // the last star seen of the glob at hand, plus one
	for i := len(places) - 1; i >= 0; i-- {
		p := places[i]
		if star > 0 && m.first[p] == m.first[star-1] {
			continue
		}
		if m.text[p] == '*' {
			star = p + 1
		}
		out = append(out, p)
	}
	slices.Reverse(out)
	return out
}

func (m *machine) next(state []int32, letter byte) []int32 {
	var out []int32
	for _, p := range state {
		switch c := m.text[p]; {
		case c == '*' && (!m.segments || letter != '/'):
			out = append(out, p)
		case c == letter && c != '*':
			out = append(out, p+1)
		}
	}
	m.work += len(state)
	return m.closed(out)
}

// letters are those that lead on from a state: each that some glob waits for,
// and one that stands for all the others.
func (m *machine) letters(state []int32) []byte {
	var waits [256]bool
	star := false
	for _, p := range state {
		star = star || m.text[p] == '*'
		waits[m.text[p]] = true
	}
	var out []byte
	if star {
		for _, c := range m.fresh {
			if !waits[c] {
				out = append(out, c)
				break
			}
		}
		if m.segments {
			waits['/'] = true
		}
	}
	for c := range waits {
		if waits[c] && c != 0 && c != '*' {
			out = append(out, byte(c))
		}
	}
	return out
}

// in returns the groups that a text which led to state is in.
func (m *machine) in(state []int32) []int {
	var out []int
	for _, p := range state {
		if m.text[p] == 0 {
			out = append(out, int(m.group[p]))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (m *machine) key(state []int32) []byte {
	key := make([]byte, 0, 4*len(state))
	for _, p := range state {
		key = binary.BigEndian.AppendUint32(key, uint32(p)) //nolint:gosec // never negative
	}
	return key
}

// Intersect writes the texts that two globs share as globs; false if that
// takes more than a few.
func Intersect(a, b string) (globs []string, ok bool) {
	found := map[string]bool{}
	steps := 0
	var walk func(done []byte, a, b string) bool
	walk = func(done []byte, a, b string) bool {
		if steps++; steps > 4096 || len(found) > 64 {
			return false
		}
		aStar, bStar := strings.HasPrefix(a, "*"), strings.HasPrefix(b, "*")
		done = slices.Clip(done)
		switch {
		case a == "" && b == "":
			found[string(done)] = true
			return true
		case aStar && bStar:
			done = append(done, '*')
			return walk(done, a[1:], b) && walk(done, a, b[1:])
		case aStar:
			return walk(done, a[1:], b) && (b == "" || walk(append(done, b[0]), a, b[1:]))
		case bStar:
			return walk(done, a, b[1:]) && (a == "" || walk(append(done, a[0]), a[1:], b))
		case a == "" || b == "" || a[0] != b[0]:
			return true
		}
		return walk(append(done, a[0]), a[1:], b[1:])
	}
	if !walk(nil, squeeze(a), squeeze(b)) {
		return nil, false
	}
	return widest(found)
}

// widest keeps the globs that lie in no other.
func widest(found map[string]bool) ([]string, bool) {
	all := make([]string, 0, len(found))
	seen := map[string]bool{}
	for g := range found {
		if g = squeeze(g); !seen[g] {
			seen[g] = true
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(x, y string) int {
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		return strings.Compare(x, y)
	})
	var kept []string
	for i, g := range all {
		inside := false
		for j, o := range all {
			if i == j {
				continue
			}
			_, out, err := Shortest([][]string{{g}, {o}}, func(in func(int) bool) bool { return in(0) && !in(1) })
			inside = inside || err == nil && !out
		}
		if !inside {
			kept = append(kept, g)
		}
	}
	return kept, len(kept) <= 4
}

func squeeze(glob string) string {
	for strings.Contains(glob, "**") {
		glob = strings.ReplaceAll(glob, "**", "*")
	}
	return glob
}
