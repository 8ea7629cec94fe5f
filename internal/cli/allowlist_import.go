package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/openapiroutes"
	"github.com/credvend/credvend/internal/route"
)

// importFlags are the flags of allowlist import-openapi.
type importFlags struct {
	target, id, base string
	callers          []string
}

func newAllowlistImportCommand(e *env) *cobra.Command {
	var flags importFlags
	cmd := &cobra.Command{
		Use:   "import-openapi SPEC --target TARGET",
		Short: "Write the routes of an OpenAPI document as a rule, ready to paste",
		Long: `Reads the OpenAPI 3 document SPEC (YAML or JSON; - for standard input) and writes
one rule with a route for each operation, to be pasted under rules. Parameters
become stars: {id} stands for one segment, a star spans slashes, and where that
reaches another operation a warning says so. References to other files are not
followed, and nothing is fetched.

The path of the first server's URL stands before each route, unless the URL is
API Gateway's own, whose path is the stage. --base-path says otherwise.`,
		Example: `  credvend allowlist import-openapi openapi.yaml --target orders

  # for callers that exist, behind a domain that maps /v1 to the API
  credvend allowlist import-openapi openapi.yaml --target orders --callers billing-service,ci --base-path /`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef(cmd, "name one OpenAPI document, such as openapi.yaml; %d were named", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !allowlist.IsTargetName(flags.target) {
				return usagef(cmd, "--target %q is not the name of a target, such as orders", flags.target)
			}
			return e.importOpenAPI(cmd, args[0], flags)
		},
	}
	cmd.Flags().StringVar(&flags.target, "target", "", "target of the allowlist that the routes are of")
	cmd.Flags().StringVar(&flags.id, "id", "", "id of the rule (default: TARGET-api)")
	cmd.Flags().StringSliceVar(&flags.callers, "callers", []string{"name-the-callers"}, "callers of the rule")
	cmd.Flags().StringVar(&flags.base, "base-path", "", "what stands before each path (default: the path of the first server's URL)")
	return cmd
}

func (e *env) importOpenAPI(cmd *cobra.Command, path string, flags importFlags) error {
	spec, err := e.readSpec(path)
	if err != nil {
		return err
	}
	base := spec.BasePath()
	if cmd.Flags().Changed("base-path") {
		base = strings.TrimRight(flags.base, "/")
		if base != "" && !strings.HasPrefix(base, "/") {
			return usagef(cmd, "--base-path %q does not begin with a slash", flags.base)
		}
	}
	routes, skipped := spec.Routes(base)
	for i, s := range skipped {
		if i == maxNotes {
			e.warn(fmt.Errorf("%s: and %s more", path, plural(len(skipped)-i, "path or method")))
			break
		}
		e.warn(fmt.Errorf("%s: left out: %s", path, s))
	}
	if len(routes) == 0 {
		return fmt.Errorf("%s has no operation that can be written as a route; nothing was written", path)
	}
	rule := openapiroutes.Rule{ID: flags.id, Callers: flags.callers, Target: flags.target, Routes: routes}
	if rule.ID == "" {
		rule.ID = flags.target + "-api"
	}
	if err := ruleCompiles(rule); err != nil {
		return usagef(cmd, "%v", err)
	}
	if err := e.write(rule.YAML(strings.TrimSpace(spec.Title + " " + spec.Version))); err != nil {
		return err
	}
	e.importNotes(path, base, spec, routes)
	return nil
}

// maxNotes bounds the warnings of one kind.
const maxNotes = 20

// importNotes says what to look at before the rule is pasted.
func (e *env) importNotes(path, base string, spec *openapiroutes.Spec, routes []route.Route) {
	if base != "" {
		e.warn(fmt.Errorf("%s stands before every path, as in the URL of the server %s; if the API's domain maps it away, use --base-path /", base, printable(spec.Server)))
	}
	spans, total := openapiroutes.Spans(routes)
	for _, s := range spans {
		e.warn(fmt.Errorf("%q spans slashes, so it also reaches what %q is for", s[0], s[1]))
	}
	if more := total - len(spans); more > 0 {
		e.warn(fmt.Errorf("and %s more whose stars span slashes", plural(more, "route")))
	}
	// The length of the target's ARN is not known here; this one is usual.
	stage := arn.Stage{Partition: "aws", Region: "us-east-1", Account: "111122223333", API: "a1b2c3d4e5", Name: "$default"}
	if n := len(route.Policy(stage, route.Merge(routes), nil)); n > allowlist.MaxPolicy {
		e.warn(fmt.Errorf("all of it makes a session policy of about %d characters, and STS takes %d; keep the routes that are needed, merge them with stars, or set require_routes: true on the target", n, allowlist.MaxPolicy))
	}
	_, _ = fmt.Fprintf(e.stderr, "%s: %s; paste the rule under rules, and run `credvend allowlist lint`\n", path, plural(len(routes), "route"))
}

// ruleCompiles asks the compiler whether the names of a rule will do.
func ruleCompiles(rule openapiroutes.Rule) error {
	doc := allowlist.Document{
		Version: allowlist.Version,
		Targets: map[string]allowlist.Target{rule.Target: {
			Role: "arn:aws:iam::111122223333:role/r", API: "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default",
		}},
		Callers: map[string]allowlist.Caller{},
		Rules:   []allowlist.Rule{{ID: rule.ID, Callers: rule.Callers, Target: rule.Target, Routes: []string{"GET /"}}},
	}
	for _, name := range rule.Callers {
		if name != allowlist.AnyCaller {
			doc.Callers[name] = allowlist.Caller{IAM: &allowlist.IAMCaller{Account: "444455556666"}}
		}
	}
	if len(doc.Callers) == 0 {
		doc.Callers["x"] = allowlist.Caller{IAM: &allowlist.IAMCaller{Account: "444455556666"}}
	}
	_, err := allowlist.Compile(&doc)
	return err
}

// readSpec reads an OpenAPI document.
func (e *env) readSpec(path string) (*openapiroutes.Spec, error) {
	in := e.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read the OpenAPI document: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, openapiroutes.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the OpenAPI document: %w", err)
	}
	spec, err := openapiroutes.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return spec, nil
}
