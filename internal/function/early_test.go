package function

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/credvend/credvend/internal/config"
	"github.com/credvend/credvend/internal/vendtest"
)

// endpoint is an STS that counts what reaches it.
type endpoint struct {
	*httptest.Server
	connections, hellos, handshakes, requests atomic.Int32
}

// newEndpoint serves TLS, unless plain. The SDK is told of it, and of its
// certificate, as an operator would. The handshakes, the first being 1, go on
// once shake returns, if there is one.
func newEndpoint(t *testing.T, plain bool, shake func(n int32)) *endpoint {
	t.Helper()
	e := &endpoint{}
	sdkEnv(t, nil)
	e.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.requests.Add(1)
		answer(w, r)
	}))
	e.Config.ErrorLog = log.New(io.Discard, "", 0)
	e.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			e.connections.Add(1)
		}
	}
	if plain {
		e.Start()
	} else {
		e.TLS = &tls.Config{
			MinVersion: tls.VersionTLS12,
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				if n := e.hellos.Add(1); shake != nil {
					shake(n)
				}
				return nil, nil
			},
			VerifyConnection: func(tls.ConnectionState) error { e.handshakes.Add(1); return nil },
		}
		e.StartTLS()
		bundle := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.Certificate().Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("AWS_CA_BUNDLE", bundle)
	}
	t.Cleanup(func() {
		e.CloseClientConnections()
		e.Close()
	})
	t.Setenv("AWS_ENDPOINT_URL_STS", e.URL)
	return e
}

// eventually waits for what happens in the background.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// vendTwice builds a handler, waits for ready, and vends twice.
func vendTwice(t *testing.T, changes map[string]string, ready func()) {
	t.Helper()
	env := map[string]string{config.STSTimeoutVar: "5s,9s", config.CacheVar: "off"}
	for name, value := range changes {
		env[name] = value
	}
	w := newWorld(t, env)
	h, err := New(t.Context(), w.getenv, w.trail, w.operator)
	if err != nil {
		t.Fatal(err)
	}
	ready()
	for range 2 {
		raw, err := h.Invoke(t.Context(), vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Ask(`{"target":"orders"}`)).Bytes())
		if err != nil || !strings.Contains(string(raw), `"statusCode":200`) {
			t.Fatalf("%s %v", raw, err)
		}
	}
	if got := text(t, w.trail); strings.Count(got, "\n") != 4 || strings.Contains(got, `"unknown"`) || strings.Contains(got, `"failed"`) {
		t.Errorf("the trail of two vends:\n%s", got)
	}
	if got := text(t, w.operator); strings.Count(got, "\n") != 1 {
		t.Errorf("the operator hears of more than the allowlist:\n%s", got)
	}
}

// TestEarlyConnection: the first vend finds a connection with TLS, and nothing
// has been sent on it.
func TestEarlyConnection(t *testing.T) {
	e := newEndpoint(t, false, nil)
	vendTwice(t, nil, func() {
		eventually(t, "no connection is opened", func() bool { return e.handshakes.Load() > 0 })
		if n := e.requests.Load(); n != 0 {
			t.Errorf("%d requests before the first vend", n)
		}
	})
	if e.connections.Load() != 1 || e.handshakes.Load() != 1 || e.requests.Load() != 2 {
		t.Errorf("%d connections, %d handshakes, %d requests; want 1, 1, 2", e.connections.Load(), e.handshakes.Load(), e.requests.Load())
	}
}

// bare is the client of one region by itself.
func bare(t *testing.T, e *endpoint, now func() time.Time) *early {
	t.Helper()
	roots := e.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return newEarly(httpClient().WithTransportOptions(func(tr *http.Transport) { tr.TLSClientConfig.RootCAs = roots }), now)
}

// post sends a request in the background.
func post(t *testing.T, c *early, url string) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("Action=AssumeRole"))
		if err == nil {
			var resp *http.Response
			if resp, err = (bodyKeeper{c}).Do(r); err == nil {
				err = resp.Body.Close()
			}
		}
		done <- err
	}()
	return done
}

