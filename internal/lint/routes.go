package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/route"
)

const (
	anyMethod  = route.AnyMethod
	everything = "* /*"
)

// eachAllowed calls f with each route of each allow rule.
func (l *linter) eachAllowed(f func(r *rule, i int, p pattern)) {
	for at := range l.rules {
		if r := &l.rules[at]; !r.deny() {
			for i, p := range r.patterns {
				f(r, i, p)
			}
		}
	}
}

// shadowed finds allowed routes that deny rules take away from every caller of
// the rule. It is exact: containment is that of Decide, and a deny rule counts
// for a caller if everybody who is the caller is also one that it names.
func (l *linter) shadowed() {
	bars := l.bars()
	for at := range l.rules {
		r := &l.rules[at]
		if r.deny() || len(l.denies[r.Target]) == 0 {
			continue
		}
		dead, by := make([]bool, len(r.patterns)), make([][]string, len(r.patterns))
		alive := false
		for i, p := range r.patterns {
			if !l.spend(len(l.denies[r.Target])) {
				return
			}
			dead[i], by[i] = l.isShadowed(bars, r, p)
			alive = alive || !dead[i]
		}
		for i := range dead {
			switch {
			case !dead[i]:
			case alive:
				l.about(r, i, fmt.Sprintf("%s denies all of %q to every caller of this rule, so it allows nothing", strings.Join(by[i], " and "), r.Routes[i]),
					"remove the route, or narrow the deny rule")
			case i == 0:
				l.add(found{rule: r.ID, path: []any{"rules", r.place, "id"},
					text:   fmt.Sprintf("rule %s allows nothing: %s denies all of its routes to every caller that it names", r.ID, strings.Join(union(by), " and ")),
					remedy: "remove the rule, or narrow the deny rule"})
			}
		}
	}
}

