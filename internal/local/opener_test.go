package local

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/local/apigw"
	"github.com/credvend/credvend/internal/local/deploy"
)

// TestRouted: of routes of several kinds the request goes to the one that API
// Gateway would choose.
func TestRouted(t *testing.T) {
	keys := []string{"$default", "ANY /{proxy+}", "GET /v1/{x}", "ANY /v1/{x}", "GET /v1/credentials", "GET /v1/{x}/more", "POST /"}
	table := func(keys ...string) apigw.Table {
		var routes []apigw.Route
		for _, key := range keys {
			routes = append(routes, apigw.Route{Key: key})
		}
		made, err := apigw.NewTable(routes)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/v1/credentials", "GET /v1/credentials"},
		{"GET", "/v1/other", "GET /v1/{x}"},
		{"POST", "/v1/credentials", "ANY /v1/{x}"},
		{"GET", "/v1/other/more", "GET /v1/{x}/more"},
		{"GET", "/v1/other/less", "ANY /{proxy+}"},
		{"GET", "/v2", "ANY /{proxy+}"},
		{"POST", "/", "POST /"},
		{"GET", "/", "$default"}, // {proxy+} does not stand for nothing
		{"GET", "/v1/", "ANY /{proxy+}"},
		{"GET", "//v1/credentials", "ANY /{proxy+}"},
		{"PROPFIND", "/v1/credentials", "none"},
		{"GET", "/prod/v1/other", "GET /v1/{x}"},
		{"GET", "/prod", "$default"},
	} {
		var went string
		to := func(name string) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { went = name })
		}
		f := &routed{stage: "$default", table: table(keys...), routes: map[string]http.Handler{}, none: to("none")}
		if strings.HasPrefix(c.path, "/prod") {
			f.stage = "prod"
		}
		for _, key := range keys {
			f.routes[key] = to(key)
		}
		f.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(c.method, c.path, nil))
		if went != c.want {
			t.Errorf("%s %s went to %s, want %s", c.method, c.path, went, c.want)
		}
	}
}

// TestCORS: preflight requests are answered without the function, and only the
// origins that are listed are told that they may.
func TestCORS(t *testing.T) {
	called := false
	door := cors{
		deploy.CORS{Origins: []string{"https://shop.example.com"}, Methods: []string{"GET", "POST"}, Headers: []string{"authorization"}, Expose: []string{"retry-after"}, MaxAge: 600},
		func(method, path string) (string, bool) {
			return "OPTIONS /taken", method == "OPTIONS" && path == "/taken"
		},
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			called = true
			w.Header().Set("Access-Control-Allow-Origin", "*") // the function's own does not count
			w.WriteHeader(http.StatusTeapot)
		}),
	}
	for _, c := range []struct {
		name, method, origin, asks string
		status                     int
		allowed                    string
		invoked                    bool
	}{
		{"preflight that a route takes", "OPTIONS /taken", "https://shop.example.com", "POST", 418, "https://shop.example.com", true},
		{"preflight", "OPTIONS", "https://shop.example.com", "POST", 204, "https://shop.example.com", false},
		{"preflight of another origin", "OPTIONS", "https://evil.example.com", "POST", 204, "", false},
		{"an origin that only begins so", "OPTIONS", "https://shop.example.com.evil.example", "POST", 204, "", false},
		{"OPTIONS that is no preflight", "OPTIONS", "https://shop.example.com", "", 418, "https://shop.example.com", true},
		{"a call", "POST", "https://shop.example.com", "", 418, "https://shop.example.com", true},
		{"a call of another origin", "POST", "https://evil.example.com", "", 418, "", true},
		{"no browser", "POST", "", "", 418, "", true},
	} {
		called = false
		method, path, ok := strings.Cut(c.method, " ")
		if !ok {
			path = "/v1/credentials"
		}
		r := httptest.NewRequest(method, path, nil)
		for name, value := range map[string]string{"Origin": c.origin, "Access-Control-Request-Method": c.asks} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Access-Control-Allow-Origin") != c.allowed || called != c.invoked {
			t.Errorf("%s: %d, allowed %q, invoked %v", c.name, w.Code, w.Header().Get("Access-Control-Allow-Origin"), called)
		}
	}
	door.Origins = []string{"*"}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Origin", "https://any.example.com")
	door.ServeHTTP(w, r)
	if got := w.Header().Get("Access-Control-Allow-Origin"); got != "*" || w.Header().Get("Access-Control-Expose-Headers") != "retry-after" {
		t.Errorf("every origin: %q", got)
	}
}
