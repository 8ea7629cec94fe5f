// Package report writes what the linter found: for people, for programs, for
// code scanning, and as GitHub's annotations. It decides nothing, and what a
// file holds steers neither a terminal nor a workflow.
package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/credvend/credvend/internal/lint"
)

// docs is where the checks are explained, from the root of the repository and
// from anywhere.
const (
	docs = "docs/lint.md"
	site = "https://github.com/credvend/credvend/blob/main/" + docs
)

// Docs is where a check is explained.
func Docs(check string) string { return docs + "#" + check }

// Text is for people: a finding with its place, its remedy and its excerpt,
// then the next. Silenced ones are left out.
func Text(r lint.Report) []byte {
	var b bytes.Buffer
	for _, f := range r.Findings {
		if f.Silenced {
			continue
		}
		fmt.Fprintf(&b, "%s:%d:%d: %s: %s [%s]\n", printable(r.File), f.Line, f.Column, f.Severity, printable(message(f)), f.Check)
		for line := range strings.SplitSeq(f.Excerpt, "\n") {
			if line != "" {
				b.WriteString(printable(line) + "\n")
			}
		}
	}
	for _, c := range lint.Checks() {
		if more := r.More[c.Name]; more > 0 {
			fmt.Fprintf(&b, "%s: %s: and %d more of %s\n", printable(r.File), c.Severity, more, c.Name)
		}
	}
	for _, name := range r.Cut {
		fmt.Fprintf(&b, "%s: warning: %s\n", printable(r.File), stopped(name))
	}
	return b.Bytes()
}

func stopped(check string) string {
	return check + " stopped before it had compared everything: the list has too many rules for one target; split the target"
}

// Summary counts in a line.
func Summary(r lint.Report) string {
	parts := []string{plural(r.Count(lint.Error), "error"), plural(r.Count(lint.Warning), "warning"), plural(r.Count(lint.Hint), "hint")}
	if n := r.Silenced(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d silenced", n))
	}
	return strings.Join(parts, ", ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func message(f lint.Finding) string {
	if f.Remedy == "" {
		return f.Text
	}
	return f.Text + "; " + f.Remedy
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
}

type document struct {
	Version  int            `json:"version"`
	File     string         `json:"file"`
	Errors   int            `json:"errors"`
	Warnings int            `json:"warnings"`
	Hints    int            `json:"hints"`
	Silenced int            `json:"silenced"`
	Findings []entry        `json:"findings"`
	More     map[string]int `json:"more,omitempty"`
	Cut      []string       `json:"cut,omitempty"` // checks that stopped early
}

type entry struct {
	Check    string        `json:"check"`
	Severity lint.Severity `json:"severity"`
	Line     int           `json:"line"`
	Column   int           `json:"column"`
	Rule     string        `json:"rule,omitempty"`
	Message  string        `json:"message"`
	Remedy   string        `json:"remedy,omitempty"`
	Excerpt  string        `json:"excerpt,omitempty"`
	Docs     string        `json:"docs"`
	Silenced bool          `json:"silenced,omitempty"`
	Reason   string        `json:"reason,omitempty"`
}

// JSON is for programs. Silenced findings are there, marked as such.
func JSON(r lint.Report) ([]byte, error) {
	d := document{
		Version: 1, File: r.File, Errors: r.Count(lint.Error), Warnings: r.Count(lint.Warning), Hints: r.Count(lint.Hint),
		Silenced: r.Silenced(), Findings: []entry{}, More: r.More, Cut: r.Cut,
	}
	for _, f := range r.Findings {
		d.Findings = append(d.Findings, entry{f.Check, f.Severity, f.Line, f.Column, f.Rule, f.Text, f.Remedy, f.Excerpt, Docs(f.Check), f.Silenced, f.Reason})
	}
	return encode(d)
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}

// GitHub is workflow commands, which GitHub shows beside the lines of a pull
// request.
func GitHub(r lint.Report) []byte {
	var b bytes.Buffer
	for _, f := range r.Findings {
		if f.Silenced {
			continue
		}
		fmt.Fprintf(&b, "::%s file=%s,line=%d,col=%d,title=%s::%s\n", command(f.Severity), property(r.File), f.Line, f.Column, property(f.Check), data(message(f)))
	}
	for _, c := range lint.Checks() {
		if more := r.More[c.Name]; more > 0 {
			fmt.Fprintf(&b, "::%s file=%s,title=%s::%s\n", command(c.Severity), property(r.File), property(c.Name), data(fmt.Sprintf("and %d more of %s", more, c.Name)))
		}
	}
	for _, name := range r.Cut {
		fmt.Fprintf(&b, "::warning file=%s,title=%s::%s\n", property(r.File), property(name), data(stopped(name)))
	}
	return b.Bytes()
}

func command(s lint.Severity) string {
	if s == lint.Hint {
		return "notice"
	}
	return string(s)
}

// data escapes the text of a command: a line feed in it would begin another
// command, and a workflow obeys those.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// property escapes the value of a property, which commas and colons end.
func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
