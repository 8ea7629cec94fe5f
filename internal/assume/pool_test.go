package assume

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/scope"
)

// mint is an issue function that counts its calls and issues for one life.
type mint struct {
	clock *clock
	life  time.Duration
	calls atomic.Int32
}

func (m *mint) issue(context.Context) (Issued, error) {
	n := m.calls.Add(1)
	now := m.clock.now()
	return Issued{Receipt: fmt.Sprint("receipt-", n), IssuedAt: now, Expiration: now.Add(m.life)}, nil
}

func TestReuseWindow(t *testing.T) {
	for _, tt := range []struct {
		life, after time.Duration
		want        How
	}{
		{time.Hour, 0, Reused},
		{time.Hour, 12 * time.Minute, Reused}, // four fifths are left
		{time.Hour, 12*time.Minute + time.Second, Fresh},
		{30 * time.Minute, 6 * time.Minute, Reused},
		{30 * time.Minute, 6*time.Minute + time.Second, Fresh},
		{18 * time.Minute, 2 * time.Minute, Reused}, // 16 minutes are left
		{18 * time.Minute, 2*time.Minute + time.Second, Fresh},
		{15 * time.Minute, 0, Fresh},
		{16*time.Minute - time.Second, 0, Fresh},
		{time.Hour, -time.Second, Fresh}, // the clock went back
		{time.Hour, 2 * time.Hour, Fresh},
	} {
		t.Run(fmt.Sprint(tt.life, " after ", tt.after), func(t *testing.T) {
			c := newClock()
			m := &mint{clock: c, life: tt.life}
			p := NewPool(PoolConfig{Enabled: true, Now: c.now})
			first, how, err := p.Do(t.Context(), "k", "d", m.issue)
			if err != nil || how != Fresh {
				t.Fatal(how, err)
			}
			c.advance(tt.after)
			second, how, err := p.Do(t.Context(), "k", "d", m.issue)
			if err != nil || how != tt.want || (second.Receipt == first.Receipt) != (tt.want == Reused) {
				t.Errorf("got %v %v, receipt %s", how, err, second.Receipt)
			}
		})
	}
}

func TestPoolKeepsKeysAndDigestsApart(t *testing.T) {
	c := newClock()
	m := &mint{clock: c, life: time.Hour}
	p := NewPool(PoolConfig{Enabled: true, Now: c.now})
	for i, tt := range []struct {
		key, digest string
		want        How
	}{
		{"k1", "d1", Fresh}, {"k1", "d1", Reused}, {"k2", "d1", Fresh}, {"k1", "d1", Reused},
		{"k1", "d2", Fresh}, {"k2", "d2", Fresh}, {"k1", "d2", Reused},
		{"k1", "d1", Fresh}, // what was issued under the first d1 is gone
	} {
		if _, how, err := p.Do(t.Context(), tt.key, tt.digest, m.issue); how != tt.want || err != nil {
			t.Errorf("step %d: %v %v, want %v", i, how, err, tt.want)
		}
	}
}

func TestPoolSwitchedOff(t *testing.T) {
	c := newClock()
	m := &mint{clock: c, life: time.Hour}
	p := NewPool(PoolConfig{Now: c.now})
	for range 3 {
		if _, how, err := p.Do(t.Context(), "k", "d", m.issue); how != Fresh || err != nil {
			t.Error(how, err)
		}
	}
	if m.calls.Load() != 3 || len(p.kept) != 0 {
		t.Errorf("%d calls, %d kept", m.calls.Load(), len(p.kept))
	}
}

