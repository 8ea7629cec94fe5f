package process

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// startPatience is how long a program may take to ask for its first event.
const startPatience = 10 * time.Second

// errNoProc is what cpuTime and memory return elsewhere than on Linux.
var errNoProc = errors.New("what a process uses is read from /proc, which this system lacks: run it on Linux")

// environment is one running program with its Runtime API, as Lambda's
// execution environment is.
type environment struct {
	name   string
	api    *runtimeAPI
	cmd    *exec.Cmd
	output *os.File // standard output: audit lines
	errors *os.File // standard error
	exited chan struct{}
	start  time.Duration // from the process's start to its first request for an event
}

// variables are those that Lambda sets for a program, and the stand-in's
// address: no AWS_CA_BUNDLE, no profile, nothing of who runs this.
func (p *programs) variables(name string, sts *stsStandIn, more map[string]string) map[string]string {
	v := map[string]string{
		"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "ASIAEXAMPLEBROKER000", "AWS_SECRET_ACCESS_KEY": "ExampleSecretKeyOfTheBroker0123456789012", "AWS_SESSION_TOKEN": sessionToken,
		"AWS_LAMBDA_FUNCTION_NAME": "credvend", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
		"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/credvend", "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/22/[$LATEST]0123456789abcdef0123456789abcdef",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "_HANDLER": "bootstrap", "LAMBDA_TASK_ROOT": p.work,
		"LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": p.home,
		"AWS_ENDPOINT_URL_STS": sts.url(),
	}
	switch name {
	case credvend:
		v["CREDVEND_FRONT_DOORS"] = p.doors
		v["CREDVEND_RATE"] = "off"
		v["CREDVEND_CACHE"] = "off"
		v["CREDVEND_STS_TIMEOUT"] = "5s,9s" // a busy machine must not make refusals of vends
	case minimal:
		v["ROLE_ARN"] = "arn:aws:iam::111122223333:role/orders-invoke"
		v["CALLER_ARN"] = "arn:aws:sts::444455556666:assumed-role/billing-service"
	}
	maps.Copy(v, more)
	return v
}

// launch starts a program and waits until it asks for an event. It ends with
// ctx, if nobody closes it before.
func (p *programs) launch(ctx context.Context, name string, sts *stsStandIn, more map[string]string) (*environment, error) {
	api, err := newRuntimeAPI()
	if err != nil {
		return nil, err
	}
	e := &environment{name: name, api: api, exited: make(chan struct{})}
	if err := e.run(ctx, p, p.variables(name, sts, more)); err != nil {
		e.close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return e, nil
}

func (e *environment) run(ctx context.Context, p *programs, variables map[string]string) (err error) {
	// Files, removed at once: they cost every program one write a line, and need
	// nobody to drain them.
	if e.output, err = unnamedFile(p.home); err == nil {
		e.errors, err = unnamedFile(p.home)
	}
	if err != nil {
		close(e.exited)
		return err
	}
	e.cmd = exec.CommandContext(ctx, p.files[e.name])
	e.cmd.Dir = p.work
	e.cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + e.api.address()}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		e.cmd.Env = append(e.cmd.Env, name+"="+variables[name])
	}
	e.cmd.Stdout, e.cmd.Stderr = e.output, e.errors
	e.cmd.SysProcAttr = dieWithUs()
	began := time.Now()
	if err := e.cmd.Start(); err != nil {
		close(e.exited)
		return err
	}
	go func() {
		_ = e.cmd.Wait() // how it ended is told by who waits for it
		close(e.exited)
	}()
	select {
	case at := <-e.api.first:
		e.start = at.Sub(began)
		return nil
	case <-e.exited:
		return e.broken("it ended before it asked for an event")
	case <-time.After(startPatience):
		return e.broken("it did not ask for an event")
	}
}

// unnamedFile is a file that is gone once it is closed.
func unnamedFile(dir string) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(dir), "output-*")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// invoke has the program answer one event.
func (e *environment) invoke(ctx context.Context, event []byte) (*call, error) {
	c := e.api.newCall(event)
	select {
	case e.api.calls <- c:
	case <-e.exited:
		return nil, e.broken("it has ended")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-c.done:
	case <-e.exited:
		return nil, e.broken("it ended over an event")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c.failed {
		return nil, e.broken("it answered an event with an error")
	}
	return c, nil
}

// broken is an error with what the program wrote last.
func (e *environment) broken(what string) error {
	const most = 2000
	text := e.errorText()
	return errors.New(what + "; its standard error: " + text[max(0, len(text)-most):])
}

// errorText is what the program wrote to standard error.
func (e *environment) errorText() string {
	info, err := e.errors.Stat()
	if err != nil {
		return err.Error()
	}
	text := make([]byte, info.Size())
	n, _ := e.errors.ReadAt(text, 0) // as much as there is
	return string(text[:n])
}

// close kills the program and waits for its end.
func (e *environment) close() {
	if e.cmd != nil && e.cmd.Process != nil {
		_ = e.cmd.Process.Kill() // it may have ended
	}
	<-e.exited
	e.api.close()
	for _, f := range []*os.File{e.output, e.errors} {
		if f != nil {
			_ = f.Close()
		}
	}
}

func (e *environment) pid() int { return e.cmd.Process.Pid }
