// Command bench measures credvend beside the least that could be there in its
// place: `make bench`. It prints one table, and writes the same figures as JSON
// and as a picture for the documents.
//
// Believe its ratios and counts: what it compares ran in turns, in one run.
// Times alone are this machine's, at this hour. A limit that is passed is
// marked and is no failure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/credvend/credvend/bench/inside"
	"github.com/credvend/credvend/bench/peer"
	"github.com/credvend/credvend/bench/process"
	"github.com/credvend/credvend/bench/report"
)

// section is one question that a run answers.
type section struct {
	name, title string
	run         func(context.Context, report.Env) (report.Section, error)
}

func sections() []section {
	return []section{
		{"start", "process start to the first request for an event", process.Start},
		{"invoke", "an event through the Runtime API", process.Invoke},
		{"throughput", "vends a second, and memory", process.Throughput},
		{"inprocess", "the handler within one process, and its allocations", inside.InProcess},
		{"decide", "deciding under ten rules to a million", inside.Decide},
		{"herd", "many clients at once: calls of STS", inside.Herd},
		{"peer", "OpenBao, where its programs are on the path", peer.Peer},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, sections(), os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what the command line asks for.
type options struct {
	sections []section
	quick    bool
	json     string // file; "": none
	picture  string // file; "": none
	page     string // file; "": none
}

func parse(all []section, args []string, help io.Writer) (options, error) {
	names := names(all)
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(help)
	only := flags.String("only", "", "sections to run, with commas between: "+strings.Join(names, ","))
	flags.BoolVar(&o.quick, "quick", false, "about a tenth of the work: to see that it runs, not to believe")
	flags.StringVar(&o.json, "out", "", "write the figures to `FILE`, as JSON (of a whole run: bench/results.json)")
	flags.StringVar(&o.picture, "svg", "", "draw start, invoke and decide into `FILE` (of a whole run: docs/performance.svg)")
	flags.StringVar(&o.page, "page", "", "write the figures into `FILE`, between its marks (of a whole run: docs/performance.md)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag; sections are chosen by -only %s", flags.Arg(0), flags.Arg(0))
	}
	o.sections = all
	if *only != "" {
		o.sections = nil
		for name := range strings.SplitSeq(*only, ",") {
			i := slices.IndexFunc(all, func(s section) bool { return s.name == name })
			if i < 0 {
				return o, fmt.Errorf("there is no section %q; there are %s", name, strings.Join(names, ", "))
			}
			o.sections = append(o.sections, all[i])
		}
	}
	return o, nil
}

func names(all []section) []string {
	var list []string
	for _, s := range all {
		list = append(list, s.name)
	}
	return list
}

func run(ctx context.Context, all []section, args []string, out, progress io.Writer) (err error) {
	o, err := parse(all, args, progress)
	if err != nil {
		return err
	}
	root, err := checkout()
	if err != nil {
		return err
	}
	if len(o.sections) == len(all) && !o.quick {
		// Only a whole run replaces what is committed, unless told.
		o.json = orElse(o.json, filepath.Join(root, "bench", "results.json"))
		o.picture = orElse(o.picture, filepath.Join(root, "docs", "performance.svg"))
		o.page = orElse(o.page, filepath.Join(root, "docs", "performance.md"))
	}
	dir, err := os.MkdirTemp("", "credvend-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	began := time.Now()
	env := report.Env{Root: root, Dir: dir, Quick: o.quick, Log: func(format string, a ...any) {
		fmt.Fprintf(progress, "%4.0f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, a...)) //nolint:errcheck // nowhere to report it to
	}}
	results := report.Results{Machine: machine(ctx, root, began)}
	var failed error
	for _, s := range o.sections {
		env.Log("%s: %s", s.name, s.title)
		section, err := s.run(ctx, env)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, err))
			section.Note = strings.TrimSpace("BROKEN OFF: " + err.Error() + ". " + section.Note)
		}
		results.Sections = append(results.Sections, section)
	}
	results.Machine.Seconds = int(time.Since(began).Seconds())
	return errors.Join(failed, write(o, results, out))
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// write writes the table, and the files that were asked for.
func write(o options, r report.Results, out io.Writer) error {
	err := report.WriteTable(out, r)
	for _, file := range []struct {
		name  string
		write func(io.Writer, report.Results) error
	}{{o.json, report.WriteJSON}, {o.picture, report.WritePicture}, {o.page, into(o.page)}} {
		if file.name == "" {
			continue
		}
		var b strings.Builder
		if one := file.write(&b, r); one != nil {
			err = errors.Join(err, one)
			continue
		}
		err = errors.Join(err, os.WriteFile(file.name, []byte(b.String()), 0o644)) //nolint:gosec // a document for everyone
	}
	return err
}

// into writes the document of a name anew, with the results between its marks.
func into(name string) func(io.Writer, report.Results) error {
	return func(w io.Writer, r report.Results) error {
		page, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var b strings.Builder
		if err := report.WritePage(&b, r); err != nil {
			return err
		}
		text, err := report.ReplacePage(string(page), b.String())
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		_, err = io.WriteString(w, text)
		return err
	}
}

// checkout is the folder of go.mod, above the working directory or the same.
func checkout() (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not inside a checkout of credvend: the programs are built from its source; run make bench there", here)
		}
	}
}
