package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/bench/report"
)

func results() report.Results {
	return report.Results{
		Machine: report.Machine{Go: "go1.26", Platform: "linux/amd64", CPU: "A <Processor> & Co", Cores: 2, Commit: "0123456+", Date: "2026-11-22T12:00:00Z", Seconds: 240},
		Sections: []report.Section{
			{Name: "start", Title: "Start", Note: strings.Repeat("words of a note ", 20), Figures: []report.Figure{
				{Of: "bare", What: "start, median", Value: 2600, Unit: "µs"},
				{Of: "minimal", What: "start, median", Value: 4200, Unit: "µs"},
				{Of: "credvend", What: "start, median", Value: 5460, Unit: "µs", Beside: "bare", Ratio: 2.1},
				{Of: "credvend", What: "start, median", Value: 5460, Unit: "µs", Beside: "minimal", Ratio: 1.3, Limit: 1.2},
			}},
			{Name: "invoke", Title: "Invoke", Figures: []report.Figure{
				{Of: "minimal vend", What: "p50", Value: 600, Unit: "µs"},
				{Of: "credvend vend", What: "p50", Value: 660, Unit: "µs", Beside: "minimal vend", Ratio: 1.1, Limit: 1.15},
				{Of: "credvend vend", What: "p99", Value: 4000, Unit: "µs"},
			}},
			{Name: "decide", Title: "Decide", Figures: []report.Figure{
				{Of: "10 rules", What: "Decide", Value: 700, Unit: "ns", Limit: 1000},
				{Of: "1,000,000 rules", What: "Decide", Value: 1200, Unit: "ns", Limit: 1000},
			}, Series: []report.Series{
				{Name: "Decide for a role", XUnit: "rules", YUnit: "ns", Points: []report.Point{{X: 10, Y: 700}, {X: 1000, Y: 710}, {X: 1e6, Y: 1200}}},
				{Name: "load", XUnit: "rules", YUnit: "ms", Points: []report.Point{{X: 10, Y: 98765}, {X: 1e6, Y: 1}}},
			}},
			{Name: "peer", Title: "Peer", Note: "NOT RUN: it is not there."},
		},
	}
}