// TestEarlyConnectionIsJoined: a request that comes while the connection is on
// its way does not open a second one beside it.
func TestEarlyConnectionIsJoined(t *testing.T) {
	hold := make(chan struct{})
	e := newEndpoint(t, false, func(int32) { <-hold })
	let := sync.OnceFunc(func() { close(hold) })
	t.Cleanup(let) // the endpoint closes after its handshakes
	early := bare(t, e, time.Now)
	early.patience = time.Minute
	early.start(sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &e.URL}))
	eventually(t, "no connection is opened", func() bool { return e.hellos.Load() == 1 })
	done := post(t, early, e.URL)
	time.Sleep(30 * time.Millisecond) // a second connection would take less
	if n := e.connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	let()
	if err := <-done; err != nil || e.requests.Load() != 1 {
		t.Errorf("%d requests, %v", e.requests.Load(), err)
	}
}

// TestEarlyConnectionOnlyFirstRegion: regions share an endpoint here, so a
// second connection would show.
func TestEarlyConnectionOnlyFirstRegion(t *testing.T) {
	e := newEndpoint(t, false, nil)
	vendTwice(t, map[string]string{config.STSRegionsVar: "us-east-1 us-west-2"}, func() {
		eventually(t, "no connection is opened", func() bool { return e.handshakes.Load() > 0 })
	})
	if n := e.connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestNoEarlyConnectionWithoutTLS: there is nothing to save.
func TestNoEarlyConnectionWithoutTLS(t *testing.T) {
	e := newEndpoint(t, true, nil)
	vendTwice(t, nil, func() {
		time.Sleep(50 * time.Millisecond) // a connection would take less
		if n := e.connections.Load(); n != 0 {
			t.Errorf("%d connections before the first vend", n)
		}
	})
}

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

// jumpyClock is a wall clock that a freeze moves on.
type jumpyClock struct {
	mu   sync.Mutex
	gone time.Duration
}

func (c *jumpyClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.gone)
}

func (c *jumpyClock) freeze(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone += d
}

// TestEarlyConnectionFrozen: Lambda freezes the function in the middle of the
// handshake. Whatever comes of it after the thaw carries no request.
func TestEarlyConnectionFrozen(t *testing.T) {
	for name, gap := range map[string]time.Duration{"an hour": time.Hour, "a clock that went back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			thawed, over := make(chan struct{}), make(chan struct{})
			e := newEndpoint(t, false, func(n int32) {
				if n == 1 {
					<-thawed
				} else if n == 2 { // the request's own: it comes to nothing, so that the request is handed the first
					<-over
				}
			})
			thaw := sync.OnceFunc(func() { close(thawed) })
			t.Cleanup(func() { thaw(); close(over) }) // the endpoint closes after its handshakes
			var clock jumpyClock
			early := bare(t, e, clock.now)
			early.patience = time.Minute // which it does not have for what is late
			early.start(sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &e.URL}))
			eventually(t, "no connection is opened", func() bool { return e.hellos.Load() == 1 })
			clock.freeze(gap)
			done := post(t, early, e.URL)
			eventually(t, "the request waits for what was frozen", func() bool { return e.hellos.Load() == 2 })
			thaw()
			if err := <-done; err != nil {
				t.Errorf("the request is lost: %v", err)
			}
			if e.connections.Load() != 3 || e.requests.Load() != 1 {
				t.Errorf("%d connections, %d requests; want 3, 1", e.connections.Load(), e.requests.Load())
			}
		})
	}
}

// TestDestination: the early connection goes where the SDK's own calls go.
func TestDestination(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"a region":     {nil, "https://sts.us-east-1.amazonaws.com/"},
		"FIPS":         {map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, "https://sts-fips.us-east-1.amazonaws.com/"},
		"dual stack":   {map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://sts.us-east-1.api.aws/"},
		"an override":  {map[string]string{"AWS_ENDPOINT_URL_STS": "https://vpce-1.sts.example:8443"}, "https://vpce-1.sts.example:8443/"},
		"for services": {map[string]string{"AWS_ENDPOINT_URL": "https://all.example"}, "https://all.example/"},
	} {
		t.Run(name, func(t *testing.T) {
			sdkEnv(t, nil)
			t.Setenv("AWS_ENDPOINT_URL_STS", "")
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			cfg, err := config.Load(newWorld(t, nil).getenv)
			if err != nil {
				t.Fatal(err)
			}
			clients, _, err := newClients(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(destination(t.Context(), clients[0])); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
