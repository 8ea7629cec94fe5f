//go:build unix

package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// become turns this process into the command: signals, exit code and job
// control are then the command's own.
func (e *env) become(_ context.Context, program string, args, environ []string) error {
	if err := syscall.Exec(program, args, environ); err != nil { //nolint:gosec // G204: what this command is for
		return notRunnable(args[0], err)
	}
	return nil
}

// relay passes signals on to a process.
type relay struct {
	signals  chan os.Signal
	terminal bool
	done     chan struct{}
}

// catchSignals begins to hold back signals for the process to come. Those of
// job control are left alone: they reach the whole job.
func catchSignals(terminal bool) *relay {
	r := &relay{make(chan os.Signal, 32), terminal, make(chan struct{})}
	signal.Notify(r.signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGWINCH)
	return r
}

// to passes on what came and comes.
func (r *relay) to(p *os.Process) {
	go func() {
		for {
			select {
			case <-r.done:
				return
			case s := <-r.signals:
				if r.terminal && (s == syscall.SIGINT || s == syscall.SIGQUIT) {
					continue // the terminal sent it to both
				}
				_ = p.Signal(s) // one that has ended needs none
			}
		}
	}()
}

func (r *relay) stop() {
	signal.Stop(r.signals)
	close(r.done)
}

// codeOf is a process's exit code as a shell counts it.
func codeOf(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
