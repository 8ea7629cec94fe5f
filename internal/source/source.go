// Package source holds the compiled allowlist, and reloads it from where it
// comes from.
//
// It fails closed: without a list that compiles there is no answer but
// Unavailable, and a list that does not compile never takes the place of one
// that does. It decides nothing with the list.
package source

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/fault"
)

const (
	// defaultWait is how long a request waits for a reload.
	defaultWait = 200 * time.Millisecond
	// loadTimeout ends a load that hangs.
	loadTimeout = 10 * time.Second
	retryAfter  = 1 * time.Second
)

// Payload is what a Loader brings.
type Payload struct {
	Document []byte // the allowlist as canonical JSON; nil if Unchanged
	Version  string // tells this document from every other; never empty
	// Unchanged says that the document is still that of the version that the
	// loader was told of.
	Unchanged bool
}

// Loader fetches the allowlist's document.
type Loader interface {
	// Load returns the document as it is now. Version is that of the last one
	// that was read, "" at first; if it still stands, Load may say so instead.
	// It must return soon after ctx ends.
	Load(ctx context.Context, version string) (Payload, error)
}

// Config is what a Source is made of.
type Config struct {
	Loader   Loader
	MaxAge   time.Duration    // an older list is reloaded before it serves
	MaxStale time.Duration    // up to this age it serves where a reload failed
	Wait     time.Duration    // a request's patience with a reload; 0: 200 ms
	Now      func() time.Time // nil: time.Now
	// Report hears of each change: another list, a failure, a recovery. A
	// failure that stays the same is told once per MaxAge. It is called by one
	// goroutine at a time and must not call the Source. It may be nil.
	Report func(Status)
}

// Source is the allowlist, kept current. It is safe for concurrent use.
//
// A list's age counts from the start of the load that last found it current,
// by the wall clock: Lambda may freeze the environment for an hour between
// the two ends of a load, and the monotonic clock with it.
type Source struct {
	loader        Loader
	maxAge, stale time.Duration
	wait          time.Duration
	now           func() time.Time
	report        func(Status)

	mu      sync.Mutex
	list    *allowlist.List // nil: none yet
	fresh   time.Time       // start of the load that last found list current
	version string          // of the document that was last read, good or bad
	bad     error           // why that document does not compile; nil if it is list's
	read    int             // number of the load that read it
	loads   int             // loads begun
	flight  *flight         // the latest load under way

	reportMu   sync.Mutex
	reported   string // the failure last told; "" if the last load went well
	reportedAt time.Time
}

// flight is one load under way. Loads are numbered, since one that was given up
// may end after one that began later; the clock may not tell, for it can go
// back.
type flight struct {
	number  int
	start   time.Time
	version string // of the document that was known when it began
	done    chan struct{}
	err     error
}

// errOvertaken ends a load that a later one has overtaken: it changes nothing,
// and is no failure.
var errOvertaken = errors.New("a later load was faster")

// New returns a source that has loaded nothing yet.
func New(cfg Config) (*Source, error) {
	if cfg.Loader == nil || cfg.MaxAge <= 0 || cfg.MaxStale < cfg.MaxAge {
		return nil, fmt.Errorf("source: it needs a loader, a maximal age above 0 (%v) and one for stale lists that is not less (%v)", cfg.MaxAge, cfg.MaxStale)
	}
	s := &Source{
		loader: cfg.Loader, maxAge: cfg.MaxAge, stale: cfg.MaxStale,
		wait: cfg.Wait, now: cfg.Now, report: cfg.Report,
	}
	if s.wait <= 0 {
		s.wait = defaultWait
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, nil
}

// List returns the allowlist to decide with. One younger than the maximal age
// serves at once. An older one serves only after a reload was tried and failed
// or took too long, and only up to the maximal stale age. Otherwise the error
// is a *fault.Error of kind Unavailable.
func (s *Source) List(ctx context.Context) (*allowlist.List, error) {
	var patience <-chan time.Time // made by whoever has to wait: nearly nobody
	var last error
	for {
		s.mu.Lock()
		now := s.wall()
		if s.list != nil && within(now.Sub(s.fresh), s.maxAge) {
			list := s.list
			if now.Sub(s.fresh) >= s.maxAge/2 {
				s.reload(ctx, now)
			}
			s.mu.Unlock()
			return list, nil
		}
		if last != nil { // a reload was tried, and failed
			s.mu.Unlock()
			return s.lastGood(last)
		}
		f := s.reload(ctx, now)
		s.mu.Unlock()
		if patience == nil {
			patience = time.After(s.wait)
		}
		select {
		case <-f.done:
			// A load that found the list current may have begun before a freeze,
			// and be too old by now: then the next turn begins another.
			last = f.err
		case <-patience:
			return s.lastGood(errors.New("the reload takes too long"))
		case <-ctx.Done():
			return s.lastGood(ctx.Err())
		}
	}
}

// Preload begins the first load and waits for its end, for as long as patience:
// at start a function has more of it than a request has. Whether it went well
// is told to Report, and by List.
func (s *Source) Preload(ctx context.Context, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s.mu.Lock()
	f := s.reload(ctx, s.wall())
	s.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
	}
}

