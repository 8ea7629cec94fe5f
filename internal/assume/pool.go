package assume

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/scope"
)

const (
	// defaultCapacity is how many issuances a pool keeps.
	defaultCapacity = 1000
	// minLeft is the life that a reused credential must still have. botocore
	// asks again, and again, once less than 15 minutes are left.
	minLeft = 16 * time.Minute
	// sweepEvery is how often a full pool looks at all that it keeps, so that it
	// does not do so for each issuance.
	sweepEvery = time.Second
)

// How says where an issuance came from. Its zero value is a fresh one.
type How uint8

// The ways to an issuance.
const (
	Fresh  How = iota // issued for this request
	Reused            // issued for an earlier request, and kept
	Shared            // issued for a request that ran at the same time
)

// String is the word for logs and tests.
func (h How) String() string {
	switch h {
	case Reused:
		return "reused"
	case Shared:
		return "shared"
	default:
		return "fresh"
	}
}

// PoolConfig is what a Pool is made of.
type PoolConfig struct {
	Enabled  bool             // false: every request issues for itself
	Capacity int              // issuances kept; 0: 1,000
	Now      func() time.Time // nil: time.Now
}

// Pool reuses issuances, and lets one issuance answer all requests that ask
// for the same at the same time. It is safe for concurrent use.
//
// Failures are never kept: whoever fixes a trust policy sees it work at once.
type Pool struct {
	enabled  bool
	capacity int
	now      func() time.Time

	mu      sync.Mutex
	digest  string                   // of the allowlist under which everything here was issued
	kept    map[string]*list.Element // key → element of recent
	recent  *list.List               // of *entry, the latest used first
	flights map[flightKey]*flight
	swept   time.Time // when all of kept was last looked at
}

type entry struct {
	key    string
	issued Issued
}

// flightKey holds the digest too: a request that was decided under a new
// allowlist must not be answered by an issuance under the old one.
type flightKey struct{ digest, key string }

type flight struct {
	done   chan struct{} // closed when the rest is set
	issued Issued
	err    error
}

// NewPool returns an empty pool.
func NewPool(cfg PoolConfig) *Pool {
	p := &Pool{
		enabled:  cfg.Enabled,
		capacity: cfg.Capacity,
		now:      cfg.Now,
		kept:     make(map[string]*list.Element),
		recent:   list.New(),
		flights:  make(map[flightKey]*flight),
	}
	if p.capacity <= 0 {
		p.capacity = defaultCapacity
	}
	if p.now == nil {
		p.now = time.Now
	}
	return p
}

// Key is what two requests must share for one issuance to serve both: every
// input of STS but the receipt, and the caller, who is told by canonical
// principal, unique id and subject. Parts are hashed with their lengths, so
// that no two lists of parts run together.
func Key(s scope.Scope, caller ...string) string {
	b := make([]byte, 0, 2<<10) // most are shorter
	add := func(parts ...string) {
		b = binary.BigEndian.AppendUint64(b, uint64(len(parts)))
		for _, part := range parts {
			b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
			b = append(b, part...)
		}
	}
	add(s.RoleARN, s.ExternalID, s.CallerName, s.Policy, s.SourceIdentity)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Duration)) //nolint:gosec // its bits, whatever they say
	for i := range s.Tags {
		add(s.Tags[i].Key, s.Tags[i].Value)
	}
	add(caller...)
	sum := sha256.Sum256(b)
	return string(sum[:])
}

// Do returns an issuance for key: a kept one, one under way, or the result of
// issue. The digest is that of the allowlist under which the request was
// decided; another than the last one empties the pool.
//
// issue must audit its own outcome: what it returns without error is kept and
// handed out. It runs apart from the cancellation of ctx, since others may
// wait for it, but within its deadline. A caller whose ctx ends first gets
// Unavailable, and the issuance goes on. A ctx without an end has no such
// caller: then issue runs in the caller's own goroutine.
func (p *Pool) Do(ctx context.Context, key, digest string, issue func(context.Context) (Issued, error)) (Issued, How, error) {
	if !p.enabled {
		issued, err := issue(ctx)
		return issued, Fresh, err
	}
	if ctx.Err() != nil {
		return Issued{}, Fresh, gaveUp(ctx)
	}
	id := flightKey{digest, key}
	f, kept, how := p.enter(id)
	switch {
	case f == nil:
		return kept, how, nil
	case how == Fresh && ctx.Done() == nil:
		// Who cannot go away before the end need not wait beside it: a goroutine
		// would cost a change of threads, and a stack that grows anew each time.
		p.fly(ctx, id, f, issue)
	case how == Fresh:
		go p.fly(ctx, id, f, issue)
	}
	select {
	case <-f.done:
		return f.issued, how, f.err
	case <-ctx.Done():
	}
	select {
	case <-f.done: // both at once: the result counts
		return f.issued, how, f.err
	default:
		return Issued{}, how, gaveUp(ctx)
	}
}

