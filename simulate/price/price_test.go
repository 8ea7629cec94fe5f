package price

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func builtInTable(t *testing.T) *Table {
	t.Helper()
	table, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestTiers: sums that can be reckoned by hand.
func TestTiers(t *testing.T) {
	table := builtInTable(t)
	for _, c := range []struct {
		name   string
		amount float64
		want   float64
	}{
		{"httpApiRequests", 0, 0},
		{"httpApiRequests", 1e6, 1},
		{"httpApiRequests", 300e6, 300},
		{"httpApiRequests", 400e6, 390},
		{"lambdaRequests", 5e6, 1},
		{"lambdaGBSecondsArm64", 1000, 0.0133334},
		{"lambdaLogIngestion", 60e12, 12_500}, // as AWS's announcement has it
		{"logIngestion", 2e9, 1},
		{"dataTransferOut", 11e12, 985},
	} {
		if got := table.find(c.name).Of(c.amount); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s of %g: %g, want %g", c.name, c.amount, got, c.want)
		}
	}
}

// TestMonthly: a day's use is a thirtieth of a month's, line by line.
func TestMonthly(t *testing.T) {
	u := Usage{During: 24 * time.Hour, Billed: 2e6, Invoked: 1e6, Issued: 900_000, Kept: 50_000, Refused: 50_000, Milliseconds: 48e6, MemoryMB: 256, Internet: 0.5}
	s := Sizes{Issued: 3000, Kept: 1500, Refused: 1000, Platform: 600, Access: 400, Answer: 2000}
	want := map[string]float64{
		"httpApiRequests":      60,
		"lambdaRequests":       6,
		"lambdaGBSecondsArm64": 30 * 48_000 * 0.25 * 0.0000133334,
		"lambdaLogIngestion":   30 * (2.7 + 0.075 + 0.05 + 0.6) * 0.5,
		"logIngestion":         30 * 0.8 * 0.5,
		"dataTransferOut":      30 * 950_000 * 2000 / 1e9 * 0.5 * 0.09,
	}
	lines := builtInTable(t).Monthly(u, s)
	sum := 0.0
	for _, line := range lines {
		if math.Abs(line.Cost-want[line.Name]) > 1e-6 {
			t.Errorf("%s: %g, want %g", line.Name, line.Cost, want[line.Name])
		}
		sum += want[line.Name]
	}
	if len(lines) != len(want) || math.Abs(Sum(lines)-sum) > 1e-6 {
		t.Errorf("%d lines, together %g, want %g", len(lines), Sum(lines), sum)
	}
}

// TestMoreCostsMore: more never costs less, and never more than at the first price.
func TestMoreCostsMore(t *testing.T) {
	table := builtInTable(t)
	rapid.Check(t, func(t *rapid.T) {
		p := &table.Prices[rapid.IntRange(0, len(table.Prices)-1).Draw(t, "price")]
		a, b := rapid.Float64Range(0, 1e15).Draw(t, "a"), rapid.Float64Range(0, 1e15).Draw(t, "b")
		if a > b {
			a, b = b, a
		}
		low, high := p.Of(a), p.Of(b)
		if low > high || high > b/p.Per*p.Tiers[0].Price*(1+1e-12) || math.IsNaN(high) {
			t.Fatalf("%s: %g costs %g, %g costs %g", p.Name, a, low, b, high)
		}
	})
}

// TestRefused: a table that could not be meant is refused.
func TestRefused(t *testing.T) {
	text := string(builtIn)
	for name, c := range map[string]struct{ old, new, want string }{
		"a price is missing":  {`"lambdaRequests"`, `"lambdaRequest"`, "no price lambdaRequests"},
		"an unknown field":    {`"per": 1,`, `"per": 1, "perr": 1,`, "perr"},
		"tiers fall":          {`"upTo": 18750000000`, `"upTo": 1`, "tiers rise"},
		"the last has an end": {`{"price": 0.20}`, `{"upTo": 5, "price": 0.20}`, "tiers rise"},
		"a price below 0":     {`"price": 0.20`, `"price": -0.20`, "tiers rise"},
		"per nothing":         {`"per": 1,`, `"per": 0,`, "above 0"},
	} {
		if !strings.Contains(text, c.old) {
			t.Errorf("%s: the table has no %s", name, c.old)
		}
		if _, err := parse([]byte(strings.Replace(text, c.old, c.new, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for _, p := range builtInTable(t).Prices {
		if !strings.HasPrefix(p.Source, "https://aws.amazon.com/") || p.Confirmed == "" {
			t.Errorf("%s does not say where it is from, and what confirms it", p.Name)
		}
	}
}
