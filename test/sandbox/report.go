//go:build conformance

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// report is the run as it is printed, and as it is saved.
type report struct {
	Began   time.Time `json:"began"`
	Against string    `json:"against"` // "AWS" or "the local stack"
	Region  string    `json:"region"`
	Counts  counts    `json:"counts"`
	Facts   []state   `json:"unsureFacts"`
	Results []result  `json:"checks"`

	w        io.Writer
	settings *settings
	bench    *bench
	err      error // the first write that failed
}

type counts struct {
	Same    int `json:"ok"`
	Differs int `json:"differs"`
	NotRun  int `json:"notRun"`
}

func newReport(w io.Writer, s *settings, b *bench) *report {
	r := &report{Began: time.Now().UTC(), Against: "the local stack", Region: s.get("REGION"), w: w, settings: s, bench: b}
	if len(s.outside) > 0 {
		r.Against = "AWS"
	}
	return r
}

func (r *report) line(format string, args ...any) {
	if _, err := fmt.Fprintf(r.w, format+"\n", args...); err != nil && r.err == nil {
		r.err = err
	}
}

// announce says what will be talked to, and as whom.
func (r *report) announce(n int) {
	r.line("%d checks against %s, region %s", n, r.Against, r.Region)
	for _, v := range variables() {
		if url := r.settings.get(v.short()); url != "" && strings.HasSuffix(v.name, "URL") {
			r.line("  %-17s %s", v.short(), url)
		}
	}
	r.line("  %-17s %s", "STS", r.bench.sts)
	for _, v := range variables() {
		if who := r.bench.who[v.short()]; who != nil && who.arn != "" {
			r.line("  %-17s %s", v.short(), who.arn)
		}
	}
	if len(r.settings.outside) > 0 {
		r.line("  They change nothing: credentials are vended, roles assumed, APIs called. API Gateway and Lambda")
		r.line("  charge some millionths of a dollar a call; two bodies of 6 and 10 MB go to each door that has a limit.")
	}
	if r.bench.skew != 0 {
		r.line("  This machine's clock is %s off; signatures are made by AWS's.", r.bench.skew.Round(time.Second))
	}
	r.line("")
}

// add prints a result.
func (r *report) add(c check, res result) {
	r.Results = append(r.Results, res)
	switch res.Outcome {
	case same:
		r.Counts.Same++
		r.line("ok       %-34s %s", res.ID, res.Says)
		if res.Learned != "" {
			r.line("           seen:     %s", res.Learned)
		}
	case notRun:
		r.Counts.NotRun++
		r.line("not run  %-34s %s", res.ID, res.Why)
	default:
		r.Counts.Differs++
		r.line("DIFFERS  %-34s %s", res.ID, c.says)
		r.line("           expected: %s", res.Expected)
		r.line("           observed: %s", res.Observed)
		if res.Learned != "" {
			r.line("           seen:     %s", res.Learned)
		}
	}
}

// close prints the table of unsure facts and the sum. Of a part of the checks
// there is no table: it would say "open" of what was left out on purpose.
func (r *report) close(whole bool) {
	if whole {
		r.line("")
		if len(r.settings.outside) > 0 {
			r.line("unsure facts of docs/deploy.md, by this run")
		} else {
			r.line("unsure facts of docs/deploy.md, as the local stack plays them: only a run against AWS settles any")
		}
		for _, f := range facts() {
			st := f.judge(r.Results, len(r.settings.outside) > 0)
			r.Facts = append(r.Facts, st)
			for i, says := range st.Says {
				id, verdict := st.ID, st.Verdict
				if i > 0 {
					id, verdict = "", ""
				}
				r.line("  %-23s %-12s %s", id, verdict, says)
			}
		}
	}
	r.line("")
	r.line("%d checks: %d ok, %d differ, %d not run", len(r.Results), r.Counts.Same, r.Counts.Differs, r.Counts.NotRun)
}

// save writes the run as JSON. Everything in it was printed, and so redacted.
func (r *report) save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return nil
}

// list prints the checks without running any.
func list(w io.Writer, all []check) {
	for _, c := range all {
		_, _ = fmt.Fprintf(w, "%-34s %s\n", c.id, c.says)
		if len(c.needs) > 0 {
			_, _ = fmt.Fprintf(w, "%-34s   needs %s\n", "", strings.Join(c.needs, ", "))
		}
		if len(c.facts) > 0 {
			_, _ = fmt.Fprintf(w, "%-34s   looks at %s\n", "", strings.Join(c.facts, ", "))
		}
	}
	_, _ = fmt.Fprintf(w, "%d checks\n", len(all))
}
