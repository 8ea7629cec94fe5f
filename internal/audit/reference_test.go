package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
)

// The reference: a line by encoding/json, from the tags of Entry, with every
// text clipped beforehand and what is not to be seen escaped afterwards.

// reflected is a line as written: the entry, and what is added to each.
type reflected struct {
	Time  string `json:"time"`
	Level string `json:"level"`
	*Entry
	Kind      string         `json:"kind"`
	LatencyMS float64        `json:"latencyMs"`
	LeftOut   map[string]int `json:"leftOut,omitempty"` // how many of a list do not stand in the line

	*reflectedMetrics
}

// reference writes one line with its line feed.
func reference(e Entry, now time.Time) ([]byte, error) {
	if e.Event != Intent && e.Event != Done && e.Event != Refusal {
		return nil, fmt.Errorf("audit: no event %q", e.Event)
	}
	leftOut := e.bound()
	l := reflected{
		Time:      now.UTC().Format("2006-01-02T15:04:05.000Z"),
		Level:     "INFO",
		Entry:     &e,
		Kind:      e.Kind.String(),
		LatencyMS: milliseconds(e.Latency),
		LeftOut:   leftOut,
	}
	if e.Event != Intent {
		l.reflectedMetrics = newMetrics(&e, now)
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
		*s = wholeClip(*s)
	}
	for name, list := range map[string]*[]string{"callers": &e.Callers, "routes": &e.Routes, "deniedRoutes": &e.DeniedRoutes, "rules": &e.Rules} {
		note(name, len(*list)-maxList)
		*list = clipList(*list)
	}
	note("rulesTried", len(e.RulesTried)-maxTried)
	e.RulesTried = slices.Clone(e.RulesTried[:min(len(e.RulesTried), maxTried)])
	for i, t := range e.RulesTried {
		e.RulesTried[i] = Tried{wholeClip(t.ID), wholeClip(t.Effect), wholeClip(t.Verdict), wholeClip(t.Why)}
	}
	note("attempts", len(e.Attempts)-maxAttempts)
	e.Attempts = slices.Clone(e.Attempts[:min(len(e.Attempts), maxAttempts)])
	for i, a := range e.Attempts {
		e.Attempts[i] = Attempt{wholeClip(a.Region), wholeClip(a.Outcome), wholeClip(a.Code), wholeClip(a.STSRequestID), a.Latency, milliseconds(a.Latency)}
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
		list[i] = wholeClip(s)
	}
	return list
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

// metrics is what makes a line count in CloudWatch: the embedded metric
// format, whose values are top-level members of the line. They ride in the
// lines that end a request, so that each request counts once.
type reflectedMetrics struct {
	AWS          embedded `json:"_aws"`
	Requests     int      `json:"requests"`
	STSAttempts  int      `json:"stsAttempts"`
	STSLatencyMS *float64 `json:"stsLatencyMs,omitempty"` // all attempts together
}

type embedded struct {
	Timestamp         int64 // Unix milliseconds
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metric
}

type metric struct{ Name, Unit string }

// newMetrics counts one request. Its dimensions are of closed lists of words:
// 7 outcomes, 4 kinds, 11 codes. A caller, target or route is never one, since
// each value of a dimension is a metric that is paid for, and callers choose
// some of them.
func newMetrics(e *Entry, now time.Time) *reflectedMetrics {
	m := &reflectedMetrics{Requests: 1, STSAttempts: len(e.Attempts)}
	d := directive{
		Namespace:  Namespace,
		Dimensions: [][]string{{"outcome"}, {"kind", "outcome"}},
		Metrics:    []metric{{"requests", "Count"}, {"latencyMs", "Milliseconds"}, {"stsAttempts", "Count"}},
	}
	if e.Code != "" { // a dimension must have a value
		d.Dimensions = append(d.Dimensions, []string{"code"})
	}
	if len(e.Attempts) > 0 {
		var total time.Duration
		for _, a := range e.Attempts {
			total += a.Latency
		}
		ms := milliseconds(total)
		m.STSLatencyMS = &ms
		d.Metrics = append(d.Metrics, metric{"stsLatencyMs", "Milliseconds"})
	}
	if e.PackedPolicyPercent > 0 {
		d.Metrics = append(d.Metrics, metric{"packedPolicyPercent", "Percent"})
	}
	m.AWS = embedded{now.UnixMilli(), []directive{d}}
	return m
}

// wholeClip is clip, rune by rune.
func wholeClip(s string) string {
	size := 0
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			size += 2
		case r == utf8.RuneError || r < 0x10000 && !unicode.IsPrint(r):
			size += 6
		case !unicode.IsPrint(r):
			size += 12
		default:
			size += utf8.RuneLen(r)
		}
		if size > maxText {
			return s[:i] + "…"
		}
	}
	return s
}

