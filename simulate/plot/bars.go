package plot

import "fmt"

// Bars are columns of parts that are a whole together.
type Bars struct {
	Title string
	Label string   // of the parts, in words
	Parts []string // their names, in the order of their colours
	Bars  []Bar
}

// Bar is one column.
type Bar struct {
	Name  string // below it
	Total string // above it
	Parts []float64
}

// SVG draws the bars.
func (b Bars) SVG() string {
	p := newPicture(b.Title)
	share := Axis{From: 0, To: 1}
	for i := 0; i <= 4; i++ {
		y := share.place(float64(i)/4, bottom, top+24)
		p.line(left, y, right, y, "grid")
		p.text(left-8, y+4, "small", "end", fmt.Sprintf("%d %%", 25*i))
	}
	step := (right - left) / float64(len(b.Bars))
	for i, bar := range b.Bars {
		whole, from := 0.0, 0.0
		for _, part := range bar.Parts {
			whole += part
		}
		x := left + step*(float64(i)+0.2)
		for j, part := range bar.Parts {
			if whole == 0 || part == 0 {
				continue
			}
			y1, y2 := share.place(from/whole, bottom, top+24), share.place((from+part)/whole, bottom, top+24)
			p.printf(`<rect x="%s" y="%s" width="%s" height="%s" class="f%d"/>`+"\n", number(x), number(y2), number(step*0.6), number(y1-y2), j%6+1)
			from += part
		}
		p.text(x+step*0.3, top+16, "title", "middle", bar.Total)
		p.text(x+step*0.3, bottom+19, "small", "middle", bar.Name)
	}
	p.legend(b.Parts, func(i int, x, y float64) {
		p.printf(`<rect x="%s" y="%s" width="16" height="12" class="f%d"/>`+"\n", number(x+4), number(y-6), i%6+1)
	})
	p.text((left+right)/2, bottom+44, "small soft", "middle", b.Label)
	return p.end()
}
