//go:build conformance

// Command sandbox asks AWS what the local stack plays. It sends the same
// requests to two sandbox accounts of its user, or to `credvend local`, by the
// same code, and prints where an answer is not the one that the local stack
// gives. `make conformance-aws` builds and runs it; docs/conformance-aws.md says
// what to set.
//
// It changes nothing: it vends, assumes roles and calls APIs. It talks to no
// host but those it was given (and STS), to none outside this machine without
// consent, and prints no secret: see redact.go.
//
// The build tag keeps it out of the module's import table: it is a client, with
// the SDK's STS, and a stack of its own to try itself on.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// Exit codes.
const (
	exitSame    = 0 // nothing differs
	exitDiffers = 1
	exitUsage   = 2 // it could not run: a variable, a flag, a profile
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr) //nolint:forbidigo // main hands the standard streams in
	stop()
	os.Exit(code)
}

type flags struct {
	local     bool
	bootstrap string
	list      bool
	only      *regexp.Regexp
	out       string
	timeout   time.Duration
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	secrets := &redactor{} // nothing is printed past it
	differs, err := try(ctx, args, secrets, stdout, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitSame
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "conformance-aws: %s\n", secrets.hide(err.Error()))
		return exitUsage
	case differs:
		return exitDiffers
	}
	return exitSame
}

func try(ctx context.Context, args []string, secrets *redactor, stdout, stderr io.Writer) (differs bool, err error) {
	f, err := parseFlags(args, stdout, stderr)
	if err != nil {
		return false, err
	}
	if f.list {
		list(stdout, matching(checks(&settings{value: map[string]string{}, allowed: route{"GET", "/orders/42"}}), f.only))
		return false, nil
	}
	getenv := os.Getenv
	if f.local {
		own, err := startOwn(ctx, f.bootstrap)
		if err != nil {
			return false, fmt.Errorf("starting the local stack: %w", err)
		}
		defer func() { err = errors.Join(err, own.close()) }()
		getenv = own.getenv
	}
	s, err := readSettings(getenv)
	if err != nil {
		return false, err
	}
	all := matching(checks(s), f.only)
	if len(all) == 0 {
		return false, fmt.Errorf("-run %s names no check; -list shows them", f.only)
	}
	if err := s.consent(); err != nil {
		return false, err
	}
	b, err := newBench(ctx, s, secrets, f.timeout)
	if err != nil {
		return false, err
	}
	r := newReport(stdout, s, b)
	r.announce(len(all))
	for _, c := range all {
		r.add(c, b.perform(ctx, c))
		if ctx.Err() != nil {
			return false, fmt.Errorf("stopped after %d of %d checks", len(r.Results), len(all))
		}
	}
	r.close(f.only == nil)
	if f.out != "" {
		if err := r.save(f.out); err != nil {
			return false, err
		}
	}
	return r.Counts.Differs > 0, r.err
}

func parseFlags(args []string, stdout, stderr io.Writer) (f flags, err error) {
	set := flag.NewFlagSet("conformance-aws", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		set.SetOutput(stdout)
		usage(stdout, set)
	}
	set.BoolVar(&f.local, "local", false, "start a local stack, with a role to assume and a function that shows its event, and check that")
	set.StringVar(&f.bootstrap, "bootstrap", "build/bootstrap", "with -local: the function's `program`")
	set.BoolVar(&f.list, "list", false, "list the checks, what each needs and the unsure facts that it looks at; send nothing")
	set.StringVar(&f.out, "o", "", "also write the results to this `file`, as JSON without secrets, to attach to an issue")
	set.DurationVar(&f.timeout, "timeout", 30*time.Second, "the longest that one request may take")
	only := set.String("run", "", "run only the checks whose id matches this `regexp`")
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return f, err
		}
		return f, fmt.Errorf("%w; -help shows the flags", err)
	}
	if set.NArg() > 0 {
		return f, errors.New("it takes no arguments, only flags and variables; -help shows them")
	}
	if f.timeout <= 0 {
		return f, fmt.Errorf("-timeout %s is no time to wait", f.timeout)
	}
	if *only != "" {
		if f.only, err = regexp.Compile(*only); err != nil {
			return f, fmt.Errorf("-run is no regular expression: %w", err)
		}
	}
	return f, nil
}

func matching(all []check, only *regexp.Regexp) (some []check) {
	for _, c := range all {
		if only == nil || only.MatchString(c.id) {
			some = append(some, c)
		}
	}
	return some
}
