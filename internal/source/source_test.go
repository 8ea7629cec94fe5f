package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credvend/credvend/internal/fault"
)

// document is a small allowlist; another rule id makes another digest.
func document(rule string) []byte {
	return fmt.Appendf(nil, `{"version":1,
		"targets":{"orders":{"role":"arn:aws:iam::111122223333:role/orders-invoke","api":"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default"}},
		"callers":{"ci":{"iam":{"role":"arn:aws:iam::444455556666:role/ci"}}},
		"rules":[{"id":%q,"callers":["ci"],"target":"orders","routes":["GET /orders"]}]}`, rule)
}

func digest(t *testing.T, rule string) string {
	t.Helper()
	list, err := compile(document(rule))
	if err != nil {
		t.Fatal(err)
	}
	return list.Digest()
}

// fakeLoader brings what the test last set, after a delay.
type fakeLoader struct {
	mu      sync.Mutex
	payload Payload
	err     error
	delay   time.Duration
	hook    func() // after the delay
	loads   atomic.Int32
}

func (l *fakeLoader) set(rule string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.payload, l.err = Payload{Document: document(rule), Version: rule}, nil
}

func (l *fakeLoader) breakWith(document string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.payload, l.err = Payload{Document: []byte(document), Version: "bad " + document}, err
}

func (l *fakeLoader) slow(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = d
}

// Load takes its picture first, and brings it after the delay: as a response
// that is long on its way.
func (l *fakeLoader) Load(ctx context.Context, version string) (Payload, error) {
	l.loads.Add(1)
	l.mu.Lock()
	p, err, delay, hook := l.payload, l.err, l.delay, l.hook
	l.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return Payload{}, ctx.Err()
		}
	}
	if hook != nil {
		hook()
	}
	if err == nil && p.Version == version {
		return Payload{Version: version, Unchanged: true}, nil
	}
	return p, err
}

// stage is a source in virtual time, with what it reported. A freeze moves the
// wall clock alone, as Lambda does.
type stage struct {
	*Source
	t      *testing.T
	loader *fakeLoader
	frozen atomic.Int64

	mu      sync.Mutex
	reports []Status
}

func onStage(t *testing.T, run func(t *testing.T, s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, loader: &fakeLoader{}}
		s.loader.set("one")
		var err error
		s.Source, err = New(Config{
			Loader: s.loader, MaxAge: time.Minute, MaxStale: time.Hour,
			Now: func() time.Time { return time.Now().Add(time.Duration(s.frozen.Load())) },
			Report: func(st Status) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.reports = append(s.reports, st)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		run(t, s)
		time.Sleep(2 * loadTimeout) // loads that are under way end
	})
}

func (s *stage) freeze(d time.Duration) { s.frozen.Add(int64(d)) }

func (s *stage) want(what, rule string) {
	s.t.Helper()
	list, err := s.List(s.t.Context())
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
	if list.Digest() != digest(s.t, rule) {
		s.t.Errorf("%s: not the list %q", what, rule)
	}
}

// wantUnavailable wants a refusal that tells the caller text, and the caller no
// cause.
func (s *stage) wantUnavailable(what, text, cause string) {
	s.t.Helper()
	list, err := s.List(s.t.Context())
	f := fault.Of(err)
	if err == nil || list != nil || f.Kind != fault.Unavailable || f.RetryAfter == 0 {
		s.t.Fatalf("%s: %v %v", what, list, err)
	}
	if !strings.Contains(f.Public(), text) || !strings.Contains(f.Error(), cause) || strings.Contains(f.Public(), cause) {
		s.t.Errorf("%s: says %q, and to the log %q", what, f.Public(), f.Error())
	}
}

func (s *stage) wantLoads(what string, n int32) {
	s.t.Helper()
	synctest.Wait()
	if got := s.loader.loads.Load(); got != n {
		s.t.Errorf("%s: %d loads, want %d", what, got, n)
	}
}

func TestAges(t *testing.T) {
	onStage(t, func(_ *testing.T, s *stage) {
		s.want("first", "one")
		s.wantLoads("first", 1)
		time.Sleep(29 * time.Second)
		s.want("young", "one")
		s.wantLoads("young", 1)

		s.loader.set("two")
		time.Sleep(time.Second)
		s.want("from half the age it serves on", "one")
		s.wantLoads("and reloads behind", 2)
		s.want("then the new one", "two")

		s.loader.set("three")
		time.Sleep(time.Minute)
		s.want("too old: it waits for the new one", "three")
		s.wantLoads("too old", 3)
	})
}

func TestUnchangedDocumentIsNotCompiledAgain(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.want("first", "one")
		before := s.list
		for range 5 {
			time.Sleep(time.Minute)
			s.want("again", "one")
		}
		s.wantLoads("once a minute", 6)
		if s.list != before {
			t.Error("compiled again")
		}
		if len(s.reports) != 1 {
			t.Errorf("reports %+v", s.reports)
		}
	})
}

