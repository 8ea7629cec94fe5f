package cli

import (
	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/allowschema"
)

func newAllowlistSchemaCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Write the JSON Schema of the allowlist, for editors",
		Long: `Writes the JSON Schema (draft 7) of the allowlist, by which editors complete keys
and mark slips. The repository ships it as schema/allowlist.schema.json; a list
names it in its first line:

  # yaml-language-server: $schema=schema/allowlist.schema.json`,
		Example: `  credvend allowlist schema > allowlist.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			schema, err := allowschema.JSON()
			if err != nil {
				return err
			}
			return e.write(schema)
		},
	}
}
