// Package population turns allowlists into the people they are about: a finite
// number of identities that stand for all others. Whoever calls, some of these
// bears the same caller names, in every list that was given. What holds for
// each of them holds for everybody.
//
// For AWS principals that is exact: one identity for each combination of
// patterns that some name matches, for each pinned unique id and for another,
// and for guests. For tokens it is exact for one caller and for two at once,
// which is enough to find every gain of access (see tokens.go). Where a claim
// stands in a route, an identity of its own stands for a value that is like no
// other text, for one that is missing, for one that may not be used, and for
// each that the routes themselves spell out.
//
// It decides nothing: package allowlist does, for each identity.
package population

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/identity"
)

// Source is one allowlist: as written, and compiled.
type Source struct {
	Doc  *allowlist.Document
	List *allowlist.List
}

// Person is one identity that stands for many.
type Person struct {
	Identity identity.Caller
	Names    [][]string // the caller names that it bears, in each source
	Notes    []string   // what sets it apart from others of the same names: "a guest"
	Values   Values     // what stands for any value of a claim
}

// Describe says who a person is, without names: an ARN or a token.
func (p Person) Describe() string {
	c := p.Identity
	if c.Kind != identity.JWT {
		who := c.Principal.Canonical()
		if c.UniqueID != "" {
			who += " (" + c.UniqueID + ")"
		}
		return who
	}
	parts := []string{"iss " + c.Issuer, "aud " + strings.Join(c.Audiences, ", ")}
	for _, name := range sortedKeys(c.Claims) {
		if claim := c.Claims[name]; len(claim.Values) > 0 && name != "iss" && name != "aud" {
			parts = append(parts, name+" "+p.Values.Name(strings.Join(claim.Values, ", ")))
		}
	}
	return "a token of " + strings.Join(parts, "; ")
}

// MaxPeople bounds a population. A list of 100,000 callers has about twice as
// many.
const MaxPeople = 400_000

// TooManyError says that the callers overlap in more ways than are looked at.
type TooManyError struct{ what string }

// Error says what there is too much of.
func (e *TooManyError) Error() string { return e.what }

// Of returns the people that the sources are about, in a fixed order. extra are
// routes that will be asked about, so that values of claims that they spell out
// are told apart too.
func Of(sources []Source, extra ...string) ([]Person, error) {
	b := builder{sources: sources, extra: extra}
	b.values = newValues(sources, extra)
	for _, s := range sources {
		var found []*allowlist.Rule
		for i := range s.Doc.Rules {
			r := &s.Doc.Rules[i]
			if slices.ContainsFunc(r.Routes, func(text string) bool { return len(claimsIn(text)) > 0 }) {
				found = append(found, r)
			}
		}
		b.withClaims = append(b.withClaims, found)
	}
	if err := b.principals(); err != nil {
		return nil, err
	}
	if err := b.tokens(); err != nil {
		return nil, err
	}
	return b.people, nil
}

// Base returns the person who stands for a caller name of a source best: of
// those that bear it, the one that bears the fewest others and is set apart by
// nothing.
func Base(people []Person, source int, name string) (Person, bool) {
	best, found := Person{}, false
	for _, p := range people {
		if _, bears := slices.BinarySearch(p.Names[source], name); bears && (!found || plainer(p, best) < 0) {
			best, found = p, true
		}
	}
	return best, found
}

// Bases maps each caller name of a source to the number of its Base.
func Bases(people []Person, source int) map[string]int {
	out := map[string]int{}
	for i, p := range people {
		for _, name := range p.Names[source] {
			if best, ok := out[name]; !ok || plainer(p, people[best]) < 0 {
				out[name] = i
			}
		}
	}
	return out
}

func plainer(a, b Person) int {
	names := func(p Person) (n int) {
		for _, list := range p.Names {
			n += len(list)
		}
		return n
	}
	return cmp.Or(cmp.Compare(len(a.Notes), len(b.Notes)), cmp.Compare(names(a), names(b)))
}

// builder gathers people.
type builder struct {
	sources []Source
	extra   []string
	values  Values
	people  []Person

	withClaims [][]*allowlist.Rule // in each source, the rules in whose routes claims stand
}

// add takes a person in who bears a name somewhere.
func (b *builder) add(c identity.Caller, notes ...string) error {
	p := Person{Identity: c, Names: make([][]string, len(b.sources)), Notes: notes, Values: b.values}
	known := false
	for i, s := range b.sources {
		p.Names[i] = s.List.Names(c)
		known = known || len(p.Names[i]) > 0
	}
	// A guest whom an account's callers leave out is barred by them still.
	if !known {
		return nil
	}
	if len(b.people) >= MaxPeople {
		return &TooManyError{fmt.Sprintf("the callers overlap in more than %d ways, so they are not compared; give callers fewer claims and wildcards in common", MaxPeople)}
	}
	b.people = append(b.people, p)
	return nil
}
