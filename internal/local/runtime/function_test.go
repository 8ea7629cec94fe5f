package runtime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/local/runtime"
)

const functionARN = "arn:aws:lambda:us-east-1:444455556666:function:vend"

// options run the test binary as the bootstrap, in the given role.
func options(role string) runtime.Options {
	return runtime.Options{
		Bootstrap:   []string{os.Args[0]},
		Env:         []string{asBootstrap + "=" + role},
		FunctionARN: functionARN,
		Timeout:     20 * time.Second,
	}
}

func start(t *testing.T, o runtime.Options) *runtime.Function {
	t.Helper()
	f, err := runtime.Start(context.Background(), o)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return f
}

func invoke(t *testing.T, f *runtime.Function, c command) runtime.Answer {
	t.Helper()
	event, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := f.Invoke(context.Background(), event)
	if err != nil {
		t.Fatalf("Invoke %s: %v", c.Do, err)
	}
	return answer
}

func reportOf(t *testing.T, f *runtime.Function) report {
	t.Helper()
	answer := invoke(t, f, command{Do: "report", Text: "hello ☃"})
	var r report
	if err := json.Unmarshal(answer.Payload, &r); err != nil || answer.FunctionError != "" {
		t.Fatalf("answer = %s %s: %v", answer.FunctionError, answer.Payload, err)
	}
	if r.ID != answer.RequestID {
		t.Errorf("the function saw request id %q, the answer says %q", r.ID, answer.RequestID)
	}
	return r
}

// fault checks that an answer is an error document.
func fault(t *testing.T, answer runtime.Answer, kind, text string) {
	t.Helper()
	var doc struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(answer.Payload, &doc); err != nil {
		t.Fatalf("answer %q is not JSON: %v", answer.Payload, err)
	}
	if answer.FunctionError != "Unhandled" || doc.ErrorType != kind || !strings.Contains(doc.ErrorMessage, text) {
		t.Errorf("answer = %s %s, want %s with %q", answer.FunctionError, answer.Payload, kind, text)
	}
	if answer.RequestID == "" {
		t.Error("no request id")
	}
}

func TestInvokeTellsTheFunctionWhatLambdaDoes(t *testing.T) {
	t.Setenv("SECRET_OF_THE_PARENT", "x")
	t.Setenv("AWS_PROFILE", "operator")
	o := options("function")
	o.Env = append(o.Env, "CREDVEND_CACHE=on", "AWS_LAMBDA_FUNCTION_NAME=forged", "AWS_REGION=eu-west-1")
	o.MemoryMB = 256
	o.Dir = t.TempDir()
	o.Now = func() time.Time { return time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC) }
	f := start(t, o)

	first := reportOf(t, f)
	if first.Text != "hello ☃" || first.ARN != functionARN {
		t.Errorf("report = %+v", first)
	}
	if left := time.Until(first.Deadline); left < 10*time.Second || left > 20*time.Second {
		t.Errorf("the deadline is %s away, want a little less than 20s", left)
	}
	if !strings.HasPrefix(first.Trace, "Root=1-") {
		t.Errorf("trace id = %q", first.Trace)
	}
	want := map[string]string{
		"AWS_LAMBDA_FUNCTION_NAME": "vend", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/vend", "AWS_REGION": "us-east-1",
		"AWS_DEFAULT_REGION": "us-east-1", "LAMBDA_TASK_ROOT": o.Dir, "_HANDLER": "bootstrap", "TZ": ":UTC", "LANG": "en_US.UTF-8",
		"PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin", "CREDVEND_CACHE": "on",
	}
	known := []string{"AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_LOG_STREAM_NAME", "LAMBDA_RUNTIME_DIR", "_X_AMZN_TRACE_ID", asBootstrap, "PWD", "SYSTEMROOT"}
	for _, entry := range first.Env {
		name, value, _ := strings.Cut(entry, "=")
		switch wanted, ok := want[name]; {
		case ok && value != wanted:
			t.Errorf("%s = %q, want %q", name, value, wanted)
		case !ok && !slices.Contains(known, name):
			t.Errorf("%s reached the function", name)
		case name == "AWS_LAMBDA_LOG_STREAM_NAME" && !strings.HasPrefix(value, "2026/11/22/[$LATEST]"):
			t.Errorf("log stream = %q", value)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("variables missing: %v", want)
	}
	if first.Dir != o.Dir {
		t.Errorf("working directory = %q, want %q", first.Dir, o.Dir)
	}
	second := reportOf(t, f)
	if second.PID != first.PID || second.ID == first.ID || second.Trace == first.Trace {
		t.Errorf("second invoke: same process %t, same request id %t, same trace %t", second.PID == first.PID, second.ID == first.ID, second.Trace == first.Trace)
	}
	answer, err := f.Invoke(runtime.WithTraceID(context.Background(), "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"), []byte(`{"do":"report"}`))
	if err != nil || !bytes.Contains(answer.Payload, []byte("5759e988-bd862e3fe1be46a994272793")) {
		t.Errorf("the caller's trace id did not arrive: %s %v", answer.Payload, err)
	}
}

