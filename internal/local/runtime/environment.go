package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// environment is one execution environment: a place for a process, which is
// started when it is first needed and again after it has died.
type environment struct {
	settings *settings
	busy     int // invokes that have a place here; guarded by Function.mu

	mu      sync.Mutex
	current *sandbox
}

// sandbox gives the living process, starting one if there is none.
func (e *environment) sandbox(ctx context.Context) (*sandbox, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current != nil && !e.current.process.hasExited() {
		return e.current, nil
	}
	sb, err := newSandbox(ctx, e.settings)
	if err != nil {
		return nil, err
	}
	e.current = sb
	return sb, nil
}

func (e *environment) warm() bool {
	if !e.mu.TryLock() {
		return false // starting up
	}
	defer e.mu.Unlock()
	return e.current != nil && !e.current.process.hasExited()
}

func (e *environment) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current == nil {
		return nil
	}
	return e.current.close()
}

// run takes an invocation to its end: an answer, an error document, or a refusal
// because the function is being closed. It returns when the place is free again.
func (e *environment) run(closing context.Context, inv *invocation) {
	// A process may die between two invokes; that is not this invoke's fault. One
	// that keeps dying is.
	for range 3 {
		sb, err := e.sandbox(closing)
		var initErr *InitError
		switch {
		case closing.Err() != nil:
			inv.refuse(ErrClosed)
			return
		case errors.As(err, &initErr):
			inv.finish(initErr.document(inv.id), true)
			return
		case err != nil:
			inv.refuse(err)
			return
		}
		if !sb.deliver(closing, inv) {
			continue
		}
		e.await(closing, sb, inv)
		return
	}
	inv.finish(exitDocument(inv.id, "Runtime exited without providing a reason"), true)
}

// await waits for the end of an invocation that the process has taken. A function
// that passes its deadline is killed: Lambda would not use its environment again.
func (e *environment) await(closing context.Context, sb *sandbox, inv *invocation) {
	timer := time.NewTimer(e.settings.Timeout)
	defer timer.Stop()
	select {
	case <-inv.ended:
	case <-closing.Done():
		inv.refuse(ErrClosed)
	case <-timer.C:
		inv.finish(timeoutDocument(inv.id, e.settings.Timeout), true)
		sb.process.kill()
		<-sb.process.exited
	}
}

// invocation is one event on its way through the process.
type invocation struct {
	id, trace string
	payload   []byte
	done      chan outcome  // has room for the one outcome
	ended     chan struct{} // closed with it
	once      sync.Once
}

type outcome struct {
	Answer
	err error
}

func newInvocation(payload []byte, trace string) *invocation {
	return &invocation{id: newRequestID(), trace: trace, payload: payload, done: make(chan outcome, 1), ended: make(chan struct{})}
}

// end records the first outcome; it tells whether this was the first.
func (i *invocation) end(o outcome) (first bool) {
	i.once.Do(func() {
		first = true
		i.done <- o
		close(i.ended)
	})
	return first
}

func (i *invocation) finish(payload []byte, failed bool) bool {
	a := Answer{Payload: payload, RequestID: i.id}
	if failed {
		a.FunctionError = "Unhandled"
	}
	return i.end(outcome{Answer: a})
}

func (i *invocation) refuse(err error) { i.end(outcome{err: err}) }

func timeoutDocument(id string, timeout time.Duration) []byte {
	return errorDocument("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", id, timeout.Seconds()))
}

func exitDocument(id, reason string) []byte {
	return errorDocument("Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: %s", id, reason))
}
