package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/analysis"
)

func newAllowlistExplainCommand(e *env) *cobra.Command {
	var (
		who      asker
		out      output
		duration time.Duration
	)
	cmd := &cobra.Command{
		Use:   "explain FILE --as CALLER TARGET [ROUTE…]",
		Short: "Say what a request would get, and why",
		Long: `Decides a request as the function would, offline, and gives the reasons: each rule
that was tried with what came of it, the rules of the target that do not concern
the caller with the predicate that fails, nearest first; and if it is allowed,
all that STS would be asked for: the session policy to the letter, name, tags,
source identity, life, and how much of STS's limits they take. Without a ROUTE
the request asks for all that is granted.
` + asHelp + `

Exit code 0: allowed. 3: denied. 1: the list, the caller or a file is not right.`,
		Example: `  credvend allowlist explain allowlist.yaml --as arn:aws:sts::444455556666:assumed-role/ci-deploy/run-7 orders 'GET /health'
  credvend allowlist explain allowlist.yaml --as '{"iss":"https://idp.example.com","aud":"app","sub":"ana"}' orders
  credvend allowlist explain allowlist.yaml --as @events/http-api-iam-vend.json orders --output json | jq -r .sessionPolicy`,
		Args: wantArgs(2, -1, "an allowlist, a target and perhaps routes"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(cmd); err != nil {
				return err
			}
			routes, err := parseRoutes(cmd, args[2:])
			if err != nil {
				return err
			}
			if duration != 0 && (duration < allowlist.MinDuration || duration > allowlist.MaxDuration || duration%time.Second != 0) {
				return usagef(cmd, "--duration takes 15m to 1h")
			}
			if !allowlist.IsTargetName(args[1]) {
				return usagef(cmd, "%q is not the name of a target", args[1])
			}
			s, err := e.subject(args[0])
			if err != nil {
				return err
			}
			caller, values, err := who.resolve(cmd, s)
			if err != nil {
				return err
			}
			x := analysis.Explain(s, caller, values, analysis.Question{Target: args[1], Routes: routes, Duration: duration})
			if out.form == "json" {
				err = e.printDocument(x)
			} else {
				err = e.lines(explanation(x))
			}
			if err == nil && !x.Allowed {
				err = commandExit(exitOtherwise)
			}
			return err
		},
	}
	who.register(cmd)
	cmd.Flags().DurationVar(&duration, "duration", 0, "life to ask for, 15m to 1h (default: the target's)")
	out.register(cmd, "text", "json")
	return cmd
}

// explanation writes it for people.
func explanation(x analysis.Explanation) string {
	var b strings.Builder
	verdict := "allowed"
	if !x.Allowed {
		verdict = "denied"
	}
	asked := "all that is granted"
	if len(x.Asked) > 0 {
		asked = strings.Join(x.Asked, ", ")
	}
	fmt.Fprintf(&b, "%s: %s of target %s\n", verdict, asked, x.Target)
	if !x.Allowed {
		fmt.Fprintf(&b, "  %s (%s)\n", x.Reason, x.Code)
	}
	fmt.Fprintf(&b, "  to %s\n  who matches %s\n", x.Who, orNone(x.Callers, "no caller of the list"))
	if len(x.Tried) > 0 {
		b.WriteString("\nrules that concern the caller\n")
		var rows [][]string
		for _, t := range x.Tried {
			rows = append(rows, []string{"  " + t.Rule, t.Effect, strings.ReplaceAll(t.Verdict, "_", " "), t.Why})
		}
		b.Write(table(rows))
	}
	if len(x.Untried) > 0 {
		b.WriteString("\nrules of the target that do not\n")
		var rows [][]string
		for _, m := range x.Untried {
			rows = append(rows, []string{"  " + m.Rule, m.Effect, missed(m)})
		}
		b.Write(table(rows))
		if x.MoreMiss > 0 {
			fmt.Fprintf(&b, "  and %d more\n", x.MoreMiss)
		}
	}
	if x.Nearest != nil {
		fmt.Fprintf(&b, "\nnearest miss\n  rule %s, %s\n", x.Nearest.Rule, missed(*x.Nearest))
	}
	if x.Session != nil {
		describeSession(&b, x)
	}
	return b.String()
}

func missed(m analysis.Miss) string {
	return "not " + m.Caller + ": " + strings.Join(m.Failed, "; ")
}

func describeSession(b *strings.Builder, x analysis.Explanation) {
	s := x.Session
	life := inMinutes(s.Seconds)
	if s.Seconds != s.RequestedFor {
		life += fmt.Sprintf(", not %s, by %s", inMinutes(s.RequestedFor), s.LimitedBy)
	} else {
		life += ", by " + s.LimitedBy
	}
	rows := [][]string{
		{"  role", s.RoleARN},
		{"  external id", s.ExternalID},
		{"  session name", s.SessionName},
		{"  source identity", s.SourceIdentity},
		{"  life", life},
		{"  routes", strings.Join(s.Routes, ", ")},
		{"  less", strings.Join(s.Denied, ", ")},
		{"  rules", strings.Join(s.Rules, ", ")},
	}
	for _, key := range slices.Sorted(keys(s.Tags)) {
		rows = append(rows, []string{"  tag " + key, s.Tags[key]})
	}
	z := s.Sizes
	rows = append(rows,
		[]string{"  policy size", fmt.Sprintf("%d of %d characters", z.PolicyCharacters, z.PolicyLimit)},
		[]string{"  packed size", fmt.Sprintf("about %d %% (an estimate: AWS does not say how it packs; the answer of STS tells)", z.PackedPercentEstimate)},
	)
	b.WriteString("\nwhat STS would be asked for\n")
	b.Write(table(slices.DeleteFunc(rows, func(r []string) bool { return r[1] == "" })))
	if s.SelfAssertedID && s.SourceIdentity != "" {
		b.WriteString("  (the source identity is of a session without a name; give the ARN of a session for its own)\n")
	}
	b.WriteString("\nsession policy, as sent\n  " + x.SessionPolicy + "\n\nsession policy, to read\n")
	var readable bytes.Buffer
	if json.Indent(&readable, []byte(x.SessionPolicy), "  ", "  ") == nil {
		b.WriteString("  " + readable.String() + "\n")
	}
}

func orNone(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ", ")
}

func keys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
