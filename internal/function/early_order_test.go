package function

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestEarlyConnectionOvertaken: behind a request that was faster there is
// nothing to open. What asks for the early connection would be handed that
// request's, and be sent on it.
func TestEarlyConnectionOvertaken(t *testing.T) {
	e := newEndpoint(t, false, nil)
	early := bare(t, e, time.Now)
	if err := <-post(t, early, e.URL); err != nil {
		t.Fatal(err)
	}
	early.start(regionAt(e.URL))
	eventually(t, "it does not end", func() bool { return early.ended.Err() != nil })
	if e.connections.Load() != 1 || e.requests.Load() != 1 {
		t.Errorf("%d connections, %d requests; want 1, 1", e.connections.Load(), e.requests.Load())
	}
}

// TestEarlyConnectionIsAskedForAlone: what asks for it and a request are never
// about together.
func TestEarlyConnectionIsAskedForAlone(t *testing.T) {
	for name, begin := range map[string]func(*testing.T, *early, string){
		"a request waits":           func(t *testing.T, c *early, url string) { post(t, c, url) },
		"the early connection does": func(_ *testing.T, c *early, url string) { c.start(regionAt(url)) },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, false, nil)
			early := bare(t, e, time.Now)
			early.asking.Lock()
			begin(t, early, e.URL)
			time.Sleep(30 * time.Millisecond) // a connection would take less
			if n := e.connections.Load(); n != 0 {
				t.Errorf("%d connections", n)
			}
			early.asking.Unlock()
			eventually(t, "it waits on", func() bool { return e.handshakes.Load() == 1 })
		})
	}
}

// TestEarlyDialWaits: the connection is dialled when nobody is left who could
// send what asked for it.
func TestEarlyDialWaits(t *testing.T) {
	early := newEarly(httpClient(), time.Now)
	var gone atomic.Bool
	a := &attempt{early: early, gone: make(chan struct{})}
	a.giveUp = func() {
		go func() {
			gone.Store(true)
			close(a.gone)
		}()
	}
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	conn, err := a.dial(t.Context(), func(ctx context.Context, _, _ string) (net.Conn, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("a dial without end")
		}
		if !gone.Load() {
			t.Error("it dials too soon")
		}
		return near, nil
	}, "tcp", "192.0.2.1:443")
	if conn != near || err != nil {
		t.Errorf("%v, %v", conn, err)
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
				switch n {
				case 1:
					<-thawed
				case 2: // the request's own: late, so that the request would take the first
					<-over
				}
			})
			thaw := sync.OnceFunc(func() { close(thawed) })
			goOn := sync.OnceFunc(func() { close(over) })
			t.Cleanup(func() { thaw(); goOn() }) // the endpoint closes after its handshakes
			var clock jumpyClock
			early := bare(t, e, clock.now)
			early.start(regionAt(e.URL))
			eventually(t, "no connection is opened", func() bool { return e.hellos.Load() == 1 })
			clock.freeze(gap)
			done := post(t, early, e.URL)
			eventually(t, "the request waits for what was frozen", func() bool { return e.hellos.Load() == 2 })
			thaw()
			eventually(t, "the handshake does not end", func() bool { return early.ended.Err() != nil })
			time.Sleep(50 * time.Millisecond) // to be sent by the first would take less
			goOn()
			if err := <-done; err != nil {
				t.Errorf("the request is lost: %v", err)
			}
			if e.requests.Load() != 1 || e.onFirst.Load() != 0 {
				t.Errorf("%d requests, %d by the connection that was frozen; want 1, 0", e.requests.Load(), e.onFirst.Load())
			}
		})
	}
}

// TestEarlyConnectionFrozenBefore: after the thaw it is too late to begin.
func TestEarlyConnectionFrozenBefore(t *testing.T) {
	e := newEndpoint(t, false, nil)
	var clock jumpyClock
	early := bare(t, e, func() time.Time {
		defer clock.freeze(time.Hour) // as soon as it has begun
		return clock.now()
	})
	early.start(regionAt(e.URL))
	eventually(t, "it does not end", func() bool { return early.ended.Err() != nil })
	if n := e.connections.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}
