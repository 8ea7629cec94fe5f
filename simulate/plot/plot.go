// Package plot draws curves and bars as SVG that reads on light and on dark
// pages. It knows nothing of what it draws.
package plot

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The size of a picture, and of the frame in it.
const (
	width, height                    = 820, 430
	left, right, top, bottom float64 = 74, 800, 66, 372
)

// Axis is one of two. Log ones take values above 0 only.
type Axis struct {
	Label    string
	From, To float64
	Log      bool
	Ticks    []Tick
}

// Tick is a labelled place of an axis.
type Tick struct {
	At   float64
	Name string
}

// Curve is one line. Color is one of the eight that style has, from 1.
type Curve struct {
	Name   string
	Color  int
	Dashed bool
	Points []Point
}

// Point is a place of a chart.
type Point struct{ X, Y float64 }

// Level is a horizontal line with its name, such as a limit.
type Level struct {
	Name  string
	At    float64
	Right bool // the name stands at its right end
}

// Chart is curves over two axes.
type Chart struct {
	Title  string
	X, Y   Axis
	Curves []Curve
	Levels []Level
}

// style has colours that keep apart on white and on black, and for eyes that do
// not tell red from green.
const style = `<style>
text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#24292f}
.title{font-size:15px;font-weight:600}.small{font-size:12px}.soft{fill:#57606a}
.grid{stroke:#d0d7de;stroke-width:1}.frame{stroke:#57606a;stroke-width:1;fill:none}.level{stroke:#57606a;stroke-width:1;stroke-dasharray:2 4}
.c{fill:none;stroke-width:2.2;stroke-linejoin:round}.d{stroke-dasharray:7 4}
.s1{stroke:#0969da}.s2{stroke:#bc4c00}.s3{stroke:#1a7f64}.s4{stroke:#8250df}.s5{stroke:#bf3989}.s6{stroke:#6e7781}
.f1{fill:#0969da}.f2{fill:#bc4c00}.f3{fill:#1a7f64}.f4{fill:#8250df}.f5{fill:#bf3989}.f6{fill:#6e7781}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.soft{fill:#9da7b1}.grid{stroke:#30363d}.frame,.level{stroke:#9da7b1}
.s1{stroke:#58a6ff}.s2{stroke:#f0883e}.s3{stroke:#3fb99a}.s4{stroke:#bc8cff}.s5{stroke:#f778ba}.s6{stroke:#9da7b1}
.f1{fill:#58a6ff}.f2{fill:#f0883e}.f3{fill:#3fb99a}.f4{fill:#bc8cff}.f5{fill:#f778ba}.f6{fill:#9da7b1}}
</style>`

// picture is SVG in the making.
type picture struct{ strings.Builder }

func newPicture(title string) *picture {
	p := &picture{}
	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n", width, height, width, height, escape(title))
	p.WriteString(style + "\n")
	p.text(left-56, 24, "title", "start", title)
	return p
}

func (p *picture) printf(format string, args ...any) { fmt.Fprintf(&p.Builder, format, args...) }

func (p *picture) text(x, y float64, class, anchor, text string) {
	p.printf(`<text x="%s" y="%s" class="%s" text-anchor="%s">%s</text>`+"\n", number(x), number(y), class, anchor, escape(text))
}

func (p *picture) line(x1, y1, x2, y2 float64, class string) {
	p.printf(`<line x1="%s" y1="%s" x2="%s" y2="%s" class="%s"/>`+"\n", number(x1), number(y1), number(x2), number(y2), class)
}

// legend writes names in a row below the title.
func (p *picture) legend(names []string, mark func(i int, x, y float64)) {
	x := left
	for i, name := range names {
		mark(i, x, 46)
		p.text(x+26, 50, "small", "start", name)
		x += 26 + 7*float64(len([]rune(name))) + 18
	}
}

func (p *picture) end() string {
	p.WriteString("</svg>\n")
	return p.String()
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

func number(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}

// place is where a value lies between two ends of the picture.
func (a Axis) place(v, from, to float64) float64 {
	lo, hi := a.From, a.To
	if a.Log {
		v, lo, hi = math.Log10(math.Max(v, a.From)), math.Log10(lo), math.Log10(hi)
	}
	return from + (math.Min(math.Max(v, lo), hi)-lo)/(hi-lo)*(to-from)
}

// SVG draws the chart.
func (c Chart) SVG() string {
	p := newPicture(c.Title)
	for _, t := range c.X.Ticks {
		x := c.X.place(t.At, left, right)
		p.line(x, top, x, bottom, "grid")
		anchor := "middle"
		if x > right-20 { // it would run out of the picture
			anchor, x = "end", x+12
		}
		p.text(x, bottom+19, "small", anchor, t.Name)
	}
	for _, t := range c.Y.Ticks {
		y := c.Y.place(t.At, bottom, top)
		p.line(left, y, right, y, "grid")
		p.text(left-8, y+4, "small", "end", t.Name)
	}
	p.printf(`<rect x="%g" y="%g" width="%g" height="%g" class="frame"/>`+"\n", left, top, right-left, bottom-top)
	for _, l := range c.Levels {
		y := c.Y.place(l.At, bottom, top)
		p.line(left, y, right, y, "level")
		if l.Right {
			p.text(right-8, y-5, "small soft", "end", l.Name)
		} else {
			p.text(left+8, y-5, "small soft", "start", l.Name)
		}
	}
	var names []string
	for _, curve := range c.Curves {
		p.curve(c, curve)
		names = append(names, curve.Name)
	}
	p.legend(names, func(i int, x, y float64) {
		p.line(x, y, x+20, y, c.Curves[i].class())
	})
	p.text((left+right)/2, bottom+44, "small soft", "middle", c.X.Label)
	p.text(left-56, top-8, "small soft", "start", c.Y.Label)
	return p.end()
}

func (c Curve) class() string {
	class := fmt.Sprintf("c s%d", c.Color)
	if c.Dashed {
		class += " d"
	}
	return class
}

func (p *picture) curve(c Chart, curve Curve) {
	p.printf(`<polyline class="%s" points="`, curve.class())
	for _, point := range curve.Points {
		p.printf("%s,%s ", number(c.X.place(point.X, left, right)), number(c.Y.place(point.Y, bottom, top)))
	}
	p.WriteString(`"/>` + "\n")
}
