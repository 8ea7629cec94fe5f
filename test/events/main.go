// Command events hands an event of the folder events/ to the function, shows
// the answer, and says whether it is the expected one. Make's targets invoke
// and sam-local call it.
//
// It must not print the secrets of a vended credential unless asked to.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/credvend/credvend/internal/invoke"
)

// The exit codes: those of credvend.
const (
	exitOK     = 0
	exitFailed = 1 // the answer differs, or there was none
	exitUsage  = 2 // called wrongly, or something is missing here: nothing was tried
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("events", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var o invoke.Options
	flags.StringVar(&o.Events, "events", "events", "folder of the events")
	flags.StringVar(&o.Bootstrap, "bootstrap", "build/bootstrap", "the function's program; with -sam the one for Linux")
	flags.StringVar(&o.Allowlist, "allowlist", "", "allowlist (YAML) in the place of the events' own; the answer is then shown, not compared")
	flags.StringVar(&o.Emulator, "rie", "", "AWS's Runtime Interface Emulator, a program, to run the function under it")
	show := flags.Bool("show", false, "show the secret key and the session token")
	log := flags.Bool("log", false, "show what the function writes: audit trail and log")
	sam := flags.String("sam", "", "run it with sam local invoke, in a container, working in this folder")
	template := flags.String("template", "template.yaml", "with -sam: the SAM template")
	flags.Usage = func() {
		_, _ = fmt.Fprintf(stderr, "usage: events [flags] [EVENT]\n\nEVENT is a name in the folder of events, or a file. Without it the events are listed.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		return exitUsage
	}
	if *log {
		o.Log = stderr
	}
	var err error
	code := exitUsage
	switch flags.NArg() {
	case 0:
		err = list(o.Events, stdout)
	case 1:
		var c invoke.Case
		if c, err = invoke.Find(o.Events, flags.Arg(0)); err != nil {
			break
		}
		if o.Allowlist != "" {
			c.Want = nil
		}
		code = exitFailed
		var r *invoke.Result
		if *sam == "" {
			r, err = invoke.Run(ctx, o, c)
		} else {
			r, err = invoke.RunSAM(ctx, o, invoke.SAM{Dir: *sam, Template: *template, Stderr: stderr}, c)
		}
		if err == nil {
			return tell(c, r, *show, stdout)
		}
		if errors.Is(err, invoke.ErrUnavailable) {
			code = exitUsage
		}
	default:
		err = fmt.Errorf("name one event, not %d", flags.NArg())
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "events:", err)
		return code
	}
	return exitOK
}

// list tells which events there are.
func list(dir string, w io.Writer) error {
	cases, err := invoke.List(dir)
	if err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString("make invoke EVENT=NAME runs one of these; NAME may also be a file of your own.\n\n")
	for _, c := range cases {
		about, status := "(no expected answer)", "   "
		if c.Want != nil {
			about, status = c.Want.About, fmt.Sprint(c.Want.Status)
		}
		fmt.Fprintf(&text, "  %-40s %s  %s\n", c.Name, status, about)
	}
	_, err = io.WriteString(w, text.String())
	return err
}

// tell shows the answer, and whether it is the expected one.
func tell(c invoke.Case, r *invoke.Result, secrets bool, w io.Writer) int {
	if c.Want != nil {
		_, _ = fmt.Fprintf(w, "%s: %s\n\n", c.Name, c.Want.About)
	}
	if err := r.Answer.Write(w, secrets); err != nil {
		return exitFailed
	}
	switch {
	case c.Want == nil:
		return exitOK
	case len(r.Differs) == 0:
		_, _ = fmt.Fprintln(w, "\nok: as expected")
		return exitOK
	default:
		_, _ = fmt.Fprintf(w, "\ndiffers from what is expected:\n  %s\n", strings.Join(r.Differs, "\n  "))
		return exitFailed
	}
}
