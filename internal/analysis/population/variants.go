package population

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/identity"
)

// choice is what a claim may be in one of the people that differ in it.
type choice struct {
	claim  identity.Claim
	absent bool
	note   string
}

// token adds the person who bears t, and with vary those who bear the same
// with other values of the claims that stand in routes or tags.
func (b *builder) token(t token, vary bool) error {
	base := identity.Caller{Kind: identity.JWT, Issuer: t.issuer, Audiences: t.audiences, Claims: map[string]identity.Claim{}}
	base.Claims["iss"] = identity.Claim{Values: []string{t.issuer}}
	base.Claims["aud"] = identity.Claim{Values: t.audiences, List: len(t.audiences) > 1}
	for name, values := range t.claims {
		base.Claims[name] = identity.Claim{Values: values, List: len(values) > 1}
	}
	if _, set := base.Claims["sub"]; !set {
		base.Claims["sub"] = identity.Claim{Values: []string{b.values.of("sub")}}
	}
	claims, rules := b.templated(base)
	var all [][]choice
	for _, name := range claims {
		choices, err := b.choices(name, base.Claims[name], len(t.claims[name]) > 0, vary, rules)
		if err != nil {
			return err
		}
		all = append(all, choices)
	}
	for _, picked := range combine(all) {
		c := base
		c.Claims = maps.Clone(base.Claims)
		var notes []string
		for i, p := range picked {
			if p.absent {
				delete(c.Claims, claims[i])
			} else {
				c.Claims[claims[i]] = p.claim
			}
			if p.note != "" {
				notes = append(notes, p.note)
			}
		}
		c.Subject, _ = c.Claims["sub"].Scalar()
		if err := b.add(c, notes...); err != nil {
			return err
		}
	}
	return nil
}

// templated are the claims that stand in the routes and tags that concern an
// identity, and the rules of the targets where they do.
func (b *builder) templated(c identity.Caller) (claims []string, rules []*allowlist.Rule) {
	for i, s := range b.sources {
		names := s.List.Names(c)
		targets := map[string]bool{}
		concerns := func(r *allowlist.Rule) bool {
			return slices.ContainsFunc(r.Callers, func(n string) bool { return n == allowlist.AnyCaller || slices.Contains(names, n) })
		}
		for _, r := range b.withClaims[i] {
			if !concerns(r) {
				continue
			}
			targets[r.Target] = true
			for _, text := range r.Routes {
				claims = append(claims, claimsIn(text)...)
			}
		}
		for _, name := range names {
			for _, text := range s.Doc.Callers[name].Tags {
				claims = append(claims, claimsIn(text)...)
			}
		}
		for i := range s.Doc.Rules {
			if len(targets) == 0 {
				break
			}
			if r := &s.Doc.Rules[i]; targets[r.Target] && concerns(r) {
				rules = append(rules, r)
			}
		}
	}
	slices.Sort(claims)
	return slices.Compact(claims), rules
}

// choices are what one claim may be. The first is what it is for most.
func (b *builder) choices(name string, now identity.Claim, matched, vary bool, rules []*allowlist.Rule) ([]choice, error) {
	label := "claims." + name
	switch {
	case matched && now.List:
		return []choice{{claim: now}}, nil
	case matched:
		return []choice{{claim: now}, {claim: identity.Claim{Values: now.Values, List: true}, note: "whose " + label + " is a list"}}, nil
	}
	out := []choice{{claim: identity.Claim{Values: []string{b.values.of(name)}}}}
	if !vary {
		return out, nil
	}
	if name != "sub" {
		out = append(out, choice{absent: true, note: "without " + label})
	}
	out = append(out, choice{claim: identity.Claim{Values: []string{"a/b"}}, note: "whose " + label + " cannot stand in a route, such as a/b"})
	spelt, err := b.values.spelt(rules, b.extra)
	for _, v := range spelt {
		out = append(out, choice{claim: identity.Claim{Values: []string{v}}, note: fmt.Sprintf("whose %s is %q", label, v)})
	}
	return out, err
}

// combine returns every combination if those are few, else the first of each
// with one other at a time. There is one combination of nothing.
func combine(all [][]choice) [][]choice {
	n := 1
	first := make([]choice, len(all))
	for i, choices := range all {
		n = min(n*len(choices), maxChoices+1)
		first[i] = choices[0]
	}
	out := [][]choice{first}
	for i, choices := range all {
		from := out
		if n > maxChoices {
			from = out[:1]
		}
		for _, c := range choices[1:] {
			for _, f := range from {
				next := slices.Clone(f)
				next[i] = c
				out = append(out, next)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b []choice) int { return cmp.Compare(noted(a), noted(b)) })
	return out
}

func noted(cs []choice) (n int) {
	for _, c := range cs {
		if c.note != "" {
			n++
		}
	}
	return n
}
