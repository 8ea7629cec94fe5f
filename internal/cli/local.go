package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/function"
	"github.com/credvend/credvend/internal/local"
)

// functionCommand is the hidden command by which the tool plays the function.
const functionCommand = "local-function"

func newLocalCommand(e *env) *cobra.Command {
	var o localOptions
	cmd := &cobra.Command{
		Use:   "local",
		Short: "Run two AWS accounts on this machine, with credvend between them",
		Long: `Runs the whole of credvend with no AWS and no container: an STS, four front doors
(an HTTP API with AWS_IAM, one with JWT, a function URL and a REST API), an OIDC
issuer, Account A's API, and the function itself, run through the Lambda Runtime
API. They check signatures, tokens and policies, and refuse what AWS refuses.

The first port serves a live view for a browser: each request as it passes, and
what decided it.

It writes AWS config and credentials files and local.env, a file of shell
variables, into the folder of --dir, and prints "ready" once everything answers.
All of it listens on loopback only. It is not for production.

The accounts are made from the templates that credvend is deployed with,
template.yaml and accounts/target.yaml, by an imitation of CloudFormation: roles,
policies, permissions and front doors are theirs. With --templates they are made
from yours, and a mistake in them shows as it would on AWS.

Without --allowlist it plays the story's own list. With one, each target of the
list gets a role and an API that echoes, and each caller that is named by a
literal ARN gets a profile of its name.`,
		Example: `  # the story, told step by step, then stay up for your own tries
  credvend local --tour

  # in another shell
  . .credvend/local/local.env
  aws sts get-caller-identity --profile billing-service --endpoint-url $AWS_ENDPOINT_URL_STS

  # your own allowlist
  credvend local --allowlist allowlist.yaml

  # your own template.yaml and accounts/target.yaml, before you deploy them
  credvend local --templates . --tour

  # for scripts: any free ports, exit code 0 only if the story goes as told
  credvend local --port 0 --tour --exit`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.portFixed = cmd.Flags().Changed("port") && o.port != 0
			if o.exit && !o.tour {
				return usagef(cmd, "--exit goes with --tour: it exits when the story is over")
			}
			if o.tour && o.allowlist != "" {
				return usagef(cmd, "--tour plays the story's own allowlist: leave out --allowlist, or --tour")
			}
			if o.port < 0 || o.port > 65000 {
				return usagef(cmd, "--port %d is no port from 0 to 65000", o.port)
			}
			return e.local(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.port, "port", local.DefaultPort, "first of a row of ports; 0, or the default when it is busy, takes free ones")
	f.StringVar(&o.dir, "dir", ".credvend/local", "folder for the files that the run writes")
	f.StringVar(&o.allowlist, "allowlist", "", "allowlist (YAML) to play instead of the story's")
	f.StringVar(&o.templates, "templates", "", "folder with template.yaml and accounts/target.yaml to play instead of the ones built in")
	f.StringVar(&o.bootstrap, "bootstrap", "", "the function's program; without it the tool runs itself as the function")
	f.BoolVar(&o.tour, "tour", false, "play the story once and tell it")
	f.BoolVar(&o.exit, "exit", false, "with --tour: exit after the story, 0 only if each step went as told")
	return cmd
}

type localOptions struct {
	port                                 int
	portFixed                            bool
	dir, allowlist, templates, bootstrap string
	tour, exit                           bool
}

func (e *env) local(ctx context.Context, o localOptions) error {
	tool, err := os.Executable()
	if err != nil {
		return fmt.Errorf("the path of credvend itself cannot be found: %w", err)
	}
	bootstrap := []string{tool, functionCommand}
	if o.bootstrap != "" {
		if bootstrap[0], err = filepath.Abs(o.bootstrap); err != nil {
			return err
		}
		bootstrap = bootstrap[:1]
	}
	log := &gate{w: e.stdout}
	stack, err := local.Start(ctx, local.Options{
		Port: o.port, PortFixed: o.portFixed, Dir: o.dir, Allowlist: o.allowlist, Templates: o.templates,
		Bootstrap: bootstrap, Tool: tool, Log: log,
	})
	var problems yamldoc.Diagnostics
	if errors.As(err, &problems) {
		if _, err := fmt.Fprintln(e.stderr, problems); err != nil {
			return err
		}
		return fmt.Errorf("%s has %s; mend it and start again", o.allowlist, plural(len(problems), "problem"))
	}
	if err != nil {
		return err
	}
	defer func() { _ = stack.Close() }()
	if !o.exit {
		e.describe(o, stack.World)
	}
	if _, err := fmt.Fprintln(e.stdout, "ready"); err != nil {
		return err
	}
	if o.tour {
		if err := stack.Tour(ctx, e.stdout); err != nil || o.exit {
			return err
		}
		_, _ = fmt.Fprintf(e.stdout, "\nIt stays up: try it yourself from another shell (. %s). Each request shows below. Ctrl-C ends it.\n", stack.World.Files.Env)
	}
	log.open()
	<-ctx.Done()
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil // Ctrl-C is how it ends
	}
	return ctx.Err()
}

// describe tells where everything is.
func (e *env) describe(o localOptions, w local.World) {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(e.stdout, format+"\n", args...) }
	p("credvend local: two AWS accounts on this machine. Loopback only; not for production.")
	p("")
	for _, line := range [][2]string{
		{"live view, for a browser", w.ViewURL},
		{"front door, HTTP API with AWS_IAM", w.URL},
		{"front door, HTTP API with JWT", w.JWTURL},
		{"front door, function URL with AWS_IAM", w.FunctionURL},
		{"front door, REST API with AWS_IAM", w.RESTURL},
		{"OIDC issuer (POST /token)", w.IssuerURL},
		{"STS", w.STSURL},
	} {
		p("  %-38s %s", line[0], line[1])
	}
	for _, t := range w.Targets {
		p("  %-38s %s", "Account A's API, target "+t.Name, t.URL)
	}
	p("  %-38s %s", "shell variables", w.Files.Env)
	p("  %-38s %s", "audit trail", w.Files.Audit)
	p("  %-38s %s", "the function's log", w.Files.Log)
	p("  %-38s %s", "AWS profiles", strings.Join(w.ProfileNames(), ", "))
	for _, note := range w.Adapted {
		p("  note: %s", note)
	}
	if !o.portFixed && o.port != 0 && w.ViewURL != fmt.Sprintf("http://127.0.0.1:%d", o.port) {
		p("  note: port %d was busy, so free ones were taken", o.port)
	}
	p("")
}

// gate lets writes through once it is open: the story's own requests are told
// by the story.
type gate struct {
	w    io.Writer
	pass atomic.Bool
}

func (g *gate) open() { g.pass.Store(true) }

func (g *gate) Write(p []byte) (int, error) {
	if !g.pass.Load() {
		return len(p), nil
	}
	return g.w.Write(p)
}

// newFunctionCommand is how the tool runs itself as the function, under the
// Runtime API that `credvend local` plays. It is not for people.
func newFunctionCommand(*env) *cobra.Command {
	return &cobra.Command{
		Use:    functionCommand,
		Short:  "Run the function under a Lambda Runtime API",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// The runtime ends the function, not the terminal's Ctrl-C.
			signal.Ignore(syscall.SIGINT)
			return function.Run(cmd.Context(), os.Getenv)
		},
	}
}
