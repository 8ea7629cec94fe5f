package local

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// occupied is a port that somebody else has.
func occupied(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

func port(t *testing.T, raw string) int {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if u.Hostname() != "127.0.0.1" {
		t.Errorf("%s is not on loopback", raw)
	}
	n, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPorts: a row of ports, one after the other, or whichever are free.
func TestPorts(t *testing.T) {
	// A row that is free now may be taken in a moment by another test's client:
	// try some.
	t.Run("a row", func(t *testing.T) {
		for range 20 {
			first := occupied(t) + 100
			r, err := listen(first, true, 3)
			if errors.Is(err, syscall.EADDRINUSE) || first > 65000 {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				if got := port(t, r.url(i)); got != first+i {
					t.Errorf("port %d of the row is %d, want %d", i, got, first+i)
				}
			}
			r.close()
			return
		}
		t.Skip("no free row of ports was found here")
	})
	t.Run("zero", func(t *testing.T) {
		r, err := listen(0, true, 3)
		if err != nil {
			t.Fatal(err)
		}
		defer r.close()
		if port(t, r.url(0)) == port(t, r.url(1)) {
			t.Error("one port twice")
		}
	})
	for _, ahead := range []int{0, 2} {
		t.Run("the default is busy, place "+strconv.Itoa(ahead), func(t *testing.T) {
			busy := occupied(t)
			r, err := listen(busy-ahead, false, 3)
			if err != nil {
				t.Fatal(err)
			}
			defer r.close()
			for i := range 3 {
				if got := port(t, r.url(i)); got == busy {
					t.Errorf("port %d belongs to somebody else", got)
				}
			}
		})
		t.Run("a fixed one is busy, place "+strconv.Itoa(ahead), func(t *testing.T) {
			busy := occupied(t)
			_, err := listen(busy-ahead, true, 3)
			if err == nil || !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "--port (0 takes any)") {
				t.Errorf("%v", err)
			}
		})
	}
	t.Run("no port", func(t *testing.T) {
		if _, err := listen(65535, false, 3); err == nil || !strings.Contains(err.Error(), "opening loopback ports") {
			t.Errorf("%v", err)
		}
	})
}

// TestStartWithBusyPort: the default gives way, what was asked for does not.
func TestStartWithBusyPort(t *testing.T) {
	o := options(t)
	o.Port = occupied(t)
	s := start(t, o)
	if port(t, s.World.ViewURL) == o.Port {
		t.Error("the port belongs to somebody else")
	}
	o = options(t)
	o.Port, o.PortFixed = occupied(t), true
	if _, err := Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "free the ports "+strconv.Itoa(o.Port)+" to ") {
		t.Errorf("%v", err)
	}
}

// TestView: the live view knows the addresses, is nowhere stored, and stands
// alone; and it shows what passes.
func TestView(t *testing.T) {
	s := start(t, options(t))
	resp, err := http.Get(s.World.ViewURL + "/")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.Header.Get("Cache-Control") != "no-store" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("headers %v", resp.Header)
	}
	if status, _ := (call{method: "GET", url: s.World.Targets[0].URL + "/orders/42"}).send(t); status != http.StatusForbidden {
		t.Errorf("an unsigned call: %d", status)
	}
	_, page := call{method: "GET", url: s.World.ViewURL + "/state"}.send(t)
	for _, part := range []string{
		s.World.URL, s.World.JWTURL, s.World.FunctionURL, s.World.RESTURL, s.World.IssuerURL, s.World.STSURL, s.World.Targets[0].URL,
		"billing-service", "stranger", "outsider", "/orders/42",
	} {
		if !strings.Contains(string(page), part) {
			t.Errorf("the view lacks %s", part)
		}
	}
	if status, _ := (call{method: "GET", url: s.World.ViewURL + "/favicon.ico"}).send(t); status != http.StatusNotFound {
		t.Errorf("another path: %d", status)
	}
}
