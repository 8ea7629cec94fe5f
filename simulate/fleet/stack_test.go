package fleet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/local"
	"github.com/credvend/credvend/simulate/behaviour"
	"github.com/credvend/credvend/simulate/fleet"
)

// lines keeps the local stack's request log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// stsCalls is how many calls the local STS answered.
func (l *lines) stsCalls() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range strings.Lines(l.text.String()) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[1] == "sts" && strings.Contains(line, " 200 ") {
			n++
		}
	}
	return n
}

// localStack starts the two accounts with the real bootstrap.
func localStack(t *testing.T) (*local.Stack, *lines) {
	t.Helper()
	dir := t.TempDir()
	bootstrap := filepath.Join(dir, "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc,nethttpomithttp2", "-o", bootstrap, "./functions/vend")
	build.Dir = "../.."
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	log := &lines{}
	s, err := local.Start(t.Context(), local.Options{Dir: filepath.Join(dir, "local"), Bootstrap: []string{bootstrap}, Tool: "/opt/credvend", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s, log
}

// token is one of the local issuer, for a subject.
func token(t *testing.T, s *local.Stack, subject string) string {
	t.Helper()
	r, err := http.PostForm(s.World.IssuerURL+"/token", url.Values{"sub": {subject}, "groups": {"shoppers"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%d %v: %s", r.StatusCode, err, text)
	}
	return strings.TrimSpace(string(text))
}

// ask is a fetch as SDKs make it. It says whether it was throttled, or reused.
func ask(ctx context.Context, s *local.Stack, bearer string) (status int, reused bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.World.JWTURL+"/v1/credentials/orders", nil)
	if err != nil {
		return 0, false, err
	}
	r.Header.Set("Authorization", bearer)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = answer.Body.Close() }()
	var body struct{ Grant struct{ Reused bool } }
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return 0, false, fmt.Errorf("%d: %w", answer.StatusCode, err)
	}
	return answer.StatusCode, body.Grant.Reused, nil
}

// TestStack: 30 clients at the local stack, with the real bootstrap. What five
// minutes of commands would cost is asked in one go, so it costs the same:
// nothing that the function keeps grows too old in either.
func TestStack(t *testing.T) {
	s, log := localStack(t)
	const clients, rounds = 30, 5
	tokens := make([]string, clients)
	for i := range tokens {
		tokens[i] = token(t, s, fmt.Sprintf("subject-%d", i))
	}
	before := log.stsCalls()
	var got counts
	pace := time.NewTicker(25 * time.Millisecond) // below ThrottleRate, which is by the real clock
	defer pace.Stop()
	for range rounds {
		for _, bearer := range tokens {
			<-pace.C
			got.asked++
			status, reused, err := ask(t.Context(), s, bearer)
			for again := 0; status == http.StatusServiceUnavailable && again < 5; again++ { // STS did not answer in 400 ms: the machine is busy
				time.Sleep(200 * time.Millisecond)
				status, reused, err = ask(t.Context(), s, bearer)
			}
			switch {
			case err != nil:
				t.Fatal(err)
			case status != http.StatusOK:
				got.refused++
			case reused:
				got.kept++
			}
		}
	}
	got.sts = log.stsCalls() - before
	mix, err := behaviour.ParseMix("cli")
	if err != nil {
		t.Fatal(err)
	}
	c := fleet.Default(clients)
	c.Mix, c.Arrival, c.Ramp, c.Duration, c.Command = mix, fleet.Spread, time.Minute, 5*time.Minute, time.Minute
	asLocal(&c)
	want := predict(t, c)
	t.Logf("measured %+v, predicted %+v", got, want)
	// Commands come by lot in the simulation, so their number differs. That each
	// client is issued to once, and all else is reused, does not; but a machine that
	// is busy may start a second environment, which has to issue anew.
	const extra = clients / 2
	if got.sts < clients || got.sts > want.sts+extra || want.sts < clients || want.sts > clients+2 || got.kept != got.asked-got.sts || want.refused+got.refused != 0 {
		t.Errorf("measured %+v, predicted %+v", got, want)
	}

	// Then they all come at once, several times over: ThrottleRate and its burst.
	time.Sleep(2200 * time.Millisecond) // the burst is full again
	const flood = 400
	var admitted, throttled int
	var mu sync.Mutex
	began := time.Now()
	var all sync.WaitGroup
	for i := range flood {
		all.Go(func() {
			status, _, err := ask(t.Context(), s, tokens[i%clients])
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				t.Error(err)
			case status == http.StatusTooManyRequests:
				throttled++
			default: // by the door, whatever became of it on a busy machine
				admitted++
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	f := fleet.Default(flood)
	f.Mix, f.PerSession, f.PerRole, f.Ramp, f.Duration = mix, 1, 1, max(took.Truncate(time.Millisecond), time.Millisecond), took.Truncate(time.Second)+2*time.Second
	f.Mix[0].Kind.Tries = 1
	asLocal(&f)
	r, err := fleet.Run(f)
	if err != nil {
		t.Fatal(err)
	}
	// A request is admitted or not when it arrives, which is before took has passed.
	t.Logf("%d at once: measured %d admitted in %v, predicted %d", flood, admitted, took, r.Answered())
	least, most := int(f.Limits.RouteBurst), int(r.Answered())+2
	if admitted+throttled != flood || admitted < least || admitted > most {
		t.Errorf("of %d, %d were admitted and %d throttled in %v; at least %d were to be, and %d were predicted", flood, admitted, throttled, took, least, r.Answered())
	}
}

// asLocal makes the simulated service as quick as the local one is.
func asLocal(c *fleet.Config) {
	c.Service.STS, c.Service.STSSpread, c.Service.Platform, c.Service.Network = 3*time.Millisecond, 0, time.Millisecond, time.Millisecond
	c.Service.InitFrom, c.Service.InitTo = 4*time.Millisecond, 4*time.Millisecond
	c.Service.Idle, c.Service.MaxAge = time.Hour, time.Hour
}
