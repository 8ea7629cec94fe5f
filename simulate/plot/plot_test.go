package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// wellFormed reads all of a picture.
func wellFormed(t *testing.T, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
	}
}

// TestChart: it is XML, whatever the names, and what lies outside stays in the
// frame.
func TestChart(t *testing.T) {
	c := Chart{
		Title: `a < b & "c"`, X: Axis{From: 1, To: 100, Log: true, Ticks: []Tick{{10, "<10>"}}}, Y: Axis{From: 0, To: 10},
		Curves: []Curve{{Name: "&", Color: 1, Points: []Point{{1, 0}, {10, 5}, {1000, 99}, {0, -3}}}},
		Levels: []Level{{"limit", 5, false}, {"another", 6, true}},
	}
	svg := c.SVG()
	wellFormed(t, svg)
	if !strings.Contains(svg, `points="74,372 437,219 800,66 74,372 "`) {
		t.Errorf("the points are elsewhere:\n%s", svg)
	}
	if !strings.Contains(svg, "prefers-color-scheme:dark") {
		t.Error("it does not read on a dark page")
	}
}

// TestBars: parts fill the whole column.
func TestBars(t *testing.T) {
	b := Bars{Title: "t", Parts: []string{"x", "y"}, Bars: []Bar{{"a", "4", []float64{1, 3}}, {"none", "0", []float64{0, 0}}}}
	svg := b.SVG()
	wellFormed(t, svg)
	if got := strings.Count(svg, `class="f1"`) + strings.Count(svg, `class="f2"`); got != 4 { // two parts, two of the legend
		t.Errorf("%d coloured parts", got)
	}
}

// TestPlace: by hand.
func TestPlace(t *testing.T) {
	for _, c := range []struct {
		a       Axis
		v, want float64
	}{
		{Axis{From: 0, To: 10}, 5, 50}, {Axis{From: 0, To: 10}, 20, 100}, {Axis{From: 1, To: 100, Log: true}, 10, 50}, {Axis{From: 1, To: 100, Log: true}, 0, 0},
	} {
		if got := c.a.place(c.v, 0, 100); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%+v of %g: %g", c.a, c.v, got)
		}
	}
}
