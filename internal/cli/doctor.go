package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/doctor"
	"github.com/credvend/credvend/internal/route"
)

// doctorFlags are what doctor takes beside who calls.
type doctorFlags struct {
	operators []string
	broker    string
	allowlist string
	route     string
	timeout   time.Duration
}

func newDoctorCommand(e *env) *cobra.Command {
	var (
		who callerFlags
		out output
		how doctorFlags
	)
	cmd := &cobra.Command{
		Use:   "doctor [TARGET]",
		Short: "Find what keeps a vend or a call from working, and on whose side it is",
		Long: `Walks from this machine's configuration to a call of TARGET, step by step, and
says of each step whether it is right. Without TARGET it tries all that the
caller may have.

  config         where the URL, the profile and the rest come from
  credentials    are there AWS credentials to sign with (or: is the token a JWT,
                 and still good)
  front door     name, network, TLS; does it refuse a call without proof
  clock          against the front door's; AWS takes five minutes
  identity       does the front door let this caller in, and as whom
  rule           which callers and rules of the allowlist hold
  assume role    does STS give credvend the target's role
  unsigned call  a call of the target without a signature, which must be refused
  signed call    one with vended credentials, which must be let in

For what is wrong it names candidates, the likeliest first, each with its side
(yours, Account B's where credvend runs, Account A's that owns the target), what
to do, and the IAM statement to add. AWS often does not say which one it is.

An operator can have it looked up: --operator-profile names a profile that may
read IAM (iam:GetRole, iam:ListRolePolicies, iam:GetRolePolicy,
iam:ListAttachedRolePolicies, iam:GetPolicy, iam:GetPolicyVersion); give it once
for each account. Where IAM is comes from AWS_ENDPOINT_URL_IAM, else it is AWS's.
With --allowlist the target's api and external id are compared too.

It vends once for each target, and calls GET and HEAD routes alone: a wildcard in
a granted route becomes "credvend-doctor". No secret is printed. The exit code is
0 if nothing is wrong, 1 if something is, 2 if it was called wrongly.
` + callerHelp,
		Example: `  # what is wrong?
  credvend doctor orders
  credvend doctor --profile billing-service

  # with a JWT, at the door for tokens
  credvend doctor orders --url "$CREDVEND_JWT_URL" --token-file token

  # try a route that exists
  credvend doctor orders --route "GET /orders/42"

  # as the operator: look into both accounts' roles, and the allowlist
  credvend doctor orders --operator-profile a-reader --operator-profile b-reader --allowlist allowlist.yaml

  # for scripts: the causes that are suspected
  credvend doctor orders -o json | jq -r '.steps[].candidates[]?.cause'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && args[0] == "" {
				return usagef(cmd, "name one target, such as orders, or none for all")
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(cmd); err != nil {
				return err
			}
			if err := how.check(cmd); err != nil {
				return err
			}
			w := &walk{env: e, cmd: cmd, who: who, how: how}
			if len(args) == 1 {
				w.target = args[0]
			}
			if err := w.run(cmd.Context()); err != nil {
				return err
			}
			return e.printReport(w.report, out.form)
		},
	}
	who.register(cmd)
	out.register(cmd, "text", "json")
	f := cmd.Flags()
	f.StringArrayVar(&how.operators, "operator-profile", nil, "AWS profile that may read IAM, to look into the roles; once for each account")
	f.StringVar(&how.broker, "broker-role", "", "ARN of credvend's own role in Account B (default: the one that the target's trust names)")
	f.StringVar(&how.allowlist, "allowlist", "", "allowlist (YAML) to compare the accounts with")
	f.StringVar(&how.route, "route", "", `route to ask for and to try, such as "GET /orders/42" (default: what is granted)`)
	f.DurationVar(&how.timeout, "timeout", 15*time.Second, "the longest that one step may take")
	return cmd
}

func (f doctorFlags) check(cmd *cobra.Command) error {
	if f.timeout < time.Second || f.timeout > 5*time.Minute {
		return usagef(cmd, "--timeout %s is outside 1s to 5m", f.timeout)
	}
	if f.route == "" {
		return nil
	}
	r, err := route.Parse(f.route)
	if err != nil {
		return usagef(cmd, "--route: %v", err)
	}
	if m := r.Method(); m != "GET" && m != "HEAD" {
		return usagef(cmd, "--route: doctor tries GET and HEAD alone, since it must change nothing")
	}
	return nil
}

// printReport prints what was found; something wrong is an error.
func (e *env) printReport(r doctor.Report, form string) error {
	if form == "json" {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(r); err != nil {
			return errors.New("the report cannot be written as JSON")
		}
		if err := e.writeJSON(bytes.TrimSpace(b.Bytes())); err != nil {
			return err
		}
	} else if err := e.write(doctorText(r)); err != nil {
		return err
	}
	wrong := r.Wrong()
	if len(wrong) == 0 {
		return nil
	}
	s := wrong[0]
	text := fmt.Sprintf("the first thing wrong is the %s", s.Name)
	if len(s.Candidates) > 0 {
		text += ", most likely on " + s.Candidates[0].Side.People() + ": " + s.Candidates[0].Says
	}
	return errors.New(text)
}

// doctorText is the report for people.
func doctorText(r doctor.Report) []byte {
	var b bytes.Buffer
	line := func(indent int, format string, args ...any) {
		_, _ = fmt.Fprintf(&b, "%s%s\n", strings.Repeat(" ", indent), printable(fmt.Sprintf(format, args...)))
	}
	for _, s := range r.Steps {
		says := s.Says
		if s.Target != "" {
			says = s.Target + ": " + says
		}
		mark := string(s.Status)
		if s.Status == doctor.Wrong {
			mark = "WRONG"
		}
		line(0, "%-7s  %-13s  %s", mark, s.Name, says)
		for i, c := range s.Candidates {
			side := c.Side.People()
			if c.Account != "" {
				side += " (" + c.Account + ")"
			}
			line(9, "%d. %s: %s  [%s]", i+1, side, c.Says, c.Cause)
			if c.Evidence != "" {
				line(12, "shown by: %s", c.Evidence)
			}
			line(12, "do: %s", c.Do)
			if c.Statement != nil {
				line(12, "in %s:", c.Where)
				line(14, "%s", c.Statement.Text())
			}
			for l := range strings.Lines(c.YAML) {
				line(14, "%s", strings.TrimRight(l, "\n"))
			}
		}
	}
	return b.Bytes()
}

// slow is how long a step may take before it is told that it takes long.
const slow = 2 * time.Second

// bounded bounds one step's time, and tells on standard error if it takes long.
func (w *walk) bounded(ctx context.Context, what string, do func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, w.how.timeout)
	defer cancel()
	done, quiet := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(quiet)
		timer := time.NewTimer(slow)
		defer timer.Stop()
		select {
		case <-timer.C:
			_, _ = fmt.Fprintf(w.stderr, "credvend: waiting for %s, up to %s…\n", what, span(w.how.timeout))
		case <-done:
		}
	}()
	do(ctx)
	close(done)
	<-quiet
}
