//go:build conformance

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// check is one thing that the local stack does, to be held against AWS.
type check struct {
	id    string   // door or service, a dot, what is tried
	says  string   // what AWS does, as far as the local stack knows
	needs []string // variables without which it does not run
	facts []string // unsure facts that it looks at
	try   func(ctx context.Context, b *bench) (finding, error)
}

// finding is what came of a check, in words that hold no more than what is
// compared. The two are equal unless the check says differs.
type finding struct {
	expected, observed string
	differs            bool
	learned            string // what a measurement came to, for the table of facts
}

// Outcomes.
const (
	same    = "ok"
	differs = "differs"
	notRun  = "not run"
)

// result is a check's line of the report.
type result struct {
	ID       string   `json:"id"`
	Says     string   `json:"says"`
	Outcome  string   `json:"outcome"`
	Expected string   `json:"expected,omitempty"`
	Observed string   `json:"observed,omitempty"`
	Why      string   `json:"why,omitempty"` // it was not run
	Learned  string   `json:"learned,omitempty"`
	Facts    []string `json:"facts,omitempty"`
}

// perform runs a check. No answer at all differs from any that was expected.
func (b *bench) perform(ctx context.Context, c check) result {
	r := result{ID: c.id, Says: c.says, Facts: c.facts}
	if missing := b.missing(c.needs); len(missing) > 0 {
		r.Outcome, r.Why = notRun, "set "+strings.Join(missing, ", ")
		return r
	}
	f, err := c.try(ctx, b)
	var skip skipped
	switch {
	case errors.Is(err, errNoVend):
		r.Outcome, r.Why = notRun, b.secrets.hide(err.Error())
	case errors.As(err, &skip):
		r.Outcome, r.Why = notRun, string(skip)
	case err != nil:
		r.Outcome, r.Expected, r.Observed = differs, "an answer", "none: "+clip(b.secrets.hide(err.Error()))
	case f.differs:
		r.Outcome, r.Expected, r.Observed, r.Learned = differs, clip(b.secrets.hide(f.expected)), clip(b.secrets.hide(f.observed)), b.secrets.hide(f.learned)
	default:
		r.Outcome, r.Observed, r.Learned = same, clip(b.secrets.hide(f.observed)), b.secrets.hide(f.learned)
	}
	return r
}

// skipped is why a check cannot say anything with what it was given.
type skipped string

func (s skipped) Error() string { return string(s) }

// want is what of an answer is compared. The zero value of a field: not compared.
type want struct {
	status int
	text   string            // the whole body (STS's errors: "Type Code: Message")
	like   string            // a regular expression for it
	header map[string]string // a value, or "~" and a regular expression; "-": absent
	json   map[string]string // members, with dots between levels; as header
	typed  string            // Content-Type
}

// compare holds an answer against what was expected. Both are described by the
// parts that are compared.
func (w want) compare(a answer) finding {
	var f finding
	var expected, observed []string
	add := func(name, e, o string, ok bool) {
		expected, observed = append(expected, name+e), append(observed, name+o)
		f.differs = f.differs || !ok
	}
	add("", fmt.Sprint(w.status), fmt.Sprint(a.status), w.status == a.status)
	if w.typed != "" {
		got, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
		add("", w.typed, got, w.typed == got)
	}
	for _, name := range sorted(w.header) {
		got := a.header.Get(name)
		if len(a.header.Values(name)) == 0 {
			got = "-"
		}
		add(name+"=", w.header[name], got, fits(w.header[name], got))
	}
	switch {
	case w.text != "":
		add("", w.text, a.text, w.text == a.text)
	case w.like != "":
		add("", "~"+w.like, a.text, fits("~"+w.like, a.text))
	}
	for _, name := range sorted(w.json) {
		got := member(a.body, name)
		add(name+"=", w.json[name], got, fits(w.json[name], got))
	}
	if f.differs && w.text == "" && w.like == "" {
		observed = append(observed, a.text) // what it says instead
	}
	f.expected, f.observed = strings.Join(expected, " "), strings.Join(observed, " ")
	return f
}

func fits(want, got string) bool {
	if pattern, ok := strings.CutPrefix(want, "~"); ok {
		return regexp.MustCompile(`^(?s:` + pattern + `)$`).MatchString(got)
	}
	return want == got
}

func sorted(m map[string]string) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// member is a member of a JSON document, as JSON, strings without their quotes;
// "-" if there is none.
func member(body []byte, path string) string {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return "-"
	}
	for name := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return "-"
		}
		if v, ok = object[name]; !ok {
			return "-"
		}
	}
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "-"
	}
	return string(text)
}

// element is the text of the first XML element of a name.
func element(body []byte, name string) string {
	dec := xml.NewDecoder(bytes.NewReader(body))
	for {
		t, err := dec.Token()
		if err != nil {
			return ""
		}
		if start, ok := t.(xml.StartElement); ok && start.Name.Local == name {
			var text string
			if err := dec.DecodeElement(&text, &start); err != nil && !errors.Is(err, io.EOF) {
				return ""
			}
			return text
		}
	}
}

// clip shortens a text for a line.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 400 {
		return string(r[:400]) + "…"
	}
	return s
}

// ask is a check of one request: send it, compare.
func ask(id, says string, needs []string, q func(b *bench) request, w want) check {
	return check{id: id, says: says, needs: needs, try: func(ctx context.Context, b *bench) (finding, error) {
		a, err := b.send(ctx, q(b))
		if err != nil {
			return finding{}, err
		}
		return w.compare(a), nil
	}}
}

// checks is all of them, in the order in which they run.
func checks(s *settings) []check {
	all := slices.Concat(
		iamDoor().checks(), functionURLDoor().checks(), restDoor().checks(),
		jwtChecks(), targetChecks(s), pathChecks(s), stsChecks(), limitChecks(), roleChecks(), eventChecks(),
	)
	return all
}
