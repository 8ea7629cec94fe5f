// Package blackbox runs the real bootstrap as Lambda does: under a Runtime API,
// with Lambda's own variables and credvend's, against an STS that speaks the
// query protocol. It holds tests alone, and judges by what comes out of the
// process: answers, exit codes, standard output and standard error.
package blackbox

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/vendtest"
)

// patience is how long anything may take that must happen at all. It decides
// nothing: only a test that fails waits for it.
const patience = 30 * time.Second

var scratch string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "credvend-blackbox-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// bootstrap is the real function, built once as it is built for Lambda.
var bootstrap = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "bootstrap")
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	if err := touch(root); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc,nethttpomithttp2", "-trimpath", "-o", path, "./functions/vend")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// touch looks at every source file that the bootstrap can be made of: go test
// would otherwise answer from its cache after one of them changed.
func touch(root string) error {
	for _, dir := range []string{"go.mod", "go.sum", "api", "functions", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			_, err = os.Stat(path)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// brokerMark stands in the function's own credentials.
const brokerMark = "PLANTEDbroker"

// lambdaEnv is what Lambda sets, and the least that credvend needs.
func lambdaEnv() map[string]string {
	return map[string]string{
		"LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin", "_HANDLER": "bootstrap",
		"LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime",
		"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_LAMBDA_FUNCTION_NAME": "vend", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/vend", "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/22/[$LATEST]0",
		"AWS_ACCESS_KEY_ID": "ASIAEXAMPLEBROKER000", "AWS_SECRET_ACCESS_KEY": brokerMark + "SecretKey", "AWS_SESSION_TOKEN": brokerMark + "SessionToken",
		"CREDVEND_FRONT_DOORS": vendtest.FrontDoors,
	}
}

// setup bends a run of the function.
type setup struct {
	env    map[string]string // added to lambdaEnv; "-" takes a variable away
	sts    *fakeSTS          // nil: one that issues to everyone
	list   string            // the allowlist's file; "": vendtest's document
	stdout *os.File          // nil: a file that is read with trail
}

// function is a running bootstrap.
type function struct {
	api    *runtimeAPI
	sts    *fakeSTS
	cmd    *exec.Cmd
	out    string // files that hold its standard output and error
	errs   string
	exited chan struct{}
	began  time.Time // when the process was started
}

// start runs the bootstrap, whether or not it comes up. What it writes is
// searched for planted secrets when the test ends, whichever way that was.
func start(tb testing.TB, s setup) *function {
	tb.Helper()
	program, err := bootstrap()
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	if s.sts == nil {
		s.sts = newSTS(tb)
	}
	if s.list == "" {
		s.list = filepath.Join(dir, "allowlist.json")
		writeList(tb, s.list, vendtest.Document().JSON())
	}
	f := &function{api: newRuntimeAPI(tb), sts: s.sts, out: filepath.Join(dir, "stdout"), errs: filepath.Join(dir, "stderr"), exited: make(chan struct{})}
	env := lambdaEnv()
	env["AWS_LAMBDA_RUNTIME_API"], env["AWS_ENDPOINT_URL_STS"], env["CREDVEND_ALLOWLIST"] = f.api.address(), s.sts.url(), "file:"+s.list
	maps.Copy(env, s.env)
	f.cmd = exec.Command(program)
	f.cmd.Dir = dir
	for name, value := range env {
		if value != "-" {
			f.cmd.Env = append(f.cmd.Env, name+"="+value)
		}
	}
	// Files, not pipes: what the process wrote is there the moment it answers.
	stdout, err := os.Create(f.out)
	if err != nil {
		tb.Fatal(err)
	}
	stderr, err := os.Create(f.errs)
	if err != nil {
		tb.Fatal(err)
	}
	f.cmd.Stdout, f.cmd.Stderr = stdout, stderr
	if s.stdout != nil {
		f.cmd.Stdout = s.stdout
	}
	f.began = time.Now()
	if err := f.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	_ = stdout.Close() // the process has its own
	_ = stderr.Close()
	go func() {
		_ = f.cmd.Wait()
		close(f.exited)
	}()
	tb.Cleanup(func() {
		f.kill()
		for _, path := range []string{f.out, f.errs} {
			if text := read(tb, path); leaks(text) != "" {
				tb.Errorf("%s holds a secret: %s", filepath.Base(path), leaks(text))
			}
		}
	})
	return f
}

// up is start, for a function that must come up.
func up(tb testing.TB, s setup) *function {
	tb.Helper()
	f := start(tb, s)
	select {
	case <-f.api.polled:
	case <-f.exited:
		tb.Fatalf("the function went: %s", read(tb, f.errs))
	case <-time.After(patience):
		tb.Fatal("the function does not ask for events")
	}
	return f
}

func (f *function) kill() {
	_ = f.cmd.Process.Kill() // an error says that it has gone already
	<-f.exited
}

func (f *function) alive() bool {
	select {
	case <-f.exited:
		return false
	default:
		return true
	}
}

// invoke hands over an event and reads the answer, which must be one that
// docs/openapi.yaml tells of.
func (f *function) invoke(tb testing.TB, event []byte) vendtest.Answer {
	tb.Helper()
	_, a, _ := f.invokeWithin(tb, event, 10*time.Second)
	return a
}

// invokeWithin is invoke with a deadline of one's own; it also tells the request
// id, and whether the answer came too late.
func (f *function) invokeWithin(tb testing.TB, event []byte, deadline time.Duration) (id string, a vendtest.Answer, late bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	inv := f.api.add(event, deadline)
	if err := f.api.deliver(ctx, inv); err != nil {
		tb.Fatalf("the function does not ask for events (alive: %v): %v", f.alive(), err)
	}
	select {
	case o := <-inv.answered:
		return inv.id, parse(tb, event, o), o.late
	case <-f.exited:
		tb.Fatalf("the function went without an answer: %s", read(tb, f.errs))
	case <-ctx.Done():
		tb.Fatal("the function does not answer")
	}
	return "", vendtest.Answer{}, false
}

func parse(tb testing.TB, event []byte, o outcome) (a vendtest.Answer) {
	tb.Helper()
	if o.failed {
		tb.Fatalf("the function reports an error, which Lambda takes for a crash: %s", o.body)
	}
	if err := json.Unmarshal(o.body, &a); err != nil {
		tb.Fatalf("the answer is not JSON: %v", err)
	}
	if err := json.Unmarshal([]byte(a.Text), &a.Body); err != nil {
		tb.Fatalf("the answer's body is not JSON: %v", err)
	}
	doors, err := identity.ParseDoors(vendtest.FrontDoors)
	if err != nil {
		tb.Fatal(err)
	}
	if err := vendtest.CheckContract(doors, event, a); err != nil {
		tb.Error(err)
	}
	return a
}

// leaks tells which planted secret stands in text. A bearer token's signature
// stands there as it is sent: in base64.
func leaks(text string) string {
	for _, mark := range []string{"PLANTED", base64.RawURLEncoding.EncodeToString([]byte(vendtest.TokenMark))} {
		if strings.Contains(text, mark) {
			return mark
		}
	}
	return ""
}

func read(tb testing.TB, path string) string {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// writeList puts an allowlist in place as a deployment does: all at once.
func writeList(tb testing.TB, path string, text []byte) {
	tb.Helper()
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		tb.Fatal(err)
	}
}
