package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/credvend/credvend/internal/local/oidc"
)

// keyPool makes three keys once for all tests: generating them takes long.
var keyPool = sync.OnceValue(func() []*rsa.PrivateKey {
	keys := make([]*rsa.PrivateKey, 3)
	for i := range keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = key
	}
	return keys
})

// world is an issuer that listens, a clock, and a count of requests for keys.
type world struct {
	issuer  *oidc.Issuer
	server  *httptest.Server
	now     atomic.Int64
	fetches atomic.Int64
	broken  atomic.Bool
}

func (w *world) clock() time.Time { return time.Unix(w.now.Load(), 0) }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{}
	w.now.Store(1_800_000_000)
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" {
			w.fetches.Add(1)
		}
		if w.broken.Load() {
			http.Error(rw, "down", http.StatusBadGateway)
			return
		}
		w.issuer.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.server.Close)
	next := 0
	issuer, err := oidc.New(oidc.Options{URL: w.server.URL, Audience: "web", Now: w.clock, NewKey: func() (*rsa.PrivateKey, error) {
		next++
		return keyPool()[(next-1)%3], nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.issuer = issuer
	return w
}

func (w *world) verifier(audience ...string) *oidc.Verifier {
	return oidc.NewVerifier(oidc.VerifierOptions{Issuer: w.server.URL, Audience: audience, Now: w.clock})
}

// ask posts a form to the token endpoint.
func (w *world) ask(t *testing.T, form string) (int, string) {
	t.Helper()
	resp, err := http.Post(w.server.URL+"/token", "application/x-www-form-urlencoded", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (w *world) token(t *testing.T, form string) string {
	t.Helper()
	status, body := w.ask(t, form)
	if status != http.StatusOK {
		t.Fatalf("token %q: %d %s", form, status, body)
	}
	return body
}

// sign makes a token the issuer would not make.
func sign(t *testing.T, key any, alg jose.SignatureAlgorithm, payload string, header map[jose.HeaderKey]any) string {
	t.Helper()
	o := &jose.SignerOptions{}
	for name, value := range header {
		o.WithHeader(name, value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
