package cli

import "github.com/spf13/cobra"

func newAllowlistCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "allowlist",
		Short: "Work on the allowlist: who may call which routes of which API",
		Long: `The allowlist is written in YAML, reviewed like code, and built into the
canonical JSON that the function reads. docs/allowlist.md is its reference.`,
		Example: `  credvend allowlist build allowlist.yaml -o allowlist.json`,
	}
	cmd.AddCommand(newAllowlistBuildCommand(e))
	return cmd
}
