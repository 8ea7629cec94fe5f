package lint

import (
	"maps"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/route"
)

// linter is one look at a list that compiles.
type linter struct {
	doc  *allowlist.Document
	list *allowlist.List
	opts Options

	callers []string // sorted
	targets []string // sorted
	rules   []rule   // in document order
	allows  map[string][]*rule
	denies  map[string][]*rule // by target

	check string // that is running
	work  map[string]int
	cut   map[string]bool
	found []found
	more  map[string]int
	count map[string]int
}

// rule is a rule with its routes parsed.
type rule struct {
	*allowlist.Rule
	place    int
	anyone   bool // it names every caller
	patterns []pattern
}

func newLinter(doc *allowlist.Document, list *allowlist.List, opts Options) *linter {
	l := &linter{
		doc: doc, list: list, opts: opts,
		callers: slices.Sorted(maps.Keys(doc.Callers)), targets: slices.Sorted(maps.Keys(doc.Targets)),
		rules:  make([]rule, len(doc.Rules)),
		allows: map[string][]*rule{}, denies: map[string][]*rule{},
		more: map[string]int{}, count: map[string]int{}, work: map[string]int{}, cut: map[string]bool{},
	}
	for i := range doc.Rules {
		r := &l.rules[i]
		*r = rule{Rule: &doc.Rules[i], place: i, anyone: slices.Contains(doc.Rules[i].Callers, allowlist.AnyCaller)}
		for _, text := range r.Routes {
			r.patterns = append(r.patterns, parsePattern(text))
		}
		if r.Effect == allowlist.Deny {
			l.denies[r.Target] = append(l.denies[r.Target], r)
		} else {
			l.allows[r.Target] = append(l.allows[r.Target], r)
		}
	}
	return l
}

func (l *linter) add(f found) {
	if l.count[l.check]++; l.count[l.check] > MaxPerCheck {
		l.more[l.check]++
		return
	}
	f.check = l.check
	l.found = append(l.found, f)
}

// full reports whether the running check lists no more findings.
func (l *linter) full() bool { return l.count[l.check] >= MaxPerCheck }

// maxWork bounds the comparisons that one check makes. Lists of 100,000 rules
// stay far below it; without it one of as many allow as deny rules for a single
// target would take minutes.
const maxWork = 20_000_000

// spend counts comparisons; false when the running check has made enough.
func (l *linter) spend(n int) bool {
	l.work[l.check] += n
	if l.work[l.check] > maxWork {
		l.cut[l.check] = true
	}
	return !l.cut[l.check]
}

// report adds a finding about the value at a path.
func (l *linter) report(text, remedy string, path ...any) {
	l.add(found{text: text, remedy: remedy, path: path})
}

// aboutKey adds a finding about the key at a path.
func (l *linter) aboutKey(text, remedy string, path ...any) {
	l.add(found{text: text, remedy: remedy, path: path, key: true})
}

// about adds a finding about a route of a rule.
func (l *linter) about(r *rule, route int, text, remedy string) {
	l.add(found{text: text, remedy: remedy, rule: r.ID, path: []any{"rules", r.place, "routes", route}})
}

// names are the callers of a rule.
func (l *linter) names(r *rule) []string {
	if r.anyone {
		return l.callers
	}
	return r.Callers
}

func (r *rule) deny() bool { return r.Effect == allowlist.Deny }

// pattern is a route as written. Of a template it knows the variables; Decide
// fills them with one path segment each.
type pattern struct {
	text      string
	variables []string    // as written, ${…}
	fresh     route.Route // with a text for each variable that no rule spells
	wide      route.Route // with a star for each variable
}

func (p pattern) template() bool { return len(p.variables) > 0 }

// method and path are those of the text as written.
func (p pattern) method() string { return p.fresh.Method() }

func (p pattern) path() string {
	_, path, _ := strings.Cut(p.text, " ")
	return path
}

// parsePattern cuts a route that compiled at its variables.
func parsePattern(text string) pattern {
	p := pattern{text: text}
	var fresh, wide strings.Builder
	rest := text
	for {
		before, after, found := strings.Cut(rest, "${")
		fresh.WriteString(before)
		wide.WriteString(before)
		if !found {
			break
		}
		end := strings.IndexByte(after, '}')
		if name, quoted := strings.CutPrefix(after, `claims["`); quoted {
			end = len(after) - len(name) + strings.Index(name, `"]}`) + 2
		}
		if end < 0 || end >= len(after) {
			break // not so: it compiled
		}
		v := variable(after[:end])
		p.variables = append(p.variables, v)
		fresh.WriteString(stand(v))
		wide.WriteByte('*')
		rest = after[end+1:]
	}
	p.fresh, _ = route.Parse(fresh.String())
	if p.wide, _ = route.Parse(wide.String()); p.wide == (route.Route{}) {
		p.wide = p.fresh
	}
	return p
}

// variable writes the two spellings of a claim as one.
func variable(inner string) string {
	if name, ok := strings.CutPrefix(inner, `claims["`); ok {
		inner = "claims." + strings.TrimSuffix(name, `"]`)
	}
	return "${" + inner + "}"
}

// stand is a text in the place of a variable's value: the same for the same
// variable, and like nothing that a route spells out.
func stand(variable string) string {
	var b strings.Builder
	b.WriteString("~Zq")
	for _, c := range []byte(variable) {
		const digits = "0123456789abcdef"
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// within reports whether p lies inside the set for every value of its
// variables. That is exact: a text that is like no other can be matched by a
// star alone, or by the same variable.
func (p pattern) within(set []route.Route) bool { return p.fresh.Within(set) }

// overlaps reports whether some request is matched by both, for some values of
// their variables.
func (p pattern) overlaps(o pattern) bool {
	switch {
	case !p.template() && !o.template():
		return p.fresh.Overlaps(o.fresh)
	case !p.wide.Overlaps(o.wide):
		return false
	}
	// Where neither has a star of its own, each segment answers to one.
	if !strings.Contains(p.path(), "*") && !strings.Contains(o.path(), "*") {
		return strings.Count(p.wide.Path(), "/") == strings.Count(o.wide.Path(), "/")
	}
	return true
}
