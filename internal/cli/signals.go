package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// UntilInterrupted gives a context that ends with the first SIGINT or SIGTERM,
// so that a command can end in order. The second ends the process: some things
// do not notice the first, such as a read of standard input from a terminal.
func UntilInterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
