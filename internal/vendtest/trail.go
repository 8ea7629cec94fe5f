package vendtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"
)

// Trail is where audit lines go in a test. It can be ordered to fail.
type Trail struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	writes int
	taken  int                  // bytes that Take has returned
	fails  func(write int) bool // counted from 1; nil: never
}

// FailFrom makes the nth write and all after it fail, as a full disk does.
func (t *Trail) FailFrom(n int) { t.failIf(func(w int) bool { return w >= n }) }

// FailOnly makes the nth write alone fail.
func (t *Trail) FailOnly(n int) { t.failIf(func(w int) bool { return w == n }) }

func (t *Trail) failIf(f func(int) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writes, t.fails = 0, f
}

// Write implements io.Writer.
func (t *Trail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writes++
	if t.fails != nil && t.fails(t.writes) {
		return 0, errors.New("no space left on device")
	}
	return t.buf.Write(p)
}

// Text is all that was written.
func (t *Trail) Text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}

// Line is one audit line.
type Line map[string]any

// Text returns a field that is a string, or "".
func (l Line) Text(field string) string {
	s, _ := l[field].(string)
	return s
}

// Lines parses what was written; a line that is not JSON fails the test.
func (t *Trail) Lines(tb TB) []Line {
	tb.Helper()
	return parse(tb, t.Text())
}

// Take parses what was written since the last Take.
func (t *Trail) Take(tb TB) []Line {
	tb.Helper()
	text := t.Text()
	t.mu.Lock()
	text, t.taken = text[t.taken:], len(text)
	t.mu.Unlock()
	return parse(tb, text)
}

func parse(tb TB, text string) []Line {
	tb.Helper()
	var lines []Line
	for text := range strings.Lines(text) {
		var l Line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			tb.Fatalf("audit line is not JSON: %v\n%s", err, text)
		}
		lines = append(lines, l)
	}
	return lines
}

// Events returns the lines' events in order: intent, outcome, refusal.
func (t *Trail) Events(tb TB) string {
	tb.Helper()
	var events []string
	for _, l := range t.Lines(tb) {
		events = append(events, l.Text("event"))
	}
	return strings.Join(events, " ")
}
