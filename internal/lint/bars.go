package lint

import (
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/route"
)

// bars is what deny rules take from each caller.
type bars struct {
	l       *linter
	named   map[string][]bar   // caller → deny rules that concern everybody who is the caller
	anybody map[string][]*rule // target → deny rules for every caller
	known   map[[2]string]barred
}

// barred is what is denied to a caller at a target: the id of a rule that
// denies all of it, or routes, each with the id of its rule.
type barred struct {
	whole  string
	routes []route.Route
	ids    []string
}

// bar is a deny rule, and by which of its callers it concerns another.
type bar struct {
	rule *rule
	as   string
}

func (l *linter) bars() bars {
	b := bars{l, map[string][]bar{}, map[string][]*rule{}, map[[2]string]barred{}}
	byCaller := map[string][]*rule{}
	for at := range l.rules {
		switch r := &l.rules[at]; {
		case !r.deny():
		case r.anyone:
			b.anybody[r.Target] = append(b.anybody[r.Target], r)
		default:
			for _, name := range r.Callers {
				byCaller[name] = append(byCaller[name], r)
			}
		}
	}
	holders := newHolders(l.doc, byCaller)
	for _, name := range l.callers {
		for _, as := range holders.of(name) {
			for _, r := range byCaller[as] {
				b.named[name] = append(b.named[name], bar{r, as})
			}
		}
	}
	return b
}

// of returns what is denied to a caller at a target.
func (b bars) of(name, target string) barred {
	key := [2]string{name, target}
	if known, ok := b.known[key]; ok {
		return known
	}
	all := b.named[name]
	for _, r := range b.anybody[target] {
		all = append(slices.Clip(all), bar{r, name})
	}
	var out barred
	for _, d := range all {
		if d.rule.Target != target {
			continue
		}
		if len(d.rule.Routes) == 0 {
			out = barred{whole: d.rule.ID}
			break
		}
		for _, p := range d.rule.patterns {
			out.routes, out.ids = append(out.routes, b.l.fill(p, name, d.as).fresh), append(out.ids, d.rule.ID)
		}
	}
	b.known[key] = out
	return out
}

// fill puts in the place of variables what is known of a caller that a rule
// names by the name as: that name, its account, and a claim of which it demands
// one value.
func (l *linter) fill(p pattern, name, as string) pattern {
	if !p.template() {
		return p
	}
	text, k := p.text, l.doc.Callers[name]
	for _, v := range p.variables {
		value := ""
		switch claim, isClaim := strings.CutPrefix(strings.TrimSuffix(v, "}"), "${claims."); {
		case v == "${caller.name}":
			value = as
		case v == "${caller.account}" && k.IAM != nil:
			value = account(k.IAM)
		case isClaim && k.JWT != nil && len(k.JWT.Claims[claim]) == 1 && fits(k.JWT.Claims[claim][0]):
			value = k.JWT.Claims[claim][0]
		}
		if value != "" {
			text = strings.ReplaceAll(text, v, value)
			text = strings.ReplaceAll(text, `${claims["`+strings.TrimSuffix(strings.TrimPrefix(v, "${claims."), "}")+`"]}`, value)
		}
	}
	return parsePattern(text)
}

// holders finds, for a caller, the callers of deny rules that everybody who is
// the caller is too.
type holders struct {
	doc    *allowlist.Document
	barred map[string]bool     // callers of deny rules
	near   map[string][]string // account, or issuer and audience → wide ones among them
}

func newHolders(doc *allowlist.Document, denies map[string][]*rule) holders {
	h := holders{doc, map[string]bool{}, map[string][]string{}}
	for name := range denies {
		h.barred[name] = true
		h.near[vicinity(doc.Callers[name])] = append(h.near[vicinity(doc.Callers[name])], name)
	}
	for _, names := range h.near {
		slices.Sort(names)
	}
	return h
}

func (h holders) of(name string) []string {
	var out []string
	k := h.doc.Callers[name]
	for _, other := range h.near[vicinity(k)] {
		if other == name || holds(h.doc.Callers[other], k) {
			out = append(out, other)
		}
	}
	return out
}
