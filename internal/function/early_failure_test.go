package function

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/vendtest"
)

// TestEarlyConnectionFails: a start with an STS that is not there, or does not
// answer, is as quick and as quiet as any, and the vend has its own say.
func TestEarlyConnectionFails(t *testing.T) {
	for name, listen := range map[string]func(*testing.T) string{
		"refused": func(t *testing.T) string {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			return "https://" + l.Addr().String()
		},
		"a black hole": func(t *testing.T) string {
			l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts; nobody shakes hands
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			return "https://" + l.Addr().String()
		},
		"not TLS": func(t *testing.T) string {
			s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request without TLS") }))
			t.Cleanup(s.Close)
			return strings.Replace(s.URL, "http:", "https:", 1)
		},
		"no such name": func(*testing.T) string { return "https://sts.invalid" },
	} {
		t.Run(name, func(t *testing.T) {
			sdkEnv(t, nil)
			t.Setenv("AWS_ENDPOINT_URL_STS", listen(t))
			w := newWorld(t, nil)
			start := time.Now()
			h, err := New(t.Context(), w.getenv, w.trail, w.operator)
			if err != nil || time.Since(start) > time.Second {
				t.Fatalf("%v after %v", err, time.Since(start))
			}
			raw, err := h.Invoke(t.Context(), vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Ask(`{"target":"orders"}`)).Bytes())
			if err != nil || !strings.Contains(string(raw), `"statusCode":503`) {
				t.Errorf("%s %v", raw, err)
			}
			if got := text(t, w.trail); strings.Count(got, "\n") != 2 || !strings.Contains(got, `"attempts":[{"region":"us-east-1","outcome":"failed"`) {
				t.Errorf("want an intent, and one attempt that certainly issued nothing:\n%s", got)
			}
		})
	}
}

// TestEarlyConnectionEnds: requests do not wait for what will not stand.
func TestEarlyConnectionEnds(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request is sent") }))
	t.Cleanup(plain.Close)
	for name, c := range map[string]struct {
		url   string
		proxy func(*http.Request) (*url.URL, error)
	}{
		"refused":                   {url: "https://" + closed.Addr().String()},
		"not TLS":                   {url: strings.Replace(plain.URL, "http:", "https:", 1)},
		"without TLS":               {url: plain.URL},
		"nowhere":                   {url: "https://%"},
		"a proxy that is not there": {url: "https://sts.invalid", proxy: func(*http.Request) (*url.URL, error) { return nil, errors.New("no proxy") }},
	} {
		t.Run(name, func(t *testing.T) {
			sdkEnv(t, nil)
			early := newEarly(httpClient().WithTransportOptions(func(tr *http.Transport) { tr.Proxy = c.proxy }), time.Now)
			early.limit = time.Minute
			early.start(regionAt(c.url))
			eventually(t, "it does not end", func() bool { return early.ended.Err() != nil })
		})
	}
}

// TestEarlyConnectionOutwaited: a request that is given up waits no longer.
func TestEarlyConnectionOutwaited(t *testing.T) {
	hold := make(chan struct{})
	e := newEndpoint(t, false, func(int32) { <-hold })
	t.Cleanup(func() { close(hold) }) // the endpoint closes after its handshakes
	early := bare(t, e, time.Now)
	early.start(regionAt(e.URL))
	eventually(t, "no connection is opened", func() bool { return e.hellos.Load() == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		resp, err := early.Do(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits on")
	}
}