func TestFailuresAreNeverKept(t *testing.T) {
	c := newClock()
	p := NewPool(PoolConfig{Enabled: true, Now: c.now})
	calls := 0
	bad := func(context.Context) (Issued, error) {
		calls++
		// Credentials beside an error: a careless issue function must not get them out.
		return Issued{Receipt: "leak", IssuedAt: c.now(), Expiration: c.now().Add(time.Hour)}, fault.New(fault.TargetMisconfigured, "no")
	}
	for range 3 {
		issued, _, err := p.Do(t.Context(), "k", "d", bad)
		if fault.Of(err).Kind != fault.TargetMisconfigured || issued.Receipt != "" {
			t.Errorf("%v %q", err, issued.Receipt)
		}
	}
	if calls != 3 || len(p.kept) != 0 || len(p.flights) != 0 {
		t.Errorf("calls %d, kept %d, flights %d", calls, len(p.kept), len(p.flights))
	}
}

// TestSingleFlight: many misses at once make one call, whether or not those who
// wait could go away.
func TestSingleFlight(t *testing.T) {
	for name, free := range map[string]func(context.Context) context.Context{
		"apart":    func(ctx context.Context) context.Context { return ctx },
		"in place": context.WithoutCancel,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { singleFlight(free(t.Context()), t) })
		})
	}
}

func singleFlight(ctx context.Context, t *testing.T) {
	t.Helper()
	c := newClock()
	m := &mint{clock: c, life: time.Hour}
	p := NewPool(PoolConfig{Enabled: true, Now: c.now})
	var wg sync.WaitGroup
	var fresh, shared atomic.Int32
	for range 50 {
		wg.Go(func() {
			issued, how, err := p.Do(ctx, "k", "d", func(ctx context.Context) (Issued, error) {
				time.Sleep(time.Second)
				return m.issue(ctx)
			})
			switch {
			case err != nil || issued.Receipt != "receipt-1":
				t.Error(err, issued.Receipt)
			case how == Fresh:
				fresh.Add(1)
			case how == Shared:
				shared.Add(1)
			}
		})
	}
	wg.Wait()
	if m.calls.Load() != 1 || fresh.Load() != 1 || shared.Load() != 49 {
		t.Errorf("%d calls, %d fresh, %d shared", m.calls.Load(), fresh.Load(), shared.Load())
	}
	if _, how, _ := p.Do(ctx, "k", "d", m.issue); how != Reused {
		t.Errorf("afterwards: %v", how)
	}
}

func TestFlightOutlivesTheCallerThatBeganIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		m := &mint{clock: c, life: time.Hour}
		p := NewPool(PoolConfig{Enabled: true, Now: c.now})
		slow := func(ctx context.Context) (Issued, error) {
			select {
			case <-ctx.Done():
				return Issued{}, ctx.Err()
			case <-time.After(time.Second):
				return m.issue(ctx)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone, got := make(chan error), make(chan How)
		go func() {
			_, _, err := p.Do(ctx, "k", "d", slow)
			gone <- err
		}()
		synctest.Wait()
		go func() {
			issued, how, err := p.Do(t.Context(), "k", "d", slow)
			if err != nil || issued.Receipt == "" {
				t.Error("the waiter lost its credential with the first caller:", err)
			}
			got <- how
		}()
		synctest.Wait()
		cancel()
		if err := <-gone; fault.Of(err).Kind != fault.Unavailable || fault.Of(err).RetryAfter == 0 {
			t.Errorf("the caller that went away: %v", err)
		}
		if how := <-got; how != Shared || m.calls.Load() != 1 {
			t.Errorf("%v after %d calls", how, m.calls.Load())
		}
	})
}

func TestFlightKeepsTheDeadlineAndTheValues(t *testing.T) {
	type name struct{}
	deadline := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(context.WithValue(t.Context(), name{}, "v"), deadline)
	defer cancel()
	p := NewPool(PoolConfig{Enabled: true})
	_, _, err := p.Do(ctx, "k", "d", func(ctx context.Context) (Issued, error) {
		if d, ok := ctx.Deadline(); !ok || !d.Equal(deadline) || ctx.Value(name{}) != "v" {
			return Issued{}, errors.New("lost them")
		}
		return Issued{}, nil
	})
	if err != nil {
		t.Error(err)
	}
	cancel()
	if _, _, err := p.Do(ctx, "k", "d", func(context.Context) (Issued, error) {
		t.Error("issued for a caller who is gone")
		return Issued{}, nil
	}); fault.Of(err).Kind != fault.Unavailable {
		t.Error(err)
	}
}

