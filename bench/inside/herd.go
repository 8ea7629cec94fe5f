package inside

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/credvend/credvend/bench/inside/hotpath"
	"github.com/credvend/credvend/bench/report"
	"github.com/credvend/credvend/internal/assume"
	"github.com/credvend/credvend/internal/scope"
	"github.com/credvend/credvend/internal/vend"
)

// stsDelay is how long STS takes in a herd: long enough for all of it to come
// while the first call is under way.
const stsDelay = time.Second

// Herd measures what is asked of STS when many want credentials at once.
func Herd(ctx context.Context, e report.Env) (report.Section, error) {
	s := report.Section{
		Name: "herd", Title: "Herd: what reaches STS when many come at once",
		Note: "Misses: goroutines that call one handler at once, with an STS that takes a second. " +
			"Refresh: computed, by a clock that does not run, with the refreshAfter that the service answers; without it a client asks again 5 minutes before the end, as the Go and JavaScript SDKs do. " +
			"The peak is of the two hours after the first vends; credentials live for 30 minutes.",
	}
	for _, h := range []struct {
		title         string
		keys, callers int
	}{
		{"1,000 misses of one key", 1, 1000},
		{"100 misses of each of 100 keys", 100, 100},
	} {
		e.Log("herd: %s", h.title)
		calls, err := stampede(ctx, h.keys, h.callers, stsDelay)
		if err != nil {
			return s, fmt.Errorf("%s: %w", h.title, err)
		}
		s.Figures = append(s.Figures, limited(figure(h.title, "STS calls", float64(calls), "calls"), float64(h.keys)))
	}
	s.Figures = refreshes(s.Figures)
	return s, nil
}

// slowIssuer is an STS that takes its time, and counts.
type slowIssuer struct {
	vend.Issuer
	delay time.Duration
	calls atomic.Int64
}

// Assume implements vend.Issuer.
func (i *slowIssuer) Assume(ctx context.Context, s scope.Scope, receipt string) (assume.Issued, []assume.Attempt, error) {
	i.calls.Add(1)
	select {
	case <-time.After(i.delay):
		return i.Issuer.Assume(ctx, s, receipt)
	case <-ctx.Done():
		return assume.Issued{}, nil, ctx.Err()
	}
}

// stampede has so many callers for each of so many keys ask one function at
// once, and returns how often that asked STS, which takes a while. Each must get
// credentials.
func stampede(ctx context.Context, keys, callers int, delay time.Duration) (calls int64, err error) {
	clock := hotpath.Running()
	issuer := &slowIssuer{Issuer: hotpath.NewIssuer(clock), delay: delay}
	f, err := hotpath.NewFunction(clock, issuer, nil)
	if err != nil {
		return 0, err
	}
	ctx, end := hotpath.Context(ctx)
	defer end()
	var all sync.WaitGroup
	begin := make(chan struct{})
	failed := make([]error, keys*callers)
	for i := range failed {
		// Each session of the role is an individual, and so a key of its own.
		event := hotpath.BillingSession(fmt.Sprintf("i-%017d", i%keys))
		all.Go(func() {
			<-begin
			answer, err := f.Handler.Invoke(ctx, event)
			failed[i] = hotpath.Answers(http.StatusOK, answer, err)
		})
	}
	close(begin)
	all.Wait()
	return issuer.calls.Load(), errors.Join(failed...)
}
