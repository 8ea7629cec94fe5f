package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/analysis"
)

func newAllowlistWhatCanCommand(e *env) *cobra.Command {
	var (
		who asker
		out output
	)
	cmd := &cobra.Command{
		Use:   "what-can FILE --as CALLER",
		Short: "Say all that a caller can do",
		Long: `Says of each target what a caller may have of it: each route that is granted,
whether all of it passes or part of it, and what deny rules take. The answer is
exact. All callers that match count, as they do in the function.
` + asHelp + `

Exit code 0: the question was answered. 1: the list or the caller is not right.`,
		Example: `  credvend allowlist what-can allowlist.yaml --as arn:aws:iam::444455556666:role/ci-deploy
  credvend allowlist what-can allowlist.yaml --as billing-service --output json`,
		Args: wantArgs(1, 1, "one allowlist, such as allowlist.yaml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(cmd); err != nil {
				return err
			}
			s, err := e.subject(args[0])
			if err != nil {
				return err
			}
			caller, values, err := who.resolve(cmd, s)
			if err != nil {
				return err
			}
			answer, err := analysis.What(s, caller, values)
			if err != nil {
				return err
			}
			if out.form == "json" {
				return e.printDocument(answer)
			}
			return e.lines(whatCan(answer))
		},
	}
	who.register(cmd)
	out.register(cmd, "text", "json")
	return cmd
}

// whatCan writes the answer for people.
func whatCan(a analysis.WhatCan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nwho matches %s\n", a.Who, orNone(a.Callers, "no caller of the list"))
	var none []string
	for _, t := range a.Targets {
		if t.Extent == analysis.None && len(t.Routes) == 0 {
			none = append(none, t.Target)
			continue
		}
		fmt.Fprintf(&b, "\n%s: %s", t.Target, t.Extent)
		if t.MaxSeconds > 0 {
			fmt.Fprintf(&b, ", for %s at most, by %s", inMinutes(t.MaxSeconds), t.LimitedBy)
		}
		b.WriteByte('\n')
		var rows [][]string
		for _, r := range t.Routes {
			says := r.Extent.String()
			if len(r.Except) > 0 {
				says += ": not " + strings.Join(r.Except, ", ")
			}
			if len(r.Denied) > 0 {
				says += deniedBy(r.Denied)
			}
			rows = append(rows, []string{"  " + r.Route, says, "by " + strings.Join(r.Rules, ", ")})
		}
		b.Write(table(rows))
		if t.Extent == analysis.None && t.Refusal != "" {
			b.WriteString("  " + t.Refusal + "\n")
		}
		if t.RequiresRoutes {
			b.WriteString("  each request must name its routes\n")
		}
	}
	if len(none) > 0 {
		fmt.Fprintf(&b, "\nnone of %s\n", strings.Join(none, ", "))
	}
	return b.String()
}
