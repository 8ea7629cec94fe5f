package client

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/api"
)

// target is a target's API; it answers with its statuses in turn, the last one
// for ever.
type target struct {
	*httptest.Server
	statuses []int
	calls    []call
}

func targetAPI(t *testing.T, statuses ...int) *target {
	t.Helper()
	s := &target{statuses: statuses}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.calls = append(s.calls, call{r, string(body)})
		status := s.statuses[0]
		if len(s.statuses) > 1 {
			s.statuses = s.statuses[1:]
		}
		if status >= 300 && status < 400 {
			w.Header().Set("Location", "http://localhost:1/thief")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "answer")
	}))
	t.Cleanup(s.Close)
	return s
}

// at vends for the endpoint of a target's API, with what is left of life by the
// real clock, as the SDK's cache counts.
func at(t *testing.T, endpoint string, left time.Duration) answer {
	t.Helper()
	now := time.Now()
	return vended(t, func(c *api.Credentials) {
		c.Expiration = now.Add(left)
		c.Grant.ServerTime, c.Grant.RefreshAfter = now, now.Add(left/2)
		c.Grant.Endpoint, c.Grant.Region = endpoint, "eu-west-1"
	})
}

func transport(t *testing.T, s *service) *Transport {
	t.Helper()
	c, _ := connect(t, s.URL)
	c.now = time.Now
	return c.Transport("orders")
}

func TestTransportSigns(t *testing.T) {
	api := targetAPI(t, 200)
	s := serve(t, at(t, api.URL, 30*time.Minute))
	tr := transport(t, s)
	var traced []Signing
	tr.Trace = func(s Signing) { traced = append(traced, s) }
	c := &http.Client{Transport: tr}
	for _, send := range []func() (*http.Response, error){
		func() (*http.Response, error) { return c.Get(api.URL + "/orders/42?b=2&a=1%20x") },
		func() (*http.Response, error) {
			return c.Post(api.URL+"/orders", "text/plain", strings.NewReader("hello"))
		},
		func() (*http.Response, error) { // no GetBody
			return c.Post(api.URL+"/orders", "text/plain", io.MultiReader(strings.NewReader("hel"), strings.NewReader("lo")))
		},
	} {
		resp, err := send()
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	if len(s.seen()) != 1 || len(api.calls) != 3 || len(traced) != 3 {
		t.Fatalf("%d vends, %d calls, %d traced", len(s.seen()), len(api.calls), len(traced))
	}
	for i, r := range api.calls {
		auth := r.Header.Get("Authorization")
		if !strings.Contains(auth, "Credential=ASIAEXAMPLEVENDED000/") || !strings.Contains(auth, "/eu-west-1/execute-api/aws4_request") || r.Header.Get("X-Amz-Security-Token") != vendedToken {
			t.Errorf("call %d is not signed as it should be", i)
		}
		if want := []string{"", "hello", "hello"}[i]; r.body != want {
			t.Errorf("body %q", r.body)
		}
	}
	const empty, hello = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	if !strings.HasSuffix(traced[0].CanonicalRequest, empty) || !strings.HasSuffix(traced[1].CanonicalRequest, hello) || !strings.HasSuffix(traced[2].CanonicalRequest, hello) {
		t.Error("the hash of a body is wrong")
	}
	if !strings.HasPrefix(traced[0].CanonicalRequest, "GET\n/orders/42\na=1%20x&b=2\n") || !strings.HasPrefix(traced[0].StringToSign, "AWS4-HMAC-SHA256\n") {
		t.Error("what was traced is not a canonical request and a string to sign")
	}
}

// TestTransportLeavesTheRequestAlone, as the contract of RoundTripper says, and
// takes no Authorization of the caller's along.
func TestTransportLeavesTheRequestAlone(t *testing.T) {
	api := targetAPI(t, 200)
	tr := transport(t, serve(t, at(t, api.URL, 30*time.Minute)))
	r := httptest.NewRequest(http.MethodGet, api.URL+"/orders", nil)
	r.Host = ""
	r.Header.Set("Authorization", "Bearer "+jwt)
	resp, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if len(r.Header) != 1 || r.Header.Get("Authorization") != "Bearer "+jwt {
		t.Error("the request was changed")
	}
	if auth := api.calls[0].Header["Authorization"]; len(auth) != 1 || strings.Contains(auth[0], jwt) {
		t.Error("the caller's own Authorization was sent")
	}
}

// TestTransportSignsForTheEndpointAlone: whoever gets a signed request also
// gets the session token.
func TestTransportSignsForTheEndpointAlone(t *testing.T) {
	thief, api := targetAPI(t, 200), targetAPI(t, 200)
	u, err := url.Parse(api.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ url, host string }{
		"another host":     {thief.URL + "/orders", ""},
		"another port":     {"http://127.0.0.1:1/orders", ""},
		"another name":     {"http://localhost:" + u.Port() + "/orders", ""},
		"another scheme":   {strings.Replace(api.URL, "http:", "https:", 1) + "/orders", ""},
		"a host that ends": {strings.Replace(api.URL, "127.0.0.1", "127.0.0.1.example.com", 1), ""},
		"a Host header":    {api.URL + "/orders", "b2c3d4e5f6.execute-api.us-east-1.amazonaws.com"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := transport(t, serve(t, at(t, api.URL, 30*time.Minute)))
			r := httptest.NewRequest(http.MethodGet, c.url, nil)
			r.Host = c.host
			resp, err := tr.RoundTrip(r)
			expect(t, err, "is not signed")
			if err == nil {
				_ = resp.Body.Close()
			}
		})
	}
	if len(thief.calls)+len(api.calls) > 0 {
		t.Error("a request was sent")
	}
	t.Run("a redirect", func(t *testing.T) {
		api := targetAPI(t, 307)
		tr := transport(t, serve(t, at(t, api.URL, 30*time.Minute)))
		resp, err := (&http.Client{Transport: tr}).Get(api.URL + "/orders")
		expect(t, err, "is not signed")
		if err == nil {
			_ = resp.Body.Close()
		}
	})
	t.Run("a grant without endpoint", func(t *testing.T) {
		tr := transport(t, serve(t, at(t, "", 30*time.Minute)))
		resp, err := (&http.Client{Transport: tr}).Get(api.URL + "/orders")
		expect(t, err, "does not say where the target is")
		if err == nil {
			_ = resp.Body.Close()
		}
	})
}