func table(t *testing.T, r report.Results) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.WriteTable(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func picture(t *testing.T, r report.Results) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.WritePicture(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTable(t *testing.T) {
	text := table(t, results())
	for _, want := range []string{
		"2 × A <Processor> & Co, commit 0123456+", "NOT RUN: it is not there.", "limits: 2 kept, 2 passed",
		"start: credvend: start, median: 1.30 × minimal, limit 1.20", "decide: 1,000,000 rules: Decide: 1,200 ns, limit 1,000",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	marked := 0
	for line := range strings.Lines(text) {
		if strings.Contains(line, "<< over") {
			marked++
			if !strings.Contains(line, "limit") {
				t.Errorf("marked without a limit: %s", line)
			}
		}
		if len([]rune(line)) > 140 {
			t.Errorf("too wide: %s", line)
		}
	}
	if marked != 2 {
		t.Errorf("%d figures are marked, want 2:\n%s", marked, text)
	}
	// Values stand under one another.
	at := -1
	for line := range strings.Lines(text) {
		if i := strings.Index(line, " µs"); i >= 0 && strings.Contains(line, "start, median") && !strings.Contains(line, "start: ") {
			column := len([]rune(line[:i]))
			if at >= 0 && column != at {
				t.Errorf("the units do not stand in a column:\n%s", text)
			}
			at = column
		}
	}
}

func TestWithin(t *testing.T) {
	for name, c := range map[string]struct {
		figure report.Figure
		want   bool
	}{
		"no limit":              {report.Figure{Value: 1e9}, true},
		"value at its limit":    {report.Figure{Value: 90, Limit: 90}, true},
		"value over it":         {report.Figure{Value: 91, Limit: 90}, false},
		"ratio within":          {report.Figure{Value: 5000, Beside: "x", Ratio: 1.1, Limit: 1.2}, true},
		"ratio over":            {report.Figure{Value: 0.5, Beside: "x", Ratio: 1.3, Limit: 1.2}, false},
		"ratio without a limit": {report.Figure{Beside: "x", Ratio: 99}, true},
	} {
		if got := c.figure.Within(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 12: "12", 999: "999", 1000: "1,000", 1234567: "1,234,567", 1234.5: "1,234", 123.4: "123", 12.34: "12.3", 1.234: "1.23",
		0.5: "0.50", 0.0123: "0.0123", -1: "-1", -1234: "-1,234", -1.5: "-1.50",
	} {
		if got := report.Number(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{1.2: "1.20", 0.994: "0.99", 0.1: "0.10", 0.009: "0.009"} {
		if got := report.Ratio(v); got != want {
			t.Errorf("ratio %v: %q, want %q", v, got, want)
		}
	}
}

func TestJSONKeepsAll(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteJSON(&b, results()); err != nil {
		t.Fatal(err)
	}
	var back report.Results
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(results(), back); diff != "" {
		t.Error(diff)
	}
}

func TestPicture(t *testing.T) {
	text := picture(t, results())
	for decoder := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v\n%s", err, text)
		}
	}
	for want, n := range map[string]int{
		"<rect ": 5, `class="bar ours"`: 2, "A &lt;Processor&gt; &amp; Co": 1, "prefers-color-scheme: dark": 1,
		`class="over">1.30 × minimal (limit 1.20)`: 1, `class="quiet">1.10 × minimal vend (limit 1.15)`: 1,
		"<circle ": 3, "1,000,000</text>": 1, ">limit: Decide</text>": 1, `class="limit"`: 3,
	} {
		if got := strings.Count(text, want); got != n {
			t.Errorf("%q stands there %d times, want %d:\n%s", want, got, n, text)
		}
	}
	for _, unwanted := range []string{"NaN", "Inf", "98765", "2.10 ×", "http://", "https://"} {
		rest := strings.ReplaceAll(text, `xmlns="http://www.w3.org/2000/svg"`, "")
		if strings.Contains(rest, unwanted) {
			t.Errorf("%q stands in it", unwanted)
		}
	}
}

func TestPictureOfLittle(t *testing.T) {
	for name, sections := range map[string][]report.Section{
		"nothing":         nil,
		"only notes":      {{Name: "start", Note: "BROKEN OFF"}, {Name: "decide"}},
		"a single point":  {{Name: "decide", Figures: []report.Figure{{Value: 1}}, Series: []report.Series{{YUnit: "ns", Points: []report.Point{{X: 10, Y: 1}}}}}},
		"a curve from 0":  {{Name: "decide", Figures: []report.Figure{{Value: 1}}, Series: []report.Series{{YUnit: "ns", Points: []report.Point{{X: 0, Y: 1}, {X: 1, Y: 1}}}}}},
		"one bar":         {{Name: "start", Figures: []report.Figure{{Of: "bare", What: "start, median", Value: 1}}}},
		"other figures":   {{Name: "invoke", Figures: []report.Figure{{Of: "bare", What: "p99", Value: 1}}}},
		"a figure of 0":   {{Name: "start", Figures: []report.Figure{{Of: "bare", What: "start, median"}}}},
		"a flat 0 curve":  {{Name: "decide", Figures: []report.Figure{{}}, Series: []report.Series{{YUnit: "ns", Points: []report.Point{{X: 1, Y: 0}, {X: 10, Y: 0}}}}}},
		"points upon one": {{Name: "decide", Figures: []report.Figure{{}}, Series: []report.Series{{YUnit: "ns", Points: []report.Point{{X: 10, Y: 1}, {X: 10, Y: 2}}}}}},
	} {
		text := picture(t, report.Results{Sections: sections})
		if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || !strings.HasSuffix(text, "</svg>\n") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

func TestRounds(t *testing.T) {
	if got := (report.Env{}).Rounds(60, 10); got != 60 {
		t.Errorf("full: %d", got)
	}
	if got := (report.Env{Quick: true}).Rounds(60, 10); got != 10 {
		t.Errorf("quick, few: %d", got)
	}
	if got := (report.Env{Quick: true}).Rounds(600, 10); got != 60 {
		t.Errorf("quick, many: %d", got)
	}
}

// Numbers are written as exactly as anybody could have measured them.
func TestRoundedJSON(t *testing.T) {
	r := report.Results{Sections: []report.Section{{Figures: []report.Figure{
		{Value: 3220.2160000000003, Ratio: 1.4795791409554861}, {Value: 1_000_000}, {Value: 0.000012345678},
	}, Series: []report.Series{{Points: []report.Point{{X: 10, Y: 99.99999}}}}}}}
	var b bytes.Buffer
	if err := report.WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"value": 3220.2,`, `"ratio": 1.4796`, `"value": 1000000,`, `"value": 0.000012346,`, `"y": 100`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in %s", want, &b)
		}
	}
	if err := report.WriteJSON(&b, report.Results{Sections: []report.Section{{Figures: []report.Figure{{Value: math.Inf(1)}}}}}); err == nil {
		t.Error("an infinite figure is written")
	}
}

// The page holds what the table holds, and only between its marks.
func TestPage(t *testing.T) {
	var b bytes.Buffer
	if err := report.WritePage(&b, results()); err != nil {
		t.Fatal(err)
	}
	page, err := report.ReplacePage("above\n"+report.PageBegin+"old\n"+report.PageEnd+"below\n", b.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"above\n" + report.PageBegin, "| credvend | start, median | 5,460 µs | 1.30 × minimal | 1.20, **passed** |",
		"| credvend vend | p50 | 660 µs | 1.10 × minimal vend | 1.15 |", "### Peer\n\nNOT RUN", report.PageEnd + "below\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in %s", want, page)
		}
	}
	if strings.Contains(page, "old") {
		t.Errorf("the figures before are still there: %s", page)
	}
	for _, broken := range []string{"", report.PageBegin, report.PageEnd, report.PageEnd + report.PageBegin} {
		if _, err := report.ReplacePage(broken, ""); err == nil {
			t.Errorf("%q is taken", broken)
		}
	}
}
