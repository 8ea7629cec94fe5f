package invoke

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// emulator is AWS's own Runtime Interface Emulator around the function: the
// program that stands in AWS's base images, and in sam's containers.
type emulator struct {
	url    string
	cmd    *exec.Cmd
	exited chan struct{}
	output *bytes.Buffer // read after exited
}

// startEmulator runs the function under the emulator, on loopback.
func startEmulator(ctx context.Context, program, bootstrap, dir string, vars map[string]string, log io.Writer) (*emulator, error) {
	program, err := exec.LookPath(program)
	if err != nil {
		return nil, unavailable("the Runtime Interface Emulator %s cannot be run: %v; https://github.com/aws/aws-lambda-runtime-interface-emulator/releases has it", program, err)
	}
	if bootstrap, err = filepath.Abs(bootstrap); err != nil {
		return nil, err
	}
	var addresses [2]string
	for i := range addresses {
		if addresses[i], err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	e := &emulator{url: "http://" + addresses[0] + "/2015-03-31/functions/function/invocations", exited: make(chan struct{}), output: &bytes.Buffer{}}
	e.cmd = exec.CommandContext(context.WithoutCancel(ctx), program, "--runtime-interface-emulator-address", addresses[0], "--runtime-api-address", addresses[1], bootstrap)
	e.cmd.Dir = dir
	e.cmd.Env = append(list(vars), "PATH=/usr/local/bin:/usr/bin:/bin", "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_LAMBDA_FUNCTION_NAME=credvend-vend", "AWS_LAMBDA_FUNCTION_TIMEOUT=10", "LAMBDA_TASK_ROOT="+dir)
	var out io.Writer = e.output
	if log != nil {
		out = io.MultiWriter(e.output, log)
	}
	e.cmd.Stdout, e.cmd.Stderr = out, out
	e.cmd.WaitDelay = 5 * time.Second
	if err := e.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	go func() {
		_ = e.cmd.Wait() // it is killed in the end
		close(e.exited)
	}()
	if err := e.await(ctx, addresses[0]); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// await returns once the emulator takes connections.
func (e *emulator) await(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-e.exited:
			return fmt.Errorf("the Runtime Interface Emulator ended at once:\n%s", e.output)
		case <-ctx.Done():
			return errors.New("the Runtime Interface Emulator does not answer")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Invoke posts an event as curl would.
func (e *emulator) Invoke(ctx context.Context, event []byte) (_ []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(event))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the Runtime Interface Emulator: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	return io.ReadAll(resp.Body)
}

// Close ends the emulator, which ends the function when it is asked to go. If
// it does not go it is killed, and the function goes for want of it.
func (e *emulator) Close() error {
	_ = e.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	select {
	case <-e.exited:
		return nil
	case <-time.After(3 * time.Second):
	}
	err := e.cmd.Process.Kill()
	<-e.exited
	return err
}

// freeAddress is one on loopback that nothing listens at now. Another program
// may take it before the emulator does; then the run fails and says so.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
