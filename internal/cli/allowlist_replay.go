package cli

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/analysis/replay"
)

func newAllowlistReplayCommand(e *env) *cobra.Command {
	var out output
	var log string
	cmd := &cobra.Command{
		Use:   "replay FILE --log AUDIT.jsonl",
		Short: "Say which past requests an allowlist would answer otherwise",
		Long: `Holds recorded audit lines, one JSON object a line, against an allowlist. Lines of
other programs are skipped and counted, and so is text before the JSON, as
"aws logs tail" writes it. Memory does not grow with the log.

Of an AWS principal a line records all that a list looks at. Of a token it
records issuer, subject and the caller names that matched, not the claims: it is
taken to be still whom the line names, and the answer says how many requests rest
on that. Whether a request named its routes is not recorded either: what it got
is compared, request by request.

Exit code 0: every request would be answered as it was. 3: some would not.
1: the list or the log is not right.`,
		Example: `  credvend allowlist replay proposed.yaml --log audit.jsonl

  # yesterday's, from CloudWatch Logs
  aws logs tail "$LOG_GROUP" --since 1d --format short | credvend allowlist replay proposed.yaml --log -`,
		Args: wantArgs(1, 1, "one allowlist, such as proposed.yaml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(cmd); err != nil {
				return err
			}
			switch {
			case log == "":
				return usagef(cmd, "name the audit log with --log; - for standard input")
			case log == "-" && args[0] == "-":
				return usagef(cmd, "standard input can be the list or the log, not both")
			}
			s, err := e.subject(args[0])
			if err != nil {
				return err
			}
			in := e.stdin
			if log != "-" {
				f, err := os.Open(log)
				if err != nil {
					return fmt.Errorf("cannot read the log: %w", err)
				}
				defer f.Close() //nolint:errcheck // it was only read
				in = io.Reader(f)
			}
			report, err := replay.Run(cmd.Context(), s, in)
			if err != nil {
				return err
			}
			if out.form == "json" {
				err = e.printDocument(report)
			} else {
				err = e.lines(replayText(report))
			}
			if err == nil && report.Changed > 0 {
				err = commandExit(exitOtherwise)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&log, "log", "", "audit lines to replay; - for standard input")
	out.register(cmd, "text", "json")
	return cmd
}

func replayText(r replay.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s: %d as before, %d otherwise\n", plural(r.Requests, "request"), plural(r.Lines, "line"), r.Same, r.Changed)
	for _, why := range slices.Sorted(maps.Keys(r.Skipped)) {
		fmt.Fprintf(&b, "  skipped: %d %s\n", r.Skipped[why], why)
	}
	if r.Assumed > 0 {
		fmt.Fprintf(&b, "  rest on an assumption: %s, whose token still bears the caller names of its line; its claims are not recorded\n", plural(r.Assumed, "request"))
	}
	for _, c := range r.Changes {
		mark := ""
		if c.Assumed {
			mark = " (assumed)"
		}
		fmt.Fprintf(&b, "\n%s, %s%s: %s at %s\n", c.What, times(c.Count), mark, c.Who, c.Target)
		if len(c.Routes) > 0 {
			b.WriteString("  routes " + strings.Join(c.Routes, ", ") + "\n")
		}
		b.WriteString("  " + c.Detail + "\n")
		fmt.Fprintf(&b, "  first %s at %s, last at %s\n", c.First, c.From, c.To)
	}
	if r.More > 0 {
		fmt.Fprintf(&b, "\nand %d more of other kinds\n", r.More)
	}
	return b.String()
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
