package local

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/credvend/credvend/internal/local/deploy"
)

// cors answers browsers' preflight requests for an HTTP API, without asking for
// authorization, and sets the headers that they look for. Those of the function
// itself are dropped. A preflight that some route takes goes that way, to that
// route's authorizer, where a browser has nothing to show: $default and ANY do
// that to all of them. It lets nobody in: what a browser does with the answer is
// the browser's.
type cors struct {
	deploy.CORS
	route func(method, path string) (key string, ok bool)
	next  http.Handler
}

// ServeHTTP implements http.Handler.
func (c cors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if r.Method == http.MethodOptions && origin != "" && r.Header.Get("Access-Control-Request-Method") != "" {
		if _, taken := c.route(r.Method, r.URL.Path); !taken {
			c.set(w.Header(), origin)
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	c.next.ServeHTTP(&corsWriter{ResponseWriter: w, cors: c, origin: origin}, r)
}

// set sets the headers for an origin, if it is one of those listed.
func (c cors) set(h http.Header, origin string) {
	listed := slices.ContainsFunc(c.Origins, func(o string) bool { return strings.EqualFold(o, origin) })
	switch {
	case origin == "":
		return
	case slices.Contains(c.Origins, "*"):
		h.Set("Access-Control-Allow-Origin", "*")
	case listed:
		h.Set("Access-Control-Allow-Origin", origin)
	default:
		return
	}
	for name, values := range map[string][]string{
		"Access-Control-Allow-Methods": c.Methods, "Access-Control-Allow-Headers": c.Headers, "Access-Control-Expose-Headers": c.Expose,
	} {
		if len(values) > 0 {
			h.Set(name, strings.Join(values, ","))
		}
	}
	if c.Credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if c.MaxAge > 0 {
		h.Set("Access-Control-Max-Age", strconv.Itoa(c.MaxAge))
	}
}

// corsWriter replaces the headers of an answer.
type corsWriter struct {
	http.ResponseWriter
	cors   cors
	origin string
}

// WriteHeader implements http.ResponseWriter.
func (w *corsWriter) WriteHeader(status int) {
	for name := range w.Header() {
		if strings.HasPrefix(name, "Access-Control-") {
			w.Header().Del(name)
		}
	}
	w.cors.set(w.Header(), w.origin)
	w.ResponseWriter.WriteHeader(status)
}