func TestFailedReload(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.want("first", "one")
		s.loader.breakWith("", errors.New("no such file"))
		time.Sleep(59 * time.Minute)
		s.want("stale, reload failed", "one")
		s.wantLoads("it was tried", 2)
		s.want("each request tries", "one")
		s.wantLoads("each request tries", 3)
		time.Sleep(time.Minute - time.Nanosecond)
		s.want("to the last moment", "one")
		time.Sleep(time.Nanosecond)
		s.wantUnavailable("too stale", "out of date", "no such file")
		s.loader.set("two")
		s.want("mended", "two")
		if last := s.reports[len(s.reports)-1]; last.Err != nil || last.Digest != digest(t, "two") || last.Age != 0 {
			t.Errorf("last report %+v", last)
		}
	})
}

func TestNoListAtStart(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.loader.breakWith("", errors.New("no such file"))
		s.wantUnavailable("missing", "no allowlist loaded", "no such file")
		s.wantUnavailable("still missing", "no allowlist loaded", "no such file")
		s.loader.breakWith("{}", nil)
		s.wantUnavailable("an empty document allows nobody in", "no allowlist loaded", "the allowlist ")
		s.loader.set("one")
		s.want("there", "one")
		s.wantLoads("each request tried", 4)
	})
}

// TestBadDocumentNeverReplacesAGoodOne: and it is told, once a minute, not for
// each request.
func TestBadDocumentNeverReplacesAGoodOne(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.want("first", "one")
		s.loader.breakWith(`{"version":1,"rulez":[]}`, nil)
		time.Sleep(time.Minute)
		for range 10 {
			s.want("the good one serves", "one")
		}
		if len(s.reports) != 2 || s.reports[1].Err == nil || s.reports[1].Digest != digest(t, "one") || s.reports[1].Age != time.Minute {
			t.Fatalf("reports %+v", s.reports)
		}
		time.Sleep(time.Minute)
		s.want("the good one serves", "one")
		if len(s.reports) != 3 {
			t.Errorf("a lasting failure must be told again: %+v", s.reports)
		}
		s.loader.breakWith(`{"version":1,"other":[]}`, nil)
		s.want("another bad one", "one")
		if len(s.reports) != 4 {
			t.Errorf("another failure must be told: %+v", s.reports)
		}
		s.loader.set("one")
		s.want("back to the good one", "one")
		if len(s.reports) != 5 || s.reports[4].Err != nil {
			t.Errorf("a recovery must be told: %+v", s.reports)
		}
		time.Sleep(59 * time.Second)
		s.loader.breakWith(`{"version":1,"rulez":[]}`, nil)
		s.want("it is young again", "one")
	})
}

func TestSlowReload(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.want("first", "one")
		s.loader.set("two")
		s.loader.slow(5 * time.Second)
		time.Sleep(time.Minute)
		start := time.Now()
		s.want("too slow: the last good one serves", "one")
		if took := time.Since(start); took != 200*time.Millisecond {
			t.Errorf("waited %v", took)
		}
		for range 3 {
			s.want("and again", "one")
		}
		s.wantLoads("one load for all of them", 2)
		time.Sleep(5 * time.Second)
		s.want("it came", "two")
		s.wantLoads("one load for all of them", 2)

		s.loader.slow(time.Hour)
		time.Sleep(2 * time.Hour)
		s.wantUnavailable("too slow and too stale", "out of date", "too long")
	})
}

func TestARequestThatEnds(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.loader.slow(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		if _, err := s.List(ctx); fault.Of(err).Kind != fault.Unavailable || time.Since(start) != 50*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		time.Sleep(time.Second)
		s.want("the load it began went on", "one")
		s.wantLoads("the load it began went on", 1)
	})
}

func TestManyRequestsMakeOneLoad(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.loader.slow(100 * time.Millisecond)
		for round := range 3 {
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					if _, err := s.List(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			s.wantLoads("round", int32(round)+1)
			time.Sleep(time.Minute)
		}
	})
}

// TestFrozenLoad: a load begun before a freeze brings a picture from before
// the freeze, however late it ends.
func TestFrozenLoad(t *testing.T) {
	onStage(t, func(_ *testing.T, s *stage) {
		s.want("first", "one")
		time.Sleep(40 * time.Second)
		s.loader.slow(50 * time.Millisecond)
		s.want("a refresh begins behind", "one") // and takes its picture: "one"
		s.wantLoads("a refresh begins behind", 2)
		s.freeze(50 * time.Minute)
		s.loader.set("two") // meanwhile
		s.want("thawed: it must look again", "two")
	})
	onStage(t, func(_ *testing.T, s *stage) {
		s.want("first", "one")
		time.Sleep(40 * time.Second)
		s.want("a refresh ends behind", "one")
		s.wantLoads("a refresh ends behind", 2)
		s.freeze(time.Minute)
		s.loader.breakWith("", errors.New("down"))
		s.want("tried, failed, stale", "one")
		s.wantLoads("tried", 3)
		s.freeze(time.Hour)
		s.wantUnavailable("an hour of frozen time is an hour", "out of date", "down")
	})
}