func TestFailuresOfTheFunction(t *testing.T) {
	cases := []struct {
		name, do, text string
		code           int
		kind, message  string
		restarts       bool
	}{
		{name: "an error", do: "fail", text: "no such order", kind: "errorString", message: "no such order"},
		{name: "a panic", do: "panic", text: "index out of range", kind: "string", message: "index out of range", restarts: true},
		{name: "an exit with a status", do: "exit", code: 9, kind: "Runtime.ExitError", message: "Runtime exited with error: exit status 9", restarts: true},
		{name: "an exit without one", do: "exit", kind: "Runtime.ExitError", message: "Runtime exited without providing a reason", restarts: true},
		{name: "an answer that is too large", do: "answer bytes", code: runtime.MaxPayload + 1, kind: "Function.ResponseSizeTooLarge", message: "6291456", restarts: true},
		{name: "an answer that breaks off", do: "break off", kind: "errorString", message: "the source dried up"},
	}
	f := start(t, options("function"))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := reportOf(t, f)
			fault(t, invoke(t, f, command{Do: c.do, Text: c.text, Bytes: c.code}), c.kind, c.message)
			after := reportOf(t, f)
			if restarted := after.PID != before.PID; restarted != c.restarts {
				t.Errorf("restarted = %t, want %t", restarted, c.restarts)
			}
		})
	}
}

func TestPayloadSizes(t *testing.T) {
	f := start(t, options("function"))
	answer := invoke(t, f, command{Do: "answer bytes", Bytes: runtime.MaxPayload})
	if len(answer.Payload) != runtime.MaxPayload || answer.FunctionError != "" {
		t.Errorf("an answer of the largest size came as %d bytes, %q", len(answer.Payload), answer.FunctionError)
	}
	const head, tail = `{"do":"nap","text":"`, `"}`
	event := []byte(head + strings.Repeat("x", runtime.MaxPayload-len(head)-len(tail)) + tail)
	if answer, err := f.Invoke(context.Background(), event); err != nil || answer.FunctionError != "" {
		t.Errorf("an event of the largest size: %s %v", answer.FunctionError, err)
	}
	_, err := f.Invoke(context.Background(), make([]byte, runtime.MaxPayload+1))
	var tooLarge *runtime.PayloadTooLargeError
	if !errors.As(err, &tooLarge) || err.Error() != "6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)" {
		t.Errorf("an event above the limit: %v", err)
	}
}

// lines collects writes and notices any that is not one whole line.
type lines struct {
	mu  sync.Mutex
	got []string
	bad []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, string(p))
	if bytes.IndexByte(p, '\n') != len(p)-1 {
		l.bad = append(l.bad, string(p))
	}
	return len(p), nil
}

func TestOutputComesInWholeLines(t *testing.T) {
	both := &lines{}
	o := options("function")
	o.Stdout, o.Stderr, o.Environments = both, both, 2
	f := start(t, o)
	const count = 300
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() { invoke(t, f, command{Do: "print", Text: fmt.Sprintf("p%d", i), Bytes: count}) })
	}
	wg.Wait()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if len(both.bad) > 0 {
		t.Errorf("%d writes are not one line, such as %q", len(both.bad), both.bad[0])
	}
	for i := range 2 {
		for _, stream := range []string{"out", "err"} {
			for n := range count {
				if line := fmt.Sprintf("%s p%d %d\n", stream, i, n); !slices.ContainsFunc(both.got, func(got string) bool { return strings.HasSuffix(got, line) }) {
					t.Fatalf("line %q is missing", line)
				}
			}
		}
	}
	if !slices.Contains(both.got, "a last line without an end\n") {
		t.Error("the last line is missing")
	}
}

// A process that speaks the Runtime API wrongly is told so.
func TestRuntimeAPIRefusals(t *testing.T) {
	f := start(t, options("raw"))
	want := []map[string]int{
		{"unknown id": 400, "unknown path": 404, "get for post": 405, "another host": 403, "a body that breaks off": 400},
		{"second answer": 400}, // the statuses that the invoke before could not know
		{"second answer": 400},
	}
	for i, w := range want {
		answer := invoke(t, f, command{})
		var got map[string]int
		if err := json.Unmarshal(answer.Payload, &got); err != nil || !maps.Equal(got, w) {
			t.Errorf("invoke %d: statuses %s, want %v", i, answer.Payload, w)
		}
	}
}

func TestOptionsDoNotPrintValues(t *testing.T) {
	o := options("function")
	o.Env = append(o.Env, "AWS_SECRET_ACCESS_KEY=verysecret")
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("starting", "options", o)
	for _, text := range []string{fmt.Sprint(o), fmt.Sprintf("%+v", o), fmt.Sprintf("%#v", o), log.String()} {
		if strings.Contains(text, "verysecret") || !strings.Contains(text, "AWS_SECRET_ACCESS_KEY") {
			t.Errorf("options print as %s", text)
		}
	}
}
