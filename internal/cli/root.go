// Package cli holds the commands of the tool credvend.
//
// Standard output carries a command's result and nothing else; what is meant
// for people goes to standard error, errors as one line that begins with
// "credvend:" and says what to do next. Commands return errors: nothing here
// ends the process, keeps state between runs, or prints a secret that was not
// asked for.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// env is what a command may touch of the world around it.
type env struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	now    func() time.Time
}

// A group of commands, as the help shows them.
type group struct {
	id, title string
	commands  []func(*env) *cobra.Command
}

// groups is every command of the tool, in the order of the help. A command is a
// constructor in a file of its own.
func groups() []group {
	return []group{
		{"callers", "For callers, who need credentials:", []func(*env) *cobra.Command{
			newGetCommand,
			newCallCommand,
			newExecCommand,
			newProcessCommand,
			newConfigureCommand,
			newTargetsCommand,
			newWhoamiCommand,
			newDoctorCommand,
		}},
		{"operators", "For operators, who say who may have them:", []func(*env) *cobra.Command{
			newAllowlistCommand,
		}},
		{"machine", "On this machine:", []func(*env) *cobra.Command{
			newLocalCommand,
			newFunctionCommand,
			newVersionCommand,
		}},
	}
}

// Main runs the tool with the arguments that follow its name and returns its
// exit code. It stops early when ctx ends.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	// A closed standard output is an error to report, not a reason to vanish.
	// The signal is caught, not ignored: a program that exec runs would inherit
	// that.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)

	e := &env{stdin, stdout, stderr, time.Now}
	root := newRootCommand(e)
	root.SetArgs(args)
	help := &checked{w: stdout}
	root.SetOut(help)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = help.err
	}
	code := exitCode(ctx, err)
	var exited commandExit
	switch {
	case errors.As(err, &exited): // what it had to say, it said
	case code == exitInterrupted:
		_, _ = fmt.Fprintln(stderr, "credvend: interrupted")
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "credvend: "+oneLine(err))
	}
	return code
}

func newRootCommand(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "credvend",
		Short: "Vend short-lived, scoped AWS credentials across accounts",
		Long: `credvend vends short-lived AWS credentials that are good for named routes of an
API in another account, and nothing else. This tool fetches credentials for you
and for your programs, builds allowlists, and runs the whole of it on this
machine.`,
		Example: `  # what may I have, and call it
  credvend targets --url https://a1b2c3.execute-api.us-east-1.amazonaws.com --profile billing-service
  credvend call orders GET /orders/42

  # an AWS profile that vends by itself, for every AWS tool
  credvend configure orders
  AWS_PROFILE=orders aws sts get-caller-identity

  # into this shell, or into one command
  eval "$(credvend get orders --output env)"
  credvend exec orders -- ./report.sh

  # check an allowlist and build what the function reads
  credvend allowlist build allowlist.yaml -o allowlist.json

  # two AWS accounts on this machine, to try all of it
  credvend local --tour

  # complete commands in this shell (bash, zsh, fish and powershell)
  source <(credvend completion bash)`,
		SilenceErrors: true, // Main prints them
		SilenceUsage:  true,
		Version:       version(),
	}
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetUsageTemplate(root.UsageTemplate() + exitHelp)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef(cmd, "%v", err)
	})
	root.SetHelpCommand(newHelpCommand())
	for _, g := range groups() {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, newCommand := range g.commands {
			cmd := newCommand(e)
			cmd.GroupID = g.id
			root.AddCommand(cmd)
		}
	}
	root.SetHelpCommandGroupID("machine")
	root.SetCompletionCommandGroupID("machine")
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	asGroup(root)
	root.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	for _, cmd := range root.Commands() {
		checkArgs(cmd)
	}
	return root
}

// asGroup makes a command that only holds others answer a call of itself, or
// of a command that it does not hold, with what to do.
func asGroup(cmd *cobra.Command) {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		text := fmt.Sprintf("there is no command %q", cmd.CommandPath()+" "+args[0])
		cmd.SuggestionsMinimumDistance = 2
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			text += "; did you mean " + near[0] + "?"
		}
		return usagef(cmd, "%s", text)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		return usagef(cmd, "%s needs a command: %s", cmd.CommandPath(), strings.Join(names, ", "))
	}
}

// checkArgs makes a wrong number of arguments a usage error, in cmd and all
// below it.
func checkArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return asUsage(cmd, err)
			}
			return nil
		}
	}
	if cmd.HasSubCommands() && !cmd.Runnable() {
		asGroup(cmd)
	}
	for _, c := range cmd.Commands() {
		checkArgs(c)
	}
}

// newHelpCommand replaces cobra's, which calls an unknown command a success.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Tell about a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usagef(cmd.Root(), "there is no command %q", strings.Join(args, " "))
			}
			return about.Help()
		},
	}
}
