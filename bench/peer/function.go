package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/credvend/credvend/bench/process"
	"github.com/credvend/credvend/internal/allowlist/yamldoc"
)

const (
	functionARN = "arn:aws:lambda:us-east-1:444455556666:function:credvend-vend"
	region      = "us-east-1"
	patience    = 10 * time.Second // for one answer, or a start
)

// function is credvend's real bootstrap, and what it needs to run.
type function struct {
	file  string // of the program
	dir   string // its working directory: allowlist.json is in it
	sts   string
	event []byte
}

// newFunction builds the bootstrap, and readies the allowlist and the event of
// the folder events/.
func newFunction(ctx context.Context, root, dir, sts string) (*function, error) {
	f := &function{file: filepath.Join(dir, "bootstrap"), dir: dir, sts: sts}
	if err := buildFunction(ctx, root, f.file); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(root, "events", "allowlist.yaml"))
	if err != nil {
		return nil, err
	}
	list, err := yamldoc.Parse("events/allowlist.yaml", text)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "allowlist.json"), list.Doc.JSON(), 0o600); err != nil {
		return nil, err
	}
	if text, err = os.ReadFile(filepath.Join(root, "events", "http-api-iam-vend.json")); err != nil {
		return nil, err
	}
	var event bytes.Buffer // on one line, as AWS sends it
	err = json.Compact(&event, text)
	f.event = event.Bytes()
	return f, err
}

// buildFunction builds the bootstrap as the Makefile does, unless it is there.
func buildFunction(ctx context.Context, root, file string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", `exec go build `+process.FunctionFlags+` -o "$0" ./functions/vend`, file)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOOS=", "GOARCH=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the function: %w: %s", err, oneLine(out, 2000))
	}
	return nil
}

// environment is one running bootstrap with its Runtime API.
type environment struct {
	api    *runtimeAPI
	event  []byte
	cmd    *exec.Cmd
	log    string
	exited chan struct{}
}

// launch starts an environment and waits until it asks for an event. Nothing is
// reused in it, so that every event costs a call of STS, as each of OpenBao's
// requests does, and nothing is held back.
func (f *function) launch(ctx context.Context) (*environment, error) {
	log, err := os.CreateTemp(f.dir, "bootstrap-*.log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the process has its own
	api, err := newRuntimeAPI()
	if err != nil {
		return nil, err
	}
	e := &environment{api: api, event: f.event, log: log.Name(), exited: make(chan struct{})}
	e.cmd = exec.Command(f.file) //nolint:noctx // close ends it
	e.cmd.Dir = f.dir
	e.cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + api.address(), "AWS_REGION=" + region, "AWS_DEFAULT_REGION=" + region,
		"AWS_LAMBDA_FUNCTION_NAME=credvend-vend", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "LAMBDA_TASK_ROOT=" + f.dir, "_HANDLER=bootstrap",
		"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=en_US.UTF-8", "TZ=:UTC", "HOME=" + f.dir,
		"AWS_ENDPOINT_URL_STS=" + f.sts,
		"AWS_ACCESS_KEY_ID=ASIAEXAMPLEBROKER000", "AWS_SECRET_ACCESS_KEY=ExampleSecretOfTheBroker", "AWS_SESSION_TOKEN=ExampleTokenOfTheBroker",
		"CREDVEND_ALLOWLIST=file:allowlist.json", "CREDVEND_FRONT_DOORS=iamdoor001=iam", "CREDVEND_CACHE=off", "CREDVEND_RATE=off",
		"CREDVEND_STS_TIMEOUT=4s,9s", // a busy machine must not make refusals of vends
	}
	e.cmd.Stdout, e.cmd.Stderr = log, log
	e.cmd.SysProcAttr = ownGroup()
	if err := e.cmd.Start(); err != nil {
		api.close()
		return nil, fmt.Errorf("the bootstrap cannot be run: %w", err)
	}
	go func() {
		_ = e.cmd.Wait() // how it ended stands in its log
		close(e.exited)
	}()
	select {
	case <-api.asked:
		return e, nil
	case <-e.exited:
		err = errExited
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(patience):
		err = errors.New("it asked for no event")
	}
	e.close()
	return nil, fmt.Errorf("the function did not start: %w; its log ends: %s", err, logTail(e.log))
}

// ask has the program answer one event: from the event's sending to its answer.
func (e *environment) ask(ctx context.Context) (time.Duration, error) {
	select {
	case e.api.events <- e.event:
	case <-e.exited:
		return 0, e.broken(errExited)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case got := <-e.api.answers:
		return got.took, e.check(got)
	case <-e.exited:
		return 0, e.broken(errExited)
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(patience):
		return 0, e.broken(errors.New("it does not answer"))
	}
}

// check sees that an answer holds credentials.
func (e *environment) check(got answer) error {
	var response struct {
		StatusCode int    `json:"statusCode"`
		Body       string `json:"body"`
	}
	if got.failed || json.Unmarshal(got.payload, &response) != nil || response.StatusCode != 200 {
		return e.broken(fmt.Errorf("it answers with status %d", response.StatusCode))
	}
	var vended struct {
		AccessKeyID  string `json:"AccessKeyId"`
		SessionToken string `json:"SessionToken"`
	}
	if err := json.Unmarshal([]byte(response.Body), &vended); err != nil || vended.AccessKeyID == "" || vended.SessionToken == "" {
		return e.broken(errNoCredentials)
	}
	return nil
}

func (e *environment) broken(err error) error {
	return fmt.Errorf("%s: %w; its log ends: %s", ours, err, logTail(e.log))
}

// close kills the program and waits for its end.
func (e *environment) close() {
	killGroup(e.cmd.Process)
	<-e.exited
	e.api.close()
}
