package assume

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	c := newClock()
	l := NewLimiter(RateConfig{PerSecond: 10, Burst: 3, Now: c.now})
	for i := range 3 {
		if ok, _ := l.Allow("a"); !ok {
			t.Fatalf("call %d of the burst refused", i)
		}
	}
	for range 5 { // a refused call costs nothing
		if ok, after := l.Allow("a"); ok || after != 100*time.Millisecond {
			t.Fatalf("over the burst: %v %v", ok, after)
		}
	}
	if ok, _ := l.Allow("b"); !ok {
		t.Error("one caller's calls count against another")
	}
	c.advance(99 * time.Millisecond)
	if ok, _ := l.Allow("a"); ok {
		t.Error("allowed too early")
	}
	c.advance(time.Millisecond)
	if ok, after := l.Allow("a"); !ok || after != 0 {
		t.Errorf("refused once the time is over: %v", after)
	}
	c.advance(-time.Hour) // a clock that goes back must not lock anyone out for an hour
	if ok, after := l.Allow("a"); ok || after > time.Second {
		t.Errorf("after the clock went back: %v %v", ok, after)
	}
	c.advance(2 * time.Hour)
	for i := range 3 {
		if ok, _ := l.Allow("a"); !ok {
			t.Errorf("call %d refused after a long rest", i)
		}
	}
	if ok, _ := l.Allow("a"); ok {
		t.Error("the burst grew with the rest")
	}
}

func TestLimiterIsBounded(t *testing.T) {
	c := newClock()
	l := NewLimiter(RateConfig{PerSecond: 1, Burst: 1, Capacity: 100, Now: c.now})
	for i := range 1000 {
		l.Allow(fmt.Sprint(i))
	}
	if len(l.known) != 100 || l.recent.Len() != 100 {
		t.Errorf("remembers %d callers", len(l.known))
	}
	if ok, _ := l.Allow("999"); ok {
		t.Error("forgot the latest caller")
	}
	if ok, _ := l.Allow("0"); !ok {
		t.Error("a forgotten caller must begin anew")
	}
	if l := NewLimiter(RateConfig{PerSecond: 1, Burst: 1}); l.capacity != 10_000 {
		t.Errorf("capacity %d", l.capacity)
	}
}

func TestLimiterEdges(t *testing.T) {
	var off *Limiter
	if ok, after := off.Allow("a"); !ok || after != 0 {
		t.Error("a nil limiter limits")
	}
	if ok, after := NewLimiter(RateConfig{PerSecond: 1}).Allow("a"); ok || after != never {
		t.Errorf("no burst: %v %v", ok, after)
	}
	l := NewLimiter(RateConfig{PerSecond: 0, Burst: 1})
	l.Allow("a")
	if ok, after := l.Allow("a"); ok || after != never {
		t.Errorf("no rate: %v %v", ok, after)
	}
}

func TestLimiterConcurrently(t *testing.T) {
	c := newClock()
	l := NewLimiter(RateConfig{PerSecond: 1, Burst: 20, Capacity: 10, Now: c.now})
	var allowed atomic.Int32
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if ok, _ := l.Allow("a"); ok {
				allowed.Add(1)
			}
		})
	}
	wg.Wait()
	if allowed.Load() != 20 {
		t.Errorf("%d allowed of a burst of 20", allowed.Load())
	}
}
