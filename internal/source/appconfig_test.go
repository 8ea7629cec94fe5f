package source

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// extension stands in for AWS's extension: it serves one configuration at one
// path, and every other path is not found.
type extension struct {
	mu     sync.Mutex
	answer http.HandlerFunc
	asked  atomic.Int32
}

const extensionPath = "/applications/credvend/environments/live/configurations/allowlist"

func startExtension(t *testing.T) (*extension, AppConfig) {
	t.Helper()
	e := &extension{}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return e, AppConfig{"credvend", "live", "allowlist", server.Listener.Addr().(*net.TCPAddr).Port}
}

func (e *extension) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.asked.Add(1)
	e.mu.Lock()
	answer := e.answer
	e.mu.Unlock()
	if r.Method != http.MethodGet || r.URL.Path != extensionPath {
		http.Error(w, `{"Message":"Could not find the configuration"}`, http.StatusNotFound)
		return
	}
	answer(w, r)
}

func (e *extension) set(answer http.HandlerFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = answer
}

// says answers with a text, as the extension does: with a version label that
// may stay the same while the text does not.
func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Configuration-Version", "1")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(text))
	}
}

func status(code int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, text, code) }
}

func TestAppConfig(t *testing.T) {
	e, a := startExtension(t)
	e.set(says("one"))
	first, err := a.Load(t.Context(), "")
	if err != nil || string(first.Document) != "one" || first.Version == "" || first.Unchanged {
		t.Fatalf("%+v %v", first, err)
	}
	again, err := a.Load(t.Context(), first.Version)
	if err != nil || !again.Unchanged || again.Document != nil || again.Version != first.Version {
		t.Errorf("unchanged: %+v %v", again, err)
	}
	e.set(says("two"))
	other, err := a.Load(t.Context(), first.Version)
	if err != nil || string(other.Document) != "two" || other.Version == first.Version || other.Unchanged {
		t.Errorf("changed, under the same label: %+v %v", other, err)
	}
}

func TestAppConfigFails(t *testing.T) {
	const planted = "PLANTED-text-of-the-extension"
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"not deployed":   {status(http.StatusNotFound, planted), "answers 404: is there such an application, environment and profile, and has a version been deployed?"},
		"bad request":    {status(http.StatusBadRequest, planted), "answers 400: is there such"},
		"not allowed":    {status(http.StatusForbidden, planted), "answers 403: the function's role needs appconfig:StartConfigurationSession and appconfig:GetLatestConfiguration"},
		"broken":         {status(http.StatusInternalServerError, planted), "answers 500: AppConfig cannot be reached, or the extension is not ready"},
		"no content":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "answers 204"},
		"partial":        {status(http.StatusPartialContent, planted), "answers 206"},
		"empty":          {says(""), "is empty; deploy a version that `credvend allowlist build` wrote"},
		"too large":      {says(strings.Repeat("x", 1001)), "more than 1000 bytes"},
		"breaks off":     {breaksOff, "breaks off"},
		"hangs up":       {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "does not answer"},
		"sent elsewhere": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, "answers 302"},
	} {
		t.Run(name, func(t *testing.T) {
			e, a := startExtension(t)
			e.set(c.answer)
			p, err := a.load(t.Context(), "", 1000)
			if err == nil || !strings.Contains(err.Error(), c.want) || p.Document != nil {
				t.Fatalf("%+v, %v; want an error with %q", p, err, c.want)
			}
			if strings.Contains(err.Error(), planted) {
				t.Errorf("somebody else's text is in the error: %v", err)
			}
			if asked := e.asked.Load(); asked != 1 {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}

func breaksOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = w.Write([]byte("half"))
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// TestAppConfigAbsent: the function has the variable, and no layer.
func TestAppConfigAbsent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = AppConfig{"a", "b", "c", port}.Load(t.Context(), "")
	if err == nil || !strings.Contains(err.Error(), "no AppConfig extension listens; add its layer to the function (template parameter AppConfigLayerArn)") {
		t.Error(err)
	}
}

func TestAppConfigEndsWithItsContext(t *testing.T) {
	e, a := startExtension(t)
	e.set(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := a.Load(ctx, ""); err == nil {
		t.Error("loads from one that hangs")
	}
}

// TestAppConfigAsksLoopbackAlone: an environment with a proxy must not have a
// proxy say who may do what.
func TestAppConfigAsksLoopbackAlone(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	e, a := startExtension(t)
	e.set(says("one"))
	if _, err := a.Load(t.Context(), ""); err != nil {
		t.Error(err)
	}
	if loopback().Proxy != nil {
		t.Error("it would heed a proxy") // net/http exempts loopback by itself; this must not lean on it
	}
	if got := (AppConfig{"credvend", "live", "allowlist", 0}).url(); got != "http://127.0.0.1:2772"+extensionPath {
		t.Error(got)
	}
}

// TestSourceOverAppConfig: good, unchanged, garbage, broken and good again. What
// does not compile never takes the place of what does.
func TestSourceOverAppConfig(t *testing.T) {
	e, a := startExtension(t)
	var mu sync.Mutex
	var frozen time.Duration
	var told []Status
	s, err := New(Config{
		Loader: a, MaxAge: time.Minute, MaxStale: time.Hour, Wait: time.Minute,
		Now:    func() time.Time { mu.Lock(); defer mu.Unlock(); return time.Now().Add(frozen) },
		Report: func(st Status) { mu.Lock(); defer mu.Unlock(); told = append(told, st) },
	})
	if err != nil {
		t.Fatal(err)
	}
	good := func(rule string) http.HandlerFunc { return says(string(document(rule))) }
	wants := func(step string, answer http.HandlerFunc, rule, says string) {
		t.Helper()
		e.set(answer)
		mu.Lock()
		frozen += 2 * time.Minute
		told = nil
		mu.Unlock()
		list, err := s.List(t.Context())
		if err != nil || list.Digest() != digest(t, rule) {
			t.Fatalf("%s: %v", step, err)
		}
		mu.Lock()
		defer mu.Unlock()
		said := ""
		if len(told) > 0 {
			said = fmt.Sprint(told[0].Err, " ", told[0].Digest)
		}
		if !strings.Contains(said, says) || says == "" && said != "" {
			t.Errorf("%s: reports %q, want %q", step, said, says)
		}
	}
	wants("first", good("one"), "one", digest(t, "one"))
	wants("unchanged", good("one"), "one", "")
	wants("garbage", says("<html>"), "one", "the allowlist cannot be read")
	wants("an empty list", says(`{"version":1}`), "one", "the allowlist cannot be read")
	wants("a list that does not compile", says(strings.ReplaceAll(string(document("one")), `["ci"]`, `["nobody"]`)), "one", "does not compile")
	wants("500", status(http.StatusInternalServerError, "x"), "one", "answers 500")
	wants("absent", status(http.StatusNotFound, "x"), "one", "answers 404")
	wants("good again", good("two"), "two", digest(t, "two"))
	e.set(status(http.StatusNotFound, "x"))
	mu.Lock()
	frozen += 2 * time.Hour
	mu.Unlock()
	if _, err := s.List(t.Context()); err == nil {
		t.Error("a list that is too stale serves")
	}
}

// TestAppConfigLimit reads no more than it must of an answer without end.
func TestAppConfigLimit(t *testing.T) {
	e, a := startExtension(t)
	e.set(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<16)); err != nil {
				return
			}
		}
	})
	if _, err := a.load(t.Context(), "", 1<<20); err == nil {
		t.Error("reads without end")
	}
}
