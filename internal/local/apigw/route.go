package apigw

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// DefaultRoute catches whatever no other route of an HTTP API does.
const DefaultRoute = "$default"

// Route is one route of an API.
type Route struct {
	// Key is "METHOD /path" with a method or ANY, where a segment of the path may
	// be {name} and the last one {name+}; or "$default" (HTTP APIs only).
	Key string

	// Open leaves the route without authorization (NONE): a mistake to plant.
	Open bool

	// Scopes are the authorization scopes of a JWT route: a token needs one of
	// them. None: the token's scopes do not matter.
	Scopes []string
}

type compiledRoute struct {
	Route
	method   string // "" stands for any
	path     string
	segments []string // nil for $default
}

type table []compiledRoute

// Table picks the route of a request as an HTTP API does, for who parts one
// API's requests among several.
type Table struct{ routes table }

// NewTable compiles the routes of an HTTP API.
func NewTable(routes []Route) (Table, error) {
	t, err := compileRoutes(routes, true)
	return Table{t}, err
}

// Match is the key of the route that a request goes to; path is decoded and
// without a named stage. False: the API has none.
func (t Table) Match(method, path string) (key string, ok bool) {
	route, _, ok := t.routes.match(method, path)
	return route.Key, ok
}

// The methods that API Gateway routes.
func routableMethod(method string) bool {
	switch method {
	case "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT":
		return true
	}
	return false
}

var (
	variableForm = regexp.MustCompile(`^\{[A-Za-z0-9._-]+\+?\}$`)
	literalForm  = regexp.MustCompile(`^[A-Za-z0-9._~:@!$&'()*+,;=%-]+$`)
)

func compileRoutes(routes []Route, catchAll bool) (table, error) {
	t := make(table, 0, len(routes))
	seen := map[string]bool{}
	for _, r := range routes {
		if seen[r.Key] {
			return nil, fmt.Errorf("route %q stands twice", r.Key)
		}
		seen[r.Key] = true
		if r.Key == DefaultRoute && catchAll {
			t = append(t, compiledRoute{Route: r})
			continue
		}
		method, path, ok := strings.Cut(r.Key, " ")
		if !ok || !strings.HasPrefix(path, "/") || method != "ANY" && !routableMethod(method) {
			return nil, fmt.Errorf("route %q is not a method (or ANY), a space and a path", r.Key)
		}
		c := compiledRoute{Route: r, method: method, path: path, segments: strings.Split(path[1:], "/")}
		if method == "ANY" {
			c.method = ""
		}
		for i, s := range c.segments {
			last := i == len(c.segments)-1
			switch {
			case s == "" && last: // "/", or a trailing slash, which HTTP APIs tell apart
			case strings.HasSuffix(s, "+}") && !last, !variableForm.MatchString(s) && !literalForm.MatchString(s):
				return nil, fmt.Errorf("route %q has the bad segment %q", r.Key, s)
			}
		}
		t = append(t, c)
	}
	return t, nil
}

// match finds the route that API Gateway would, among those that take the method:
// segment by segment a literal beats a variable and a variable beats a greedy
// one; then a named method beats ANY; $default comes last.
func (t table) match(method, path string) (compiledRoute, map[string]string, bool) {
	if !routableMethod(method) || !strings.HasPrefix(path, "/") {
		return compiledRoute{}, nil, false
	}
	segments := strings.Split(path[1:], "/")
	var best *compiledRoute
	var bestRank []int
	for i := range t {
		r := &t[i]
		if r.method != "" && r.method != method {
			continue
		}
		rank, ok := r.rank(segments)
		if ok && (best == nil || slices.Compare(rank, bestRank) < 0) {
			best, bestRank = r, rank
		}
	}
	if best == nil {
		return compiledRoute{}, nil, false
	}
	return *best, best.parameters(segments), true
}

// The ranks of a segment, best first.
const (
	rankLiteral = iota
	rankVariable
	rankGreedy
	rankDefault
)

func (r *compiledRoute) rank(segments []string) ([]int, bool) {
	if r.segments == nil {
		return []int{rankDefault}, true
	}
	rank := make([]int, 0, len(r.segments)+1)
	greedy := false
	for i, s := range r.segments {
		switch {
		case i >= len(segments):
			return nil, false
		case strings.HasSuffix(s, "+}"):
			greedy = true
			if i == len(segments)-1 && segments[i] == "" {
				return nil, false // {proxy+} does not match the empty rest
			}
			rank = append(rank, rankGreedy)
		case strings.HasPrefix(s, "{"):
			if segments[i] == "" {
				return nil, false
			}
			rank = append(rank, rankVariable)
		case s != segments[i]:
			return nil, false
		default:
			rank = append(rank, rankLiteral)
		}
	}
	if !greedy && len(r.segments) != len(segments) {
		return nil, false
	}
	anyMethod := 0
	if r.method == "" {
		anyMethod = 1
	}
	return append(rank, anyMethod), true
}

func (r *compiledRoute) parameters(segments []string) map[string]string {
	var out map[string]string
	for i, s := range r.segments {
		if !strings.HasPrefix(s, "{") {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		name := strings.TrimSuffix(s[1:], "}")
		value := segments[i]
		if strings.HasSuffix(name, "+") {
			name, value = name[:len(name)-1], strings.Join(segments[i:], "/")
		}
		out[name] = value
	}
	return out
}
