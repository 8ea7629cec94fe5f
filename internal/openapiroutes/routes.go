package openapiroutes

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/route"
)

// BasePath is what stands before the paths of the document in the routes of
// its API: the path of the first server's URL. For a URL of API Gateway's own
// that path is the stage, which is no part of a route.
func (s *Spec) BasePath() string { return basePath(s.Server) }

func basePath(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		return ""
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	if strings.Contains(u.Hostname(), ".execute-api.") {
		_, path, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	}
	if path = strings.Trim(path, "/"); path == "" {
		return ""
	}
	return "/" + path
}

// BasePathOf is BasePath for a target that is known: its stage, and the path
// of an endpoint of its own, are no part of a route.
func (s *Spec) BasePathOf(stage arn.Stage, endpoint string) string {
	base := s.BasePath()
	if u, err := url.Parse(endpoint); err == nil && base != "" && base == strings.TrimRight(u.Path, "/") {
		return ""
	}
	if rest, ok := strings.CutPrefix(base+"/", "/"+stage.Name+"/"); ok {
		return strings.TrimRight("/"+strings.TrimRight(rest, "/"), "/")
	}
	return base
}

// parameter is what stands for a value in a path: {id}, {proxy+}.
var parameter = regexp.MustCompile(`\{[^{}/]*\}`)

// Routes returns the operations as routes, by path and then by method, and
// what cannot be written as one. A parameter becomes a star. base stands
// before every path, except where an operation has servers of its own.
func (s *Spec) Routes(base string) (routes []route.Route, skipped []string) {
	skipped = slices.Clone(s.Skipped)
	seen := map[route.Route]bool{}
	for _, o := range s.operations {
		before := base
		if o.server != "" {
			before = basePath(o.server)
		}
		o.path = before + o.path
		path := parameter.ReplaceAllString(o.path, "*")
		for strings.Contains(path, "**") {
			path = strings.ReplaceAll(path, "**", "*")
		}
		if strings.HasSuffix(path, "/$default") { // API Gateway's route for all the others
			path = strings.TrimSuffix(path, "$default") + "*"
		}
		r, err := route.Parse(o.method + " " + path)
		switch {
		case strings.Contains(o.path, "*"):
			skipped = append(skipped, short(fmt.Sprintf("%s %s: the path has a star of its own, which a route would take for a wildcard", o.method, o.path)))
		case err != nil:
			skipped = append(skipped, short(err.Error()))
		case !seen[r]:
			seen[r] = true
			routes = append(routes, r)
		}
	}
	slices.SortFunc(routes, func(a, b route.Route) int {
		return cmp.Or(cmp.Compare(a.Path(), b.Path()), cmp.Compare(place(a.Method()), place(b.Method())))
	})
	return routes, skipped
}

func place(method string) int { return slices.Index(route.Methods(), method) }

// Spans returns, for each route whose star reaches over a slash into another
// operation, that route and the first of those that it reaches.
func Spans(routes []route.Route) (spans [][2]route.Route, total int) {
	const most = 20
	var wide []route.Route
	for _, r := range routes {
		if strings.Contains(r.Path(), "*") {
			wide = append(wide, r)
		}
	}
	if len(wide)*len(routes) > 4_000_000 { // too many to compare, which says enough
		return nil, len(wide)
	}
	for _, r := range wide {
		i := slices.IndexFunc(routes, func(o route.Route) bool {
			return o.Path() != r.Path() && r.Overlaps(o) && strings.Count(o.Path(), "/") > strings.Count(r.Path(), "/")
		})
		if i < 0 {
			continue
		}
		if total++; total <= most {
			spans = append(spans, [2]route.Route{r, routes[i]})
		}
	}
	return spans, total
}
