package process

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// roleVar makes the test binary a program of the bench: what it does with an
// event.
const roleVar = "BENCH_TEST_PROGRAM"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVar); role {
	case "":
		if name := filepath.Base(os.Args[0]); slices.Contains([]string{bare, echo, minimal, credvend}, name) {
			lambda.Start((&understudy{name: name, seen: map[string]bool{}}).answer)
		}
		os.Exit(m.Run())
	case "dies":
		_, _ = os.Stderr.WriteString("a variable is missing\n")
		os.Exit(3)
	default:
		lambda.Start(func(_ context.Context, event json.RawMessage) (any, error) {
			switch role {
			case "fails":
				return nil, errors.New("no")
			case "dies over an event":
				os.Exit(4)
			case "waits":
				time.Sleep(100 * time.Millisecond)
			case "hangs":
				time.Sleep(time.Hour)
			}
			return map[string]any{"statusCode": 200, "event": event, "environ": os.Environ()}, nil
		})
	}
}

// program is the test binary as a program that plays a role.
func program(t *testing.T) (*programs, *stsStandIn) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := &programs{files: map[string]string{credvend: exe, minimal: exe}, work: dir, home: filepath.Join(dir, "home"), doors: "a1b2c3=iam"}
	s, err := newSTS(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return p, s
}

func play(role string) map[string]string { return map[string]string{roleVar: role} }

func TestInvokes(t *testing.T) {
	p, s := program(t)
	t.Setenv("AWS_CA_BUNDLE", "/nowhere")
	t.Setenv("AWS_PROFILE", "somebody")
	e, err := p.launch(t.Context(), credvend, s, play("answers"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	if e.start <= 0 || e.start > startPatience {
		t.Errorf("it took %v to start", e.start)
	}
	for _, event := range []string{`{"n":1}`, `{"n":2}`, `"` + strings.Repeat("x", 100_000) + `"`} {
		c, err := e.invoke(t.Context(), []byte(event))
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Event   json.RawMessage
			Environ []string
		}
		if err := json.Unmarshal(c.answer, &answer); err != nil {
			t.Fatal(err)
		}
		if string(answer.Event) != event {
			t.Errorf("it was sent %.80s, not %.80s", answer.Event, event)
		}
		if c.over.Sub(c.sent) <= 0 {
			t.Error("an invoke takes time")
		}
		if err := c.check(200, "environ"); err != nil {
			t.Error(err)
		}
		if c.check(403) == nil || c.check(200, "nothing of it") == nil {
			t.Error("another answer passes for the one that was to be measured")
		}
		for _, v := range answer.Environ {
			if name, _, _ := strings.Cut(v, "="); slices.Contains([]string{"AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_CONFIG_FILE", "USER"}, name) {
				t.Errorf("the program has %s of who runs this", name)
			}
		}
		for _, want := range []string{"AWS_REGION=us-east-1", "AWS_ENDPOINT_URL_STS=" + s.url(), "CREDVEND_RATE=off", "HOME=" + p.home} {
			if !slices.Contains(answer.Environ, want) {
				t.Errorf("the program lacks %s: %v", want, answer.Environ)
			}
		}
	}
}

func TestInvokesAtOnce(t *testing.T) {
	p, s := program(t)
	const n = 8
	v := play("waits")
	v["AWS_LAMBDA_MAX_CONCURRENCY"] = "8"
	e, err := p.launch(t.Context(), minimal, s, v)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	var mu sync.Mutex
	var first, last time.Time
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			c, err := e.invoke(t.Context(), []byte(`{}`))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if first.IsZero() || c.over.Before(first) {
				first = c.over
			}
			if c.sent.After(last) {
				last = c.sent
			}
		})
	}
	wg.Wait()
	if !last.Before(first) {
		t.Error("an event was held back until another was answered")
	}
}

// TestBroken: a program that does not do what it should is told with its own
// words, and never waited for.
func TestBroken(t *testing.T) {
	p, s := program(t)
	if _, err := p.launch(t.Context(), credvend, s, play("dies")); err == nil || !strings.Contains(err.Error(), "a variable is missing") {
		t.Errorf("a program that dies: %v", err)
	}
	for role, want := range map[string]string{"fails": "answered an event with an error", "dies over an event": "ended over an event"} {
		e, err := p.launch(t.Context(), credvend, s, play(role))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.invoke(t.Context(), []byte(`{}`)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a program that %s: %v", role, err)
		}
		e.close()
	}
	p.files[credvend] = filepath.Join(t.TempDir(), "nothing")
	if _, err := p.launch(t.Context(), credvend, s, nil); err == nil {
		t.Error("no program, and no error")
	}
}

// TestEndsWithContext: who gives up leaves no process behind.
func TestEndsWithContext(t *testing.T) {
	p, s := program(t)
	ctx, cancel := context.WithCancel(t.Context())
	e, err := p.launch(ctx, credvend, s, play("hangs"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	answered := make(chan error, 1)
	go func() {
		_, err := e.invoke(ctx, []byte(`{}`))
		answered <- err
	}()
	cancel()
	if err := <-answered; err == nil {
		t.Error("an invoke outlives its context")
	}
	select {
	case <-e.exited:
	case <-time.After(10 * time.Second):
		t.Error("the program outlives the context")
	}
	left, err := filepath.Glob(filepath.Join(p.work, "output-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
}

func TestUsage(t *testing.T) {
	now, most, err := memory(os.Getpid())
	if errors.Is(err, errNoProc) {
		t.Skip(err)
	}
	if err != nil || now < 1<<20 || most < now/2 || most > 1<<40 {
		t.Errorf("memory %v, at most %v: %v", now, most, err)
	}
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; {
		after, err := cpuTime(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after > before {
			break
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("no processor was used by work")
		}
	}
}
