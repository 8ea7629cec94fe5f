package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/api"
	"github.com/credvend/credvend/client"
)

func newGetCommand(e *env) *cobra.Command {
	var (
		who        callerFlags
		what       vendFlags
		out        output
		sh         string
		showSecret bool
	)
	cmd := &cobra.Command{
		Use:   "get TARGET",
		Short: "Get credentials for a target: a table, variables for a shell, or JSON",
		Long: `Asks the service for credentials for TARGET and prints them.

  text  what they are good for, and how long; the secret key and the session
        token stay hidden unless --show-secret is given
  env   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and
        AWS_CREDENTIAL_EXPIRATION, for the shell of --shell to evaluate; besides
        CREDVEND_TARGET_URL, where the target is, and CREDVEND_VENDED, by which a
        later credvend knows that these credentials cannot vend
  json  the service's document, secrets included

Each call vends. credvend process keeps credentials between calls, and credvend
exec gives them to one command alone.
` + callerHelp,
		Example: `  # what may I call, and for how long?
  credvend get orders

  # into this shell (bash, zsh); then anything that reads AWS's variables has them
  eval "$(credvend get orders --output env)"
  aws sts get-caller-identity

  # fish, PowerShell
  credvend get orders --output env --shell fish | source
  credvend get orders --output env --shell powershell | Out-String | Invoke-Expression

  # only some routes, for half an hour, as JSON
  credvend get orders --route "GET /orders/42" --duration 30m --output json`,
		Args:              oneTarget,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cmp.Or(what.check(cmd), out.check(cmd), checkShell(cmd, sh)); err != nil {
				return err
			}
			caller, err := who.connect(cmd)
			if err != nil {
				return err
			}
			creds, err := caller.Vend(cmd.Context(), args[0], client.Routes(what.routes...), client.Duration(what.duration))
			if err != nil {
				return vendError(err)
			}
			return e.printCredentials(creds, out.form, sh, showSecret)
		},
	}
	who.register(cmd)
	what.register(cmd)
	out.register(cmd, "text", "env", "json")
	registerShell(cmd, &sh)
	cmd.Flags().BoolVar(&showSecret, "show-secret", false, "with --output text: show the secret key and the session token")
	return cmd
}

func checkShell(cmd *cobra.Command, name string) error {
	if _, ok := shells()[name]; !ok {
		return usagef(cmd, "--shell %q is none of sh, fish, powershell", name)
	}
	return nil
}

func (e *env) printCredentials(c api.Credentials, form, sh string, showSecret bool) error {
	switch form {
	case "env":
		text, err := assignments(sh, vendedVariables(c))
		if err != nil {
			return err
		}
		if os.Getenv("AWS_PROFILE") != "" {
			e.warn(errors.New("AWS_PROFILE is set in this shell, and AWS's SDK for JavaScript prefers it to these credentials; take it out of the environment"))
		}
		return e.write(text)
	case "json":
		document, err := c.Encode()
		if err != nil {
			return errExpiration
		}
		return e.writeJSON(document)
	}
	rows := append(describeGrant(c), []string{"access key id", c.AccessKeyID})
	if showSecret {
		rows = append(rows, []string{"secret key", c.SecretAccessKey.Reveal()}, []string{"session token", c.SessionToken.Reveal()})
	} else {
		rows = append(rows, []string{"secret key", "hidden; --show-secret shows it"}, []string{"session token", "hidden"})
	}
	return e.write(table(rows))
}

// describeGrant says what credentials are good for. None of it is secret.
func describeGrant(c api.Credentials) [][]string {
	g := c.Grant
	rows := [][]string{
		{"target", g.Target},
		{"endpoint", g.Endpoint},
		{"region", g.Region},
		{"routes", strings.Join(g.Routes, ", ")},
	}
	if len(g.DeniedRoutes) > 0 {
		rows = append(rows, []string{"but not", strings.Join(g.DeniedRoutes, ", ")})
	}
	left := time.Duration(g.GrantedSeconds) * time.Second
	expires := c.Expiration.UTC().Format(time.RFC3339)
	if left > 0 {
		expires += ", in " + span(left)
	}
	if limit := g.DurationLimitedBy; limit != "" && g.RequestedSeconds > g.GrantedSeconds {
		expires += fmt.Sprintf(" (not %s: %s)", span(time.Duration(g.RequestedSeconds)*time.Second), limit)
	}
	rows = append(rows,
		[]string{"expires", expires},
		[]string{"session", sessionARN(c)},
		[]string{"by rules", strings.Join(g.Rules, ", ")},
		[]string{"request", g.RequestID},
	)
	return slices.DeleteFunc(rows, func(row []string) bool { return row[1] == "" })
}

// sessionARN is how Account A sees who uses the credentials.
func sessionARN(c api.Credentials) string {
	head, role, ok := strings.Cut(c.RoleARN, ":role/")
	if !ok || c.Grant.Caller == "" || c.Grant.Receipt == "" {
		return c.RoleARN
	}
	role = role[strings.LastIndexByte(role, '/')+1:] // sessions have no paths
	return strings.Replace(head, ":iam:", ":sts:", 1) + ":assumed-role/" + role + "/" + c.Grant.Caller + "@" + c.Grant.Receipt
}
