package local

import (
	"net/http"
	"strings"

	"github.com/credvend/credvend/internal/local/apigw"
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
	table  apigw.Table
	routes map[string]http.Handler // by key
	none   http.Handler            // any of them: it says that there is no route
}

// route is the key of the route that a request goes to, if there is one.
func (f *routed) route(method, path string) (key string, ok bool) {
	if f.stage != "$default" {
		path = strings.TrimPrefix(path, "/"+f.stage)
	}
	if path == "" {
		path = "/"
	}
	return f.table.Match(method, path)
}

// ServeHTTP hands the request to the API that has its route; where none has, any
// of them says so.
func (f *routed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := f.none
	if key, ok := f.route(r.Method, r.URL.Path); ok {
		to = f.routes[key]
	}
	to.ServeHTTP(w, r)
}
