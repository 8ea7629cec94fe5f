package function

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/config"
	"github.com/credvend/credvend/internal/vendtest"
)

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

// TestEarlyConnectionIsJoined: a request that comes while the connection is on
// its way does not open a second one beside it.
func TestEarlyConnectionIsJoined(t *testing.T) {
	hold := make(chan struct{})
	e := newEndpoint(t, false, func(int32) { <-hold })
	let := sync.OnceFunc(func() { close(hold) })
	t.Cleanup(let) // the endpoint closes after its handshakes
	early := bare(t, e, time.Now)
	early.start(regionAt(e.URL))
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
