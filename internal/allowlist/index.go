package allowlist

import (
	"cmp"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
)

// index finds the callers an identity could be and the rules that concern
// them. What a look-up costs depends on those, not on the rest of the list.
type index struct {
	principals map[string][]*caller      // canonical ARN → callers that name it
	accounts   map[string][]*caller      // account → callers that name all of it
	wildcards  map[wildcardKey][]*caller // fixed ends of a pattern → callers
	ends       map[string][]ends         // account → the lengths of such ends; a few at most, since names are short
	tokens     map[tokenKey]*tokenIndex

	byCaller map[callerTarget][]*rule // rules that name the caller, in document order
	byAny    map[string][]*rule       // by target: rules that name every caller
	reach    map[string][]string      // caller → targets that rules allow it
	reachAny []string                 // targets that rules allow every caller
}

type (
	// wildcardKey is what stands before the first and after the last `*`.
	wildcardKey  struct{ account, head, tail string }
	ends         struct{ head, tail int }
	callerTarget struct{ caller, target string }
	tokenKey     struct{ issuer, audience string }
)

// tokenIndex finds the callers of one issuer and audience by a claim's value.
type tokenIndex struct {
	plain   []*caller                       // callers that look at no claim
	byClaim map[string]map[string][]*caller // claim → value → callers, under one claim of each
}

// newIndex builds the look-up tables of a list without problems.
func newIndex(callers []*caller, rules []*rule) index {
	x := index{
		principals: map[string][]*caller{},
		accounts:   map[string][]*caller{},
		wildcards:  map[wildcardKey][]*caller{},
		ends:       map[string][]ends{},
		tokens:     map[tokenKey]*tokenIndex{},
		byCaller:   map[callerTarget][]*rule{},
		byAny:      map[string][]*rule{},
		reach:      map[string][]string{},
	}
	sought := popularity(callers)
	for _, k := range callers {
		if k.jwt != nil {
			x.addToken(k, sought)
		} else {
			x.addPrincipal(k)
		}
	}
	for _, r := range rules {
		x.addRule(r)
	}
	return x
}

func (x *index) addPrincipal(k *caller) {
	switch p := k.iam; {
	case p.kind == arn.NoType:
		x.accounts[p.account] = append(x.accounts[p.account], k)
	case p.wild():
		head := p.name[:strings.IndexByte(p.name, '*')]
		tail := p.name[strings.LastIndexByte(p.name, '*')+1:]
		key := wildcardKey{p.account, head, tail}
		if e := (ends{len(head), len(tail)}); !slices.Contains(x.ends[p.account], e) {
			x.ends[p.account] = append(x.ends[p.account], e)
		}
		x.wildcards[key] = append(x.wildcards[key], k)
	default:
		canonical := arn.Principal{Partition: p.partition, Account: p.account, Type: p.kind, Name: p.name}.Canonical()
		x.principals[canonical] = append(x.principals[canonical], k)
	}
}

// soughtClaim is a claim's value that callers of one issuer and audience look
// for.
type soughtClaim struct {
	tokenKey
	claim, value string
}

// popularity counts how many callers look for each value of a claim.
func popularity(callers []*caller) map[soughtClaim]int {
	sought := map[soughtClaim]int{}
	for _, k := range callers {
		if k.jwt == nil {
			continue
		}
		for claim, values := range k.jwt.claims {
			for _, v := range values {
				sought[soughtClaim{tokenKey{k.jwt.issuer, k.jwt.audience}, claim, v}]++
			}
		}
	}
	return sought
}

// addToken files a caller under one of its claims, all of which a token must
// have: the one whose values the fewest other callers look for. A claim that
// everybody has, such as the environment, would find everybody.
func (x *index) addToken(k *caller, sought map[soughtClaim]int) {
	key := tokenKey{k.jwt.issuer, k.jwt.audience}
	tokens := x.tokens[key]
	if tokens == nil {
		tokens = &tokenIndex{byClaim: map[string]map[string][]*caller{}}
		x.tokens[key] = tokens
	}
	best, bestCount := "", 0
	for claim, values := range k.jwt.claims {
		most := 0
		for _, v := range values {
			most = max(most, sought[soughtClaim{key, claim, v}])
		}
		if best == "" || most < bestCount || most == bestCount && claim < best {
			best, bestCount = claim, most
		}
	}
	if best == "" {
		tokens.plain = append(tokens.plain, k)
		return
	}
	if tokens.byClaim[best] == nil {
		tokens.byClaim[best] = map[string][]*caller{}
	}
	for _, v := range k.jwt.claims[best] {
		tokens.byClaim[best][v] = append(tokens.byClaim[best][v], k)
	}
}

func (x *index) addRule(r *rule) {
	if r.anyCaller {
		if !r.deny && !slices.ContainsFunc(x.byAny[r.target], func(o *rule) bool { return !o.deny }) {
			x.reachAny = append(x.reachAny, r.target)
		}
		x.byAny[r.target] = append(x.byAny[r.target], r)
		return
	}
	for name := range r.callers {
		key := callerTarget{name, r.target}
		if !r.deny {
			x.reach[name] = append(x.reach[name], r.target)
		}
		x.byCaller[key] = append(x.byCaller[key], r)
	}
}

// candidates returns every caller that an identity could be, and few others;
// some may stand there twice.
func (x *index) candidates(c identity.Caller) []*caller {
	var found []*caller
	switch c.Kind {
	case identity.NoKind: // nobody
	case identity.IAM, identity.RESTIAM:
		account, name := c.Principal.Account, c.Principal.Name
		found = append(found, x.principals[c.Principal.Canonical()]...)
		found = append(found, x.accounts[account]...)
		for _, e := range x.ends[account] {
			if e.head+e.tail <= len(name) {
				found = append(found, x.wildcards[wildcardKey{account, name[:e.head], name[len(name)-e.tail:]}]...)
			}
		}
	case identity.JWT:
		for _, audience := range c.Audiences {
			tokens := x.tokens[tokenKey{c.Issuer, audience}]
			if tokens == nil {
				continue
			}
			found = append(found, tokens.plain...)
			// The token's claims are few; those of the list need not be.
			for name, claim := range c.Claims {
				for _, value := range claim.Values {
					found = append(found, tokens.byClaim[name][value]...)
				}
			}
		}
	}
	return found
}

// rulesFor returns the rules of a target that concern any of the callers, in
// document order.
func (x *index) rulesFor(callers []*caller, target string) []*rule {
	rules := slices.Clone(x.byAny[target])
	for _, k := range callers {
		rules = append(rules, x.byCaller[callerTarget{k.name, target}]...)
	}
	slices.SortFunc(rules, func(a, b *rule) int { return cmp.Compare(a.place, b.place) })
	return slices.Compact(rules)
}
