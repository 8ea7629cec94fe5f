package report

import (
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
)

// Measures of the picture, in its own units.
const (
	width      = 860
	margin     = 24
	labelWidth = 170 // of a bar's name
	barWidth   = 330 // of the longest bar, or of the farthest limit
	valueAt    = 620 // where the values end, and behind them the ratios begin
	rowHeight  = 24
	plotHeight = 190
	headHeight = 46 // of a panel's title
	decideUnit = "ns"
)

// panels are the figures that are drawn as bars: those of a section that tell
// the same of several programs.
var panels = []struct{ section, what, title string }{
	{"start", "start, median", "Start: from the process's start to its first request for an event"},
	{"invoke", "p50", "Invoke: median time of an answer through the Runtime API"},
}

// style makes the picture readable on light and on dark pages.
const style = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .quiet { fill: #59636e }
  .end { text-anchor: end } .middle { text-anchor: middle }
  .bar { fill: #afb8c1 } .ours { fill: #0969da }
  .axis { stroke: #d1d9e0; stroke-width: 1; fill: none }
  .limit { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 4 3; fill: none }
  .over { fill: #cf222e }
  .curve { fill: none; stroke-width: 2; stroke: #0969da } .second { stroke: #8250df }
  .dot { fill: #0969da } .dot.second { fill: #8250df; stroke: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 }
    .bar { fill: #59636e } .ours { fill: #4493f8 }
    .axis { stroke: #3d444d } .limit { stroke: #f85149 } .over { fill: #f85149 }
    .curve { stroke: #4493f8 } .second { stroke: #ab7df8 }
    .dot { fill: #4493f8 } .dot.second { fill: #ab7df8 }
  }
`

// WritePicture draws the bars of start and invoke, each with its ratio and
// limit, and the curve of deciding. It draws what there is, as one SVG file
// that needs no other.
func WritePicture(w io.Writer, r Results) error {
	p := &picture{y: margin}
	for _, panel := range panels {
		if s, ok := r.section(panel.section); ok {
			p.bars(panel.title, s, panel.what)
		}
	}
	if s, ok := r.section("decide"); ok {
		p.curves("Decide: time by the number of rules in the allowlist", s)
	}
	p.text(margin, p.y+4, "quiet", fmt.Sprintf("%s, %s, %d × %s, commit %s, %s", r.Machine.Go, r.Machine.Platform, r.Machine.Cores, r.Machine.CPU, r.Machine.Commit, date(r.Machine.Date)))
	height := p.y + margin
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" width="%[1]d" height="%.0[2]f" role="img" aria-label="What make bench measured: start, invoke, decide">
<style>%s</style>
%s</svg>
`, width, height, style, p.b.String())
	return err
}

func date(rfc3339 string) string {
	day, _, _ := strings.Cut(rfc3339, "T")
	return day
}

func (r Results) section(name string) (Section, bool) {
	i := slices.IndexFunc(r.Sections, func(s Section) bool { return s.Name == name })
	if i < 0 || len(r.Sections[i].Figures) == 0 {
		return Section{}, false
	}
	return r.Sections[i], true
}

// picture is a drawing in the making; y is how far down it has come.
type picture struct {
	b strings.Builder
	y float64
}

func (p *picture) text(x, y float64, class, s string) {
	fmt.Fprintf(&p.b, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">%s</text>\n", x, y, class, html.EscapeString(s))
}

func (p *picture) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&p.b, "<path d=\"M%.1f %.1fL%.1f %.1f\" class=\"%s\"/>\n", x1, y1, x2, y2, class)
}

func (p *picture) head(title string) {
	p.text(margin, p.y+14, "title", title)
	p.y += headHeight - 14
}
