package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
)

// Bounds of a line. CloudWatch Logs takes events of up to 256 KiB, and Lambda
// breaks longer ones in two; the bounds below add up to less, escapes
// included.
const (
	maxText     = 256 // bytes of one text, as written
	maxList     = 60  // a session policy's 2,048 characters hold fewer routes
	maxTried    = 100
	maxAttempts = 20
)

// line is a line as written: the entry, and what is added to each.
type line struct {
	Time  string `json:"time"`
	Level string `json:"level"`
	*Entry
	Kind      string         `json:"kind"`
	LatencyMS float64        `json:"latencyMs"`
	LeftOut   map[string]int `json:"leftOut,omitempty"` // how many of a list do not stand in the line

	*metrics
}

// encode writes one line with its line feed.
func encode(e Entry, now time.Time) ([]byte, error) {
	if e.Event != Intent && e.Event != Done && e.Event != Refusal {
		return nil, fmt.Errorf("audit: no event %q", e.Event)
	}
	leftOut := e.bound()
	l := line{
		Time:      now.UTC().Format("2006-01-02T15:04:05.000Z"),
		Level:     "INFO",
		Entry:     &e,
		Kind:      e.Kind.String(),
		LatencyMS: milliseconds(e.Latency),
		LeftOut:   leftOut,
	}
	if e.Event != Intent {
		l.metrics = newMetrics(&e, now)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // routes and texts stay readable; no browser reads this
	if err := enc.Encode(l); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return escapeInvisible(b.Bytes()), nil
}

// bound clips every text and list, closes the open lists of words, and counts
// what is left out. It copies the lists: their owners keep theirs whole.
func (e *Entry) bound() map[string]int {
	var leftOut map[string]int
	note := func(name string, n int) {
		if n > 0 {
			if leftOut == nil {
				leftOut = make(map[string]int)
			}
			leftOut[name] = n
		}
	}
	for _, s := range []*string{
		&e.RequestID, &e.Receipt, &e.FrontDoor, &e.Principal, &e.UniqueID, &e.Session, &e.Issuer, &e.Subject,
		&e.SourceIdentity, &e.SourceIP, &e.CallerName, &e.Target, &e.AllowlistDigest, &e.Reason,
		&e.STSRegion, &e.STSRequestID, &e.AccessKeyID, &e.TraceID,
	} {
		*s = clip(*s)
	}
	for name, list := range map[string]*[]string{"callers": &e.Callers, "routes": &e.Routes, "deniedRoutes": &e.DeniedRoutes, "rules": &e.Rules} {
		note(name, len(*list)-maxList)
		*list = clipList(*list)
	}
	note("rulesTried", len(e.RulesTried)-maxTried)
	e.RulesTried = slices.Clone(e.RulesTried[:min(len(e.RulesTried), maxTried)])
	for i, t := range e.RulesTried {
		e.RulesTried[i] = Tried{clip(t.ID), clip(t.Effect), clip(t.Verdict), clip(t.Why)}
	}
	note("attempts", len(e.Attempts)-maxAttempts)
	e.Attempts = slices.Clone(e.Attempts[:min(len(e.Attempts), maxAttempts)])
	for i, a := range e.Attempts {
		e.Attempts[i] = Attempt{clip(a.Region), clip(a.Outcome), clip(a.Code), clip(a.STSRequestID), a.Latency, milliseconds(a.Latency)}
	}
	e.closeWords()
	return leftOut
}

// closeWords holds the fields that metrics are counted by to their lists of
// words: a dimension with values from outside would make a metric of each.
func (e *Entry) closeWords() {
	switch e.Action {
	case Vend, Targets, WhoAmI:
	default:
		e.Action = ""
	}
	switch e.Outcome {
	case Issued, Reused, Answered, Refused, Denied, Failed:
	default:
		e.Outcome = Unknown
	}
	if e.Event == Intent {
		e.Outcome = ""
	}
	if e.Code != "" && !slices.ContainsFunc(fault.Kinds(), func(k fault.Kind) bool { return k.Code() == e.Code }) {
		e.Code = fault.Internal.Code()
	}
	if e.Kind > identity.RESTIAM {
		e.Kind = identity.NoKind
	}
}

func clipList(list []string) []string {
	list = slices.Clone(list[:min(len(list), maxList)])
	for i, s := range list {
		list[i] = clip(s)
	}
	return list
}

// clip cuts s to what takes up maxText bytes in the line, and marks the cut.
func clip(s string) string {
	size := 0
	for i, r := range s {
		if size += written(r); size > maxText {
			return s[:i] + "…"
		}
	}
	return s
}

// written is how many bytes r takes up in a JSON string.
func written(r rune) int {
	switch {
	case r == '"' || r == '\\':
		return 2
	case r == utf8.RuneError || r < 0x10000 && !unicode.IsPrint(r):
		return len(`\u0000`)
	case !unicode.IsPrint(r):
		return 2 * len(`\u0000`)
	default:
		return utf8.RuneLen(r)
	}
}

// escapeInvisible writes the characters that JSON lets stand but a terminal
// obeys or hides (DEL, C1 controls, text direction marks) as escapes. In JSON
// they can stand in strings alone.
func escapeInvisible(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == '\n' || unicode.IsPrint(r):
			out = append(out, text[i:i+n]...)
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		}
		i += n
	}
	return out
}

// milliseconds is d to a thousandth.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
