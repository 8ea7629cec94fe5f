package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Secret is a string that only Reveal shows. Every way of printing it, JSON
// included, gives a fixed word, so that a stray %v, a log line, a panic or an
// encoder pointed at the wrong value cannot carry it out.
//
// The value stands in a closure, where neither fmt nor reflection reaches: fmt
// calls no methods on unexported fields, and debugging printers follow
// pointers.
type Secret struct{ reveal func() string }

// redacted is what a secret reads as.
const redacted = "[redacted]"

// NewSecret wraps s.
func NewSecret(s string) Secret { return Secret{func() string { return s }} }

// Reveal returns the secret itself; the zero Secret is empty.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Format writes a fixed word whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String returns a fixed word.
func (s Secret) String() string { return redacted }

// GoString returns a fixed word.
func (s Secret) GoString() string { return redacted }

// LogValue returns a fixed word.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns a fixed word.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalJSON reads a JSON string, as clients do.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return errors.New("a secret must be a JSON string") // err would quote the text
	}
	*s = NewSecret(text)
	return nil
}
