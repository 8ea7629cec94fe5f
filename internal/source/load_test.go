package source

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSlowLoadsUnderLoad: 10,000 requests while the list changes 100 times and
// each load takes long. No request waits, for the list is always reloaded from
// half its maximal age, and none gets one that was replaced a maximal age ago.
func TestSlowLoadsUnderLoad(t *testing.T) {
	const clients, each, changes, latency = 8, 1250, 100, 50 * time.Millisecond
	onStage(t, func(t *testing.T, s *stage) {
		s.want("first", "one")
		s.loader.slow(latency)
		var mu sync.Mutex
		number := map[string]int{digest(t, "one"): 0} // of a digest
		at := []time.Time{time.Now()}                 // each was put up
		served := map[int]bool{}
		var wg sync.WaitGroup
		wg.Go(func() {
			for k := 1; k <= changes; k++ {
				time.Sleep(s.maxAge)
				rule := "rule-" + strconv.Itoa(k)
				mu.Lock()
				number[digest(t, rule)] = k
				at = append(at, time.Now())
				mu.Unlock()
				s.loader.set(rule)
			}
		})
		for client := range clients {
			wg.Go(func() {
				for range each {
					time.Sleep(4*time.Second + time.Duration(client)*200*time.Millisecond)
					start := time.Now()
					list, err := s.List(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					if took := time.Since(start); took != 0 {
						t.Errorf("waits %v", took)
					}
					mu.Lock()
					k, ok := number[list.Digest()]
					if served[k] = true; !ok {
						t.Error("a digest that never was")
					} else if k+1 < len(at) && time.Since(at[k+1]) >= s.maxAge {
						t.Errorf("list %d serves, replaced %v ago", k, time.Since(at[k+1]))
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(served) < changes {
			t.Errorf("%d of %d lists served", len(served), changes+1)
		}
	})
}

// TestAgesByTheWallClock: Lambda's freeze stops the monotonic clock, by which
// a list that is an hour old would be young.
func TestAgesByTheWallClock(t *testing.T) {
	s, err := New(Config{Loader: &fakeLoader{}, MaxAge: time.Minute, MaxStale: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if now := s.wall().String(); strings.Contains(now, " m=") {
		t.Errorf("%s has a monotonic reading", now)
	}
}
