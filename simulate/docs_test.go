package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const docs = "../docs"

func scalePage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(docs, "scale.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block is the rows of a table of scale.md that the simulation made.
func block(t *testing.T, name string) []string {
	t.Helper()
	_, rest, begins := strings.Cut(scalePage(t), blockBegin(name)+"\n")
	inside, _, ends := strings.Cut(rest, blockEnd)
	if !begins || !ends {
		t.Fatalf("docs/scale.md has no table of %s", name)
	}
	return strings.Split(strings.TrimSpace(inside), "\n")[2:]
}

var figure = regexp.MustCompile(`-?\d[\d,]*(?:\.\d+)?`)

// near compares rows: the same words, and figures within a hundredth or one.
// The same seed gives the same figures on one kind of processor; another may
// round the last digit of a draw elsewhere.
func near(a, b string) bool {
	if figure.ReplaceAllString(a, "#") != figure.ReplaceAllString(b, "#") {
		return false
	}
	x, y := figure.FindAllString(a, -1), figure.FindAllString(b, -1)
	for i := range x {
		v, err1 := strconv.ParseFloat(strings.ReplaceAll(x[i], ",", ""), 64)
		w, err2 := strconv.ParseFloat(strings.ReplaceAll(y[i], ",", ""), 64)
		if err1 != nil || err2 != nil || math.Abs(v-w) > math.Max(1, 0.01*math.Abs(v)) {
			return false
		}
	}
	return true
}

// TestDocument: the tables of docs/scale.md are what make simulate makes: of
// each, the rows that are quick to make.
func TestDocument(t *testing.T) {
	o, err := parse(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	has := func(table, row string) {
		t.Helper()
		for _, written := range block(t, table) {
			if near(written, strings.TrimSpace(row)) {
				return
			}
		}
		t.Errorf("docs/scale.md's %s lacks what is simulated; make simulate writes it:\n%s", table, row)
	}
	for _, n := range sizes()[:2] {
		for _, v := range variants() {
			outcome, err := demand(n, v, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			bill, err := outcome.bill("", o.usage)
			if err != nil {
				t.Fatal(err)
			}
			has("demand", demandRow(outcome, v, bill))
		}
	}
	for _, v := range []variant{variants()[0], variants()[2]} {
		outcome, err := rollout(10_000, v, io.Discard, nil)
		if err != nil {
			t.Fatal(err)
		}
		has("rollout", rolloutRow(outcome, v.name, "as the template has them"))
	}
	for _, r := range remedies()[:2] {
		outcome, err := rollout(r.clients, r.variant, io.Discard, r.bend)
		if err != nil {
			t.Fatal(err)
		}
		has("remedies", rolloutRow(outcome, r.variant.name, r.settings))
	}
	if got, want := len(block(t, "demand")), len(sizes())*len(variants()); got != want {
		t.Errorf("%d rows of demand, want %d", got, want)
	}
	if got := len(block(t, "remedies")); got != len(remedies()) {
		t.Errorf("%d rows of remedies", got)
	}
}

// TestRemedyFlags: the flags that docs/scale.md gives for a remedy do what its
// row was made with.
func TestRemedyFlags(t *testing.T) {
	for _, r := range remedies() {
		o, err := parse(append(strings.Fields(r.flags), "-clients", strconv.Itoa(r.clients), "-mix", r.variant.mix, "-duration", "1h"), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		s, err := fleetOf(r.clients, r.variant)
		if err != nil {
			t.Fatal(err)
		}
		s.config.Limits.RouteRate = 0
		r.bend(&s)
		if got := o.scenario; got.fronts != s.fronts || got.config.Limits != s.config.Limits || got.config.Lifetime != s.config.Lifetime || s.config.Ramp != 0 && got.config.Ramp != s.config.Ramp {
			t.Errorf("%s: the flags %s give %+v, the row was made with %+v", r.settings, r.flags, got.config.Limits, s.config.Limits)
		}
		if !strings.Contains(scalePage(t), r.flags) {
			t.Errorf("docs/scale.md does not give the flags %s", r.flags)
		}
	}
}

// TestCommands: every command of docs/scale.md that runs the simulation is one.
func TestCommands(t *testing.T) {
	found := regexp.MustCompile(`(?m)^go run \./simulate (.*?)(?: +#.*)?$`).FindAllStringSubmatch(scalePage(t), -1)
	for _, m := range found {
		if _, err := parse(strings.Fields(m[1]), io.Discard); err != nil && !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: %v", m[0], err)
		}
	}
	if len(found) < 8 {
		t.Errorf("only %d commands were found", len(found))
	}
}

// TestPictures: they are there, and are XML.
func TestPictures(t *testing.T) {
	for _, name := range []string{"herd", "limits", "cost"} {
		text, err := os.ReadFile(filepath.Join(docs, "scale-"+name+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(bytes.NewReader(text))
		for err == nil {
			_, err = d.Token()
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(scalePage(t), "scale-"+name+".svg") {
			t.Errorf("docs/scale.md does not show scale-%s.svg", name)
		}
	}
}
