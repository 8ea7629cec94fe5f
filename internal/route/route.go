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
type Route struct {
	method string // one of methods, or AnyMethod
	path   string // begins with a slash
}

// Method returns the method, or AnyMethod.
func (r Route) Method() string { return r.method }

// Path returns the path pattern.
func (r Route) Path() string { return r.path }

// String returns the route as it is written: METHOD PATH.
func (r Route) String() string {
	if r == (Route{}) {
		return ""
	}
	return r.method + " " + r.path
}

// MarshalText writes the route as String does.
func (r Route) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Parse reads METHOD PATH. Its error says what is wrong and what to write
// instead, and never more of the text than its first characters.
func Parse(s string) (Route, error) {
	if len(s) > MaxLength {
		return Route{}, fmt.Errorf("route of %d characters; at most %d are allowed", len(s), MaxLength)
	}
	method, path, ok := strings.Cut(s, " ")
	if !ok {
		if strings.HasPrefix(s, "/") {
			return Route{}, fmt.Errorf("route %q has no method: write GET %s, or * %s for every method", clip(s), clip(s), clip(s))
		}
		return Route{}, fmt.Errorf("route %q is not METHOD PATH, such as GET /orders/*", clip(s))
	}
	if !isMethod(method) {
		if upper := strings.ToUpper(method); isMethod(upper) {
			return Route{}, fmt.Errorf("route %q: methods are upper case: write %s", clip(s), upper)
		}
		return Route{}, fmt.Errorf("route %q: %q is not a method: use one of %s, or * for all of them", clip(s), clip(method), strings.Join(methods[:], ", "))
	}
	if err := checkPath(path); err != nil {
		if !strings.HasPrefix(path, "/") && checkPath("/"+path) == nil {
			return Route{}, fmt.Errorf("route %q: the path must begin with a slash: write %s /%s", clip(s), method, clip(path))
		}
		return Route{}, fmt.Errorf("route %q: %w", clip(s), err)
	}
	return Route{method, path}, nil
}

func isMethod(s string) bool {
	if s == AnyMethod {
		return true
	}
	for _, m := range methods {
		if s == m {
			return true
		}
	}
	return false
}

// checkPath refuses every path whose meaning could differ between the person
// who wrote it, IAM and a backend.
func checkPath(path string) error {
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("the path must begin with a slash")
	}
	for i := range len(path) {
		switch c := path[i]; {
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
	for seg := range strings.SplitSeq(path[1:], "/") {
		if seg == "." || seg == ".." {
			return fmt.Errorf("the segment %q is not allowed: backends resolve it, IAM does not; write the path that it leads to", seg)
		}
	}
	return nil
}

// everything reports whether r is `* /*`, which alone is written <stage>/*.
func (r Route) everything() bool { return r.method == AnyMethod && r.path == "/*" }

// Expand returns the routes of one method each that r stands for. `* /*`
// stays whole, because it is emitted whole.
func (r Route) Expand() []Route {
	switch {
	case r == Route{}:
		return nil
	case r.method != AnyMethod || r.everything():
		return []Route{r}
	}
	all := make([]Route, len(methods))
	for i, m := range methods {
		all[i] = Route{m, r.path}
	}
	return all
}

// Resources returns the execute-api ARN patterns that stand for r at a stage:
// one, or seven where r names every method.
func (r Route) Resources(stage arn.Stage) []string {
	prefix := stage.ARN() + "/"
	if r.everything() {
		return []string{prefix + "*"}
	}
	var out []string
	for _, e := range r.Expand() {
		out = append(out, prefix+e.method+e.path)
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
