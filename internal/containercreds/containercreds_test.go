package containercreds

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"

	"github.com/credvend/credvend/api"
)

const secret = "vended-secret-access-key-example"

type source struct {
	mu    sync.Mutex
	calls int
	err   error
}

func (s *source) Vended(context.Context) (api.Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	return api.Credentials{
		Version: 1, AccessKeyID: "ASIAEXAMPLEVENDED000", SecretAccessKey: api.NewSecret(secret), SessionToken: api.NewSecret("session"),
		Expiration: time.Date(2026, 11, 22, 12, 30, 0, 0, time.UTC),
	}, s.err
}

func start(t *testing.T, s *source) (*Server, *[]error) {
	t.Helper()
	var reported []error
	server, err := Start(t.Context(), s, func(err error) { reported = append(reported, err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, &reported
}

// TestServesSDK: AWS's SDK for Go takes what it gets.
func TestServesSDK(t *testing.T) {
	server, _ := start(t, &source{})
	creds, err := endpointcreds.New(server.URL, func(o *endpointcreds.Options) { o.AuthorizationToken = server.Token.Reveal() }).Retrieve(t.Context())
	if err != nil || creds.SecretAccessKey != secret || creds.SessionToken != "session" || creds.Expires.IsZero() {
		t.Errorf("%v", err)
	}
}

// TestAnswersNobodyElse: not other programs' guesses, and not a web page.
func TestAnswersNobodyElse(t *testing.T) {
	s := &source{}
	server, _ := start(t, s)
	token := server.Token.Reveal()
	for _, c := range []struct {
		name, method, path, host string
		auth                     []string
		status                   int
	}{
		{"no token", "GET", path, "", nil, 403},
		{"an empty token", "GET", path, "", []string{""}, 403},
		{"a wrong token", "GET", path, "", []string{"x" + token[1:]}, 403},
		{"half a token", "GET", path, "", []string{token[:13]}, 403},
		{"as a bearer token", "GET", path, "", []string{"Bearer " + token}, 403},
		{"two tokens", "GET", path, "", []string{token, "x"}, 403},
		{"another name for this host", "GET", path, "evil.example.com", []string{token}, 403},
		{"localhost", "GET", path, "localhost:80", []string{token}, 403},
		{"another path", "GET", "/", "", []string{token}, 404},
		{"POST", "POST", path, "", []string{token}, 405},
		{"HEAD", "HEAD", path, "", []string{token}, 405},
		{"preflight of a page", "OPTIONS", path, "", nil, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), c.method, strings.TrimSuffix(server.URL, path)+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = c.host
			r.Header["Authorization"] = c.auth
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != c.status || strings.Contains(string(body), secret) || strings.Contains(string(body), token) {
				t.Errorf("%d %v", resp.StatusCode, err)
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("a page of another origin may read this")
			}
		})
	}
	if s.calls > 0 {
		t.Errorf("%d vends", s.calls)
	}
}

// TestSourceFails: the client is told, and so is the user.
func TestSourceFails(t *testing.T) {
	s := &source{err: errors.New("no rule allows it")}
	server, reported := start(t, s)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", server.Token.Reveal())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var said api.Error
	if err := json.NewDecoder(resp.Body).Decode(&said); err != nil || resp.StatusCode != 502 || !strings.Contains(said.MessageAWS, "no rule allows it") || len(*reported) != 1 {
		t.Errorf("%d %+v %v", resp.StatusCode, said, err)
	}
}

// TestLoopbackAlone, each run with a token and a port of its own.
func TestLoopbackAlone(t *testing.T) {
	one, _ := start(t, &source{})
	two, _ := start(t, &source{})
	if one.Token.Reveal() == two.Token.Reveal() || one.URL == two.URL || len(one.Token.Reveal()) < 26 {
		t.Error("two runs are alike")
	}
	host, _, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(one.URL, "http://"), path))
	if err != nil || host != "127.0.0.1" {
		t.Errorf("%s %v", one.URL, err)
	}
}
