package function

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// endpoint is an STS that counts what reaches it.
type endpoint struct {
	*httptest.Server
	connections, hellos, handshakes, requests atomic.Int32

	first   atomic.Value // address of the client's end of the first connection
	onFirst atomic.Int32 // requests that came by it
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
		if r.RemoteAddr == e.first.Load() {
			e.onFirst.Add(1)
		}
		answer(w, r)
	}))
	e.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	e.Config.ConnState = func(c net.Conn, s http.ConnState) {
		if s == http.StateNew && e.connections.Add(1) == 1 {
			e.first.Store(c.RemoteAddr().String())
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

// bare is the client of one region by itself. Whatever waits for the early
// connection and should not waits too long for its test.
func bare(t *testing.T, e *endpoint, now func() time.Time) *early {
	t.Helper()
	roots := e.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c := newEarly(httpClient().WithTransportOptions(func(tr *http.Transport) { tr.TLSClientConfig.RootCAs = roots }), now)
	c.limit, c.patience = time.Minute, time.Minute // more than any test has
	return c
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
				_, _ = io.Copy(io.Discard, resp.Body) // so that the connection is kept
				err = resp.Body.Close()
			}
		}
		done <- err
	}()
	return done
}

// regionAt is a client of an STS that is at url.
func regionAt(url string) *sts.Client {
	return sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &url})
}
