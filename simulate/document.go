package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/credvend/credvend/simulate/plot"
	"github.com/credvend/credvend/simulate/price"
)

const blockEnd = "<!-- end of what make simulate made -->"

func blockBegin(name string) string { return "<!-- made by make simulate: " + name + " -->" }

// replace puts text in the place of a block's.
func replace(page, name, text string) (string, error) {
	before, rest, begins := strings.Cut(page, blockBegin(name)+"\n")
	_, after, ends := strings.Cut(rest, blockEnd)
	if !begins || !ends {
		return "", fmt.Errorf("scale.md has no line %s, or none that ends what follows", blockBegin(name))
	}
	return before + blockBegin(name) + "\n" + text + blockEnd + after, nil
}

// made is what a document run makes.
type made struct {
	tables map[string]string
	bills  map[int][]price.Line // stock clients, half an hour
	rates  map[string][]plot.Point
}

// document makes the tables and pictures of docs/scale.md.
func document(o *options, out, progress io.Writer) error {
	path := filepath.Join(o.docs, "scale.md")
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	began := time.Now()
	m := &made{map[string]string{}, map[int][]price.Line{}, map[string][]plot.Point{}}
	for _, make := range []func(*options, *made, io.Writer) error{demands, rollouts, remedied} {
		if err := make(o, m, progress); err != nil {
			return err
		}
	}
	text := string(page)
	for _, name := range []string{"demand", "rollout", "remedies"} {
		if text, err = replace(text, name, m.tables[name]); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "%s:\n%s\n", name, m.tables[name]) // for people: nothing depends on it
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // a document
		return err
	}
	herd, err := herdPicture(progress)
	if err != nil {
		return err
	}
	for name, svg := range map[string]string{"herd": herd, "limits": limitsPicture(m.rates), "cost": costPicture(m.bills)} {
		if err := os.WriteFile(filepath.Join(o.docs, "scale-"+name+".svg"), []byte(svg), 0o644); err != nil { //nolint:gosec // a picture
			return err
		}
	}
	_, _ = fmt.Fprintf(progress, "simulate: %s and its pictures are made, in %v\n", path, time.Since(began).Round(time.Second))
	return nil
}

func demands(o *options, m *made, progress io.Writer) error {
	var b strings.Builder
	b.WriteString(demandHead)
	for _, n := range sizes() {
		for i, v := range variants() {
			_, _ = fmt.Fprintf(progress, "simulate: %s clients, %s, %s\n", thousands(n), v.name, short(v.life))
			outcome, err := demand(n, v, progress)
			if err != nil {
				return err
			}
			bill, err := outcome.bill(o.prices, o.usage)
			if err != nil {
				return err
			}
			b.WriteString(demandRow(outcome, v, bill))
			name := v.name + ", " + short(v.life)
			m.rates[name] = append(m.rates[name], plot.Point{X: float64(n), Y: outcome.result.PerSecond(outcome.result.Answered())})
			if i == 0 {
				m.bills[n] = bill
			}
		}
	}
	m.tables["demand"] = b.String()
	return nil
}

func rollouts(_ *options, m *made, progress io.Writer) error {
	var b strings.Builder
	b.WriteString(rolloutHead)
	for _, n := range sizes()[:3] {
		for _, v := range []variant{variants()[0], variants()[2]} {
			_, _ = fmt.Fprintf(progress, "simulate: %s clients are deployed, %s\n", thousands(n), v.name)
			outcome, err := rollout(n, v, progress, nil)
			if err != nil {
				return err
			}
			b.WriteString(rolloutRow(outcome, v.name, "as the template has them"))
		}
	}
	m.tables["rollout"] = b.String()
	return nil
}

func remedied(_ *options, m *made, progress io.Writer) error {
	var b strings.Builder
	b.WriteString(rolloutHead)
	for _, r := range remedies() {
		_, _ = fmt.Fprintf(progress, "simulate: %s clients are deployed, with %s\n", thousands(r.clients), r.settings)
		outcome, err := rollout(r.clients, r.variant, progress, r.bend)
		if err != nil {
			return err
		}
		b.WriteString(rolloutRow(outcome, r.variant.name, r.settings))
	}
	m.tables["remedies"] = b.String()
	return nil
}
