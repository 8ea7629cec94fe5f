// Command covergate reads a profile that go test -coverprofile wrote, prints
// the coverage of each package and of all, and fails where a floor is not
// reached.
//
// It does more than go tool cover -func in one respect only: it has floors.
// It must not depend on anything outside the standard library, so that a
// coverage run needs no download.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "covergate:", err)
		os.Exit(1)
	}
}

// floors maps the end of a package's import path to the least percentage of
// its statements that tests must run.
type floors map[string]float64

// String gives the floors in the form that Set reads.
func (f floors) String() string {
	var all []string
	for pkg, floor := range f {
		all = append(all, fmt.Sprintf("%s=%g", pkg, floor))
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// Set reads PACKAGE=PERCENT.
func (f floors) Set(s string) error {
	pkg, percent, ok := strings.Cut(s, "=")
	floor, err := strconv.ParseFloat(percent, 64)
	if !ok || pkg == "" || err != nil {
		return fmt.Errorf("want PACKAGE=PERCENT, such as internal/route=95")
	}
	f[pkg] = floor
	return nil
}

func run(args []string, stdout, stderr io.Writer) error {
	perPackage := floors{}
	flags := flag.NewFlagSet("covergate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Var(perPackage, "package", "PACKAGE=PERCENT: a floor for one package, named by the end of its import path; repeatable")
	total := flags.Float64("total", 0, "the floor for all packages together, in percent")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("name one coverage profile")
	}
	profile, err := os.Open(flags.Arg(0))
	if err != nil {
		return err
	}
	defer func() { _ = profile.Close() }() // read only: nothing can be lost

	packages, err := read(profile)
	if err != nil {
		return fmt.Errorf("%s: %w", flags.Arg(0), err)
	}
	return report(stdout, packages, perPackage, *total)
}

// tally counts statements.
type tally struct{ covered, all int }

func (t tally) percent() float64 { return 100 * float64(t.covered) / float64(t.all) }

// read sums a profile up by package. With -coverpkg every test binary reports
// every block, so a block counts once, as covered if any binary ran it.
func read(r io.Reader) (map[string]tally, error) {
	type block struct {
		statements int
		covered    bool
	}
	blocks := map[string]block{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if n == 1 {
			if !strings.HasPrefix(line, "mode: ") {
				return nil, errors.New("this is not a coverage profile: its first line is not a mode line")
			}
			continue
		}
		fields := strings.Fields(line) // file.go:1.2,3.4 statements count
		if len(fields) != 3 || !strings.Contains(fields[0], ":") {
			return nil, fmt.Errorf("line %d is not a coverage line", n)
		}
		statements, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		count, err := strconv.ParseUint(fields[2], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		b := blocks[fields[0]]
		blocks[fields[0]] = block{statements, b.covered || count > 0}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	packages := map[string]tally{}
	for where, b := range blocks {
		file, _, _ := strings.Cut(where, ":")
		t := packages[path.Dir(file)]
		t.all += b.statements
		if b.covered {
			t.covered += b.statements
		}
		packages[path.Dir(file)] = t
	}
	return packages, nil
}

// report prints the table and says which floors were missed. A floor of a
// package that the profile does not hold is missed too: otherwise a renamed
// package would leave its floor behind.
func report(w io.Writer, packages map[string]tally, perPackage floors, total float64) error {
	var missed []string
	var sum tally
	used := map[string]bool{}
	names := make([]string, 0, len(packages))
	for name := range packages {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t := packages[name]
		if t.all == 0 {
			continue
		}
		sum.covered += t.covered
		sum.all += t.all
		line := fmt.Sprintf("%6.1f%%  %5d/%-5d  %s", t.percent(), t.covered, t.all, name)
		for end, floor := range perPackage {
			if name != end && !strings.HasSuffix(name, "/"+end) {
				continue
			}
			used[end] = true
			line += fmt.Sprintf("  (floor %g%%)", floor)
			if t.percent() < floor {
				missed = append(missed, fmt.Sprintf("%s has %.2f%%, wants %g%%", end, t.percent(), floor))
			}
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	if sum.all == 0 {
		return errors.New("the profile holds no statements")
	}
	if _, err := fmt.Fprintf(w, "%6.1f%%  %5d/%-5d  total  (floor %g%%)\n", sum.percent(), sum.covered, sum.all, total); err != nil {
		return err
	}
	if sum.percent() < total {
		missed = append(missed, fmt.Sprintf("all packages together have %.2f%%, want %g%%", sum.percent(), total))
	}
	for end := range perPackage {
		if !used[end] {
			missed = append(missed, end+" has a floor, but no line in the profile")
		}
	}
	if len(missed) > 0 {
		slices.Sort(missed)
		return errors.New(strings.Join(missed, "; "))
	}
	return nil
}
