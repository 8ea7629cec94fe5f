// Package lint finds what is wrong with an allowlist, and what is right by the
// letter and probably not meant. What is wrong, the compiler that the function
// runs says; the rest are checks of this package, each with a name, a place in
// the file and a remedy.
//
// It is pure: it reads no files and writes none, and it changes no document.
// It must never be linked into the function.
package lint

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/route"
)

// MaxPerCheck bounds how many findings of one check are listed. The others are
// counted.
const MaxPerCheck = 1000

// Finding is one thing to look at.
type Finding struct {
	Check    string // the name of the check, a heading of docs/lint.md
	Severity Severity
	Line     int    // from 1
	Column   int    // from 1, in characters
	Excerpt  string // the line with its number, and a marker under the column
	Rule     string // id of the rule it is about; empty if it is about none
	Text     string
	Remedy   string
	Silenced bool   // by a comment in the file
	Reason   string // that the comment gives
}

// Report is what came of a look at one file.
type Report struct {
	File     string
	Findings []Finding      // in order of position; silenced ones among them
	More     map[string]int // check → findings beyond MaxPerCheck
	Cut      []string       // checks that stopped before they had compared everything
}

// Count is how many findings of a severity are not silenced, those that are
// not listed included.
func (r Report) Count(s Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s && !f.Silenced {
			n++
		}
	}
	for name, more := range r.More {
		if c, ok := Named(name); ok && c.Severity == s {
			n += more
		}
	}
	if s == Warning {
		n += len(r.Cut) // what was not looked at must not pass for clean
	}
	return n
}

// Silenced is how many findings are silenced.
func (r Report) Silenced() int {
	n := 0
	for _, f := range r.Findings {
		if f.Silenced {
			n++
		}
	}
	return n
}

// Options are what the checks may know besides the file.
type Options struct {
	// Operations are the routes that the API of a target has, by target, from
	// an OpenAPI document. Routes of targets that are not in it are not held
	// against anything.
	Operations map[string][]route.Route
}

// Run looks at the text of a file; name stands in the excerpts. A file that
// does not compile has errors alone: what its rules mean is not known then.
func Run(name string, text []byte, opts Options) Report {
	file, list, err := yamldoc.Load(name, text)
	if err != nil {
		return refused(name, err)
	}
	l := newLinter(file.Doc, list, opts)
	for _, c := range checks() {
		if c.run != nil {
			l.check = c.Name
			c.run(l)
		}
	}
	report := Report{File: name, Findings: locate(file, l.found), More: l.more, Cut: slices.Sorted(maps.Keys(l.cut))}
	report.Findings = append(report.Findings, silence(text, &report)...)
	slices.SortStableFunc(report.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return report
}

// refused reports what the reader or the compiler said.
func refused(name string, err error) Report {
	var ds yamldoc.Diagnostics
	if !errors.As(err, &ds) {
		ds = yamldoc.Diagnostics{{Line: 1, Column: 1, Text: err.Error()}}
	}
	report := Report{File: name}
	for _, d := range ds[:min(len(ds), MaxPerCheck)] {
		report.Findings = append(report.Findings, Finding{
			Check: DoesNotCompile, Severity: Error, Line: d.Line, Column: d.Column, Excerpt: d.Excerpt, Text: d.Text, Remedy: d.Remedy,
		})
	}
	if more := len(ds) - MaxPerCheck; more > 0 {
		report.More = map[string]int{DoesNotCompile: more}
	}
	return report
}

// found is a finding whose place is still a path in the document.
type found struct {
	check        string
	path         []any
	key          bool
	rule         string
	text, remedy string
}

// locate gives findings their places, in order of position.
func locate(file *yamldoc.File, all []found) []Finding {
	problems := make(allowlist.Problems, len(all))
	for i, f := range all {
		// Annotate sorts, so each goes as the number by which it is known again.
		problems[i] = allowlist.Problem{Path: f.path, Key: f.key, Text: strconv.Itoa(i)}
	}
	var ds yamldoc.Diagnostics
	if !errors.As(file.Annotate(problems), &ds) {
		return nil // there are none
	}
	findings := make([]Finding, 0, len(ds))
	for _, d := range ds {
		i, err := strconv.Atoi(d.Text)
		if err != nil {
			continue // not so: the texts are those above
		}
		f := all[i]
		c, _ := Named(f.check)
		findings = append(findings, Finding{
			Check: f.check, Severity: c.Severity, Line: d.Line, Column: d.Column, Excerpt: d.Excerpt,
			Rule: f.rule, Text: f.text, Remedy: f.remedy,
		})
	}
	return findings
}
