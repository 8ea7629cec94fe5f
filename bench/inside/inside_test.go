package inside_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/bench/inside"
	"github.com/credvend/credvend/bench/report"
	"github.com/credvend/credvend/internal/assume"
	"github.com/credvend/credvend/internal/racedetector"
)

func quick(t *testing.T) report.Env {
	return report.Env{Root: "../..", Dir: t.TempDir(), Quick: true, Log: t.Logf}
}

func value(t *testing.T, s report.Section, of, what string) float64 {
	t.Helper()
	for _, f := range s.Figures {
		if f.Of == of && f.What == what {
			return f.Value
		}
	}
	t.Fatalf("section %s has no %s of %s", s.Name, what, of)
	return 0
}

// Whose allocations they are adds up, and nothing is left out.
func TestInProcess(t *testing.T) {
	s, err := inside.InProcess(t.Context(), quick(t))
	if err != nil {
		t.Fatal(err)
	}
	whole := value(t, s, "credvend", "allocations")
	parts := value(t, s, "credvend: the SDK's", "allocations") + value(t, s, "credvend: the runtime loop's", "allocations") + value(t, s, "credvend: its own", "allocations")
	if whole != parts {
		t.Errorf("%v allocations, and %v in parts", whole, parts)
	}
	for _, f := range s.Figures {
		if f.What != "p50 beyond the minimal handler's" && f.What != "CPU" && f.Value <= 0 { // which noise may put anywhere
			t.Errorf("%+v", f)
		}
	}
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		t.Error("the variable of the Runtime API is left for programs that are started later")
	}
}

// What concerns neither caller costs neither an allocation.
func TestDecide(t *testing.T) {
	role, token, file, err := inside.Decided(10, quick(t))
	if err != nil {
		t.Fatal(err)
	}
	moreRole, moreToken, more, err := inside.Decided(3000, quick(t))
	if err != nil {
		t.Fatal(err)
	}
	if role != moreRole && !racedetector.On || token != moreToken && !racedetector.On || more < 50*file {
		t.Errorf("%d and %d allocations under 10 rules, %d and %d under 3,000; %v and %v MiB", role, token, moreRole, moreToken, file, more)
	}
}

func TestSectionEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := inside.Decide(ctx, quick(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// One call for each key, however many miss it at once.
func TestStampede(t *testing.T) {
	for _, c := range []struct{ keys, callers int }{{1, 200}, {20, 10}} {
		calls, err := inside.Stampede(t.Context(), c.keys, c.callers)
		if err != nil || calls != int64(c.keys) {
			t.Errorf("%d keys, %d callers of each: %d calls, %v", c.keys, c.callers, calls, err)
		}
	}
}

func TestRefreshing(t *testing.T) {
	const clients = 10_000
	for name, c := range map[string]struct {
		over        time.Duration
		next        func(assume.Issued, string) time.Time
		least, most int // of the peak
		rounds      int // refreshes of each client, at most
	}{
		"together, by the expiration":    {0, inside.Stock, clients, clients, 4},
		"in a minute, by the expiration": {time.Minute, inside.Stock, clients / 60, clients/60 + 1, 4},
		"together, by refreshAfter":      {0, inside.Advised, 28, 200, 10},
		"in a minute, by refreshAfter":   {time.Minute, inside.Advised, 28, 100, 10},
	} {
		seconds, peak := inside.Refreshing(c.over, c.next)
		total := 0
		for _, n := range seconds {
			total += n
		}
		if peak < c.least || peak > c.most || total <= 4*clients || total > clients*(1+c.rounds) {
			t.Errorf("%s: a peak of %d, %d calls in all", name, peak, total)
		}
	}
}

// answer is a handler that always answers the same.
type answer string

func (a answer) Invoke(context.Context, []byte) ([]byte, error) {
	if a == "" {
		return nil, errors.New("it fails")
	}
	return []byte(a), nil
}

// echo answers with the event that it got.
type echo struct{ got string }

func (e *echo) Invoke(_ context.Context, event []byte) ([]byte, error) {
	e.got = string(event)
	return []byte(`{"statusCode":200,"body":"` + strings.Repeat("x", 100_000) + `"}`), nil
}

// The loop hands each event to the handler whose turn it is, and tells a 200
// from all else.
func TestLoop(t *testing.T) {
	run, err := inside.Loop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := run(answer(`{"statusCode":200}`), []byte(`{}`)); err != nil {
			t.Error(err)
		}
		if run(answer(`{"statusCode":403}`), []byte(`{}`)) == nil {
			t.Error("a refusal passes for an answer")
		}
		e := &echo{}
		event := `{"body":"` + strings.Repeat("y", 50_000) + `"}`
		if err := run(e, []byte(event)); err != nil || e.got != event {
			t.Errorf("a long event: %v, %d bytes", err, len(e.got))
		}
	}
}

func TestFigures(t *testing.T) {
	for n, want := range map[int]string{0: "0", 10: "10", 999: "999", 1000: "1,000", 100_000: "100,000", 1_234_567: "1,234,567"} {
		if got := inside.Thousands(n); got != want {
			t.Errorf("%d is written %s", n, got)
		}
	}
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1}, 5}, {[]float64{9, 1, 2}, 2}} {
		if got := inside.Median(c.values); got != c.want {
			t.Errorf("the median of %v is %v", c.values, got)
		}
	}
}
