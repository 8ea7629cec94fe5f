package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/analysis"
)

func newAllowlistDiffCommand(e *env) *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what a change of the allowlist changes for whom",
		Long: `Compares two allowlists by what they let pass: who gains which requests, who loses
which, what else changes in sessions and targets, and what changes only its
words. It is exact, deny rules included, for every identity: for those that no
caller spells out, those that several callers match, and guests too.

A list is wider than the other if somebody gains a request, may live longer, or
is vended another role, whose permissions stand in no allowlist.

Exit code 0: not wider. 3: wider. 1: a list is not right, or too involved to
compare.`,
		Example: `  credvend allowlist diff allowlist.yaml proposed.yaml

  # of a branch, as a comment for its pull request
  git show main:allowlist.yaml | credvend allowlist diff - allowlist.yaml --output markdown`,
		Args: wantArgs(2, 2, "two allowlists, the old one and the new one"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(cmd); err != nil {
				return err
			}
			if args[0] == "-" && args[1] == "-" {
				return usagef(cmd, "standard input can be one of the two only")
			}
			was, err := e.subject(args[0])
			if err != nil {
				return err
			}
			now, err := e.subject(args[1])
			if err != nil {
				return err
			}
			d, err := analysis.Compare(was, now)
			if err != nil {
				return err
			}
			switch out.form {
			case "json":
				err = e.printDocument(d)
			case "markdown":
				err = e.lines(diffMarkdown(d))
			default:
				err = e.lines(diffText(d))
			}
			if err == nil && d.Widened {
				err = commandExit(exitOtherwise)
			}
			return err
		},
	}
	out.register(cmd, "text", "json", "markdown")
	return cmd
}

// headline says in a line what a diff comes to.
func headline(d analysis.Diff) string {
	switch {
	case d.Old == d.New:
		return "The lists are the same."
	case d.Widened:
		return "The list is wider: somebody gains access."
	case d.Same:
		return "Access is the same; only words change."
	default:
		return "The list is not wider."
	}
}

// whose says of whom a change is.
func whose(c analysis.Change) string {
	was, is := strings.Join(c.Was, " and "), strings.Join(c.Callers, " and ")
	switch {
	case was == is:
		return is + notes(c.Notes)
	case is == "":
		return was + notes(c.Notes) + ", who is nobody now,"
	case was == "":
		was = "nobody"
	}
	return is + notes(c.Notes) + ", who was " + was + ","
}

func diffText(d analysis.Diff) string {
	var b strings.Builder
	b.WriteString(headline(d) + "\n")
	for _, c := range d.Changes {
		fmt.Fprintf(&b, "\n%s at %s\n", whose(c), c.Target)
		for _, p := range c.Gains {
			b.WriteString("  + " + p.String() + "\n")
		}
		for _, p := range c.Losses {
			b.WriteString("  - " + p.String() + "\n")
		}
		for _, s := range c.Session {
			b.WriteString("  ~ " + s + "\n")
		}
		if c.Moved {
			b.WriteString("    the API is another: what is gained is of the new one, what is lost of the old\n")
		}
		if c.Refusal != "" {
			b.WriteString("    " + c.Refusal + "\n")
		}
		b.WriteString("    for example " + c.Who + "\n")
	}
	if len(d.Targets) > 0 {
		b.WriteString("\ntargets\n")
	}
	for _, t := range d.Targets {
		for _, c := range t.Change {
			fmt.Fprintf(&b, "  %s: %s\n", t.Target, c)
		}
	}
	if len(d.Callers) > 0 {
		b.WriteString("\ncallers\n")
	}
	for _, c := range d.Callers {
		fmt.Fprintf(&b, "  %s: %s\n", c.Caller, callerChange(c))
	}
	if len(d.Words) > 0 {
		b.WriteString("\nwords\n")
	}
	for _, w := range d.Words {
		b.WriteString("  " + w + "\n")
	}
	return b.String()
}

func callerChange(c analysis.CallerChange) string {
	s := c.Change
	if c.Now != "" && c.Change != "new" {
		s += "; now also " + c.Now
	} else if c.Now != "" {
		s += ": " + c.Now
	}
	if c.Then != "" && c.Change != "gone" {
		s += "; no longer " + c.Then
	}
	return s
}

func diffMarkdown(d analysis.Diff) string {
	var b strings.Builder
	b.WriteString("### Allowlist: " + strings.TrimSuffix(headline(d), ".") + "\n")
	if len(d.Changes) > 0 {
		b.WriteString("\n| | who | target | what |\n|---|---|---|---|\n")
	}
	for _, c := range d.Changes {
		row := func(sign, what string) {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", sign, cell(whose(c)), cell(c.Target), cell(what))
		}
		for _, p := range c.Gains {
			row("**gains**", p.String())
		}
		for _, p := range c.Losses {
			row("loses", p.String())
		}
		for _, s := range c.Session {
			row("session", s)
		}
	}
	if len(d.Targets)+len(d.Callers)+len(d.Words) > 0 {
		b.WriteByte('\n')
	}
	for _, t := range d.Targets {
		for _, c := range t.Change {
			fmt.Fprintf(&b, "- target %s: %s\n", cell(t.Target), cell(c))
		}
	}
	for _, c := range d.Callers {
		fmt.Fprintf(&b, "- caller %s: %s\n", cell(c.Caller), cell(callerChange(c)))
	}
	for _, w := range d.Words {
		b.WriteString("- " + cell(w) + "\n")
	}
	fmt.Fprintf(&b, "\n%s → %s\n", cell(d.Old), cell(d.New))
	return b.String()
}

// cell writes text so that Markdown shows it as it is: a route's stars would
// make half the table bold, and a name from a pull request could make a link.
func cell(s string) string {
	s = strings.NewReplacer("`", "'", "|", "&#124;").Replace(s)
	return "`` " + s + " ``"
}