func gaveUp(ctx context.Context) *fault.Error {
	f := fault.Wrap(fault.Unavailable, ctx.Err(), "the credentials were not issued in time; try again in a moment")
	f.RetryAfter = retryAfter
	return f
}

// enter returns a kept issuance, or the flight to wait for. A fresh one is the
// caller's to begin.
func (p *Pool) enter(id flightKey) (*flight, Issued, How) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.digest != id.digest {
		p.digest = id.digest
		clear(p.kept)
		p.recent.Init()
	}
	if e, ok := p.kept[id.key]; ok {
		if kept := e.Value.(*entry); reusable(kept.issued, p.wall()) {
			p.recent.MoveToFront(e)
			return nil, kept.issued, Reused
		}
		p.drop(e)
	}
	if f, ok := p.flights[id]; ok {
		return f, Issued{}, Shared
	}
	f := &flight{done: make(chan struct{})}
	p.flights[id] = f
	return f, Issued{}, Fresh
}

// fly runs issue and settles the flight, whatever issue does: a panic, or an
// end of its goroutine, must not leave callers waiting.
func (p *Pool) fly(ctx context.Context, id flightKey, f *flight, issue func(context.Context) (Issued, error)) {
	ctx, cancel := detach(ctx)
	defer cancel()
	returned := false
	defer func() {
		switch r := recover(); {
		case r != nil:
			// The panic's value is not told: it may hold anything.
			f.err = fault.Wrap(fault.Internal, fmt.Errorf("panic of type %T while issuing\n%s", r, debug.Stack()), "the issuance broke off")
		case !returned:
			f.err = fault.Wrap(fault.Internal, errors.New("the issuance ended without a result"), "the issuance broke off")
		}
		if f.err != nil {
			f.issued = Issued{}
		}
		p.land(id, f)
	}()
	f.issued, f.err = issue(ctx)
	returned = true
}

// land keeps a good result and lets the waiters go.
func (p *Pool) land(id flightKey, f *flight) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.flights, id)
	if f.err == nil && p.digest == id.digest && reusable(f.issued, p.wall()) {
		p.keep(id.key, f.issued)
	}
	close(f.done)
}

// keep stores an issuance, and makes room: first of what can no longer be
// reused, then of what was not used for longest.
func (p *Pool) keep(key string, issued Issued) {
	if e, ok := p.kept[key]; ok {
		p.drop(e)
	}
	p.kept[key] = p.recent.PushFront(&entry{key, issued})
	if len(p.kept) <= p.capacity {
		return
	}
	if now := p.wall(); now.Sub(p.swept).Abs() >= sweepEvery {
		p.swept = now
		p.sweep(now)
	}
	for len(p.kept) > p.capacity {
		p.drop(p.recent.Back())
	}
}

// sweep drops what can no longer be reused.
func (p *Pool) sweep(now time.Time) {
	for e := p.recent.Back(); e != nil; {
		older := e
		e = e.Prev()
		if !reusable(older.Value.(*entry).issued, now) {
			p.drop(older)
		}
	}
}

func (p *Pool) drop(e *list.Element) {
	delete(p.kept, e.Value.(*entry).key)
	p.recent.Remove(e)
}

// wall is the time without its monotonic reading, which stands still while
// Lambda freezes the environment.
func (p *Pool) wall() time.Time { return p.now().Round(0) }

// reusable reports whether four fifths of the life and minLeft remain. A clock
// that went back behind the issuance proves nothing about the life that is
// left, so it is taken as none.
func reusable(issued Issued, now time.Time) bool {
	life, left := issued.Expiration.Sub(issued.IssuedAt), issued.Expiration.Sub(now)
	return !now.Before(issued.IssuedAt) && left >= minLeft && 5*left >= 4*life
}

// detach keeps ctx's values and its deadline, not its cancellation.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Done() == nil {
		return ctx, func() {} // it is never cancelled
	}
	free := context.WithoutCancel(ctx)
	if d, ok := ctx.Deadline(); ok {
		return context.WithDeadline(free, d)
	}
	return context.WithCancel(free)
}
