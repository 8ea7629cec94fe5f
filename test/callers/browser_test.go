package callers_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestInBrowser: a page vends with a token and signs with what it gets, by the
// lines of docs/callers.md, in a real browser, across origins.
func TestInBrowser(t *testing.T) {
	browser := os.Getenv("CREDVEND_CALLERS_BROWSER")
	if browser == "" {
		t.Skip("test/callers/run.sh browser runs this, with a browser")
	}
	files := pageFiles(t)
	page, stranger := site(files), site(files)
	defer page.Close()
	defer stranger.Close()
	stack := startLocal(t, page.URL)
	api := httptest.NewServer(withCORS(t, stack["CREDVEND_TARGET_URL"], page.URL))
	defer api.Close()

	cmd := exec.CommandContext(t.Context(), "node", "browser.mjs")
	cmd.Env = append(os.Environ(), "CHROMIUM="+browser, "PAGE_URL="+page.URL, "STRANGER_URL="+stranger.URL, "API_URL="+api.URL,
		"BARE_API_URL="+stack["CREDVEND_TARGET_URL"], "JWT_URL="+stack["CREDVEND_JWT_URL"], "ISSUER_URL="+stack["CREDVEND_ISSUER_URL"])
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("the browser's checks: %v", err)
	}
}

// site serves pages by https, as CorsOrigins wants it. That the browser finds the
// certificate strange is no news.
func site(files http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(files)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	return server
}

var documented = regexp.MustCompile("(?s)<!-- browser lines -->\n```js\n(.*?)```\n")

// pageFiles is a web site whose page has the lines of the document.
func pageFiles(t *testing.T) http.Handler {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	lines := documented.FindSubmatch(text)
	if lines == nil {
		t.Fatal("docs/callers.md has no lines for a browser")
	}
	library, err := os.ReadFile("node_modules/aws4fetch/dist/aws4fetch.esm.mjs")
	if err != nil {
		t.Fatal(err)
	}
	const index = `<!doctype html><title>a shop</title><script type="importmap">{"imports":{"aws4fetch":"/aws4fetch.mjs"}}</script>`
	mux := http.NewServeMux()
	for path, file := range map[string]struct{ kind, text string }{
		"/{$}": {"text/html", index}, "/lines.mjs": {"text/javascript", string(lines[1])}, "/aws4fetch.mjs": {"text/javascript", string(library)},
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", file.kind)
			_, _ = io.WriteString(w, file.text)
		})
	}
	return mux
}

// startLocal starts the stack with a template that admits the pages of an origin,
// as the parameter CorsOrigins does, and returns the variables of its local.env.
func startLocal(t *testing.T, origin string) map[string]string {
	t.Helper()
	templates, dir := filepath.Join(t.TempDir(), "templates"), filepath.Join(t.TempDir(), "stack")
	if err := os.MkdirAll(filepath.Join(templates, "accounts"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"template.yaml", "accounts/target.yaml"} {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		const parameter = "  CorsOrigins:\n    Type: String\n    Default: "
		changed := strings.Replace(string(text), parameter+"''", parameter+origin, 1)
		if name == "template.yaml" && changed == string(text) {
			t.Fatal("template.yaml has no parameter CorsOrigins as it was")
		}
		if err := os.WriteFile(filepath.Join(templates, name), []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, "../../build/credvend", "local", "--port", "0", "--dir", dir, "--templates", templates)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: make build makes it", err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was told to end
	})
	lines := bufio.NewScanner(out)
	var said strings.Builder
	for lines.Scan() && lines.Text() != "ready" {
		said.WriteString(lines.Text() + "\n")
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // it must not stop at a full pipe
	text, err := os.ReadFile(filepath.Join(dir, "local.env"))
	if err != nil {
		t.Fatalf("credvend local did not get ready: %v\n%s", err, said.String())
	}
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^export ([A-Z_]+)='?([^'\n]*)'?$`).FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = m[2]
	}
	return found
}

// withCORS is Account A's API as its owner sets it up for pages, by a
// CorsConfiguration of their own. The local one has none.
func withCORS(t *testing.T, api, origin string) http.Handler {
	t.Helper()
	to, err := url.Parse(api)
	if err != nil || to.Host == "" {
		t.Fatalf("the API is at %q: %v", api, err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // which is signed
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			w.Header().Set("Access-Control-Allow-Methods", "GET,POST")
			w.Header().Set("Access-Control-Allow-Headers", "authorization,content-type,x-amz-date,x-amz-security-token")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}
