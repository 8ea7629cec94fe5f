package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// curves draws a section's curves in nanoseconds over the logarithm of x, with
// the limit that their figures have.
func (p *picture) curves(title string, s Section) {
	var drawn []Series
	low, high, top := math.Inf(1), math.Inf(-1), 0.0
	for _, c := range s.Series {
		if c.YUnit != decideUnit || len(c.Points) < 2 {
			continue
		}
		drawn = append(drawn, c)
		for _, pt := range c.Points {
			low, high, top = min(low, pt.X), max(high, pt.X), max(top, pt.Y)
		}
	}
	if len(drawn) == 0 || low <= 0 || low == high || top <= 0 {
		return
	}
	limit, limited := 0.0, ""
	for _, f := range s.Figures {
		if f.Unit == decideUnit && f.Limit != 0 {
			limit, limited = f.Limit, f.What
		}
	}
	step := niceStep(max(top, limit) * 1.1)
	top = math.Ceil(max(top, limit)*1.1/step) * step

	p.head(title)
	const left, right = margin + 70.0, width - margin - 150.0
	x := func(v float64) float64 {
		return left + (math.Log10(v)-math.Log10(low))/(math.Log10(high)-math.Log10(low))*(right-left)
	}
	y := func(v float64) float64 { return p.y + plotHeight - v/top*plotHeight }
	for v := 0.0; v <= top; v += step {
		p.line(left, y(v), right, y(v), "axis")
		p.text(left-8, y(v)+4, "quiet end", Number(v)+" "+decideUnit)
	}
	for v := math.Pow(10, math.Ceil(math.Log10(low)-1e-9)); v <= high*1.0001; v *= 10 {
		p.text(x(v), p.y+plotHeight+18, "quiet middle", Number(math.Round(v)))
	}
	p.text(right+44, p.y+plotHeight+18, "quiet", drawn[0].XUnit)
	names := &labels{picture: p, x: right + 8}
	if limit != 0 {
		p.line(left, y(limit), right, y(limit), "limit")
		names.add(y(limit), "limit: "+limited)
	}
	for i, c := range drawn {
		second := ""
		if i%2 == 1 {
			second = " second"
		}
		var path strings.Builder
		for j, pt := range c.Points {
			step := 'L'
			if j == 0 {
				step = 'M'
			}
			fmt.Fprintf(&path, "%c%.1f %.1f", step, x(pt.X), y(pt.Y))
		}
		fmt.Fprintf(&p.b, "<path d=\"%s\" class=\"curve%s\"/>\n", path.String(), second)
		for _, pt := range c.Points {
			fmt.Fprintf(&p.b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" class=\"dot%s\"/>\n", x(pt.X), y(pt.Y), second)
		}
		names.add(y(last(c)), c.Name)
	}
	names.write()
	p.y += plotHeight + 2*margin
}

// labels name curves at their right ends, none on top of another.
type labels struct {
	picture *picture
	x       float64
	all     []label
}

type label struct {
	y    float64
	text string
}

func (l *labels) add(y float64, text string) { l.all = append(l.all, label{y, text}) }

func (l *labels) write() {
	slices.SortStableFunc(l.all, func(a, b label) int { return cmp.Compare(b.y, a.y) })
	above := math.Inf(1)
	for _, one := range l.all {
		above = min(one.y+4, above-15)
		l.picture.text(l.x, above, "", one.text)
	}
}

func last(c Series) float64 { return c.Points[len(c.Points)-1].Y }

// niceStep is the distance of three to seven lines up to top: 1, 2 or 5 times a
// power of ten.
func niceStep(top float64) float64 {
	if top <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(top/3)))
	for _, m := range []float64{5, 2} {
		if top/(m*power) >= 3 {
			return m * power
		}
	}
	return power
}
