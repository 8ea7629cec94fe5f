package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/api"
)

func newTargetsCommand(e *env) *cobra.Command {
	var (
		who callerFlags
		out output
	)
	cmd := &cobra.Command{
		Use:   "targets",
		Short: "List what this caller may have: targets, routes, durations",
		Long: `Asks the service what this caller may have credentials for. It vends nothing.
` + callerHelp,
		Example: `  credvend targets
  credvend targets --profile billing-service --output json

  # with a JWT
  credvend targets --url "$CREDVEND_JWT_URL" --token-file token`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(cmd); err != nil {
				return err
			}
			caller, err := who.connect(cmd)
			if err != nil {
				return err
			}
			answer, err := caller.Targets(cmd.Context())
			if err != nil {
				return vendError(err)
			}
			if out.form == "json" {
				return e.printDocument(answer)
			}
			return e.printTargets(answer.Targets)
		},
	}
	who.register(cmd)
	out.register(cmd, "text", "json")
	return cmd
}

// printTargets prints a line for each route, the target's own facts on its
// first.
func (e *env) printTargets(targets []api.Target) error {
	if len(targets) == 0 {
		_, _ = fmt.Fprintln(e.stderr, "credvend: the service knows this caller, and allows it nothing; credvend whoami says as whom")
		return nil
	}
	rows := [][]string{{"TARGET", "ROUTES", "LIFE", "ENDPOINT"}}
	for _, t := range targets {
		life := span(time.Duration(t.DefaultSeconds) * time.Second)
		if t.MaxSeconds != t.DefaultSeconds {
			life += " to " + span(time.Duration(t.MaxSeconds)*time.Second)
		}
		routes := slices.Clone(t.Routes)
		for _, route := range t.DeniedRoutes {
			routes = append(routes, "not "+route)
		}
		if t.RequiresRoutes {
			routes = append(routes, "(name them with --route)")
		}
		row := []string{t.Target, "", life, t.Endpoint}
		for _, route := range routes {
			row[1] = route
			rows = append(rows, row)
			row = []string{"", "", "", ""}
		}
	}
	return e.write(table(rows))
}

func newWhoamiCommand(e *env) *cobra.Command {
	var (
		who callerFlags
		out output
	)
	cmd := &cobra.Command{
		Use:   "whoami",
		Short: "Show this caller as the service sees it",
		Long: `Asks the service who it takes this caller for, and which callers of the allowlist
that matches. It vends nothing.
` + callerHelp,
		Example: `  credvend whoami --profile billing-service
  credvend whoami --output json`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(cmd); err != nil {
				return err
			}
			caller, err := who.connect(cmd)
			if err != nil {
				return err
			}
			answer, err := caller.WhoAmI(cmd.Context())
			if err != nil {
				return vendError(err)
			}
			if out.form == "json" {
				return e.printDocument(answer)
			}
			return e.write(table(describeCaller(answer)))
		},
	}
	who.register(cmd)
	out.register(cmd, "text", "json")
	return cmd
}

func describeCaller(w api.WhoAmI) [][]string {
	callers := strings.Join(w.Callers, ", ")
	if callers == "" {
		callers = "none: nothing in the allowlist matches this identity"
	}
	rows := [][]string{
		{"callers", callers},
		{"kind", w.Kind},
		{"principal", w.Principal},
		{"unique id", w.UniqueID},
		{"session", w.Session},
		{"account", w.Account},
		{"issuer", w.Issuer},
		{"subject", w.Subject},
		{"source identity", w.SourceIdentity},
		{"front door", w.FrontDoor},
		{"allowlist", w.AllowlistDigest},
		{"request", w.RequestID},
	}
	return slices.DeleteFunc(rows, func(row []string) bool { return row[1] == "" })
}

// printDocument prints an answer without secrets as JSON.
func (e *env) printDocument(answer any) error {
	document, err := json.Marshal(answer)
	if err != nil {
		return errors.New("the answer cannot be written as JSON")
	}
	return e.writeJSON(document)
}
