package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/analysis"
)

func newAllowlistWhoCanCommand(e *env) *cobra.Command {
	var out output
	var every bool
	cmd := &cobra.Command{
		Use:   "who-can FILE TARGET ROUTE…",
		Short: "Say who can make which requests",
		Long: `Says of each caller of the list whether it can make all of the requests that the
routes stand for, part of them (and which part), or none. The answer is exact,
deny rules and templates included: "all of it" means that no request is missing.
Paths that every session policy denies, such as /a//b and /a/../b, do not count.

A caller's line is about one who bears that name and no more than must come with
it. Whoever bears several names has what their allow rules add up to, less what
any deny rule takes; where that is not what the lines say together, it is said
below them, as it is for guests of identity pools and for tokens whose claims
are missing or cannot stand in a route. <claims.sub> stands for each one's own.

Exit code 0: the question was answered. 1: the list is not right.`,
		Example: `  credvend allowlist who-can allowlist.yaml orders 'DELETE /orders/*'
  credvend allowlist who-can allowlist.yaml orders '* /*' --output json`,
		Args: wantArgs(3, -1, "an allowlist, a target and a route, such as 'DELETE /orders/*'"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(cmd); err != nil {
				return err
			}
			routes, err := parseRoutes(cmd, args[2:])
			if err != nil {
				return err
			}
			s, err := e.subject(args[0])
			if err != nil {
				return err
			}
			answer, err := analysis.Who(s, args[1], routes)
			if err != nil {
				return err
			}
			if out.form == "json" {
				return e.printDocument(answer)
			}
			return e.lines(whoCan(answer, every))
		},
	}
	cmd.Flags().BoolVar(&every, "all", false, "list the callers that can make none, too")
	out.register(cmd, "text", "json")
	return cmd
}

// whoCan writes the answer for people.
func whoCan(a analysis.WhoCan, every bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of target %s\n", strings.Join(a.Routes, ", "), a.Target)
	nobody := 0
	for _, h := range a.Holders {
		if h.Extent == analysis.None && !every {
			nobody++
			continue
		}
		fmt.Fprintf(&b, "\n%s: %s", h.Caller, h.Extent)
		if len(h.Rules) > 0 && h.Extent != analysis.None {
			b.WriteString(", by " + strings.Join(h.Rules, ", "))
		}
		b.WriteByte('\n')
		pieceLines(&b, "  ", h.Pieces)
		if h.Extent == analysis.Part && h.Cannot != "" {
			why := deniedBy(h.DeniedBy)
			if why == "" {
				why = ": no rule allows it"
			}
			b.WriteString("  not, for example, " + h.Cannot + why + "\n")
		}
		if h.Extent == analysis.None && len(h.DeniedBy) > 0 {
			b.WriteString("  " + strings.TrimPrefix(deniedBy(h.DeniedBy), ": ") + "\n")
		}
		if len(h.Also) > 0 {
			b.WriteString("  who bears it is always also " + strings.Join(h.Also, ", ") + "\n")
		}
		b.WriteString("  for example " + h.Who + "\n")
	}
	if nobody > 0 {
		who := "other callers"
		switch nobody {
		case len(a.Holders):
			who = "callers of the list"
		case 1:
			who = "other caller"
		}
		fmt.Fprintf(&b, "\n%d %s: none\n", nobody, who)
	}
	if len(a.Overlaps) > 0 {
		b.WriteString("\nother than these lines say\n")
	}
	for _, o := range a.Overlaps {
		fmt.Fprintf(&b, "  who is %s%s: %s\n", strings.Join(o.Callers, " and "), notes(o.Notes), o.Extent)
		pieceLines(&b, "    ", o.Pieces)
		if o.Refusal != "" {
			b.WriteString("    " + o.Refusal + "\n")
		}
		b.WriteString("    it shows in " + o.Differs + ", for example for " + o.Who + "\n")
	}
	if a.More > 0 {
		fmt.Fprintf(&b, "  and %d more combinations\n", a.More)
	}
	return b.String()
}

func deniedBy(rules []string) string {
	if len(rules) == 0 {
		return ""
	}
	return ": denied by " + strings.Join(rules, ", ")
}

func notes(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return ", " + strings.Join(list, ", ")
}
