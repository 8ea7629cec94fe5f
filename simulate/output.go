package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/credvend/credvend/simulate/fleet"
	"github.com/credvend/credvend/simulate/plot"
	"github.com/credvend/credvend/simulate/price"
)

// print writes the table of one run.
func (o *outcome) print(out io.Writer, bill []price.Line) error {
	r, c := o.result, o.config
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(what, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "%s\t%s\n", what, fmt.Sprintf(format, args...))
	} // Flush reports errors
	row("clients", "%d, of %s life, over %v", c.Clients, short(c.Lifetime), r.Duration)
	if o.fronts > 1 {
		row("fronts", "%d; figures down to the cost are of one, with %d clients", o.fronts, r.Clients)
	}
	row("requests", "%d: %.1f a second, at most %d", r.Requests(), r.PerSecond(r.Requests()), r.PeakRequests)
	row("vends", "%d: %.1f a second, at most %d; %d reused", r.Answered(), r.PerSecond(r.Answered()), r.PeakVends, r.Counts[fleet.Reused])
	row("STS calls", "%d; at most %v a second by region, %v asked", r.STSCalls, r.PeakSTS, r.PeakSTSAsked)
	row("throttled", "%d (%.1f %%)", r.Throttled(), 100*float64(r.Throttled())/float64(max(1, r.Requests())))
	for _, v := range fleet.Throttles() {
		if r.Counts[v] > 0 {
			row("  by "+v.String(), "%d", r.Counts[v])
		}
	}
	row("answers too late", "%d", r.Counts[fleet.GaveUp])
	row("signings failed", "%d, of %d clients", r.Failures, r.Hurt)
	row("renewals put off", "%d", r.Renewals)
	row("wait for the first", "half %v, 99 %% %v, the longest %v; %d still wait", r.Waits.Quantile(0.5), r.Waits.Quantile(0.99), r.Waits.Quantile(1), r.NotYet)
	row("environments", "%d at most, %d busy; %d cold starts", r.PeakEnvironments, r.PeakBusy, r.ColdStarts)
	for _, line := range bill {
		row("month: "+line.Name, "%.2f USD", line.Cost)
	}
	row("month", "%.2f USD", price.Sum(bill))
	row("simulated", "%d events in %v: %.1f million a second, %d MiB", r.Events, o.took.Round(time.Millisecond), float64(r.Events)/o.took.Seconds()/1e6, o.memory>>20)
	return w.Flush()
}

// write keeps a run as JSON, CSV and a picture.
func (o *outcome) write(dir string, bill []price.Line) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	counts := map[string]uint64{}
	for v, n := range o.result.Counts {
		counts[fleet.Verdict(v).String()] = n
	}
	r := *o.result
	r.Series, r.Waits.Buckets = fleet.Series{}, nil
	text, err := json.MarshalIndent(map[string]any{
		"clients": o.config.Clients, "fronts": o.fronts, "lifetimeSeconds": o.config.Lifetime.Seconds(), "seed": o.config.Seed,
		"requests": counts, "of one front": r, "month": bill,
		"waitSeconds": map[string]float64{"p50": o.result.Waits.Quantile(0.5).Seconds(), "p99": o.result.Waits.Quantile(0.99).Seconds(), "max": o.result.Waits.Quantile(1).Seconds()},
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "run.json"), append(text, '\n'), 0o600); err != nil {
		return err
	}
	if err := o.writeCSV(filepath.Join(dir, "run.csv")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "run.svg"), []byte(o.picture()), 0o600)
}

// writeCSV writes a row for each second.
func (o *outcome) writeCSV(path string) error {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"second", "requests", "vends", "stsCalls", "throttled", "coldStarts", "busy"}) // Error reports errors
	s := o.result.Series
	for i := range s.Requests {
		row := []string{strconv.Itoa(i)}
		for _, v := range []uint32{s.Requests[i], s.Vends[i], s.STS[i], s.Throttled[i], s.Cold[i], s.Busy[i]} {
			row = append(row, strconv.FormatUint(uint64(v), 10))
		}
		_ = w.Write(row)
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

// picture is the run over time.
func (o *outcome) picture() string {
	s := o.result.Series
	most := float64(o.result.PeakRequests)
	return plot.Chart{
		Title: fmt.Sprintf("%d clients: requests, vends and throttles a second", o.result.Clients),
		X:     hours(o.result.Duration), Y: upTo("a second", most),
		Curves: []plot.Curve{
			{Name: "requests", Color: 6, Points: peaks(s.Requests, o.result.Duration)},
			{Name: "throttled", Color: 2, Points: peaks(s.Throttled, o.result.Duration)},
			{Name: "vends", Color: 1, Points: peaks(s.Vends, o.result.Duration)},
		},
	}.SVG()
}

// columns of a picture.
const columns = 480

// peaks is a series as at most so many points, each the most of its time.
func peaks(series []uint32, d time.Duration) []plot.Point {
	per := max(1, len(series)/columns)
	var points []plot.Point
	for i := 0; i < len(series); i += per {
		most := uint32(0)
		for _, v := range series[i:min(i+per, len(series))] {
			most = max(most, v)
		}
		points = append(points, plot.Point{X: float64(i) / 60, Y: float64(most)})
	}
	return append(points, plot.Point{X: d.Minutes(), Y: points[len(points)-1].Y})
}

// hours is an axis of minutes.
func hours(d time.Duration) plot.Axis {
	a := plot.Axis{Label: "minutes", To: d.Minutes()}
	step := 1.0
	for d.Minutes()/step > 13 {
		step *= map[bool]float64{true: 2, false: 2.5}[step != 2 && step != 20 && step != 200]
	}
	for at := 0.0; at <= d.Minutes(); at += step {
		a.Ticks = append(a.Ticks, plot.Tick{At: at, Name: fmt.Sprintf("%g", at)})
	}
	return a
}

// upTo is an axis from 0 to a round number above a value.
func upTo(label string, most float64) plot.Axis {
	step := 1.0
	for i := 0; most/step > 5; i++ {
		step *= [...]float64{2, 2.5, 2}[i%3]
	}
	a := plot.Axis{Label: label, To: step}
	for at := 0.0; ; at += step {
		a.Ticks = append(a.Ticks, plot.Tick{At: at, Name: fmt.Sprintf("%g", at)})
		if at >= most && at > 0 {
			a.To = at
			return a
		}
	}
}

// short writes 30m0s as 30m, and 1h0m0s as 1h.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
