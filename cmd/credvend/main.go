// Command credvend is the tool for operators and callers: it builds
// allowlists, plays the two accounts on one machine, and fetches credentials.
package main

import (
	"context"
	"os"

	"github.com/credvend/credvend/internal/cli"
)

func main() { os.Exit(run()) }

// run is apart from main so that its deferred call happens before os.Exit.
func run() int {
	ctx, stop := cli.UntilInterrupted(context.Background())
	defer stop()
	return cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}
