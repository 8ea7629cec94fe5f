package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// sandbox is one process with a Runtime API of its own, so that a process that is
// being killed cannot speak for its successor.
type sandbox struct {
	settings *settings
	server   *http.Server
	address  string
	process  *process
	next     chan handoff

	ready     chan struct{} // closed at the first /invocation/next
	readyOnce sync.Once
	initFault chan *InitError

	mu       sync.Mutex
	inFlight map[string]*invocation
	wanted   int // invocations about to be delivered: do not freeze
	dead     bool
	stopped  bool // the process is frozen
}

// handoff offers an invocation to a waiting process. taken says whether it was
// passed on: a process that has died meanwhile cannot take it.
type handoff struct {
	inv   *invocation
	taken chan bool
}

// newSandbox starts the API and the process, and waits for the process to come up.
func newSandbox(ctx context.Context, s *settings) (*sandbox, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the Runtime API cannot listen on loopback: %w", err)
	}
	sb := &sandbox{
		settings: s, address: ln.Addr().String(), next: make(chan handoff),
		ready: make(chan struct{}), initFault: make(chan *InitError, 1), inFlight: map[string]*invocation{},
	}
	sb.server = &http.Server{Handler: sb.handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = sb.server.Serve(ln) }() // ends with close
	sb.mu.Lock()                            // the process may call before it is recorded here
	sb.process, err = startProcess(s, sb.address)
	sb.mu.Unlock()
	if err != nil {
		return nil, errors.Join(err, sb.server.Close())
	}
	go sb.watch()
	timer := time.NewTimer(s.InitTimeout)
	defer timer.Stop()
	var fault *InitError
	select {
	case <-sb.ready:
		return sb, nil
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), sb.close())
	case fault = <-sb.initFault:
	case <-sb.process.exited:
		select { // it reported an error before it went
		case fault = <-sb.initFault:
		default:
			fault = &InitError{Type: "Runtime.ExitError", Message: sb.process.reason()}
		}
	case <-timer.C:
		fault = &InitError{Type: "Sandbox.Timedout", Message: fmt.Sprintf("Task timed out after %.2f seconds", s.InitTimeout.Seconds())}
	}
	return nil, errors.Join(fault, sb.close())
}

// watch ends what is under way when the process dies.
func (s *sandbox) watch() {
	<-s.process.exited
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
	for _, inv := range s.inFlight {
		inv.finish(exitDocument(inv.id, s.process.reason()), true)
	}
	_ = s.server.Close() // nobody is left to hear
}

// close kills the process and waits for it.
func (s *sandbox) close() error {
	s.process.kill()
	<-s.process.exited
	return s.server.Close()
}

// deliver waits until the process takes the invocation. false: it died, or it did
// not come back for more within the timeout and was killed. An event that was
// handed over is never handed over again, even if the process turns out to have
// died a moment before: it might have acted on it.
func (s *sandbox) deliver(closing context.Context, inv *invocation) bool {
	s.mu.Lock()
	s.wanted++
	if s.stopped {
		s.process.thaw()
		s.stopped = false
	}
	s.mu.Unlock()
	timer := time.NewTimer(s.settings.Timeout)
	defer timer.Stop()
	offer := handoff{inv: inv, taken: make(chan bool, 1)}
	select {
	case s.next <- offer:
		if <-offer.taken {
			return true
		}
	case <-s.process.exited:
	case <-closing.Done():
	case <-timer.C:
		s.process.kill()
		<-s.process.exited
	}
	s.mu.Lock()
	s.wanted--
	s.mu.Unlock()
	return false
}