// TestFreezeDuringALoad: the freeze falls between the two ends of the load
// that a request waits for.
func TestFreezeDuringALoad(t *testing.T) {
	onStage(t, func(_ *testing.T, s *stage) {
		s.loader.mu.Lock()
		s.loader.hook = func() { // runs once
			s.loader.mu.Lock()
			s.loader.hook = nil
			s.loader.mu.Unlock()
			s.loader.set("two")
			s.freeze(time.Hour)
		}
		s.loader.mu.Unlock()
		s.want("a load that is an hour old is not current", "two")
		s.wantLoads("it looked again", 2)
	})
}

// TestOvertakenLoad: an old load that ends late does not bring back an old
// list.
func TestOvertakenLoad(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.want("first", "one")
		s.loader.set("old")
		s.loader.slow(5 * time.Second)
		time.Sleep(time.Minute)
		s.want("it takes long", "one")
		s.freeze(2 * time.Minute)
		s.loader.set("new")
		s.loader.slow(0)
		s.want("a later load is faster", "new")
		time.Sleep(10 * time.Second)
		s.loader.breakWith("", errors.New("down")) // so that no reload mends it
		s.want("the old one came since", "new")
		for _, r := range s.reports {
			if r.Err != nil {
				t.Errorf("no failure, but told: %v", r.Err)
			}
		}
	})
}

func TestClockThatGoesBack(t *testing.T) {
	onStage(t, func(_ *testing.T, s *stage) {
		s.want("first", "one")
		s.freeze(-time.Hour)
		s.loader.set("two")
		s.want("its age is unknown: it reloads", "two")
		s.want("and is well again", "two")
		s.wantLoads("and is well again", 2)
	})
}

type panicLoader struct{}

func (panicLoader) Load(context.Context, string) (Payload, error) { panic("PLANTED") }

func TestBrokenLoaders(t *testing.T) {
	for name, l := range map[string]Loader{
		"panics":                    panicLoader{},
		"no version":                loaderFunc(func() (Payload, error) { return Payload{Document: document("one")}, nil }),
		"unchanged since never":     loaderFunc(func() (Payload, error) { return Payload{Unchanged: true}, nil }),
		"unchanged, other version":  loaderFunc(func() (Payload, error) { return Payload{Unchanged: true, Version: "x"}, nil }),
		"no document":               loaderFunc(func() (Payload, error) { return Payload{Version: "x"}, nil }),
		"hangs, ignoring its limit": loaderFunc(func() (Payload, error) { time.Sleep(time.Minute); return Payload{}, errors.New("late") }),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := New(Config{Loader: l, MaxAge: time.Minute, MaxStale: time.Hour})
				if err != nil {
					t.Fatal(err)
				}
				for range 2 {
					list, err := s.List(t.Context())
					if list != nil || err == nil || fault.Of(err).Kind != fault.Unavailable || strings.Contains(err.Error(), "PLANTED") {
						t.Errorf("%v %v", list, err)
					}
				}
				time.Sleep(time.Hour) // let what hangs end
			})
		})
	}
}

type loaderFunc func() (Payload, error)

func (f loaderFunc) Load(context.Context, string) (Payload, error) { return f() }

// TestConcurrently is for the race detector: requests, changes and failures at
// once, on a clock that races.
func TestConcurrently(t *testing.T) {
	var tick atomic.Int64
	good := map[string]bool{digest(t, "a"): true, digest(t, "b"): true}
	l := &fakeLoader{}
	l.set("a")
	s, err := New(Config{
		Loader: l, MaxAge: time.Second, MaxStale: 1 << 62, Wait: time.Minute,
		Now:    func() time.Time { return time.Unix(0, tick.Add(int64(10*time.Millisecond))) },
		Report: func(Status) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				switch (i + j) % 20 {
				case 0:
					l.set("a")
				case 1:
					l.set("b")
				case 2:
					l.breakWith("{", nil)
				case 3:
					l.breakWith("", errors.New("down"))
				default:
					if list, err := s.List(t.Context()); err != nil || !good[list.Digest()] {
						t.Errorf("%v %v", list, err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	l := &fakeLoader{}
	for name, cfg := range map[string]Config{
		"no loader":         {MaxAge: 1, MaxStale: 1},
		"no age":            {Loader: l, MaxStale: 1},
		"stale before aged": {Loader: l, MaxAge: 2, MaxStale: 1},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
