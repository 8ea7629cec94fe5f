package scope_test

import (
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/identity"
)

// The oracle restates the rules in the design's words and shares no code with
// package route: a session may make a request exactly when some allow rule of
// a caller that matches has a route for it, no deny rule has, one of the
// requested routes has, and the path reads the same to everybody.

// world is one drawn allowlist, with an identity and what it asks for.
type world struct {
	doc   *allowlist.Document
	who   identity.Caller
	names []string // the caller names that the identity bears, by construction
	asked []string // requested routes; none: all
}

var methods = []string{"GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS"}

// glob says what `*` means in the fewest words.
func glob(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return glob(pattern[1:], text) || text != "" && glob(pattern, text[1:])
	}
	return text != "" && pattern[0] == text[0] && glob(pattern[1:], text[1:])
}

// covers reports whether a route, as written, is one for a request. `* /*`
// stands for the whole stage, other `*` methods for the seven.
func covers(route, request string) bool {
	method, path, _ := strings.Cut(route, " ")
	m, p, _ := strings.Cut(request, " ")
	if route == "* /*" {
		return true
	}
	named := method == m
	for _, one := range methods {
		named = named || method == "*" && one == m
	}
	return named && glob(path, p)
}

// ambiguous reports whether backends could read the path as another.
func ambiguous(request string) bool {
	_, path, _ := strings.Cut(request, " ")
	for _, segment := range strings.Split(path[1:], "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	for _, s := range []string{"//", "%2e", "%2E", "%2f", "%2F"} {
		if strings.Contains(path, s) {
			return true
		}
	}
	return false
}

// routesOf are the routes that the world's rules of an effect have for the
// identity, filled in. A value that is no plain word refuses the request; a
// missing one refuses it in a deny rule and leaves out an allow rule.
func (w world) routesOf(effect string) (routes []string, refused bool) {
	for _, r := range w.doc.Rules {
		if r.Effect != effect {
			continue
		}
		for _, name := range w.names {
			if r.Callers[0] != "*" && !strings.Contains(" "+strings.Join(r.Callers, " ")+" ", " "+name+" ") {
				continue
			}
			var filled []string
			missing := false
			for _, text := range r.Routes {
				text = strings.ReplaceAll(text, "${caller.name}", name)
				if _, rest, found := strings.Cut(text, "${claims."); found {
					claim := rest[:strings.IndexByte(rest, '}')]
					values := w.who.Claims[claim].Values
					switch {
					case values == nil:
						missing = true
						continue
					case len(values) != 1 || strings.Trim(values[0], "ab") != "":
						return nil, true
					}
					text = strings.ReplaceAll(text, "${claims."+claim+"}", values[0])
				}
				filled = append(filled, text)
			}
			if missing && effect == allowlist.Deny {
				refused = true
			}
			if !missing {
				routes = append(routes, filled...)
			}
		}
	}
	return routes, refused
}

// rules are the routes allowed and denied; false if the request is refused.
func (w world) rules() (allowed, denied []string, ok bool) {
	allowed, no := w.routesOf(allowlist.Allow)
	denied, nor := w.routesOf(allowlist.Deny)
	return allowed, denied, !no && !nor
}

func anyCovers(routes []string, request string) bool {
	for _, r := range routes {
		if covers(r, request) {
			return true
		}
	}
	return false
}

// may parts the universe into the requests that the credentials may make, those
// that only a deny rule, the request's routes or the path's form forbid, and
// all others.
func (w world) may(universe []string) (yes, almost, no []string) {
	allowed, denied, ok := w.rules()
	for _, request := range universe {
		switch {
		case !ok || !anyCovers(allowed, request):
			no = append(no, request)
		case anyCovers(denied, request) || len(w.asked) > 0 && !anyCovers(w.asked, request) || ambiguous(request):
			almost = append(almost, request)
		default:
			yes = append(yes, request)
		}
	}
	return yes, almost, no
}

// vends reports whether there are credentials at all: each requested route
// lies wholly inside the union of what is allowed, and none wholly inside that
// of what is denied; without requested routes, something is left. The universe
// holds, for each route, a request that only what covers all of it can cover.
func (w world) vends(universe []string) bool {
	allowed, denied, ok := w.rules()
	if !ok {
		return false
	}
	if len(w.asked) == 0 {
		for _, r := range allowed {
			if !inside(r, denied, universe) {
				return true
			}
		}
		return false
	}
	for _, r := range w.asked {
		if !inside(r, allowed, universe) || inside(r, denied, universe) {
			return false
		}
	}
	return true
}

func inside(route string, set, universe []string) bool {
	for _, request := range universe {
		if covers(route, request) && !anyCovers(set, request) {
			return false
		}
	}
	return true
}

// universe is every request that could tell routes of up to four letters apart: c stands in none of them. TRACE is a method that no route names.
func universe() (all []string) {
	paths, level := []string(nil), []string{"/"}
	for range 5 {
		paths = append(paths, level...)
		var next []string
		for _, p := range level {
			for _, c := range "abc/" {
				next = append(next, p+string(c))
			}
		}
		level = next
	}
	paths = append(paths, "/.", "/..", "/a/.", "/a/..", "/./a", "/../a", "/a/../b", "/a/./b", "/a/.b", "/a..b", "/a%2fb", "/a%2Fb", "/%2e%2e/a", "/a/%2E")
	for _, m := range []string{"GET", "POST", "DELETE", "TRACE"} { // DELETE for all that only `*` names
		for _, p := range paths {
			all = append(all, m+" "+p)
		}
	}
	return all
}