// TestTransportAfter403: a denial is passed on, the end of the credentials'
// life is mended once.
func TestTransportAfter403(t *testing.T) {
	for _, c := range []struct {
		name         string
		left         time.Duration
		statuses     []int
		then         answer // of the service; the zero one: vends again
		status       int
		vends, calls int
	}{
		{"fresh", 30 * time.Minute, []int{403}, answer{}, 403, 1, 1},
		{"dying, then allowed", 50 * time.Second, []int{403, 200}, answer{}, 200, 2, 2},
		{"dying, and denied all the same", 50 * time.Second, []int{403}, answer{}, 403, 2, 2},
		{"dying, another status", 50 * time.Second, []int{500}, answer{}, 500, 1, 1},
		{"dying, and the service is down", 50 * time.Second, []int{403}, failure(500, "internal", "x"), 403, 2, 1},
		{"dying, and the service refuses", 50 * time.Second, []int{403}, failure(403, "denied", "x"), 403, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			api := targetAPI(t, c.statuses...)
			if c.then.status == 0 {
				c.then = at(t, api.URL, 30*time.Minute)
			}
			s := serve(t, at(t, api.URL, c.left), c.then)
			resp, err := (&http.Client{Transport: transport(t, s)}).Post(api.URL+"/orders", "text/plain", strings.NewReader("hello"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "answer" {
				t.Errorf("%q %v", text, err)
			}
			if resp.StatusCode != c.status || len(s.seen()) != c.vends || len(api.calls) != c.calls {
				t.Errorf("%d, %d vends, %d calls", resp.StatusCode, len(s.seen()), len(api.calls))
			}
			for _, r := range api.calls {
				if r.body != "hello" {
					t.Errorf("body %q", r.body)
				}
			}
		})
	}
}

type body struct {
	io.Reader
	closed int
}

func (b *body) Close() error { b.closed++; return nil }

type unreadable struct{}

func (unreadable) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func TestTransportBodies(t *testing.T) {
	api := targetAPI(t, 200)
	s := serve(t, at(t, api.URL, 30*time.Minute))
	for _, c := range []struct {
		name string
		r    io.Reader
		want string
	}{
		{"too large", io.LimitReader(zeros{}, MaxBody+1), "more than 10485760 bytes"},
		{"cannot be read", unreadable{}, "disk on fire"},
		{"fits", io.LimitReader(zeros{}, MaxBody), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &body{Reader: c.r}
			r := httptest.NewRequest(http.MethodPost, api.URL, b)
			r.Host = ""
			resp, err := transport(t, s).RoundTrip(r)
			if c.want != "" {
				expect(t, err, c.want)
			} else if err != nil {
				t.Error(err)
			}
			if err == nil {
				_ = resp.Body.Close()
			}
			if b.closed != 1 {
				t.Errorf("closed %d times", b.closed)
			}
		})
	}
	r := httptest.NewRequest(http.MethodPost, api.URL, nil)
	r.Body, r.GetBody = &body{Reader: zeros{}}, func() (io.ReadCloser, error) { return io.NopCloser(zeros{}), nil }
	resp, err := transport(t, s).RoundTrip(r)
	expect(t, err, "more than 10485760 bytes")
	if err == nil {
		_ = resp.Body.Close()
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestTransportPassesRefusalsOn, as http.Client wraps them.
func TestTransportPassesRefusalsOn(t *testing.T) {
	s := serve(t, failure(403, "denied", "no rule allows it"))
	resp, err := (&http.Client{Transport: transport(t, s)}).Get("https://orders.example.com/")
	var e *Error
	if !errors.As(err, &e) || e.Code != "denied" {
		t.Errorf("%v", err)
	}
	if err == nil {
		_ = resp.Body.Close()
	}
}

// TestVended gives the grant beside the credentials, of one request.
func TestVended(t *testing.T) {
	s := serve(t, at(t, "https://orders.example.com", 30*time.Minute))
	tr := transport(t, s)
	for range 2 {
		got, err := tr.Vended(t.Context())
		if err != nil || got.Grant.Endpoint != "https://orders.example.com" || got.SessionToken.Reveal() != vendedToken {
			t.Fatalf("%v", err)
		}
	}
	if n := len(s.seen()); n != 1 {
		t.Errorf("%d vends", n)
	}
}