// TestDigestChangesDuringAFlight: its waiters get what they were granted, and
// nothing of it is kept under the new allowlist.
func TestDigestChangesDuringAFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		m := &mint{clock: c, life: time.Hour}
		p := NewPool(PoolConfig{Enabled: true, Now: c.now})
		done := make(chan struct{})
		go func() {
			defer close(done)
			issued, _, err := p.Do(t.Context(), "k", "old", func(ctx context.Context) (Issued, error) {
				time.Sleep(time.Second)
				return m.issue(ctx)
			})
			if err != nil || issued.Receipt != "receipt-2" {
				t.Error(err, issued.Receipt)
			}
		}()
		synctest.Wait()
		if issued, how, err := p.Do(t.Context(), "k", "new", m.issue); how != Fresh || err != nil || issued.Receipt != "receipt-1" {
			t.Errorf("joined a flight of the old allowlist: %v %v %s", how, err, issued.Receipt)
		}
		<-done
		if issued, how, _ := p.Do(t.Context(), "k", "new", m.issue); how != Reused || issued.Receipt != "receipt-1" {
			t.Errorf("afterwards: %v %s", how, issued.Receipt)
		}
	})
}

func TestIssueThatBreaksOffHangsNobody(t *testing.T) {
	for name, c := range map[string]struct {
		breakOff func()
		apart    bool // from the caller, who could go away
		told     int32
	}{
		"panic apart":     {func() { panic("PLANTED secret in a panic") }, true, 5},
		"panic in place":  {func() { panic("PLANTED secret in a panic") }, false, 5},
		"goexit apart":    {runtime.Goexit, true, 5},
		"goexit in place": {runtime.Goexit, false, 4}, // the caller that issues has ended
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := NewPool(PoolConfig{Enabled: true})
				ctx := t.Context()
				if !c.apart {
					ctx = context.WithoutCancel(ctx)
				}
				var wg sync.WaitGroup
				var told atomic.Int32
				for range 5 {
					wg.Go(func() {
						_, _, err := p.Do(ctx, "k", "d", func(context.Context) (Issued, error) {
							time.Sleep(time.Second)
							c.breakOff()
							return Issued{}, nil
						})
						told.Add(1)
						if err == nil || fault.Of(err).Kind != fault.Internal || strings.Contains(err.Error(), "PLANTED") {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				if told.Load() != c.told || len(p.flights) != 0 || len(p.kept) != 0 {
					t.Errorf("%d were told; %d flights and %d issuances are left behind", told.Load(), len(p.flights), len(p.kept))
				}
			})
		})
	}
}

func TestPoolIsBounded(t *testing.T) {
	c := newClock()
	m := &mint{clock: c, life: time.Hour}
	p := NewPool(PoolConfig{Enabled: true, Capacity: 3, Now: c.now})
	do := func(key string) How {
		t.Helper()
		_, how, err := p.Do(t.Context(), key, "d", m.issue)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.kept) > 3 || p.recent.Len() != len(p.kept) {
			t.Fatalf("%d kept, %d in order", len(p.kept), p.recent.Len())
		}
		return how
	}
	do("old")
	c.advance(10 * time.Minute)
	do("a")
	do("b")
	do("old") // the latest used, but soon past reuse
	c.advance(5 * time.Minute)
	do("c") // must make room of "old", which is used up, though "a" was used longer ago
	if _, kept := p.kept["old"]; kept {
		t.Error("what is used up stays")
	}
	if do("a") != Reused || do("b") != Reused || do("c") != Reused {
		t.Error("what could be reused went")
	}
	do("d")
	if _, kept := p.kept["a"]; kept || len(p.kept) != 3 {
		t.Error("the least recently used stays")
	}
}

func TestHowReads(t *testing.T) {
	if got := fmt.Sprint(Fresh, " ", Reused, " ", Shared); got != "fresh reused shared" {
		t.Error(got)
	}
}

