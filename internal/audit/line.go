package audit

import (
	"fmt"
	"slices"
	"strconv"
	"time"

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

// line is the text of a line as it grows: a JSON object without its closing
// brace. It is written by hand, a request having two lines to wait for; a test
// holds it against encoding/json and the names in Entry's tags.
type line []byte

// appendLine appends one line with its line feed. The entry is the caller's:
// what it points at is only read.
func appendLine(b []byte, e *Entry, now time.Time) ([]byte, error) {
	if e.Event != Intent && e.Event != Done && e.Event != Refusal {
		return nil, fmt.Errorf("audit: no event %q", e.Event)
	}
	l := append(line(b), `{"time":"`...)
	l = now.UTC().AppendFormat(l, "2006-01-02T15:04:05.000Z")
	l = append(l, `","level":"INFO"`...)

	l.text("event", string(e.Event))
	l.text("action", action(e))
	l.text("requestId", e.RequestID)
	l.known("receipt", e.Receipt)
	l.truth("reused", e.Reused)

	l.known("frontDoor", e.FrontDoor)
	l.known("principal", e.Principal)
	l.known("uniqueId", e.UniqueID)
	l.known("session", e.Session)
	if e.Guest {
		l.truth("guest", true)
	}
	l.known("issuer", e.Issuer)
	l.known("subject", e.Subject)
	l.known("sourceIdentity", e.SourceIdentity)
	l.known("sourceIp", e.SourceIP)
	l.known("caller", e.CallerName)
	l.texts("callers", e.Callers)

	l.known("target", e.Target)
	l.texts("routes", e.Routes)
	l.texts("deniedRoutes", e.DeniedRoutes)
	l.texts("rules", e.Rules)
	l.tried(e.RulesTried)
	l.count("requestedSeconds", e.RequestedSeconds)
	l.count("grantedSeconds", e.GrantedSeconds)
	l.known("allowlistDigest", e.AllowlistDigest)

	l.known("outcome", outcome(e))
	l.known("code", code(e))
	l.known("reason", e.Reason)
	l.known("stsRegion", e.STSRegion)
	l.known("stsRequestId", e.STSRequestID)
	l.attempts(e.Attempts)
	l.known("accessKeyId", e.AccessKeyID)
	l.count("packedPolicyPercent", e.PackedPolicyPercent)
	l.known("traceId", e.TraceID)

	l.text("kind", kind(e))
	l.milliseconds("latencyMs", e.Latency)
	l.leftOut(e)
	if e.Event != Intent {
		l.metrics(e, now)
	}
	return append(l, "}\n"...), nil
}

// The fields that metrics are counted by are held to their lists of words: a
// dimension with values from outside would make a metric of each.

func action(e *Entry) string {
	switch e.Action {
	case Vend, Targets, WhoAmI:
		return string(e.Action)
	default:
		return ""
	}
}

func outcome(e *Entry) string {
	if e.Event == Intent {
		return ""
	}
	switch e.Outcome {
	case Issued, Reused, Answered, Refused, Denied, Failed:
		return string(e.Outcome)
	default:
		return string(Unknown)
	}
}

func code(e *Entry) string {
	if e.Code == "" || slices.ContainsFunc(fault.Kinds(), func(k fault.Kind) bool { return k.Code() == e.Code }) {
		return e.Code
	}
	return fault.Internal.Code()
}

func kind(e *Entry) string {
	if e.Kind > identity.RESTIAM {
		return identity.NoKind.String()
	}
	return e.Kind.String()
}

// name begins a member.
func (l *line) name(name string) {
	*l = append(*l, ',', '"')
	*l = append(*l, name...)
	*l = append(*l, '"', ':')
}

func (l *line) text(name, s string) {
	l.name(name)
	*l = appendText(*l, s)
}

// known writes a text unless it is empty.
func (l *line) known(name, s string) {
	if s != "" {
		l.text(name, s)
	}
}

func (l *line) truth(name string, b bool) {
	l.name(name)
	*l = strconv.AppendBool(*l, b)
}

// count writes a number unless it is 0.
func (l *line) count(name string, n int) {
	if n != 0 {
		l.name(name)
		*l = strconv.AppendInt(*l, int64(n), 10)
	}
}

// milliseconds writes a duration to a thousandth.
func (l *line) milliseconds(name string, d time.Duration) {
	l.name(name)
	*l = strconv.AppendFloat(*l, milliseconds(d), 'f', -1, 64)
}

func (l *line) texts(name string, all []string) {
	if len(all) == 0 {
		return
	}
	l.name(name)
	for i, s := range all[:min(len(all), maxList)] {
		*l = append(*l, separator(i))
		*l = appendText(*l, s)
	}
	*l = append(*l, ']')
}

// separator is what stands before the item i of a list.
func separator(i int) byte {
	if i == 0 {
		return '['
	}
	return ','
}

func (l *line) tried(all []Tried) {
	if len(all) == 0 {
		return
	}
	l.name("rulesTried")
	for i, t := range all[:min(len(all), maxTried)] {
		*l = append(*l, separator(i))
		*l = append(*l, `{"id":`...)
		*l = appendText(*l, t.ID)
		l.text("effect", t.Effect)
		l.text("verdict", t.Verdict)
		l.known("why", t.Why)
		*l = append(*l, '}')
	}
	*l = append(*l, ']')
}

func (l *line) attempts(all []Attempt) {
	if len(all) == 0 {
		return
	}
	l.name("attempts")
	for i, a := range all[:min(len(all), maxAttempts)] {
		*l = append(*l, separator(i))
		*l = append(*l, `{"region":`...)
		*l = appendText(*l, a.Region)
		l.text("outcome", a.Outcome)
		l.known("code", a.Code)
		l.known("stsRequestId", a.STSRequestID)
		l.milliseconds("latencyMs", a.Latency)
		*l = append(*l, '}')
	}
	*l = append(*l, ']')
}

// leftOut counts what of each list does not stand in the line.
func (l *line) leftOut(e *Entry) {
	start := len(*l)
	for _, list := range []struct {
		name       string
		length, of int
	}{
		{"attempts", len(e.Attempts), maxAttempts},
		{"callers", len(e.Callers), maxList},
		{"deniedRoutes", len(e.DeniedRoutes), maxList},
		{"routes", len(e.Routes), maxList},
		{"rules", len(e.Rules), maxList},
		{"rulesTried", len(e.RulesTried), maxTried},
	} {
		l.count(list.name, max(0, list.length-list.of))
	}
	if len(*l) > start {
		// The first member's comma is the place for what stands around them.
		*l = slices.Replace(*l, start, start+1, []byte(`,"leftOut":{`)...)
		*l = append(*l, '}')
	}
}

// milliseconds is d to a thousandth.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
