package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/lint"
	"github.com/credvend/credvend/internal/lint/report"
	"github.com/credvend/credvend/internal/route"
)

// lintFlags are the flags of allowlist lint.
type lintFlags struct {
	output  output
	strict  bool
	openapi []string
}

func newAllowlistLintCommand(e *env) *cobra.Command {
	var flags lintFlags
	cmd := &cobra.Command{
		Use:   "lint FILE",
		Short: "Find what is wrong with an allowlist, and what is probably not meant",
		Long: `Checks the allowlist FILE (- for standard input) with the compiler that the
function uses, and then for what is right by the letter and probably not meant:
rules that a deny rule takes away, patterns that are wider than they look,
callers that nobody uses. docs/lint.md explains each check.

A finding that is meant is silenced on its line, or on a line of its own before
it, with a reason: # credvend:ignore CHECK REASON

The exit code is 1 if there are errors, with --strict also if there are
warnings. Hints never fail.`,
		Example: `  # before a commit
  credvend allowlist lint allowlist.yaml

  # in a pull request: warnings fail, and GitHub shows them beside the lines
  credvend allowlist lint --strict --output github allowlist.yaml

  # for code scanning
  credvend allowlist lint --output sarif allowlist.yaml > lint.sarif

  # routes that the API does not have
  credvend allowlist lint --openapi orders=openapi.yaml allowlist.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef(cmd, "name one allowlist to look at, such as allowlist.yaml; %d were named", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.output.check(cmd); err != nil {
				return err
			}
			return e.lint(cmd, args[0], flags)
		},
	}
	flags.output.register(cmd, "text", "json", "sarif", "github")
	cmd.Flags().BoolVar(&flags.strict, "strict", false, "exit with 1 for warnings too")
	cmd.Flags().StringArrayVar(&flags.openapi, "openapi", nil, "an OpenAPI 3 document that routes must have an operation in: FILE, or TARGET=FILE; may be repeated")
	return cmd
}

func (e *env) lint(cmd *cobra.Command, name string, flags lintFlags) error {
	text, _, err := e.read(name, yamldoc.MaxSize)
	if err != nil {
		return err
	}
	shown := name
	if name == "-" {
		shown = "<stdin>"
	}
	var opts lint.Options
	if len(flags.openapi) > 0 {
		if opts.Operations, err = e.operations(cmd, shown, text, flags.openapi); err != nil {
			return err
		}
	}
	result := lint.Run(shown, text, opts)
	if err := cmd.Context().Err(); err != nil {
		return err
	}
	if err := e.writeLint(result, flags.output.form); err != nil {
		return err
	}
	return e.lintVerdict(result, flags)
}

func (e *env) writeLint(result lint.Report, form string) error {
	var out []byte
	var err error
	switch form {
	case "json":
		out, err = report.JSON(result)
	case "sarif":
		out, err = report.SARIF(result)
	case "github":
		out = report.GitHub(result)
	default:
		out = report.Text(result)
	}
	if err != nil {
		return err
	}
	return e.write(out)
}

// lintVerdict says on standard error how it went, and fails if it must.
func (e *env) lintVerdict(result lint.Report, flags lintFlags) error {
	errors, warnings := result.Count(lint.Error), result.Count(lint.Warning)
	switch summary := result.File + ": " + report.Summary(result); {
	case errors > 0:
		return fmt.Errorf("%s; mend the errors, the list does not build with them", summary)
	case warnings > 0 && flags.strict:
		return fmt.Errorf("%s; mend the warnings, or silence each with a reason: # credvend:ignore CHECK REASON", summary)
	default:
		_, err := fmt.Fprintln(e.stderr, summary)
		return err
	}
}

// operations reads the OpenAPI documents that --openapi names. A document
// without a target is that of the list's only one.
func (e *env) operations(cmd *cobra.Command, name string, text []byte, values []string) (map[string][]route.Route, error) {
	file, err := yamldoc.Parse(name, text)
	if err != nil {
		return nil, nil //nolint:nilerr // the linter reports it, with its place
	}
	found := map[string][]route.Route{}
	for _, value := range values {
		target, path, named := strings.Cut(value, "=")
		if !named {
			path = value
			if len(file.Doc.Targets) != 1 {
				return nil, usagef(cmd, "--openapi %s: the list has %s; say which one the document is of: --openapi TARGET=FILE", value, plural(len(file.Doc.Targets), "target"))
			}
			for only := range file.Doc.Targets {
				target = only
			}
		}
		t, known := file.Doc.Targets[target]
		switch _, twice := found[target]; {
		case !known:
			return nil, usagef(cmd, "--openapi %s: the list has no target %q; it has %s", value, target, strings.Join(slices.Sorted(maps.Keys(file.Doc.Targets)), ", "))
		case twice:
			return nil, usagef(cmd, "--openapi %s: target %s has a document already", value, target)
		}
		spec, err := e.readSpec(path)
		if err != nil {
			return nil, err
		}
		stage, err := arn.ParseStage(t.API)
		if err != nil {
			return nil, nil //nolint:nilerr // as above
		}
		found[target], _ = spec.Routes(spec.BasePathOf(stage, t.Endpoint))
	}
	return found, nil
}
