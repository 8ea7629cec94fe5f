package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// The exit codes of every command.
const (
	exitOK          = 0
	exitFailed      = 1   // it was tried and did not work
	exitUsage       = 2   // it was called wrongly: nothing was tried
	exitRefused     = 3   // the service refused: who asks may not have it
	exitAnswered    = 4   // of call: the target answered, but not with a status of 2xx
	exitNotRunnable = 126 // of exec: the command was found, and could not be run
	exitNotFound    = 127 // of exec: the command was not found
	exitInterrupted = 130 // SIGINT or SIGTERM came, as a shell counts it
)

// exitHelp stands at the end of every help text.
const exitHelp = `
Exit codes: 0 done, 1 failed, 2 called wrongly, 3 refused by the service, 130 interrupted.
allowlist explain: 3 denied; diff: 3 wider; replay: 3 answered otherwise.
call: 4 the target's answer is not 2xx. exec: the command's own; 126, 127 it cannot run.
`

// codedError is an error that knows its exit code.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// commandExit is the exit code of a command that exec ran, passed on.
type commandExit int

func (c commandExit) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// usagef makes an error of exit code 2 that points at the command's help.
func usagef(cmd *cobra.Command, format string, args ...any) error {
	return asUsage(cmd, fmt.Errorf(format, args...))
}

// asUsage gives an error exit code 2 and points at the command's help, unless
// it does so already.
func asUsage(cmd *cobra.Command, err error) error {
	var coded *codedError
	if errors.As(err, &coded) {
		return err
	}
	return &codedError{exitUsage, fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())}
}

// exitCode is what a command's error comes to.
func exitCode(ctx context.Context, err error) int {
	var coded *codedError
	var exited commandExit
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exited):
		return int(exited)
	case errors.As(err, &coded):
		return coded.code
	case ctx.Err() != nil:
		return exitInterrupted
	default:
		return exitFailed
	}
}
