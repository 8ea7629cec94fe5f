package report

import (
	"fmt"
	"slices"
	"strings"
)

// bars draws one figure of each program. Of several with different ratios the
// first is the bar, and that with a limit tells the ratio.
func (p *picture) bars(title string, s Section, what string) {
	var rows []Figure
	for _, f := range s.Figures {
		if f.What != what {
			continue
		}
		i := slices.IndexFunc(rows, func(r Figure) bool { return r.Of == f.Of })
		switch {
		case i < 0:
			rows = append(rows, f)
		case rows[i].Limit == 0 && f.Limit != 0:
			rows[i] = f
		}
	}
	most := 0.0
	for _, f := range rows {
		most = max(most, f.Value, limitOf(f))
	}
	if most == 0 {
		return
	}
	p.head(title)
	for _, f := range rows {
		class := "bar"
		if strings.HasPrefix(f.Of, "credvend") {
			class = "bar ours"
		}
		p.text(margin+labelWidth-10, p.y+15, "end", f.Of)
		fmt.Fprintf(&p.b, "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"2\" class=\"%s\"/>\n", margin+labelWidth, p.y+3, f.Value/most*barWidth, rowHeight-8, class)
		if limit := limitOf(f); limit != 0 {
			x := margin + labelWidth + limit/most*barWidth
			p.line(x, p.y, x, p.y+rowHeight-2, "limit")
		}
		p.text(valueAt, p.y+15, "end", Number(f.Value)+" "+f.Unit)
		p.text(valueAt+16, p.y+15, ratioClass(f), ratioText(f))
		p.y += rowHeight
	}
	p.y += margin
}

// limitOf is the value at which a figure's ratio would be at its limit; 0
// without one.
func limitOf(f Figure) float64 {
	if f.Limit == 0 || f.Ratio == 0 {
		return 0
	}
	return f.Value / f.Ratio * f.Limit
}

func ratioText(f Figure) string {
	switch {
	case f.Beside == "":
		return ""
	case f.Limit == 0:
		return fmt.Sprintf("%s × %s", Ratio(f.Ratio), f.Beside)
	default:
		return fmt.Sprintf("%s × %s (limit %s)", Ratio(f.Ratio), f.Beside, Number(f.Limit))
	}
}

func ratioClass(f Figure) string {
	if f.Within() {
		return "quiet"
	}
	return "over"
}
