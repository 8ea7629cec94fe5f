// Package runtime plays the part of Lambda around a function's real bootstrap: it
// serves the Lambda Runtime API on a loopback port, runs the process with a clean
// environment, hands it one event after another, enforces timeouts and payload
// limits, and starts it anew after a crash.
//
// It must not look into events or answers, must not pass anything of its own
// environment to the process, and must not leave a process behind.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// MaxPayload is the most bytes that an event or an answer of a synchronous invoke
// may have: Lambda's 6 MB.
const MaxPayload = 6 * 1024 * 1024

// ErrClosed is returned for invokes of a function that was closed.
var ErrClosed = errors.New("the local function is closed: start it again")

// Options say what to run, and how.
type Options struct {
	// Bootstrap is the program and its arguments.
	Bootstrap []string
	// Env are the function's own variables, "NAME=value". Nothing else of the
	// parent's environment reaches the process; variables that Lambda reserves
	// for itself (AWS_LAMBDA_*, AWS_REGION, _HANDLER …) cannot be overridden.
	Env []string
	// Dir is the working directory; empty: the directory of the program.
	Dir string
	// FunctionARN is arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME. Region and
	// name in the process's environment come from it.
	FunctionARN string
	// Timeout of one invoke, in Lambda 1 to 900 s; 0 is Lambda's default of 3 s.
	Timeout time.Duration
	// InitTimeout is how long the process may take to ask for its first event;
	// 0 is Lambda's 10 s.
	InitTimeout time.Duration
	// MemoryMB is told to the process, not enforced; 0 is Lambda's default of 128.
	MemoryMB int
	// Environments is how many processes may run side by side, started as they
	// are needed; 0 is 1. Invokes beyond them wait.
	Environments int
	// Concurrency is how many invokes one process takes at once, as functions on
	// managed instances do; 0 is 1. Above one it is declared to the process in
	// AWS_LAMBDA_MAX_CONCURRENCY.
	Concurrency int
	// Freeze stops the process between invokes, as Lambda freezes an environment:
	// goroutines left behind do not run on. Linux only.
	Freeze bool
	// Stdout and Stderr get the process's output in whole lines, one write a line,
	// never two writes at once. Nil discards. Lines may arrive a moment after the
	// answer of the invoke that wrote them.
	Stdout, Stderr io.Writer
	// Now dates the log stream's name; nil is time.Now. Deadlines follow the real
	// clock in any case, since the process reads that one.
	Now func() time.Time
}

// String names the program and the function's variables. Values of Env may be
// secrets, so no form of printing shows them.
func (o Options) String() string {
	names := make([]string, len(o.Env))
	for i, entry := range o.Env {
		names[i], _, _ = strings.Cut(entry, "=")
	}
	return fmt.Sprintf("runtime.Options{Bootstrap: %q, FunctionARN: %q, Env: %q}", o.Bootstrap, o.FunctionARN, names)
}

// GoString is String.
func (o Options) GoString() string { return o.String() }

// LogValue is String.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.String()) }

// Answer is the outcome of one invoke.
type Answer struct {
	// Payload is what the function answered, or the error document.
	Payload []byte
	// FunctionError is empty on success, else "Unhandled", as in the header
	// X-Amz-Function-Error.
	FunctionError string
	// RequestID is the id that the function saw.
	RequestID string
}

// Function is a function that is ready to be invoked. It is safe for concurrent use.
type Function struct {
	settings *settings
	slots    chan struct{} // one token for each invoke that may run now
	closing  context.Context
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu           sync.Mutex
	closed       bool
	environments []*environment
}

// Start runs the process and waits until it asks for its first event. ctx bounds
// the start alone; Close ends the function. A process that does not come up gives
// an *InitError.
func Start(ctx context.Context, o Options) (*Function, error) {
	s, err := newSettings(o)
	if err != nil {
		return nil, err
	}
	closing, stop := context.WithCancel(context.WithoutCancel(ctx))
	f := &Function{settings: s, closing: closing, stop: stop, slots: make(chan struct{}, s.Environments*s.Concurrency)}
	for range s.Environments {
		f.environments = append(f.environments, &environment{settings: s})
	}
	if _, err := f.environments[0].sandbox(ctx); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Invoke hands payload to the function and waits for the answer. Failures of the
// function (an error, a crash, a timeout) are answers with a FunctionError, as
// Lambda's are. The error is for what Lambda itself refuses: *PayloadTooLargeError,
// ErrClosed, or ctx's own. A caller that gives up does not stop the function.
func (f *Function) Invoke(ctx context.Context, payload []byte) (Answer, error) {
	if len(payload) > MaxPayload {
		return Answer{}, &PayloadTooLargeError{Size: len(payload)}
	}
	if err := ctx.Err(); err != nil {
		return Answer{}, err
	}
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	case <-f.closing.Done():
		return Answer{}, ErrClosed
	}
	env := f.acquire()
	if env == nil {
		<-f.slots
		return Answer{}, ErrClosed
	}
	inv := newInvocation(payload, traceID(ctx, time.Now()))
	go func() {
		defer f.running.Done()
		env.run(f.closing, inv)
		f.release(env)
	}()
	select {
	case answer := <-inv.done:
		if answer.err != nil {
			return Answer{}, answer.err
		}
		return answer.Answer, nil
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
}

// Close kills the processes and waits until they are gone. Invokes under way end
// with ErrClosed. It may be called more than once.
func (f *Function) Close() error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.stop()
	f.running.Wait()
	var errs []error
	for _, env := range f.environments {
		errs = append(errs, env.close())
	}
	return errors.Join(errs...)
}

// acquire picks an environment with a free place: a warm one first, as Lambda
// does. It gives nil once the function is closed.
func (f *Function) acquire() *environment {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	var chosen *environment
	for _, env := range f.environments {
		if env.busy < f.settings.Concurrency && (chosen == nil || !chosen.warm() && env.warm()) {
			chosen = env
		}
	}
	if chosen != nil { // always: slots count the free places
		chosen.busy++
		f.running.Add(1)
	}
	return chosen
}

func (f *Function) release(env *environment) {
	f.mu.Lock()
	env.busy--
	f.mu.Unlock()
	<-f.slots
}

// PayloadTooLargeError refuses an event above MaxPayload; Lambda's status is 413.
type PayloadTooLargeError struct{ Size int }

func (e *PayloadTooLargeError) Error() string {
	return fmt.Sprintf("%d byte payload is too large for the RequestResponse invocation type (limit %d bytes)", e.Size, MaxPayload)
}

// InitError says why a process did not get as far as asking for an event.
type InitError struct {
	Type    string // Runtime.ExitError, Sandbox.Timedout, or what the runtime reported
	Message string
	Payload []byte // the document that the runtime reported, if it did
}

func (e *InitError) Error() string {
	return fmt.Sprintf("the function did not start: %s: %s; its own output says more", e.Type, e.Message)
}

// document is what an invoke is answered with whose environment did not start.
func (e *InitError) document(id string) []byte {
	if len(e.Payload) > 0 {
		return e.Payload
	}
	return errorDocument(e.Type, "RequestId: "+id+" Error: "+e.Message)
}
