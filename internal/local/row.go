package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/credvend/credvend/internal/local/wire"
)

// The row of ports, in this order from the first one on; the targets' APIs
// follow.
const (
	portView = iota
	portIAM
	portJWT
	portFunctionURL
	portREST
	portIssuer
	portSTS
	fixedPorts
)

// row is a row of loopback listeners, each with its server.
type row struct {
	listeners []net.Listener
	servers   []*http.Server
	urls      []string
	stray     func(wire.Stray) // told of what no handler sees; nil: nobody is
}

// listen opens n ports from first on. If first is the default and taken, or
// zero, it takes free ones.
func listen(first int, fixed bool, n int) (*row, error) {
	r, err := listenFrom(first, n)
	switch {
	case err == nil:
		return r, nil
	case !errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("opening loopback ports: %w", err)
	case fixed:
		return nil, fmt.Errorf("%w: free the ports %d to %d, or choose others with --port (0 takes any)", err, first, first+n-1)
	}
	if r, err = listenFrom(0, n); err != nil {
		return nil, fmt.Errorf("opening loopback ports: %w", err)
	}
	return r, nil
}

func listenFrom(first, n int) (*row, error) {
	r := &row{}
	for i := range n {
		port := 0
		if first > 0 {
			port = first + i
		}
		// Loopback alone: whoever can reach these ports can have the story's
		// credentials.
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) //nolint:noctx // does not block
		if err != nil {
			r.close()
			return nil, err
		}
		r.listeners = append(r.listeners, l)
		r.urls = append(r.urls, "http://"+l.Addr().String())
	}
	return r, nil
}

func (r *row) url(i int) string { return r.urls[i] }

// serve answers on the ith port.
func (r *row) serve(i int, h http.Handler) {
	s := &http.Server{
		Handler:           wire.Handler(h),
		ConnContext:       wire.ConnContext,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    wire.MaxHead, // the doors have limits of their own, and say so
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	r.servers = append(r.servers, s)
	go func(l net.Listener) { _ = s.Serve(l) }(wire.Listen(r.listeners[i], r.stray)) // ends with close
}

// ready waits until every port answers.
func (r *row) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	// STS redirects a bare GET to its page on the web: nobody follows.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, url := range r.urls {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return fmt.Errorf("%s does not answer: %w", url, err)
		}
		if err := resp.Body.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (r *row) close() {
	for _, s := range r.servers {
		_ = s.Close() // closes its listener too
	}
	for _, l := range r.listeners {
		_ = l.Close() // one that never served
	}
}
