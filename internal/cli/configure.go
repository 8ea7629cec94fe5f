package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/awsconfig"
)

func newConfigureCommand(e *env) *cobra.Command {
	var (
		who callerFlags
		c   configure
	)
	cmd := &cobra.Command{
		Use:   "configure TARGET",
		Short: "Write an AWS profile that gets its credentials for a target by itself",
		Long: `Writes a profile into AWS's config file (~/.aws/config, or AWS_CONFIG_FILE) whose
credential_process is credvend process TARGET, so that every AWS tool and SDK has
the target's credentials under that profile's name. It first asks the service
whether this caller may have the target; then it shows the change and asks.

What flags and variables say about the service and the caller is written into the
profile; what the configuration file of credvend says is read at each run. Nothing
secret is written. No other line of the file changes, and a profile that credvend
did not write is not touched. --undo takes the profile out again.
` + callerHelp,
		Example: `  credvend configure orders --url https://a1b2c3.execute-api.us-east-1.amazonaws.com --profile billing-service
  AWS_PROFILE=orders aws sts get-caller-identity

  # under another name, for some routes, without questions
  credvend configure orders --name orders-ro --route "GET /orders/*" --yes

  # take it out again
  credvend configure orders --undo`,
		Args:              oneTarget,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			c.target = args[0]
			c.name = cmp.Or(c.name, c.target)
			if err := c.check(cmd); err != nil {
				return err
			}
			if c.undo {
				return e.unconfigure(cmd.Context(), c)
			}
			return e.configure(cmd, who, c)
		},
	}
	who.register(cmd)
	c.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&c.name, "name", "", "name of the profile to write (default: the target's)")
	flags.BoolVarP(&c.yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&c.undo, "undo", false, "take the profile out again")
	flags.BoolVar(&c.noCheck, "no-check", false, "do not ask the service first; the profile then has no region")
	return cmd
}

type configure struct {
	vendFlags
	target, name       string
	yes, undo, noCheck bool
}

func (e *env) configure(cmd *cobra.Command, who callerFlags, c configure) error {
	caller, err := who.connect(cmd)
	if err != nil {
		return err
	}
	command, err := c.command(cmd, who, caller.settings)
	if err != nil {
		return err
	}
	profile := awsconfig.Profile{Name: c.name, Command: command}
	if err := profile.Check(); err != nil {
		return asUsage(cmd, err)
	}
	file, err := readAWSConfig(c.name)
	if err != nil {
		return err
	}
	if !c.noCheck {
		if profile.Region, err = caller.regionOf(cmd.Context(), c.target); err != nil {
			return err
		}
	}
	text, err := awsconfig.Add(file.Text, profile)
	if err != nil {
		return fmt.Errorf("%s, %w", file.Path, err)
	}
	if bytes.Equal(text, file.Text) {
		_, _ = fmt.Fprintf(e.stderr, "credvend: %s has this profile already; nothing to do\n", file.Path)
		return nil
	}
	if err := e.change(cmd.Context(), file, text, c.yes); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(e.stderr, "credvend: written; try AWS_PROFILE=%s aws sts get-caller-identity\n", c.name)
	return nil
}

func (e *env) unconfigure(ctx context.Context, c configure) error {
	path, err := awsFile("AWS_CONFIG_FILE", "config")
	if err != nil {
		return err
	}
	file, err := awsconfig.Read(path)
	if err != nil {
		return err
	}
	text, err := awsconfig.Remove(file.Text, c.name)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := e.change(ctx, file, text, c.yes); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(e.stderr, "credvend: the profile %s is out\n", c.name)
	return nil
}

// change shows a change, asks, and makes it.
func (e *env) change(ctx context.Context, file *awsconfig.File, text []byte, yes bool) error {
	var shown strings.Builder
	for line := range strings.Lines(awsconfig.Diff(file.Path, file.Text, text)) {
		shown.WriteString(printable(line) + "\n")
	}
	if _, err := io.WriteString(e.stderr, shown.String()); err != nil {
		return err
	}
	if !yes {
		if err := e.confirm(ctx); err != nil {
			return err
		}
	}
	return file.Replace(text)
}

// confirm asks whether to go on.
func (e *env) confirm(ctx context.Context) error {
	_, _ = fmt.Fprint(e.stderr, "Write this? [y/N] ")
	answer := make(chan string, 1)
	go func() { // reading a terminal does not stop for a context
		line, _ := bufio.NewReader(io.LimitReader(e.stdin, 1024)).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		_, _ = fmt.Fprintln(e.stderr)
		return context.Cause(ctx)
	case a := <-answer:
		if !isTerminal(e.stdin) { // where the answer's own newline shows
			_, _ = fmt.Fprintln(e.stderr)
		}
		if a == "y" || a == "yes" {
			return nil
		}
		return errors.New("nothing was written; answer y, or give --yes")
	}
}

// regionOf asks the service about a target, so that a misspelt one is noticed
// now and not by whatever uses the profile.
func (c *caller) regionOf(ctx context.Context, target string) (string, error) {
	answer, err := c.Targets(ctx)
	if err != nil {
		return "", vendError(err)
	}
	var names []string
	for _, t := range answer.Targets {
		if t.Target == target {
			return t.Region, nil
		}
		names = append(names, t.Target)
	}
	have := "it may have none"
	if len(names) > 0 {
		have = "it may have " + strings.Join(names, ", ")
	}
	return "", &codedError{exitRefused, fmt.Errorf("this caller may not have the target %q, or there is none of that name; %s", target, have)}
}

// readAWSConfig reads AWS's config file, for a profile that the credentials
// file would not hide.
func readAWSConfig(name string) (*awsconfig.File, error) {
	path, err := awsFile("AWS_SHARED_CREDENTIALS_FILE", "credentials")
	if err != nil {
		return nil, err
	}
	credentials, err := awsconfig.Read(path)
	if err != nil {
		return nil, err
	}
	if awsconfig.Has(credentials.Text, name) {
		return nil, fmt.Errorf("%s has a profile %q of its own, which AWS's tools would prefer; choose another name with --name", path, name)
	}
	if path, err = awsFile("AWS_CONFIG_FILE", "config"); err != nil {
		return nil, err
	}
	return awsconfig.Read(path)
}

func awsFile(variable, name string) (string, error) {
	if path := os.Getenv(variable); path != "" {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("there is no home folder with AWS's files; set %s", variable)
	}
	return filepath.Join(home, ".aws", name), nil
}
