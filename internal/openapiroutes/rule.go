package openapiroutes

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/credvend/credvend/internal/route"
)

// Rule is a rule to be written.
type Rule struct {
	ID      string
	Callers []string
	Target  string
	Routes  []route.Route
}

// YAML writes the rule as it stands under rules, indented by two spaces. title
// is put into a comment: text of the document never begins a line of its own.
func (r Rule) YAML(title string) []byte {
	var b strings.Builder
	if title = comment(title); title != "" {
		fmt.Fprintf(&b, "  # From the OpenAPI document %s. A star spans slashes.\n", title)
	}
	fmt.Fprintf(&b, "  - id: %s\n    callers: [%s]\n    target: %s\n    routes:\n", name(r.ID), callers(r.Callers), name(r.Target))
	for _, route := range r.Routes {
		fmt.Fprintf(&b, "      - %s\n", strconv.Quote(route.String())) // of printable ASCII, without quotes and backslashes
	}
	return []byte(b.String())
}

// callers puts names in quotes that YAML takes for something else.
func callers(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = name(n)
	}
	return strings.Join(out, ", ")
}

var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]+$`)

func name(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null":
		return strconv.Quote(s)
	}
	if !plain.MatchString(s) {
		return strconv.Quote(s)
	}
	return s
}

// comment keeps of a text what may stand in a comment of an allowlist.
func comment(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r >= ' ' && r < 0x7f {
			return r
		}
		return -1
	}, short(s)))
}
