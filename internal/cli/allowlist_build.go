package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/allowlist/yamldoc"
)

func newAllowlistBuildCommand(e *env) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "build FILE",
		Short: "Check an allowlist and write the canonical JSON that the function reads",
		Long: `Reads the allowlist FILE (YAML; - for standard input), checks all of it with the
compiler that the function uses, and writes it as canonical JSON. The same
allowlist always gives the same bytes; comments and layout do not count.

If anything is wrong, every problem is shown with its line, column and remedy,
nothing is written, and the exit code is 1.`,
		Example: `  # writes allowlist.json, and says its digest on standard error
  credvend allowlist build allowlist.yaml

  # somewhere else
  credvend allowlist build allowlist.yaml -o build/allowlist.json

  # only check
  credvend allowlist build allowlist.yaml -o - > /dev/null`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef(cmd, "name one allowlist to build, such as allowlist.yaml; %d were named", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.buildAllowlist(cmd.Context(), args[0], out)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "allowlist.json", "file to write; - for standard output")
	return cmd
}

// buildAllowlist compiles the YAML file in and writes its canonical JSON to
// out.
func (e *env) buildAllowlist(ctx context.Context, in, out string) error {
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
		return fmt.Errorf("%s has %s; mend it and build again, nothing was written", name, plural(len(ds), "problem"))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if out == "-" {
		err = e.write(file.Doc.JSON())
	} else {
		err = replace(out, info, file.Doc.JSON())
	}
	if err != nil {
		return err
	}
	if out == "-" {
		out = "<stdout>"
	}
	targets, callers, rules := list.Size()
	_, err = fmt.Fprintf(e.stderr, "%s: %s, %s, %s, %s\n", out, list.Digest(),
		plural(targets, "target"), plural(callers, "caller"), plural(rules, "rule"))
	return err
}

// read returns what is in a file, or in standard input for -, up to a byte
// more than limit, and what is known about the file.
func (e *env) read(name string, limit int64) ([]byte, fs.FileInfo, error) {
	var info fs.FileInfo
	in := e.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot read the allowlist: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	if f, ok := in.(*os.File); ok {
		var err error
		if info, err = f.Stat(); err != nil {
			return nil, nil, fmt.Errorf("cannot read the allowlist: %w", err)
		}
		if info.IsDir() {
			return nil, nil, fmt.Errorf("%s is a folder; name the file in it", name)
		}
	}
	text, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the allowlist: %w", err)
	}
	return text, info, nil
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
