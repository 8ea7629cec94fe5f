package blackbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// runtimeAPI is what of Lambda's Runtime API a function needs: a minimal one,
// that shares no code with the one of `credvend local`.
type runtimeAPI struct {
	server *httptest.Server
	queue  chan *invocation
	polled chan struct{} // closed at the first request for an event
	once   sync.Once
	idle   atomic.Int32 // requests for an event that wait

	mu      sync.Mutex
	pending map[string]*invocation
	issued  int
}

// invocation is one event and what comes of it.
type invocation struct {
	id       string
	event    []byte
	deadline time.Duration // from the moment it is handed over
	answered chan outcome
	ends     time.Time // set when it is handed over
}

// outcome is what the function posted.
type outcome struct {
	body   []byte
	failed bool // posted as an error, which Lambda reports as a crash
	late   bool // after the deadline
}

func newRuntimeAPI(tb testing.TB) *runtimeAPI {
	tb.Helper()
	r := &runtimeAPI{queue: make(chan *invocation), polled: make(chan struct{}), pending: map[string]*invocation{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", r.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{kind}", r.answer)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	r.server = httptest.NewServer(mux)
	tb.Cleanup(func() {
		r.server.CloseClientConnections()
		r.server.Close()
	})
	return r
}

func (r *runtimeAPI) address() string { return strings.TrimPrefix(r.server.URL, "http://") }

// next hands out one event. It waits as long as the function does.
func (r *runtimeAPI) next(w http.ResponseWriter, req *http.Request) {
	r.once.Do(func() { close(r.polled) })
	r.idle.Add(1)
	defer r.idle.Add(-1)
	select {
	case <-req.Context().Done():
	case inv := <-r.queue:
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:444455556666:function:vend")
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")
		h.Set("Content-Type", "application/json")
		inv.ends = time.Now().Add(inv.deadline)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.ends.UnixMilli(), 10))
		_, _ = w.Write(inv.event)
	}
}

func (r *runtimeAPI) answer(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	r.mu.Lock()
	inv := r.pending[req.PathValue("id")]
	delete(r.pending, req.PathValue("id"))
	r.mu.Unlock()
	if inv == nil || err != nil {
		http.Error(w, "no such invocation", http.StatusBadRequest)
		return
	}
	inv.answered <- outcome{body, req.PathValue("kind") != "response", time.Now().After(inv.ends)}
	w.WriteHeader(http.StatusAccepted)
}

// add makes an invocation that is not handed over yet.
func (r *runtimeAPI) add(event []byte, deadline time.Duration) *invocation {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.issued++
	inv := &invocation{id: fmt.Sprintf("00000000-0000-4000-8000-%012d", r.issued), event: event, deadline: deadline, answered: make(chan outcome, 1)}
	r.pending[inv.id] = inv
	return inv
}

// deliver hands an invocation to the function once it asks.
func (r *runtimeAPI) deliver(ctx context.Context, inv *invocation) error {
	select {
	case r.queue <- inv:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
