package population

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/identity"
)

// Values are the texts that stand for any value of a claim. Each is a letter
// that no route holds, repeated: such a value is like no other text, so that
// what holds for it holds for every value that no route spells out.
type Values struct {
	letter byte // 0: there is none
	claims []string
}

// inTemplate finds the claims that a template names.
var inTemplate = regexp.MustCompile(`\$\{claims(?:\.([A-Za-z0-9_-]+)|\["([^"\\]+)"\])\}`)

// claimsIn are the claims that a text's variables name.
func claimsIn(text string) (claims []string) {
	if !strings.Contains(text, "${claims") {
		return nil
	}
	for _, m := range inTemplate.FindAllStringSubmatch(text, -1) {
		claims = append(claims, m[1]+m[2])
	}
	return claims
}

// newValues chooses the values.
func newValues(sources []Source, extra []string) Values {
	var used [256]bool
	note := func(text string) {
		text = inTemplate.ReplaceAllString(text, "")
		for i := range len(text) {
			used[text[i]] = true
		}
	}
	v := Values{}
	for _, s := range sources {
		for _, r := range s.Doc.Rules {
			for _, text := range r.Routes {
				note(text)
				v.claims = append(v.claims, claimsIn(text)...)
			}
		}
		for _, k := range s.Doc.Callers {
			for _, text := range k.Tags {
				v.claims = append(v.claims, claimsIn(text)...)
			}
		}
	}
	for _, text := range extra {
		note(text)
	}
	slices.Sort(v.claims)
	v.claims = slices.Compact(v.claims)
	for _, c := range []byte("ZQXJKVWYUHGFBPDMCLTRSNIEOAzqjkvwuhgfbpdmcltrsnieoa0123456789_-") {
		if !used[c] {
			v.letter = c
			break
		}
	}
	return v
}

// of is the value that stands for any value of a claim.
func (v Values) of(claim string) string {
	i, _ := slices.BinarySearch(v.claims, claim)
	if v.letter == 0 { // every letter stands in some route
		return fmt.Sprintf("any-%d-value-of-a-claim", i)
	}
	return strings.Repeat(string(v.letter), i+3)
}

// Name writes text with the variable in the place of each value that stands
// for any: GET /users/<claims.sub>/*.
func (v Values) Name(text string) string {
	for i := len(v.claims) - 1; i >= 0; i-- { // the longest first
		text = strings.ReplaceAll(text, v.of(v.claims[i]), "<claims."+v.claims[i]+">")
	}
	return text
}

// Fill puts an identity's values in the place of those that stand for any, as
// far as it has them.
func (v Values) Fill(text string, c identity.Caller) string {
	for i := len(v.claims) - 1; i >= 0; i-- { // the longest first
		if value, ok := c.Claims[v.claims[i]].Scalar(); ok {
			text = strings.ReplaceAll(text, v.of(v.claims[i]), value)
		}
	}
	return text
}

// Write puts an identity's values in the place of ${claims.…} in a text, as a
// rule does; false if it has none that may stand there.
func Write(text string, c identity.Caller) (string, bool) {
	ok := true
	text = inTemplate.ReplaceAllStringFunc(text, func(variable string) string {
		value, has := c.Claims[claimsIn(variable)[0]].Scalar()
		ok = ok && has && isValue(value)
		return value
	})
	return text, ok
}

// maxSpelt bounds the values that are tried for one claim.
const maxSpelt = 1024

// spelt are the values of a claim, other than any, that routes of the rules
// tell apart: path segments that they spell out, whole or in part, where a
// variable could stand.
func (v Values) spelt(rules []*allowlist.Rule, extra []string) ([]string, error) {
	const whatever = "9any9"
	found := map[string]bool{}
	add := func(value string) {
		if isValue(value) {
			found[value] = true
		}
	}
	try := func(text string) {
		_, path, _ := strings.Cut(text, " ")
		for segment := range strings.SplitSeq(path, "/") {
			if segment == "" || strings.Contains(segment, "${") || strings.Trim(segment, "*") == "" {
				continue
			}
			add(strings.ReplaceAll(segment, "*", ""))
			if strings.Contains(segment, "*") {
				add(strings.ReplaceAll(segment, "*", whatever))
				for piece := range strings.SplitSeq(segment, "*") {
					if piece != "" {
						add(piece + whatever)
						add(whatever + piece)
						add(whatever + piece + whatever)
					}
				}
			}
		}
	}
	for _, r := range rules {
		for _, text := range r.Routes {
			try(text)
		}
	}
	for _, text := range extra {
		try(text)
	}
	if len(found) > maxSpelt {
		return nil, &TooManyError{fmt.Sprintf("the routes beside those with claims spell out more than %d values that a claim could have, so they are not compared; give routes with claims a target of their own", maxSpelt)}
	}
	return sortedKeys(found), nil
}

// isValue reports whether a value may stand in a route.
func isValue(s string) bool {
	return s != "" && len(s) <= 128 && strings.IndexByte(".@+=,", s[0]) < 0 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.@+=,") == ""
}
