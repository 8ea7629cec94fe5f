package blackbox

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/vendtest"
)

// trail is the audit trail: the lines of standard output.
func (f *function) trail(tb testing.TB) []vendtest.Line {
	tb.Helper()
	var lines []vendtest.Line
	for text := range strings.Lines(read(tb, f.out)) {
		var l vendtest.Line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			tb.Fatalf("standard output holds a line that is no audit line: %v", err)
		}
		lines = append(lines, l)
	}
	return lines
}

// ends are the events of one request, in order: "intent outcome".
func ends(lines []vendtest.Line, requestID string) string {
	var events []string
	for _, l := range lines {
		if l.Text("requestId") == requestID {
			events = append(events, l.Text("event"))
		}
	}
	return strings.Join(events, " ")
}

// last is the last line of a request.
func last(tb testing.TB, lines []vendtest.Line, requestID string) vendtest.Line {
	tb.Helper()
	for i := len(lines) - 1; i >= 0; i-- {
		if lines[i].Text("requestId") == requestID {
			return lines[i]
		}
	}
	tb.Fatalf("no audit line tells of the request %s", requestID)
	return nil
}

// billing is an ask of the story's first caller.
func billing(body string) []byte {
	return vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Ask(body)).Bytes()
}

const askOrders = `{"target":"orders"}`
