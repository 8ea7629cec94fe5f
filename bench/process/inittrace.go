package process

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/credvend/credvend/bench/report"
)

// shownInits is how many packages' initialisation are listed.
const shownInits = 10

// initLine is a line of GODEBUG=inittrace=1: init PACKAGE @0.5 ms, 0.02 ms clock, …
var initLine = regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, (\S+) ms clock`)

// parseInits reads how long each package's initialisation took, in
// microseconds.
func parseInits(text string) map[string]float64 {
	inits := map[string]float64{}
	for _, m := range initLine.FindAllStringSubmatch(text, -1) {
		ms, err := strconv.ParseFloat(m[2], 64)
		if err == nil {
			inits[m[1]] += ms * 1000
		}
	}
	return inits
}

// initFigures tells what runs before main: in all, and the longest packages of
// ours. A package's time is its median over several starts.
func initFigures(ctx context.Context, e report.Env, p *programs, sts *stsStandIn, variables map[string]string) ([]report.Figure, error) {
	variables = maps.Clone(variables)
	variables["GODEBUG"] = "inittrace=1"
	medians := map[string]map[string]float64{}
	for _, name := range []string{bare, minimal, credvend} {
		seen := map[string][]float64{}
		for range e.Rounds(15, 5) {
			env, err := p.launch(ctx, name, sts, variables)
			if err != nil {
				return nil, err
			}
			for pkg, us := range parseInits(env.errorText()) {
				seen[pkg] = append(seen[pkg], us)
			}
			env.close()
		}
		medians[name] = map[string]float64{}
		for pkg, us := range seen {
			medians[name][pkg] = quantile(us, 0.5)
		}
	}
	total := func(name string) (sum float64) {
		for _, us := range medians[name] {
			sum += us
		}
		return sum
	}
	const what = "initialisation of packages, all"
	figures := []report.Figure{
		figure(bare, what, total(bare), "µs"),
		figure(minimal, what, total(minimal), "µs"),
		beside(figure(credvend, what, total(credvend), "µs"), minimal, total(credvend)/total(minimal), 0),
	}
	own := medians[credvend]
	byTime := slices.SortedFunc(maps.Keys(own), func(a, b string) int {
		return cmp.Or(cmp.Compare(own[b], own[a]), cmp.Compare(a, b))
	})
	for _, pkg := range byTime[:min(shownInits, len(byTime))] {
		figures = append(figures, figure(credvend, "initialisation of "+pkg, own[pkg], "µs"))
	}
	return figures, nil
}
