package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/simulate/behaviour"
)

// TestRun: a run prints its table, and writes its files.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	var out strings.Builder
	if err := run(strings.Fields("-clients 2000 -fronts 2 -duration 10m -seed 3 -out "+dir), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"with 1000 clients", "vends", "by ThrottleRate", "month: httpApiRequests", "cold starts", "million a second"} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("the table lacks %q:\n%s", word, out.String())
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	var kept struct{ Requests map[string]uint64 }
	if err := json.Unmarshal(text, &kept); err != nil || kept.Requests["vended"] == 0 {
		t.Errorf("%v: %s", err, text)
	}
	f, err := os.Open(filepath.Join(dir, "run.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 601 {
		t.Errorf("%d rows: %v", len(rows), err)
	}
	if svg, err := os.ReadFile(filepath.Join(dir, "run.svg")); err != nil || !strings.Contains(string(svg), "<polyline") {
		t.Errorf("%v: %s", err, svg)
	}
}

// TestHelp: it tells of every kind of client.
func TestHelp(t *testing.T) {
	var out strings.Builder
	if err := run([]string{"-help"}, &out, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("%v", err)
	}
	for _, k := range behaviour.Kinds() {
		if !strings.Contains(out.String(), "\n  "+k.Name+" ") {
			t.Errorf("help does not tell of %s", k.Name)
		}
	}
	if !strings.Contains(out.String(), "assumed") || !strings.Contains(out.String(), "go run ./simulate -clients") {
		t.Error("help does not teach")
	}
}

// TestRefused: what cannot be meant is refused with the remedy.
func TestRefused(t *testing.T) {
	for args, want := range map[string]string{
		"-arrival never":        "together, spread or daily",
		"-throttle 5":           "as 50,100",
		"-throttle 5,0":         "as 50,100",
		"-account off":          "a rate is above 0",
		"-rate x,y":             "as 50,100",
		"-mix rust":             "the kinds are",
		"-routing first":        "last or random",
		"-fronts 0":             "-fronts",
		"-clients 5 -fronts 6":  "-fronts",
		"-internet 2":           "-internet 0 to 1",
		"-lifetime 5m":          "15m to 1h",
		"-clients 0 -fronts 1":  "-fronts",
		"more":                  "is no flag",
		"-prices /nowhere.json": "nowhere.json",
		"-docs /nowhere":        "scale.md",
	} {
		if err := run(strings.Fields(args), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

// TestWords: by hand.
func TestWords(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	for d, want := range map[time.Duration]string{30 * time.Minute: "30m", time.Hour: "1h", 90 * time.Minute: "1h30m", 17*time.Minute + 30*time.Second: "17m30s", 10 * time.Second: "10s", time.Hour + 10*time.Second: "1h0m10s"} {
		if got := short(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	if _, err := replace("no block", "demand", "x"); err == nil {
		t.Error("a page without a block is written")
	}
	if !near("| 1,000 | a | 5.2 |", "| 1,004 | a | 5.3 |") || near("| 1,000 | a |", "| 1,050 | a |") || near("| 1 | a |", "| 1 | b |") {
		t.Error("near does not compare")
	}
}
