//go:build !unix

package cli

import (
	"context"
	"os"
	"os/signal"
)

// become runs the command: this system cannot replace a process.
func (e *env) become(ctx context.Context, program string, args, environ []string) error {
	return e.runBeside(context.WithoutCancel(ctx), program, args, environ)
}

// relay keeps Ctrl-C, which reaches the command by itself, from ending this
// process before it.
type relay struct{ signals chan os.Signal }

func catchSignals(bool) *relay {
	r := &relay{make(chan os.Signal, 1)}
	signal.Notify(r.signals, os.Interrupt)
	return r
}

func (r *relay) to(*os.Process) {}

func (r *relay) stop() { signal.Stop(r.signals) }

func codeOf(state *os.ProcessState) int { return state.ExitCode() }
