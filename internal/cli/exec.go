package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/api"
	"github.com/credvend/credvend/client"
	"github.com/credvend/credvend/internal/containercreds"
)

func newExecCommand(e *env) *cobra.Command {
	var (
		who    callerFlags
		what   vendFlags
		server bool
	)
	cmd := &cobra.Command{
		Use:   "exec TARGET -- COMMAND [ARG…]",
		Short: "Run a command with credentials for a target in its environment",
		Long: `Gets credentials for TARGET and runs COMMAND with them in its environment, in the
place of all AWS credentials and profiles, and of CREDVEND_TOKEN, that are there.
AWS_REGION and AWS_DEFAULT_REGION are the target's; CREDVEND_TARGET_URL says
where it is.

The credentials end when they end. For a command that runs longer there is
--server: its environment then holds the address of a container-credentials
endpoint on this machine (AWS_CONTAINER_CREDENTIALS_FULL_URI) and a random token
for it, and its SDK comes back for new ones by itself. AWS's tools would prefer
the keys of a default profile to such an endpoint, so AWS_CONFIG_FILE and
AWS_SHARED_CREDENTIALS_FILE name an empty file for the command.

The exit code is COMMAND's, or 128 and the number of the signal that ended it;
126 if it cannot be run, 127 if it is not found. Signals are passed on; Ctrl-C
reaches the command from the terminal itself.
` + callerHelp,
		Example: `  # one command alone has the credentials
  credvend exec orders -- aws sts get-caller-identity

  # sh sees the target's address too
  credvend exec orders -- sh -c 'curl --aws-sigv4 aws:amz:$AWS_REGION:execute-api --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -H "x-amz-security-token: $AWS_SESSION_TOKEN" $CREDVEND_TARGET_URL/orders/42'

  # runs for days: its SDK fetches new credentials from this process
  credvend exec orders --server -- ./orders-worker

  # a shell to look around in
  credvend exec orders -- "$SHELL"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.ArgsLenAtDash() != 1 || len(args) < 2 || args[0] == "" || args[1] == "" {
				return usagef(cmd, "name one target, and the command behind --, such as: orders -- aws sts get-caller-identity")
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := what.check(cmd); err != nil {
				return err
			}
			// Before any call: a mistyped command should cost none.
			program, err := findProgram(args[1])
			if err != nil {
				return err
			}
			caller, err := who.connect(cmd)
			if err != nil {
				return err
			}
			source := caller.Provider(args[0], client.Routes(what.routes...), client.Duration(what.duration))
			vended, err := source.Vended(cmd.Context())
			if err != nil {
				return vendError(err)
			}
			if server {
				return e.execServing(cmd.Context(), program, args[1:], source, vended.Grant)
			}
			vs := append(vendedVariables(vended), regionVariables(vended.Grant)...)
			return e.become(cmd.Context(), program, args[1:], environment(vs))
		},
	}
	who.register(cmd)
	what.register(cmd)
	cmd.Flags().BoolVar(&server, "server", false, "serve the credentials to the command, renewed as long as it runs")
	return cmd
}

// regionVariables are for signing: there is no other region that the
// credentials are good in.
func regionVariables(g api.Grant) []variable {
	if g.Region == "" {
		return nil
	}
	return []variable{{"AWS_REGION", g.Region}, {"AWS_DEFAULT_REGION", g.Region}}
}

// findProgram finds a command as a shell would, with a shell's exit codes.
func findProgram(name string) (string, error) {
	program, err := exec.LookPath(name)
	switch {
	case err == nil:
		return program, nil
	case errors.Is(err, fs.ErrPermission):
		return "", &codedError{exitNotRunnable, fmt.Errorf("the command %q cannot be run: it is not executable", name)}
	case errors.Is(err, exec.ErrDot):
		return "", &codedError{exitNotFound, fmt.Errorf("the command %q is in the working folder alone; write ./%[1]s if it is meant", name)}
	default:
		return "", &codedError{exitNotFound, fmt.Errorf("the command %q is not found", name)}
	}
}

// execServing runs a command beside an endpoint that serves it.
func (e *env) execServing(ctx context.Context, program string, args []string, source *client.Provider, grant api.Grant) error {
	// Ctrl-C ends the command, and that ends this: until then it is served.
	ctx = context.WithoutCancel(ctx)
	server, err := containercreds.Start(ctx, source, e.warn)
	if err != nil {
		return err
	}
	defer server.Close() //nolint:errcheck // nothing is left to be served
	vs := append([]variable{
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI", server.URL},
		{"AWS_CONTAINER_AUTHORIZATION_TOKEN", server.Token.Reveal()},
		{"AWS_CONFIG_FILE", os.DevNull},
		{"AWS_SHARED_CREDENTIALS_FILE", os.DevNull},
		{vendedMarker, server.URL},
		{"CREDVEND_TARGET_URL", grant.Endpoint},
	}, regionVariables(grant)...)
	return e.runBeside(ctx, program, args, environment(vs))
}

// runBeside runs a command and waits for it, passing signals on.
func (e *env) runBeside(ctx context.Context, program string, args, environ []string) error {
	cmd := exec.CommandContext(ctx, program)
	cmd.Args = args
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environ, e.stdin, e.stdout, e.stderr
	relay := catchSignals(e.onTerminal())
	defer relay.stop()
	if err := cmd.Start(); err != nil {
		return notRunnable(args[0], err)
	}
	relay.to(cmd.Process)
	err := cmd.Wait()
	var exited *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exited):
		return commandExit(codeOf(exited.ProcessState))
	default:
		return fmt.Errorf("the command %q was not seen to its end: %w", args[0], err)
	}
}

func notRunnable(name string, err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	code := exitNotRunnable
	if errors.Is(err, fs.ErrNotExist) {
		code = exitNotFound
	}
	return &codedError{code, fmt.Errorf("the command %q cannot be run: %w", name, err)}
}

// onTerminal reports whether a person sits at the other end: then Ctrl-C comes
// to the command from the terminal, and must not come twice.
func (e *env) onTerminal() bool {
	return isTerminal(e.stdin) || isTerminal(e.stdout) || isTerminal(e.stderr)
}

// isTerminal reports whether a stream is a terminal: a character device that is
// not the null device.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