// within reports whether age is less than limit. A negative age is a clock that
// went back, which proves nothing.
func within(age, limit time.Duration) bool { return age >= 0 && age < limit }

// lastGood returns the list that was last good, for want of a current one.
func (s *Source) lastGood(cause error) (*allowlist.List, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list != nil && within(s.wall().Sub(s.fresh), s.stale) {
		return s.list, nil
	}
	text := "credvend has no allowlist loaded; try again in a moment, and tell its operator if it stays so"
	if s.list != nil {
		text = "credvend's allowlist is out of date and cannot be reloaded; try again in a moment, and tell its operator if it stays so"
	}
	f := fault.Wrap(fault.Unavailable, cause, "%s", text)
	f.RetryAfter = retryAfter
	return nil, f
}

// reload joins the load under way, or begins one. A load that began so long
// ago that its result would be too old is left to itself. It is called with mu
// held.
func (s *Source) reload(ctx context.Context, now time.Time) *flight {
	if s.flight != nil && within(now.Sub(s.flight.start), s.maxAge) {
		return s.flight
	}
	s.loads++
	f := &flight{number: s.loads, start: now, version: s.version, done: make(chan struct{})}
	s.flight = f
	// The request that begins a load is not the only one to wait for it.
	free, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	go func() {
		defer cancel()
		s.load(free, f)
	}()
	return f
}

// load runs one load and settles its flight, whatever the loader and the
// compiler do.
func (s *Source) load(ctx context.Context, f *flight) {
	f.err = errors.New("the load ended without a result")
	defer func() {
		if r := recover(); r != nil {
			f.err = fmt.Errorf("panic of type %T while loading\n%s", r, debug.Stack())
		}
		s.mu.Lock()
		if s.flight == f {
			s.flight = nil
		}
		s.mu.Unlock()
		if errors.Is(f.err, errOvertaken) {
			f.err = nil
		} else {
			s.tell(f.err)
		}
		close(f.done)
	}()
	p, err := s.loader.Load(ctx, f.version)
	if err == nil {
		err = s.accept(f, p)
	}
	f.err = err
}

// accept takes in what was loaded. A document that was read before is not
// compiled again: neither a good one nor a bad one.
func (s *Source) accept(f *flight, p Payload) error {
	if p.Version == "" || p.Unchanged && p.Version != f.version {
		return errors.New("the loader does not tell the version of what it brings")
	}
	known := p.Version == f.version
	var list *allowlist.List
	var bad error
	if !known {
		list, bad = compile(p.Document)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.number < s.read || known && s.version != f.version {
		return errOvertaken
	}
	s.read = f.number
	if !known {
		s.version, s.bad = p.Version, bad
		if bad == nil {
			s.list = list
		}
	}
	if s.bad == nil {
		s.fresh = f.start
	}
	return s.bad
}

func compile(document []byte) (*allowlist.List, error) {
	doc, err := allowlist.Parse(document)
	if err != nil {
		return nil, fmt.Errorf("the allowlist cannot be read: %w", err)
	}
	list, err := allowlist.Compile(doc)
	if err != nil {
		return nil, fmt.Errorf("the allowlist does not compile: %w", err)
	}
	return list, nil
}

// wall is the time without its monotonic reading.
func (s *Source) wall() time.Time { return s.now().Round(0) }
