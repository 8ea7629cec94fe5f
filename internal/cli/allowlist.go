package cli

import "github.com/spf13/cobra"

func newAllowlistCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "allowlist",
		Short: "Work on the allowlist: who may call which routes of which API",
		Long: `The allowlist is written in YAML, reviewed like code, and built into the
canonical JSON that the function reads. docs/allowlist.md is its reference.`,
		Example: `  credvend allowlist build allowlist.yaml -o allowlist.json
  credvend allowlist explain allowlist.yaml --as arn:aws:iam::444455556666:role/ci-deploy orders 'GET /health'
  credvend allowlist who-can allowlist.yaml orders 'DELETE /orders/*'
  credvend allowlist diff allowlist.yaml proposed.yaml`,
	}
	cmd.AddCommand(newAllowlistBuildCommand(e))
	cmd.AddCommand(newAllowlistLintCommand(e), newAllowlistMapCommand(e), newAllowlistImportCommand(e), newAllowlistSchemaCommand(e))
	cmd.AddCommand(
		newAllowlistExplainCommand(e),
		newAllowlistWhoCanCommand(e),
		newAllowlistWhatCanCommand(e),
		newAllowlistTestCommand(e),
		newAllowlistDiffCommand(e),
		newAllowlistReplayCommand(e),
	)
	return cmd
}
