package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/allowmap"
)

func newAllowlistMapCommand(e *env) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "map FILE",
		Short: "Draw who may use which routes, as one page for a browser",
		Long: `Writes one page of HTML that shows the allowlist FILE (- for standard input) as a
matrix of callers, targets and routes, to filter and to search. A cell shows the
rules that speak of it and the session policy. The page holds all it needs and
asks nobody for anything; printed, it is a list.

Whoever has the page can read the whole list, external ids left out.`,
		Example: `  credvend allowlist map allowlist.yaml -o map.html`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef(cmd, "name one allowlist to draw, such as allowlist.yaml; %d were named", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return e.mapAllowlist(args[0], out) },
	}
	cmd.Flags().StringVarP(&out, "output", "o", "map.html", "file to write; - for standard output")
	return cmd
}

func (e *env) mapAllowlist(in, out string) error {
	text, info, err := e.read(in, yamldoc.MaxSize)
	if err != nil {
		return err
	}
	name := in
	if in == "-" {
		name = "<stdin>"
	}
	file, list, err := yamldoc.Load(name, text)
	if err != nil {
		var ds yamldoc.Diagnostics
		if !errors.As(err, &ds) {
			return err
		}
		if _, err := fmt.Fprintln(e.stderr, ds); err != nil {
			return err
		}
		return fmt.Errorf("%s has %s; mend it first, nothing was drawn", name, plural(len(ds), "problem"))
	}
	m, err := allowmap.New(name, file.Doc, list)
	if err != nil {
		return err
	}
	page, err := m.HTML()
	if err != nil {
		return err
	}
	if out == "-" {
		return e.write(page)
	}
	if err := replace(out, info, page); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stderr, "%s: %s, %s\n", out, plural(len(m.Callers), "caller"), plural(len(m.Targets), "target"))
	return err
}
