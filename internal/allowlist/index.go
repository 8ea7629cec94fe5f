package allowlist

import (
	"cmp"
	"slices"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
)

// index finds the callers an identity could be. What a look-up costs depends
// on those, not on the rest of the list.
type index struct {
	accounts map[string]*accountIndex
	tokens   map[tokenKey]*tokenIndex
}

// accountIndex finds the callers that name principals of one account.
type accountIndex struct {
	whole     []*caller            // callers that name all of it
	names     map[string][]*caller // name of a role or user → callers that name it
	wildcards *wildcards           // nil: none
}

type tokenKey struct{ issuer, audience string }

// tokenIndex finds the callers of one issuer and audience by a claim's value.
type tokenIndex struct {
	plain   []*caller                       // callers that look at no claim
	byClaim map[string]map[string][]*caller // claim → value → callers, under one claim of each
}

// newIndex builds the look-up tables of callers without problems.
func newIndex(callers []*caller) index {
	x := index{accounts: map[string]*accountIndex{}, tokens: map[tokenKey]*tokenIndex{}}
	sought := popularity(callers)
	for _, k := range callers {
		if k.jwt != nil {
			x.addToken(k, sought)
		} else {
			x.addPrincipal(k)
		}
	}
	return x
}

func (x *index) addPrincipal(k *caller) {
	a := x.accounts[k.iam.account]
	if a == nil {
		a = &accountIndex{}
		x.accounts[k.iam.account] = a
	}
	switch {
	case k.iam.kind == arn.NoType:
		a.whole = append(a.whole, k)
	case k.iam.wild():
		if a.wildcards == nil {
			a.wildcards = &wildcards{}
		}
		a.wildcards.add(k)
	default:
		if a.names == nil {
			a.names = map[string][]*caller{}
		}
		a.names[k.iam.name] = append(a.names[k.iam.name], k)
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

// candidates appends every caller that an identity could be to found, and few
// others; some may stand there twice.
func (x *index) candidates(found []*caller, c *identity.Caller) []*caller {
	switch c.Kind {
	case identity.NoKind: // nobody
	case identity.IAM, identity.RESTIAM:
		a := x.accounts[c.Principal.Account]
		if a == nil {
			break
		}
		found = append(found, a.names[c.Principal.Name]...)
		found = append(found, a.whole...)
		found = a.wildcards.find(found, c.Principal.Name)
	case identity.JWT:
		for _, audience := range c.Audiences {
			tokens := x.tokens[tokenKey{c.Issuer, audience}]
			if tokens == nil {
				continue
			}
			found = append(found, tokens.plain...)
			// The token's claims are few; those of the list need not be.
			for name, claim := range c.Claims {
				byValue := tokens.byClaim[name]
				if len(byValue) == 0 {
					continue
				}
				for _, value := range claim.Values {
					found = append(found, byValue[value]...)
				}
			}
		}
	}
	return found
}

// match appends the callers of the list that an identity is to room, by name.
func (x *index) match(room []*caller, c *identity.Caller) []*caller {
	found := x.candidates(room, c)
	kept := found[:0]
	for _, k := range found {
		if k.is(c) {
			kept = append(kept, k)
		}
	}
	if len(kept) > 1 {
		slices.SortFunc(kept, func(a, b *caller) int { return cmp.Compare(a.place, b.place) })
		kept = slices.Compact(kept)
	}
	return kept
}
