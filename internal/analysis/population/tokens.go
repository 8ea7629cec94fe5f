package population

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
)

// Tokens can match any number of callers at once: a claim may be a list, and
// so may the audience. To find every gain of access one caller and two
// together are enough. If a token of many callers may do something, one of
// them allows it; and if it could not do it before, either nobody allowed it or
// one of them denied it. The token with just the claims of those two matches no
// caller more, so it may do it too, and could not before. Three are needed
// where two callers' tags contradict each other, which refused the third
// anything: those are made too, where one list has the contradiction and the
// other has not.

// maxTokens bounds the pairs and triples that are made.
const maxTokens = 100_000

// maxChoices bounds the ways in which one caller's claims can be met, and the
// combinations of claims' values, that are made; of more, one is varied at a
// time.
const maxChoices = 64

// token is a token in the making: the claims that callers look at, each with
// the values that meet them.
type token struct {
	issuer    string
	audiences []string
	claims    map[string][]string
}

// bearer is a caller and the smallest tokens that match it.
type bearer struct {
	name   string
	tokens []token
}

// tokens adds the people who bear tokens.
func (b *builder) tokens() error {
	byIssuer := map[string][]bearer{}
	seen := map[string]bool{}
	for _, s := range b.sources {
		for _, name := range sortedKeys(s.Doc.Callers) {
			k := s.Doc.Callers[name].JWT
			if k == nil {
				continue
			}
			one := bearer{name, meet(k)}
			if id := fmt.Sprintf("%q", one); !seen[id] {
				seen[id] = true
				byIssuer[k.Issuer] = append(byIssuer[k.Issuer], one)
			}
		}
	}
	g := gathering{builder: b, made: map[string]bool{}, weighty: b.weighty(), retagged: b.retagged()}
	for _, issuer := range sortedKeys(byIssuer) {
		if err := g.issuer(issuer, byIssuer[issuer]); err != nil {
			return err
		}
	}
	return nil
}

// gathering makes the tokens of one issuer after another.
type gathering struct {
	*builder
	made              map[string]bool
	weighty, retagged map[string]bool
	several           int // tokens of two callers and more
}

// few is how many callers of an issuer are all paired; of more, those are that
// can take something from each other.
const few = 40

func (g *gathering) issuer(issuer string, all []bearer) error {
	for _, one := range all {
		for _, t := range one.tokens {
			if err := g.add(t, true); err != nil {
				return err
			}
		}
	}
	for i, one := range all {
		for _, other := range all[:i] {
			retagged := g.retagged[one.name] || g.retagged[other.name]
			clash := (retagged || len(all) <= few) && g.contradict(one.name, other.name)
			if len(all) > few && !g.weighty[one.name] && !g.weighty[other.name] && !clash {
				continue // they only add up
			}
			if err := g.pairs(issuer, one, other); err != nil {
				return err
			}
			if !clash || !retagged {
				continue
			}
			for _, third := range all {
				if err := g.triple(issuer, one, other, third); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (g *gathering) pairs(issuer string, one, other bearer) error {
	for _, t := range one.tokens {
		for _, u := range other.tokens {
			if both, ok := join(t, u); ok {
				if err := g.count(issuer, both, true); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (g *gathering) triple(issuer string, one, other, third bearer) error {
	both, ok := join(one.tokens[0], other.tokens[0])
	if !ok {
		return nil
	}
	if three, ok := join(both, third.tokens[0]); ok {
		return g.count(issuer, three, false)
	}
	return nil
}

func (g *gathering) count(issuer string, t token, vary bool) error {
	if g.several++; g.several > maxTokens {
		return &TooManyError{fmt.Sprintf("the token callers of %s overlap in more than %d ways, so they are not compared; give them an issuer or audience of their own", issuer, maxTokens)}
	}
	return g.add(t, vary)
}

func (g *gathering) add(t token, vary bool) error {
	id := fmt.Sprintf("%q", t)
	if g.made[id] {
		return nil
	}
	g.made[id] = true
	return g.token(t, vary)
}

// weighty are the callers that can take something from whoever bears them
// beside others: by a deny rule, or because a target sends no tags.
func (b *builder) weighty() map[string]bool {
	out := map[string]bool{}
	for _, s := range b.sources {
		untagged := map[string]bool{}
		for name, t := range s.Doc.Targets {
			untagged[name] = t.SessionTags != nil && !*t.SessionTags
		}
		for _, r := range s.Doc.Rules {
			if r.Effect == allowlist.Deny || untagged[r.Target] {
				for _, name := range r.Callers {
					out[name] = true
				}
			}
		}
	}
	return out
}

// retagged are the callers whose tags differ between the sources. Only beside
// one of them can two callers contradict each other in one source and not in
// another; what is refused in all of them changes nothing.
func (b *builder) retagged() map[string]bool {
	out := map[string]bool{}
	for _, s := range b.sources {
		for name, k := range s.Doc.Callers {
			for _, o := range b.sources {
				if other := o.Doc.Callers[name]; !maps.Equal(k.Tags, other.Tags) {
					out[name] = true
				}
			}
		}
	}
	return out
}

// contradict reports whether two callers give one tag two values in a source.
func (b *builder) contradict(x, y string) bool {
	for _, s := range b.sources {
		for key, value := range s.Doc.Callers[x].Tags {
			for other, theirs := range s.Doc.Callers[y].Tags {
				if strings.EqualFold(key, other) && value != theirs {
					return true
				}
			}
		}
	}
	return false
}

// meet returns the smallest tokens that match a caller: one for each choice of
// a value for each claim, if those are few, else one for each value.
func meet(k *allowlist.JWTCaller) []token {
	out := []token{{issuer: k.Issuer, audiences: []string{k.Audience}, claims: map[string][]string{}}}
	for _, name := range sortedKeys(k.Claims) {
		values := k.Claims[name]
		var next []token
		for i, t := range out {
			for j, v := range values {
				if len(out)*len(values) > maxChoices && i > 0 && j > 0 {
					continue
				}
				u := token{t.issuer, t.audiences, maps.Clone(t.claims)}
				u.claims[name] = []string{v}
				next = append(next, u)
			}
		}
		out = next
	}
	return out
}

// join is the token with the claims of both; false if none can be. The claim
// sub is no list.
func join(a, b token) (token, bool) {
	out := token{a.issuer, slices.Clone(a.audiences), maps.Clone(a.claims)}
	for _, aud := range b.audiences {
		if !slices.Contains(out.audiences, aud) {
			out.audiences = append(out.audiences, aud)
		}
	}
	for name, values := range b.claims {
		have := slices.Clone(out.claims[name])
		for _, v := range values {
			if !slices.Contains(have, v) {
				have = append(have, v)
			}
		}
		if name == "sub" && len(have) > 1 {
			return token{}, false
		}
		out.claims[name] = have
	}
	return out, true
}
