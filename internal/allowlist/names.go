package allowlist

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/credvend/credvend/internal/arn"
)

func isEndpoint(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.HasSuffix(u.Path, "/") || !isPrintableASCII(s) || strings.ContainsAny(s, ` "#<>?\^`+"`{|}") {
		return false
	}
	host := u.Hostname()
	loopback := host == "localhost" || host == "127.0.0.1" || host == "::1"
	return u.Scheme == "https" || u.Scheme == "http" && loopback
}

func isExternalID(s string) bool {
	if len(s) < 2 || len(s) > 1224 {
		return false
	}
	for i := range len(s) {
		if !arn.IsNameByte(s[i]) && s[i] != ':' && s[i] != '/' {
			return false
		}
	}
	return true
}

// isCallerName reports whether s is [a-z][a-z0-9-]{0,31}.
func isCallerName(s string) bool { return isLowerName(s, 32, "-") }

// isTargetName reports whether s is [a-z][a-z0-9_-]{0,63}.
func isTargetName(s string) bool { return isLowerName(s, 64, "-_") }

// IsTargetName reports whether s could name a target, so that a request with
// anything else can be told so without a look at the list.
func IsTargetName(s string) bool { return isTargetName(s) }

func isLowerName(s string, limit int, also string) bool {
	if s == "" || len(s) > limit || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte(also, c) < 0 {
			return false
		}
	}
	return true
}

// repeats tells which texts of a list stood in it before.
type repeats struct {
	list []string
	seen map[string]bool // of a long list
}

// at reports whether the text at a place stood at an earlier one. It is asked
// for each place in turn.
func (r *repeats) at(place int) bool {
	if len(r.list) <= 16 {
		return slices.Contains(r.list[:place], r.list[place])
	}
	if r.seen == nil {
		r.seen = make(map[string]bool, len(r.list))
	}
	again := r.seen[r.list[place]]
	r.seen[r.list[place]] = true
	return again
}

func count(bs ...bool) (n int) {
	for _, b := range bs {
		if b {
			n++
		}
	}
	return n
}

func isRuleID(s string) bool {
	if s == "" || len(s) > 64 || strings.IndexByte("._-", s[0]) >= 0 {
		return false
	}
	return isWord(strings.ReplaceAll(s, ".", "-"))
}

// isLiteral reports whether s is text that is compared as it stands: not
// empty, without wildcards and white space.
func isLiteral(s string) bool {
	return s != "" && isText(s) && !strings.ContainsRune(s, '*') && !strings.ContainsFunc(s, unicode.IsSpace)
}

// isText reports whether s is whole UTF-8. The replacement character counts as
// broken: it is what two different broken texts both turn into.
func isText(s string) bool { return !strings.ContainsRune(s, unicode.ReplacementChar) }

// maxSuggestions bounds the work that a document of nothing but misspelt names
// can make.
const maxSuggestions = 100

// suggest is the remedy for a name that is not there: the nearest one that is.
func (c *compiler) suggest(name string, known []string, what string) string {
	general := "name one that stands under " + what
	if c.suggestions++; c.suggestions > maxSuggestions {
		return general
	}
	best, bestDistance := "", min(max(2, len(name)/3)+1, len(name))
	for _, k := range known {
		if d := distance(name, k, bestDistance); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return general
}

// distance is the edit distance of two names, or limit if it is no less.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 64 || len(b) > 64 {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return min(row[len(b)], limit)
}
