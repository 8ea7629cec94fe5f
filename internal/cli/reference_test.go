package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "rewrite docs/cli.md")

const referencePage = "../../docs/cli.md"

// TestReference holds docs/cli.md to the commands' own help: it is that help,
// as a page. Rewrite it with `go test ./internal/cli -run TestReference -update`.
func TestReference(t *testing.T) {
	got := reference(newRootCommand(&env{}))
	if *update {
		if err := os.WriteFile(referencePage, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("docs/cli.md differs from the commands' help; write it anew: go test ./internal/cli -run TestReference -update")
	}
}

func reference(root *cobra.Command) string {
	var b bytes.Buffer
	b.WriteString("# The tool's commands\n\n" +
		"This page is the text of `credvend help COMMAND` for every command, written by a\n" +
		"test. What callers do with them is in [callers.md](callers.md), the variables and\n" +
		"the configuration file in [configuration.md](configuration.md#the-tool).\n\n")
	each(root, func(c *cobra.Command) {
		fmt.Fprintf(&b, "- [%s](#%s): %s\n", c.CommandPath(), strings.ReplaceAll(c.CommandPath(), " ", "-"), lowerFirst(c.Short))
	})
	b.WriteString("\n## Exit codes\n\n```text\n" + strings.TrimSpace(exitHelp) + "\n```\n")
	each(root, func(c *cobra.Command) { section(&b, c) })
	return b.String()
}

// each visits the commands that people see and that do something.
func each(c *cobra.Command, visit func(*cobra.Command)) {
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() || sub.Name() == "completion" || sub.Name() == "help" {
			continue
		}
		if !sub.HasSubCommands() {
			visit(sub)
		}
		each(sub, visit)
	}
}

func section(b *bytes.Buffer, c *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n```text\n%s\n```\n", c.CommandPath(), c.UseLine())
	if text := strings.TrimSpace(c.Long); text != "" {
		fmt.Fprintf(b, "\n```text\n%s\n```\n", text)
	} else {
		fmt.Fprintf(b, "\n%s.\n", c.Short)
	}
	if c.Example != "" {
		var lines []string
		for line := range strings.SplitSeq(strings.Trim(c.Example, "\n"), "\n") {
			lines = append(lines, strings.TrimPrefix(line, "  "))
		}
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.Join(lines, "\n"))
	}
	var rows []string
	c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s |", name, defaultOf(f), strings.ReplaceAll(strings.ReplaceAll(f.Usage, "`", ""), "|", "\\|")))
	})
	slices.Sort(rows)
	if len(rows) > 0 {
		fmt.Fprintf(b, "\n| flag | default | meaning |\n|---|---|---|\n%s\n", strings.Join(rows, "\n"))
	}
}

func defaultOf(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "[]", "false", "0s":
		return ""
	default:
		return "`" + f.DefValue + "`"
	}
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