func union(lists [][]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

func (l *linter) isShadowed(bars bars, r *rule, p pattern) (dead bool, by []string) {
	for _, name := range l.names(r) {
		d := bars.of(name, r.Target)
		own := l.fill(p, name, name)
		switch {
		case d.whole != "":
			by = append(by, "rule "+d.whole)
		case own.within(d.routes):
			for i, denied := range d.routes {
				if slices.ContainsFunc(own.fresh.Expand(), func(e route.Route) bool { return denied.Contains(e) }) {
					by = append(by, "rule "+d.ids[i])
				}
			}
		default:
			return false, nil
		}
	}
	slices.Sort(by)
	return true, slices.Compact(by)
}

// neverMatches finds templates that the rule's callers can never fill, because
// the values that they demand of the claim may stand in no path.
func (l *linter) neverMatches() {
	l.eachAllowed(func(r *rule, i int, p pattern) {
		for _, v := range p.variables {
			claim, isClaim := strings.CutPrefix(strings.TrimSuffix(v, "}"), "${claims.")
			if !isClaim {
				continue
			}
			never := true
			for _, name := range l.names(r) {
				k := l.doc.Callers[name].JWT
				values, fixed := []string(nil), false
				if k != nil {
					values, fixed = k.Claims[claim], len(k.Claims[claim]) > 0
				}
				never = never && fixed && !slices.ContainsFunc(values, fits)
			}
			if never {
				l.about(r, i, fmt.Sprintf("%s is never filled: the callers of this rule demand values of the claim that may stand in no path, so every request for it is refused", v),
					"use a claim whose values are letters, digits and ._@+=,-, such as sub")
				return
			}
		}
	})
}

// fits reports whether a claim's value may fill a template.
func fits(s string) bool {
	for i := range len(s) {
		c := s[i]
		word := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
		if !word && (i == 0 || strings.IndexByte(".@+=,", c) < 0) {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// idleDenies finds denied routes that no allow rule of the target overlaps.
func (l *linter) idleDenies() {
	for at := range l.rules {
		r := &l.rules[at]
		if !r.deny() {
			continue
		}
		allows := l.allows[r.Target]
		if len(r.Routes) == 0 && len(allows) == 0 {
			l.add(found{rule: r.ID, path: []any{"rules", r.place, "id"}, text: "no rule allows anything of target " + r.Target + ", so there is nothing to deny", remedy: "remove the rule, or keep it as a guard and say so"})
		}
		for i, p := range r.patterns {
			if !l.spend(len(allows)) {
				return
			}
			if !slices.ContainsFunc(allows, func(a *rule) bool { return slices.ContainsFunc(a.patterns, p.overlaps) }) {
				l.about(r, i, fmt.Sprintf("no rule allows anything of %q, so there is nothing to deny", r.Routes[i]),
					"look for a slip in the path; remove it, or keep it as a guard against later rules and say so")
			}
			if l.full() {
				return
			}
		}
	}
}

// redundant finds routes that lie inside another of the same rule.
func (l *linter) redundant() {
	for at := range l.rules {
		r := &l.rules[at]
		for i, p := range r.patterns {
			if !l.spend(len(r.patterns)) {
				return
			}
			for j, o := range r.patterns {
				if i == j || !o.fresh.Contains(p.fresh) || i < j && p.fresh.Contains(o.fresh) {
					continue
				}
				l.about(r, i, fmt.Sprintf("%q lies inside %q of the same rule", r.Routes[i], r.Routes[j]), "remove it")
				break
			}
		}
	}
}

// prefixWildcards finds /orders*, which people read as "orders and what is
// below".
func (l *linter) prefixWildcards() {
	l.eachAllowed(func(r *rule, i int, p pattern) {
		path := p.path()
		head, ends := strings.CutSuffix(path, "*")
		if !ends || strings.HasSuffix(head, "/") || strings.HasSuffix(head, "*") || head == "" {
			return
		}
		last := head[strings.LastIndexByte(head, '/')+1:]
		l.about(r, i, fmt.Sprintf("%q also matches %s %s-admin and all else whose name begins with %q", r.Routes[i], p.method(), head, last),
			fmt.Sprintf("write two routes: %s %s and %s %s/*", p.method(), head, p.method(), head))
	})
}

// innerWildcards finds /users/*/profile, which people read as one segment.
func (l *linter) innerWildcards() {
	l.eachAllowed(func(r *rule, i int, p pattern) {
		path := p.path()
		star := strings.IndexByte(path, '*')
		if star < 0 || strings.Trim(path[star:], "*") == "" {
			return
		}
		example := path[:star] + "x/y" + path[star+1:]
		l.about(r, i, fmt.Sprintf("the star in %q spans slashes, as in IAM, so it also matches %s", r.Routes[i], strings.ReplaceAll(example, "*", "z")),
			"check that the API has no route below that must stay closed; for a value of the caller's own write ${claims.NAME}, which fills one segment")
	})
}

// wildcardWrites finds stars in what changes something. Below a variable a
// star stays inside what is the caller's own.
func (l *linter) wildcardWrites() {
	l.eachAllowed(func(r *rule, i int, p pattern) {
		switch p.method() {
		case "GET", "HEAD", "OPTIONS":
			return
		}
		path := p.path()
		star, own := strings.IndexByte(path, '*'), strings.Index(path, "${")
		if star < 0 || own >= 0 && own < star {
			return
		}
		what := p.method() + " writes"
		if p.method() == anyMethod {
			what = "`*` stands for every method, those that write among them"
		}
		l.about(r, i, fmt.Sprintf("%s, and the star in %q lets it reach everything below", what, r.Routes[i]),
			"name the paths that are written to, or say in a comment why all of them are meant")
	})
}

// carveOuts finds path denies that cut into what is allowed. They guard
// against mistakes, not against somebody who looks for another spelling.
func (l *linter) carveOuts() {
	for at := range l.rules {
		d := &l.rules[at]
		if !d.deny() {
			continue
		}
		for i, p := range d.patterns {
			if !l.spend(len(l.allows[d.Target])) {
				return
			}
			if allow, route := l.cutBy(d, p); allow != nil {
				l.about(d, i, fmt.Sprintf("%q carves a hole into %q of rule %s; a path deny guards against mistakes, not against adversaries: a backend that reads two spellings of a path as one is not bound by it",
					d.Routes[i], route, allow.ID),
					"where it matters allow what is needed instead of denying what is not, and check in the backend")
			}
			if l.full() {
				return
			}
		}
	}
}

// cutBy returns an allowed route that a denied one takes a part of.
func (l *linter) cutBy(d *rule, p pattern) (*rule, string) {
	for _, a := range l.allows[d.Target] {
		if !l.together(a, d) {
			continue
		}
		for i, q := range a.patterns {
			if q.overlaps(p) && !q.within([]route.Route{p.fresh}) && q.text != everything {
				return a, a.Routes[i]
			}
		}
	}
	return nil, ""
}

// together reports whether somebody can be concerned by both rules: they name
// one caller, or callers that one identity can be.
func (l *linter) together(a, d *rule) bool {
	if a.anyone || d.anyone {
		return true
	}
	for _, x := range a.Callers {
		for _, y := range d.Callers {
			if x == y || mayOverlap(l.doc.Callers[x], l.doc.Callers[y]) {
				return true
			}
		}
	}
	return false
}

// besideEverything finds path denies beside `* /*`.
func (l *linter) besideEverything() {
	for at := range l.rules {
		d := &l.rules[at]
		if !d.deny() || len(d.Routes) == 0 || slices.Contains(d.Routes, everything) {
			continue
		}
		if !l.spend(len(l.allows[d.Target])) {
			return
		}
		for _, a := range l.allows[d.Target] {
			if slices.Contains(a.Routes, everything) && l.together(a, d) {
				l.about(d, 0, fmt.Sprintf("rule %s allows `* /*`, which is written <stage>/* and matches every method there is; a deny covers the seven that a route can name, so others still pass", a.ID),
					"allow the methods and paths that are needed in the place of `* /*`")
				break
			}
		}
	}
}

// withoutOperation finds routes that no operation of the API answers.
func (l *linter) withoutOperation() {
	for at := range l.rules {
		r := &l.rules[at]
		operations, known := l.opts.Operations[r.Target]
		if !known {
			continue
		}
		for i, p := range r.patterns {
			if !l.spend(len(operations)) {
				return
			}
			if !slices.ContainsFunc(operations, p.wide.Overlaps) {
				remedy := "look for a slip in the method or the path, or remove it"
				if near, ok := route.Nearest(p.wide, operations); ok {
					remedy = fmt.Sprintf("did you mean %q?", near)
				}
				l.about(r, i, fmt.Sprintf("%q matches no operation of the OpenAPI document of target %s", r.Routes[i], r.Target), remedy)
			}
		}
	}
}
