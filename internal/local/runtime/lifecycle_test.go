package runtime_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/local/runtime"
)

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never happened: %s", what)
}

func TestTimeoutKillsAndRestarts(t *testing.T) {
	for _, do := range []string{"hang", "hang with a child"} {
		t.Run(do, func(t *testing.T) {
			o := options("function")
			o.Timeout = time.Second
			f := start(t, o)
			before := reportOf(t, f)
			fault(t, invoke(t, f, command{Do: do}), "Sandbox.Timedout", "Task timed out after 1.00 seconds")
			if after := reportOf(t, f); after.PID == before.PID {
				t.Error("the process that hung serves on")
			}
		})
	}
}

func TestProcessDiesBetweenInvokes(t *testing.T) {
	f := start(t, options("function"))
	before := reportOf(t, f)
	process, err := os.FindProcess(before.PID)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := process.Kill(); err != nil {
			t.Fatal(err)
		}
		// A kill that is noticed late counts as a crash of the next invoke; what
		// matters is that the function comes back.
		answer := invoke(t, f, command{Do: "report"})
		if answer.FunctionError != "" {
			fault(t, answer, "Runtime.ExitError", "signal: killed")
		}
		after := reportOf(t, f)
		if after.PID == before.PID {
			t.Fatal("a dead process answered")
		}
		before = after
		if process, err = os.FindProcess(before.PID); err != nil {
			t.Fatal(err)
		}
	}
}

func TestExitAfterAnswering(t *testing.T) {
	f := start(t, options("function"))
	for range 3 {
		answer := invoke(t, f, command{Do: "exit after answering"})
		if answer.FunctionError != "" {
			// The exit before was noticed only when this event had been handed over.
			fault(t, answer, "Runtime.ExitError", "exit status 7")
			answer = invoke(t, f, command{Do: "exit after answering"})
		}
		pid, err := strconv.Atoi(string(answer.Payload))
		if err != nil || answer.FunctionError != "" {
			t.Fatalf("answer = %s %s", answer.FunctionError, answer.Payload)
		}
		eventually(t, "the process exits", func() bool { return !alive(pid) })
	}
}

func TestEnvironmentsAndConcurrency(t *testing.T) {
	cases := []struct {
		name                       string
		environments, concurrency  int
		invokes, processesAtMost   int
		atLeast                    time.Duration // that the invokes take together, each napping 50 ms
		processesAtLeastForTheWave int
	}{
		{"one at a time", 1, 1, 4, 1, 200 * time.Millisecond, 1},
		{"three side by side", 3, 1, 9, 3, 150 * time.Millisecond, 2},
		{"one process, four at once", 1, 4, 8, 1, 100 * time.Millisecond, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := options("function")
			o.Environments, o.Concurrency = c.environments, c.concurrency
			f := start(t, o)
			var mu sync.Mutex
			pids := map[string]int{}
			begin := time.Now()
			var wg sync.WaitGroup
			for range c.invokes {
				wg.Go(func() {
					answer := invoke(t, f, command{Do: "nap"})
					mu.Lock()
					defer mu.Unlock()
					pids[string(answer.Payload)]++
				})
			}
			wg.Wait()
			if took := time.Since(begin); took < c.atLeast {
				t.Errorf("took %s: more ran at once than %d", took, c.environments*c.concurrency)
			}
			if len(pids) > c.processesAtMost || len(pids) < c.processesAtLeastForTheWave {
				t.Errorf("%d processes served: %v", len(pids), pids)
			}
			reportOf(t, f)
		})
	}
}

func TestProcessesThatDoNotStart(t *testing.T) {
	cases := []struct {
		role, kind, message string
		initTimeout         time.Duration
	}{
		{"exit", "Runtime.ExitError", "exit status 3", 0},
		{"exit cleanly", "Runtime.ExitError", "without providing a reason", 0},
		{"init error", "Config.Missing", "CREDVEND_FRONT_DOORS is missing", 0},
		{"silent", "Sandbox.Timedout", "timed out after 0.30 seconds", 300 * time.Millisecond},
	}
	for _, c := range cases {
		t.Run(c.role, func(t *testing.T) {
			o := options(c.role)
			o.InitTimeout = c.initTimeout
			output := &lines{}
			o.Stderr = output
			_, err := runtime.Start(context.Background(), o)
			var initErr *runtime.InitError
			if !errors.As(err, &initErr) || initErr.Type != c.kind || !strings.Contains(initErr.Message, c.message) {
				t.Fatalf("Start = %v", err)
			}
			if c.role == "exit" && !slices.Contains(output.got, "no configuration\n") {
				t.Errorf("what the process said before it went is lost: %q", output.got)
			}
		})
	}
}

func TestStartRefuses(t *testing.T) {
	cases := []struct {
		name, want string
		change     func(*runtime.Options)
	}{
		{"no bootstrap", "no bootstrap is given", func(o *runtime.Options) { o.Bootstrap = nil }},
		{"a bootstrap that is not there", "the bootstrap cannot be run", func(o *runtime.Options) { o.Bootstrap = []string{"./nowhere"} }},
		{"a directory that is not there", "cannot be run", func(o *runtime.Options) { o.Dir = "/nowhere/at/all" }},
		{"a name for an ARN", "is not of the form arn:aws:lambda", func(o *runtime.Options) { o.FunctionARN = "vend" }},
		{"the ARN of a role", "is not of the form arn:aws:lambda", func(o *runtime.Options) { o.FunctionARN = "arn:aws:iam::444455556666:role/vend" }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := options("function")
			c.change(&o)
			f, err := runtime.Start(context.Background(), o)
			if err == nil {
				_ = f.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Start = %v, want %q", err, c.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := runtime.Start(ctx, options("silent")); !errors.Is(err, context.Canceled) {
		t.Errorf("Start under a context that has ended = %v", err)
	}
}

func TestCallerGivesUp(t *testing.T) {
	o := options("function")
	f := start(t, o)
	before := reportOf(t, f)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := f.Invoke(ctx, []byte(`{"do":"nap"}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Invoke = %v", err)
	}
	if _, err := f.Invoke(ctx, []byte(`{"do":"nap"}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Invoke under a context that has ended = %v", err)
	}
	if after := reportOf(t, f); after.PID != before.PID {
		t.Error("a caller that went away cost the process its life")
	}
}

func TestCloseEndsInvokes(t *testing.T) {
	f := start(t, options("function"))
	pid := reportOf(t, f).PID
	errs := make(chan error, 3)
	for range 3 { // one runs, two wait
		go func() {
			_, err := f.Invoke(context.Background(), []byte(`{"do":"hang"}`))
			errs <- err
		}()
	}
	time.Sleep(50 * time.Millisecond)
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := <-errs; !errors.Is(err, runtime.ErrClosed) {
			t.Errorf("Invoke = %v, want ErrClosed", err)
		}
	}
	if _, err := f.Invoke(context.Background(), []byte(`{}`)); !errors.Is(err, runtime.ErrClosed) {
		t.Errorf("Invoke after Close = %v", err)
	}
	if alive(pid) {
		t.Error("the process outlived Close")
	}
}
