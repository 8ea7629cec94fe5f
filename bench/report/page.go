package report

import (
	"fmt"
	"io"
	"strings"
)

// The lines of a document between which a run writes its figures.
const (
	PageBegin = "<!-- made by make bench -->\n"
	PageEnd   = "<!-- end of what make bench made -->\n"
)

// WritePage writes the results as Markdown: a table for each section, with its
// note. Figures without a ratio and a limit stand there too: they are what the
// others are made of.
func WritePage(w io.Writer, r Results) error {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "%s, %s, %d × %s, commit %s, %s; the run took %d s.\n", m.Go, m.Platform, m.Cores, m.CPU, m.Commit, m.Date, m.Seconds)
	for _, s := range r.Sections {
		fmt.Fprintf(&b, "\n### %s\n\n", s.Title)
		if s.Note != "" {
			fmt.Fprintf(&b, "%s\n\n", s.Note)
		}
		if len(s.Figures) == 0 {
			continue
		}
		b.WriteString("| of | what | value | ratio | limit |\n|---|---|---|---|---|\n")
		for _, f := range s.Figures {
			ratio, limit := "", ""
			if f.Beside != "" {
				ratio = Ratio(f.Ratio) + " × " + f.Beside
			}
			if f.Limit != 0 {
				limit = Number(f.Limit)
				if !f.Within() {
					limit += ", **passed**"
				}
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.Of, f.What, strings.TrimSpace(Number(f.Value)+" "+f.Unit), ratio, limit)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// ReplacePage puts text between the two lines of a document.
func ReplacePage(page, text string) (string, error) {
	before, rest, begins := strings.Cut(page, PageBegin)
	_, after, ends := strings.Cut(rest, PageEnd)
	if !begins || !ends {
		return "", fmt.Errorf("the document lacks the line %q, or behind it the line %q", strings.TrimSpace(PageBegin), strings.TrimSpace(PageEnd))
	}
	return before + PageBegin + text + PageEnd + after, nil
}
