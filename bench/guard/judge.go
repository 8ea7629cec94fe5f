package guard

import (
	"fmt"
	"strings"
)

// tolerance is by how many hundredths a count may differ from its baseline.
const tolerance = 5

// Count is what one part of the hot path cost in this run.
type Count struct {
	Name string
	N    int
	// Optional counts are held only where the baseline has them: not every
	// machine can make them, and each kind of processor has its own; or they are
	// of somebody else's code.
	Optional bool
}

// Verdict is what is to be said of one count.
type Verdict struct {
	Name  string
	Fails bool
	Text  string
}

// Judge compares a run with the baseline. Under another minor version of Go than
// the baseline's nothing fails: its compiler and its library allocate otherwise,
// and that is nobody's doing here.
func (b Baseline) Judge(goVersion string, counts []Count) []Verdict {
	foreign := minor(goVersion) != b.Go
	var all []Verdict
	counted := map[string]bool{}
	for _, c := range counts {
		counted[c.Name] = true
		l, known := b.line(c.Name)
		v := Verdict{Name: c.Name}
		switch replacement := (Line{c.Name, c.N, placeholder}); {
		case !known && c.Optional:
			v.Text = fmt.Sprintf("%d; not held: it is no work of ours", c.N)
		case !known:
			v.Fails, v.Text = true, fmt.Sprintf("%d; the baseline does not know it: add this line, and say why\n%s", c.N, replacement)
		case !differs(c.N, l.Count):
			v.Text = fmt.Sprintf("%d, as in the baseline (%d)", c.N, l.Count)
		default:
			v.Fails = true
			v.Text = fmt.Sprintf("%d, and the baseline says %d (%+.0f %%; up to %d are let pass): mend it, or if it is meant, put in this line and say why\n%s",
				c.N, l.Count, change(c.N, l.Count), tolerance, replacement)
		}
		if v.Fails && foreign {
			v.Fails = false
			v.Text += fmt.Sprintf("\nnot held: the baseline is of go%s, and this is go%s", b.Go, minor(goVersion))
		}
		if known && !l.explained() {
			v.Fails = true
			v.Text += fmt.Sprintf("\nsay behind the # of its line why it is %d", l.Count)
		}
		all = append(all, v)
	}
	for _, l := range b.Lines {
		if counted[l.Name] || isOptional(l.Name) {
			continue
		}
		all = append(all, Verdict{Name: l.Name, Fails: true, Text: "the baseline has it, and nothing here counts it any more: delete its line"})
	}
	return all
}

// Update is the baseline with the counts of this run: lines that still hold stay
// as they are, and whoever changed the others has yet to say why.
func (b Baseline) Update(goVersion string, counts []Count) Baseline {
	next := Baseline{Head: b.Head, Go: minor(goVersion)}
	counted := map[string]bool{}
	for _, c := range counts {
		counted[c.Name] = true
		l, known := b.line(c.Name)
		if !known && c.Optional {
			continue
		}
		if !known || differs(c.N, l.Count) {
			l = Line{c.Name, c.N, placeholder}
		}
		next.Lines = append(next.Lines, l)
	}
	for _, l := range b.Lines { // another machine's
		if !counted[l.Name] && isOptional(l.Name) {
			next.Lines = append(next.Lines, l)
		}
	}
	return next
}

func differs(n, base int) bool {
	d := n - base
	if d < 0 {
		d = -d
	}
	return 100*d > tolerance*base
}

// change is by how many hundredths of base n differs from it.
func change(n, base int) float64 {
	if base == 0 {
		return 100
	}
	return 100 * float64(n-base) / float64(base)
}

// minor is go1.26.8 as 1.26, and what is no release as it is.
func minor(version string) string {
	version = strings.TrimPrefix(version, "go")
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return version
	}
	digits := strings.IndexFunc(parts[1], func(r rune) bool { return r < '0' || r > '9' })
	if digits >= 0 { // 1.27rc1
		parts[1] = parts[1][:digits]
	}
	return parts[0] + "." + parts[1]
}
