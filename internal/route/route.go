// Package route holds the one notion of "what may be called": a method and a
// path pattern of a target. It parses patterns, compares them, and writes them
// as execute-api ARNs.
//
// Everything it says about containment is said about the ARNs it emits, since
// those, and not the patterns, are what IAM enforces. It knows no rules, no
// callers and no templates.
package route

import (
	"fmt"
	"strings"

	"github.com/credvend/credvend/internal/arn"
)

// MaxLength is the longest route, in characters, method and space included. A
// whole session policy has 2,048.
const MaxLength = 512

// AnyMethod stands for the seven methods that HTTP APIs route.
const AnyMethod = "*"

// methods are what AnyMethod stands for. IAM's own `*` is never written in
// the place of a method: it would cross the slash into the path, and
// <stage>/*/orders would also match DELETE/admin/orders.
var methods = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// Methods returns the methods a route can name, in a fixed order.
func Methods() []string { return methods[:] }

// Route is a method and a path pattern, such as GET /orders/*. In the path `*`
// stands for any text, slashes included, as in IAM; nothing else is special.
// Routes compare with ==; the zero Route matches nothing and emits nothing.
type Route struct{ text string } // as it is written: lists hold millions

// Method returns the method, or AnyMethod.
func (r Route) Method() string { return r.pattern().method.String() }

// Path returns the path pattern.
func (r Route) Path() string { return r.pattern().path }

// String returns the route as it is written: METHOD PATH.
func (r Route) String() string { return r.text }

// MarshalText writes the route as String does.
func (r Route) MarshalText() ([]byte, error) { return []byte(r.text), nil }

// Parse reads METHOD PATH. Its error says what is wrong and what to write
// instead, and never more of the text than its first characters.
func Parse(s string) (Route, error) {
	if len(s) > MaxLength {
		return Route{}, fmt.Errorf("route of %d characters; at most %d are allowed", len(s), MaxLength)
	}
	name, path, ok := strings.Cut(s, " ")
	if !ok {
		if strings.HasPrefix(s, "/") {
			return Route{}, fmt.Errorf("route %q has no method: write GET %s, or * %s for every method", clip(s), clip(s), clip(s))
		}
		return Route{}, fmt.Errorf("route %q is not METHOD PATH, such as GET /orders/*", clip(s))
	}
	m := parseMethod(name)
	if m == 0 {
		if upper := strings.ToUpper(name); parseMethod(upper) != 0 {
			return Route{}, fmt.Errorf("route %q: methods are upper case: write %s", clip(s), upper)
		}
		return Route{}, fmt.Errorf("route %q: %q is not a method: use one of %s, or * for all of them", clip(s), clip(name), strings.Join(methods[:], ", "))
	}
	if err := checkPath(path); err != nil {
		if !strings.HasPrefix(path, "/") && checkPath("/"+path) == nil {
			return Route{}, fmt.Errorf("route %q: the path must begin with a slash: write %s /%s", clip(s), name, clip(path))
		}
		return Route{}, fmt.Errorf("route %q: %w", clip(s), err)
	}
	return Route{s}, nil
}

// checkPath refuses every path whose meaning could differ between the person
// who wrote it, IAM and a backend.
func checkPath(path string) error {
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("the path must begin with a slash")
	}
	for i := range len(path) {
		switch c := path[i]; {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '-' <= c && c <= '9' || c == '_' || c == '*': // and / and .
		case c == '?':
			return fmt.Errorf("`?` is not allowed: IAM would take it for any one character, and a query string is not part of a route")
		case c == '%':
			return fmt.Errorf("percent-encoding is not allowed: gateways decode it before or after they judge, so write the plain character")
		case c == '$' || c == '{' || c == '}':
			return fmt.Errorf("`%c` is not allowed here: IAM reads ${…} as a policy variable", c)
		case c <= ' ' || c == 0x7f:
			return fmt.Errorf("spaces and control characters are not allowed in a path")
		case c > 0x7f:
			return fmt.Errorf("only ASCII is allowed in a path")
		case strings.IndexByte("\"#<>[\\]^`|", c) >= 0:
			return fmt.Errorf("`%c` cannot stand in the path of a URL", c)
		}
	}
	if strings.Contains(path, "//") {
		return fmt.Errorf("`//` is not allowed: backends read it as one slash, IAM does not; write one slash")
	}
	if !strings.Contains(path, "/.") {
		return nil
	}
	for seg := range strings.SplitSeq(path[1:], "/") {
		if seg == "." || seg == ".." {
			return fmt.Errorf("the segment %q is not allowed: backends resolve it, IAM does not; write the path that it leads to", seg)
		}
	}
	return nil
}

// Expand returns the routes of one method each that r stands for. `* /*`
// stays whole, because it is emitted whole.
func (r Route) Expand() []Route {
	p := r.pattern()
	switch {
	case p == pattern{}:
		return nil
	case p.method != anyMethod || p.everything():
		return []Route{r}
	}
	all := make([]Route, len(methods))
	for i, m := range methods {
		all[i] = Route{m + " " + p.path}
	}
	return all
}

// Resources returns the execute-api ARN patterns that stand for r at a stage:
// one, or seven where r names every method.
func (r Route) Resources(stage arn.Stage) []string {
	prefix := stage.ARN() + "/"
	var out []string
	for method, path := range resources([]Route{r}) {
		out = append(out, prefix+method+path)
	}
	return out
}

func clip(s string) string {
	const limit = 120
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
