// Package containercreds serves vended credentials on this machine in AWS's
// container credentials protocol, so that a long-running program's SDK comes
// back for new ones by itself.
//
// It listens on loopback alone and answers whoever shows the random token of
// this run. It must not be reachable from elsewhere, and must not answer a web
// page that the user's browser was made to send here.
package containercreds

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/credvend/credvend/api"
)

// A Source gives credentials; it keeps them as long as they are good.
type Source interface {
	Vended(ctx context.Context) (api.Credentials, error)
}

// Server serves one Source.
type Server struct {
	// URL is for AWS_CONTAINER_CREDENTIALS_FULL_URI.
	URL string
	// Token is for AWS_CONTAINER_AUTHORIZATION_TOKEN: whoever has it gets the
	// credentials.
	Token api.Secret

	server *http.Server
	done   chan struct{}
}

// Start serves on a free port of 127.0.0.1 until Close. Failures of the source
// are given to report, which may be called from several goroutines.
func Start(ctx context.Context, source Source, report func(error)) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("a local port for the credentials cannot be opened: %w", err)
	}
	token := rand.Text()
	h := &handler{source: source, report: report, host: listener.Addr().String(), token: sha256.Sum256([]byte(token))}
	s := &Server{
		URL:   "http://" + h.host + path,
		Token: api.NewSecret(token),
		server: &http.Server{
			Handler:           h,
			ReadHeaderTimeout: 5 * time.Second,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
			BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		},
		done: make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			report(fmt.Errorf("the local port for the credentials failed: %w", err))
		}
	}()
	return s, nil
}

// Close stops serving.
func (s *Server) Close() error {
	err := s.server.Close()
	<-s.done
	return err
}

const path = "/credentials"

type handler struct {
	source Source
	report func(error)
	host   string // with the port
	token  [sha256.Size]byte
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	shown := sha256.Sum256([]byte(r.Header.Get("Authorization")))
	switch {
	case r.Host != h.host: // a name that was made to lead here (DNS rebinding)
		fail(w, http.StatusForbidden, "denied", "this is not the host that was asked for")
	case len(r.Header["Authorization"]) != 1 || subtle.ConstantTimeCompare(shown[:], h.token[:]) != 1:
		fail(w, http.StatusForbidden, "denied", "the Authorization header is not the token of this run")
	case r.URL.Path != path:
		fail(w, http.StatusNotFound, "not_found", "nothing is here")
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		fail(w, http.StatusMethodNotAllowed, "method_not_allowed", "only GET is answered")
	default:
		h.give(w, r)
	}
}

func (h *handler) give(w http.ResponseWriter, r *http.Request) {
	c, err := h.source.Vended(r.Context())
	if err == nil {
		// The service's document serves this protocol too; Token may be missing
		// where it was made by hand.
		c.Token = c.SessionToken
		var document []byte
		if document, err = c.Encode(); err == nil {
			head(w)
			_, _ = w.Write(document) // a client that left
			return
		}
	}
	if r.Context().Err() == nil {
		h.report(err)
	}
	// 4xx is not tried again by SDKs, which is left to the service's own 4xx.
	fail(w, http.StatusBadGateway, "unavailable", "credvend has no credentials to give: "+err.Error())
}

func head(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
}

func fail(w http.ResponseWriter, status int, code, message string) {
	head(w)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(api.NewError(code, message, "")) // a client that left
}
