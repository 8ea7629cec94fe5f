// Package wire keeps what net/http drops of a connection: how a client spelt its
// header names, which events of REST APIs repeat, and that something came which
// was no request and never reached a handler.
//
// It watches bytes pass and changes none. It decides nothing about a request,
// must not be believed about where one ends (net/http decides that; where the
// two disagree, the spelling is given up), and keeps no header's value.
package wire

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
)

// MaxHead is the most of one request's head that is looked at, in bytes. It is
// for http.Server's MaxHeaderBytes too, which takes a little more.
const MaxHead = 64 << 10

// Stray is something that came and was no request that a handler saw.
type Stray struct {
	From string // the peer's address
	To   string // the local address it came to
	What string // for people: what it seems to have been, without what it held
}

// Listen wraps a listener. report, if not nil, is told of strays once their
// connection has been closed; it may be called from many goroutines.
func Listen(l net.Listener, report func(Stray)) net.Listener { return listener{l, report} }

type listener struct {
	net.Listener
	report func(Stray)
}

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, report: l.report}, nil
}

// conn is a connection whose incoming bytes are watched.
type conn struct {
	net.Conn
	report func(Stray)

	mu     sync.Mutex
	watch  watcher
	heads  []head // seen whole and not yet claimed by a handler
	closed bool
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.mu.Lock()
		c.heads = append(c.heads, c.watch.see(b[:n])...)
		c.mu.Unlock()
	}
	return n, err
}

// Close implements net.Conn, and reports what no handler claimed.
func (c *conn) Close() error {
	c.mu.Lock()
	what := ""
	if !c.closed {
		c.closed = true
		what = c.watch.stray(c.heads)
	}
	c.mu.Unlock()
	if what != "" && c.report != nil {
		c.report(Stray{From: c.RemoteAddr().String(), To: c.LocalAddr().String(), What: what})
	}
	return c.Conn.Close()
}

// CloseWrite lets net/http end an answer before the connection, as it does with
// a TCP connection, so that a client which still writes gets to read it.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// SetLinger is that of a TCP connection.
func (c *conn) SetLinger(seconds int) error {
	if tcp, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return tcp.SetLinger(seconds)
	}
	return nil
}

type connKey struct{}

// ConnContext is for http.Server.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if watched, ok := c.(*conn); ok {
		return context.WithValue(ctx, connKey{}, watched)
	}
	return ctx
}

type namesKey struct{}

// Handler claims each request before it hands it on.
func Handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*conn); ok {
			if names := c.claim(r); names != nil {
				r = r.WithContext(context.WithValue(r.Context(), namesKey{}, names))
			}
		}
		h.ServeHTTP(w, r)
	})
}

// claim finds the head of a request, which is the oldest that is not claimed.
func (c *conn) claim(r *http.Request) map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.heads) == 0 {
		c.watch.why = "" // it was not too much for net/http
		return nil
	}
	h := c.heads[0]
	c.heads = c.heads[1:]
	if h.line != r.Method+" "+r.RequestURI+" "+r.Proto {
		// The ends of an earlier request were seen otherwise than net/http sees
		// them: nothing that follows can be trusted.
		c.watch.give()
		c.heads = nil
		return nil
	}
	return h.names
}

// Spelling is how the client wrote a header's name; without knowledge it is the
// name as it stands. Of several spellings of one name it is the first.
func Spelling(r *http.Request, name string) string {
	names, _ := r.Context().Value(namesKey{}).(map[string]string)
	if sent, ok := names[strings.ToLower(name)]; ok {
		return sent
	}
	return name
}
