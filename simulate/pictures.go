package main

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/credvend/credvend/simulate/fleet"
	"github.com/credvend/credvend/simulate/plot"
	"github.com/credvend/credvend/simulate/price"
)

// herdPicture is a fleet that was deployed within a minute, and how it comes
// back, with no limit in the way.
func herdPicture(progress io.Writer) (string, error) {
	const clients, d = 100_000, 2 * time.Hour
	chart := plot.Chart{
		Title: "STS calls a second, most of each 15 s: 100,000 clients deployed within a minute",
		X:     hours(d),
		Y: plot.Axis{Label: "a second", From: 1, To: 3000, Log: true, Ticks: []plot.Tick{
			{At: 1, Name: "1"}, {At: 10, Name: "10"}, {At: 100, Name: "100"}, {At: 1000, Name: "1,000"},
		}},
		Levels: []plot.Level{{Name: "STS: 600 in a region", At: 600}},
	}
	for i, v := range []variant{variants()[0], variants()[2]} {
		o, err := rollout(clients, v, progress, func(s *scenario) {
			unlimited(&s.config)
			s.config.Duration = d
		})
		if err != nil {
			return "", err
		}
		chart.Curves = append(chart.Curves, plot.Curve{
			Name: map[string]string{"stock": "stock clients", "refreshAfter": "clients that keep to refreshAfter"}[v.name], Color: 2 - i, Points: peaks(o.result.Series.STS, d),
		})
	}
	return chart.SVG(), nil
}

// limitsPicture is what fleets ask for, and the limits that they meet.
func limitsPicture(rates map[string][]plot.Point) string {
	l := fleet.DefaultLimits()
	chart := plot.Chart{
		Title: "Vends a second of a fleet that has long been running, and the limits",
		X:     plot.Axis{Label: "clients", From: 1e4, To: 1e7, Log: true},
		Y:     plot.Axis{Label: "a second", From: 1, To: 20_000, Log: true},
		Levels: []plot.Level{
			{Name: fmt.Sprintf("ThrottleRate, %g on each route", l.RouteRate), At: l.RouteRate, Right: true},
			{Name: fmt.Sprintf("STS, %d in a region", l.STSRate), At: float64(l.STSRate), Right: true},
			{Name: "API Gateway, 10,000, and Lambda, ten for each of 1,000 at once", At: l.AccountRate},
		},
	}
	for _, n := range sizes() {
		chart.X.Ticks = append(chart.X.Ticks, plot.Tick{At: float64(n), Name: thousands(n)})
	}
	for at := 1.0; at <= 10_000; at *= 10 {
		chart.Y.Ticks = append(chart.Y.Ticks, plot.Tick{At: at, Name: thousands(int(math.Round(at)))})
	}
	for i, name := range []string{"stock, 30m", "stock, 1h", "refreshAfter, 30m", "refreshAfter, 1h"} {
		chart.Curves = append(chart.Curves, plot.Curve{Name: name, Color: 2 - i/2, Dashed: i%2 == 1, Points: rates[name]})
	}
	return chart.SVG()
}

// costPicture is what a month costs, by line.
func costPicture(bills map[int][]price.Line) string {
	names := map[string]string{
		"httpApiRequests": "HTTP API", "lambdaRequests": "Lambda requests", "lambdaGBSecondsArm64": "Lambda time",
		"lambdaLogIngestion": "audit trail", "logIngestion": "access log", "dataTransferOut": "traffic",
	}
	b := plot.Bars{Title: "A month's list price by line: stock clients, 30m, callers on the internet", Label: "clients, long since running"}
	for _, n := range sizes() {
		bar := plot.Bar{Name: thousands(n), Total: thousands(int(math.Round(price.Sum(bills[n])))) + " USD"}
		b.Parts = b.Parts[:0]
		for _, line := range bills[n] {
			b.Parts = append(b.Parts, names[line.Name])
			bar.Parts = append(bar.Parts, line.Cost)
		}
		b.Bars = append(b.Bars, bar)
	}
	return b.SVG()
}
