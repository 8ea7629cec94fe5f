package source

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
)

// pair is the allowlist number k. Two rules bear the number: a grant by one of
// them, or with two numbers, is half a list.
func pair(k int) []byte {
	return fmt.Appendf(nil, `{"version":1,
		"targets":{"orders":{"role":"arn:aws:iam::111122223333:role/orders-invoke","api":"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default"}},
		"callers":{"ci":{"iam":{"role":"arn:aws:iam::444455556666:role/ci"}}},
		"rules":[{"id":"a-%[1]d","callers":["ci"],"target":"orders","routes":["GET /v%[1]d/a"]},
			{"id":"b-%[1]d","callers":["ci"],"target":"orders","routes":["GET /v%[1]d/b"]}]}`, k)
}

func wantPair(t *testing.T, list *allowlist.List, k int) {
	t.Helper()
	ci := identity.Caller{Kind: identity.IAM, Principal: arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.Role, Name: "ci"}}
	d := list.Decide(ci, allowlist.Request{Target: "orders"})
	if !d.Allowed() {
		t.Errorf("list %d: %v", k, d.Refusal())
		return
	}
	var routes []string
	for _, r := range d.Grant.Routes {
		routes = append(routes, r.String())
	}
	if !slices.Equal(d.Grant.Rules, []string{fmt.Sprintf("a-%d", k), fmt.Sprintf("b-%d", k)}) ||
		!slices.Equal(routes, []string{fmt.Sprintf("GET /v%d/a", k), fmt.Sprintf("GET /v%d/b", k)}) {
		t.Errorf("list %d grants %v by %v", k, routes, d.Grant.Rules)
	}
}

// put puts up list k, and returns its digest.
func (l *fakeLoader) put(t *testing.T, k int) string {
	t.Helper()
	list, err := compile(pair(k))
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.payload, l.err = Payload{Document: pair(k), Version: list.Digest()}, nil
	return list.Digest()
}

// TestSlowLoadsUnderLoad: 10,000 requests while the list changes 100 times and
// each load takes long. No request waits, for the list is always reloaded from
// half its maximal age, and none gets one that was replaced a maximal age ago.
func TestSlowLoadsUnderLoad(t *testing.T) {
	const clients, each, changes, latency = 8, 1250, 100, 50 * time.Millisecond
	onStage(t, func(t *testing.T, s *stage) {
		number := map[string]int{s.loader.put(t, 0): 0} // of a digest
		at := []time.Time{time.Now()}                   // each was put up
		if _, err := s.List(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.loader.slow(latency)
		var mu sync.Mutex
		served := map[int]bool{}
		var wg sync.WaitGroup
		wg.Go(func() {
			for k := 1; k <= changes; k++ {
				time.Sleep(s.maxAge)
				mu.Lock()
				number[s.loader.put(t, k)] = k
				at = append(at, time.Now())
				mu.Unlock()
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
					wantPair(t, list, k)
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