func TestKeyTellsEverythingApart(t *testing.T) {
	base := testScope()
	caller := []string{"arn:aws:iam::444455556666:role/billing-service", "AROAEXAMPLE", "session"}
	keys := map[string]string{}
	add := func(name string, key string) {
		t.Helper()
		if other, taken := keys[key]; taken {
			t.Errorf("%s and %s share a key", name, other)
		}
		keys[key] = name
	}
	add("base", Key(base, caller...))
	for name, change := range map[string]func(*scope.Scope){
		"role":        func(s *scope.Scope) { s.RoleARN += "x" },
		"external id": func(s *scope.Scope) { s.ExternalID += "x" },
		"caller name": func(s *scope.Scope) { s.CallerName += "x" },
		"policy":      func(s *scope.Scope) { s.Policy += " " },
		"identity":    func(s *scope.Scope) { s.SourceIdentity += "x" },
		"duration":    func(s *scope.Scope) { s.Duration += time.Second },
		"no tags":     func(s *scope.Scope) { s.Tags = nil },
		"tag value":   func(s *scope.Scope) { s.Tags = []scope.Tag{s.Tags[0], {Key: "team", Value: "other"}} },
		"tag key":     func(s *scope.Scope) { s.Tags = []scope.Tag{s.Tags[0], {Key: "teamb", Value: "illing"}} },
		"tag order":   func(s *scope.Scope) { s.Tags = []scope.Tag{s.Tags[1], s.Tags[0]} },
		"shifted":     func(s *scope.Scope) { s.RoleARN, s.ExternalID = s.RoleARN+s.ExternalID, "" },
	} {
		s := base
		change(&s)
		add(name, Key(s, caller...))
	}
	add("another principal", Key(base, caller[0]+"x", caller[1], caller[2]))
	add("another unique id", Key(base, caller[0], "AROAOTHER", caller[2]))
	add("another subject", Key(base, caller[0], caller[1], "other"))
	add("shifted caller", Key(base, caller[0]+caller[1], "", caller[2]))
	add("fewer parts", Key(base, caller[0], caller[1]))
	tagged := base
	tagged.Tags = append(append([]scope.Tag(nil), base.Tags...), scope.Tag{Key: caller[0], Value: caller[1]})
	add("a caller that looks like a tag", Key(tagged, caller[2]))
	if Key(base, caller...) != Key(testScope(), caller...) {
		t.Error("the key is not a function of its inputs")
	}
	same := base
	same.Target, same.Rules, same.DurationLimitedBy = "other", []string{"x"}, "rule x"
	if Key(base, caller...) != Key(same, caller...) {
		t.Error("the key holds what STS never sees")
	}
}

// TestPoolIsolation: whatever the history of requests, nobody is handed what
// was issued for another key or digest, nor anything past its reuse.
func TestPoolIsolation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		p := NewPool(PoolConfig{Enabled: true, Capacity: rapid.IntRange(1, 4).Draw(t, "capacity"), Now: c.now})
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			c.advance(time.Duration(rapid.IntRange(0, 600).Draw(t, "advance")) * time.Second)
			key, digest := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "key"), rapid.SampledFrom([]string{"1", "1", "1", "2"}).Draw(t, "digest")
			life := time.Duration(rapid.IntRange(900, 3600).Draw(t, "life")) * time.Second
			issued, how, err := p.Do(context.Background(), key, digest, func(context.Context) (Issued, error) {
				return Issued{Receipt: key + "/" + digest, IssuedAt: c.now(), Expiration: c.now().Add(life)}, nil
			})
			if err != nil || issued.Receipt != key+"/"+digest {
				t.Fatalf("asked for %s/%s, got %s %v", key, digest, issued.Receipt, err)
			}
			left := issued.Expiration.Sub(c.now())
			if how == Reused && (left < minLeft || 5*left < 4*issued.Expiration.Sub(issued.IssuedAt)) {
				t.Fatalf("reused with %v left", left)
			}
		}
	})
}
