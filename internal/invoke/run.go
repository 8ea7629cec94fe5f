package invoke

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/local/runtime"
)

// Options of a run.
type Options struct {
	Events    string    // the folder of events
	Bootstrap string    // the function's program, for this machine
	Allowlist string    // YAML; "": the events' own
	Emulator  string    // AWS's Runtime Interface Emulator, to run it in the place of ours; "": ours
	Log       io.Writer // what the function writes: its audit trail and its log; nil: nobody reads it
}

// Result is what came of an event.
type Result struct {
	Answer  *Answer
	Differs []string // from what is expected; one line a difference
}

// Run hands an event to the function's real bootstrap, through a Lambda
// Runtime API and with a local STS, and compares the answer. Nothing listens
// but on loopback, and all is gone when it returns.
func Run(ctx context.Context, o Options, c Case) (_ *Result, err error) {
	mood, more, after := c.terms()
	w, err := newWorld(o, mood)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "credvend-invoke-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.WriteFile(filepath.Join(dir, "allowlist.json"), w.list.JSON(), 0o600); err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the local STS: %w", err)
	}
	stop := w.accounts.serveSTS(l, mood)
	defer func() { err = errors.Join(err, stop()) }()

	vars, err := environment(o.Events)
	if err != nil {
		return nil, err
	}
	maps.Copy(vars, more)
	maps.Copy(vars, w.credentials())
	vars["AWS_ENDPOINT_URL_STS"] = "http://" + l.Addr().String()

	var f function
	if o.Emulator != "" {
		f, err = startEmulator(ctx, o.Emulator, o.Bootstrap, dir, vars, o.Log)
	} else {
		f, err = startRuntime(ctx, o.Bootstrap, dir, vars, o.Log)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for _, name := range after {
		before, err := Find(o.Events, name)
		if err != nil {
			return nil, err
		}
		if _, err := f.Invoke(ctx, before.Event); err != nil {
			return nil, fmt.Errorf("%s, before it: %w", name, err)
		}
	}
	payload, err := f.Invoke(ctx, c.Event)
	if err != nil {
		return nil, err
	}
	return c.judge(payload)
}

// terms are how a case wants its world.
func (c Case) terms() (mood STSMood, env map[string]string, after []string) {
	if c.Want == nil {
		return Issues, nil, nil
	}
	return c.Want.STS, c.Want.Env, c.Want.After
}

// judge compares what the function answered with what is expected of it.
func (c Case) judge(payload []byte) (*Result, error) {
	a, err := parseAnswer(payload)
	if err != nil {
		return nil, err
	}
	r := &Result{Answer: a}
	if c.Want != nil {
		r.Differs = a.differences(c.Want)
	}
	return r, nil
}

// function is what events are handed to, one after another.
type function interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
	Close() error
}

// lambda is the function under our own Runtime API.
type lambda struct{ *runtime.Function }

// startRuntime runs the function under our own Runtime API.
func startRuntime(ctx context.Context, bootstrap, dir string, vars map[string]string, log io.Writer) (function, error) {
	var words bytes.Buffer
	errs := io.Writer(&words)
	if log != nil {
		errs = io.MultiWriter(errs, log)
	}
	f, err := runtime.Start(ctx, runtime.Options{
		Bootstrap: []string{bootstrap}, Dir: dir, FunctionARN: functionARN,
		Timeout: 10 * time.Second, MemoryMB: 256, Env: list(vars),
		Stdout: log, Stderr: errs,
	})
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, words.Bytes())
	}
	return lambda{f}, nil
}

// Invoke implements function.
func (l lambda) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	answer, err := l.Function.Invoke(ctx, event)
	if err != nil {
		return nil, err
	}
	if answer.FunctionError != "" {
		return nil, fmt.Errorf("the function failed: %s", answer.FunctionError)
	}
	return answer.Payload, nil
}

// world is what a run needs beside the function.
type world struct {
	list     *allowlist.Document
	accounts *accounts
}

func newWorld(o Options, mood STSMood) (*world, error) {
	file := o.Allowlist
	if file == "" {
		file = filepath.Join(o.Events, allowlistFile)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the allowlist cannot be read: %w", err)
	}
	loaded, _, err := yamldoc.Load(file, text)
	if err != nil {
		return nil, err
	}
	a, err := newAccounts(loaded.Doc, mood)
	if err != nil {
		return nil, fmt.Errorf("building the local accounts: %w", err)
	}
	return &world{loaded.Doc, a}, nil
}

// credentials are the broker's session, as variables. They are good for the
// local STS alone.
func (w *world) credentials() map[string]string {
	b := w.accounts.broker
	return map[string]string{
		"AWS_ACCESS_KEY_ID": b.AccessKeyID, "AWS_SECRET_ACCESS_KEY": b.SecretAccessKey, "AWS_SESSION_TOKEN": b.SessionToken,
	}
}

func list(vars map[string]string) (all []string) {
	for name, value := range vars {
		all = append(all, name+"="+value)
	}
	return all
}
