package local

import (
	"net/http"
	"strings"
)

// notDeployed is an HTTP API of which no stage is deployed.
func notDeployed(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte(`{"message":"Not Found"}`)) // a client that has gone
}

// routed parts the requests of an API whose routes are of several kinds.
type routed struct {
	stage  string
	routes []routeTo
}

type routeTo struct {
	key string
	to  http.Handler
}

// ServeHTTP hands the request to the API that has its route; where none has, any
// of them says so.
func (f *routed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if f.stage != "$default" {
		path = strings.TrimPrefix(path, "/"+f.stage)
	}
	best, rank := f.routes[0].to, ""
	for _, route := range f.routes {
		if mine := routeRank(route.key, r.Method, path); mine != "" && (rank == "" || mine < rank) {
			best, rank = route.to, mine
		}
	}
	best.ServeHTTP(w, r)
}

// routeRank tells how well a route's key matches, least first, segment by
// segment: a name, a variable, the greedy rest; then a method before ANY, and
// $default last. "" is no match.
func routeRank(key, method, path string) string {
	verb, pattern, isRoute := strings.Cut(key, " ")
	switch {
	case !isRoute:
		return "z"
	case verb != method && verb != "ANY":
		return ""
	}
	var rank strings.Builder
	has := strings.Split(path, "/")
	wants := strings.Split(pattern, "/")
	for i, want := range wants {
		switch {
		case i >= len(has):
			return ""
		case strings.HasSuffix(want, "+}"):
			rank.WriteByte('c')
			has = wants // the rest, whatever it is
		case strings.HasPrefix(want, "{"):
			rank.WriteByte('b')
		case want != has[i]:
			return ""
		default:
			rank.WriteByte('a')
		}
	}
	if len(has) != len(wants) {
		return ""
	}
	if verb == "ANY" {
		rank.WriteByte('b')
	}
	return rank.String() + "_"
}