// drawEntry draws an entry that may hold anything in any field.
func drawEntry(t *rapid.T) Entry {
	text := rapid.OneOf(
		rapid.Just(""), rapid.StringMatching(`[a-z0-9:/-]{0,80}`), rapid.String(), rapid.StringN(0, 400, -1),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom(slices.Collect(maps.Values(hostile))),
		rapid.Map(rapid.IntRange(250, 260), func(n int) string { return strings.Repeat("x", n) }),
		rapid.Map(rapid.IntRange(40, 48), func(n int) string { return strings.Repeat("\x7f", n) }),
		rapid.Map(rapid.IntRange(20, 24), func(n int) string { return strings.Repeat("\U000e0001", n) }),
	)
	var fill func(v reflect.Value, name string)
	fill = func(v reflect.Value, name string) {
		switch v.Kind() {
		case reflect.String:
			v.SetString(text.Draw(t, name))
		case reflect.Bool:
			v.SetBool(rapid.Bool().Draw(t, name))
		case reflect.Int, reflect.Int64:
			v.SetInt(rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(-5000, 5e9), rapid.Int64()).Draw(t, name))
		case reflect.Uint8:
			v.SetUint(uint64(rapid.Uint8Range(0, 6).Draw(t, name)))
		case reflect.Float64: // LatencyMS, which is set from Latency
		case reflect.Slice:
			n := rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(0, 110)).Draw(t, name)
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				if i > 3 { // the same again
					v.Index(i).Set(v.Index(i % 3))
					continue
				}
				fill(v.Index(i), name)
			}
		case reflect.Struct:
			for i := range v.NumField() {
				fill(v.Field(i), v.Type().Field(i).Name)
			}
		default:
			t.Fatalf("a field %s of the kind %v", name, v.Kind())
		}
	}
	var e Entry
	fill(reflect.ValueOf(&e).Elem(), "entry")
	e.Event = rapid.SampledFrom([]Event{Intent, Done, Refusal}).Draw(t, "event")
	e.Action = rapid.SampledFrom([]Action{"", Vend, Targets, WhoAmI, e.Action}).Draw(t, "action")
	e.Outcome = rapid.SampledFrom([]Outcome{"", Unknown, Issued, Reused, Answered, Refused, Denied, Failed, e.Outcome}).Draw(t, "outcome")
	e.Code = rapid.SampledFrom([]string{"", "denied", "internal", e.Code}).Draw(t, "code")
	return e
}

// TestLineIsTheReferences: what is written by hand is, byte for byte, what
// encoding/json makes of an entry by its tags.
func TestLineIsTheReferences(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
		at := time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "time"))
		want, err := reference(e, at)
		if err != nil {
			t.Fatal(err)
		}
		got, err := appendLine(nil, &e, at)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// FuzzText holds each text against encoding/json.
func FuzzText(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	for _, s := range []string{"", "a\"b\\c", "\x00\b\f\n\r\t\x1f", "\x7f\u0085\u2028\u202e\ufeff", "\xff\xc3", "\ufffd", "\u00e9\U0001f600\U000e0001", "<&>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(wholeClip(s)); err != nil {
			t.Fatal(err)
		}
		want := bytes.TrimSuffix(escapeInvisible(b.Bytes()), []byte("\n"))
		if got := appendText(nil, s); !bytes.Equal(got, want) {
			t.Errorf("%q is written %s, want %s", s, got, want)
		}
	})
}
