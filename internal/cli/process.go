package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/api"
	"github.com/credvend/credvend/client"
)

// processFlags are the flags of credvend process, and of nothing else.
type processFlags struct {
	url       string
	profile   string
	region    string
	service   string
	tokenFile string
	routes    []string
	duration  time.Duration
}

func newProcessCommand(e *env) *cobra.Command {
	var f processFlags
	cmd := &cobra.Command{
		Use:   "process TARGET",
		Short: "Print credentials for a target as credential_process in ~/.aws/config expects them",
		Long: `Asks the service for credentials for TARGET and prints the JSON document of AWS's
credential_process on standard output, and nothing else there. AWS's SDKs and
CLI run it by themselves once a profile says so (first example). The document
holds secrets.

Nothing is cached: each run vends.

Who calls is proved with the AWS credentials of --profile, with those of the
environment and the default profile if none is named, or with a JWT. AWS_PROFILE
is not read: when an SDK runs this command for the profile "orders", it says
"orders", and signing with that would run this command again. CREDVEND_PROCESS is
set for the programs that this one runs, so that a longer way round is noticed.

Environment, each beaten by the flag of its name: CREDVEND_URL, CREDVEND_PROFILE,
CREDVEND_TOKEN_FILE, AWS_REGION. CREDVEND_TOKEN holds a JWT itself; a token file
beats it.`,
		Example: `  # in ~/.aws/config: a profile that vends for the target orders, called as billing-service
  [profile orders]
  region = us-east-1
  credential_process = credvend process orders --url https://a1b2c3.execute-api.us-east-1.amazonaws.com --profile billing-service

  # then every AWS tool has the target's credentials
  AWS_PROFILE=orders aws sts get-caller-identity

  # only some routes, and not for long
  credvend process orders --profile billing-service --route "GET /orders/*" --duration 30m

  # a front door that is a function URL behind a domain of its own
  credvend process orders --url https://vend.example.com --service lambda --region us-east-1 --profile billing-service

  # called with a JWT, which is read from its file at each run
  credvend process orders --url "$CREDVEND_JWT_URL" --token-file /var/run/secrets/token`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return usagef(cmd, "name one target, such as orders")
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.process(cmd, args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.url, "url", "", "front door of the service (CREDVEND_URL)")
	flags.StringVar(&f.profile, "profile", "", "AWS profile to sign with (CREDVEND_PROFILE)")
	flags.StringVar(&f.region, "region", "", "region of the front door (default: as the URL shows it, else AWS_REGION, the profile's, us-east-1)")
	flags.StringVar(&f.service, "service", "", "service to sign for (default: lambda if the URL is a function URL's, else execute-api)")
	flags.StringVar(&f.tokenFile, "token-file", "", "file that holds a JWT to send instead of signing (CREDVEND_TOKEN_FILE)")
	flags.StringArrayVar(&f.routes, "route", nil, `route to ask for, such as "GET /orders/*"; repeatable (default: all that is granted)`)
	flags.DurationVar(&f.duration, "duration", 0, "life to ask for, 15m to 1h (default: the target's)")
	return cmd
}

// process vends for a target and prints the credential_process document.
func (e *env) process(cmd *cobra.Command, target string, f processFlags) error {
	const shortest, longest = api.MinDurationSeconds * time.Second, api.MaxDurationSeconds * time.Second
	if f.duration != 0 && (f.duration < shortest || f.duration > longest || f.duration%time.Second != 0) {
		return usagef(cmd, "--duration %s is outside 15m to 1h, in whole seconds, which STS allows here", f.duration)
	}
	f.url = cmp.Or(f.url, os.Getenv("CREDVEND_URL"))
	if f.url == "" {
		return usagef(cmd, "the service is not named; give --url or set CREDVEND_URL")
	}
	proof, err := proofOfCaller(cmd, f)
	if err != nil {
		return err
	}
	c, err := client.New(append(proof, client.WithURL(f.url))...)
	if err != nil {
		return asUsage(cmd, err)
	}
	creds, err := c.Vend(cmd.Context(), target, client.Routes(f.routes...), client.Duration(f.duration))
	if err != nil {
		return vendError(err)
	}
	return e.printProcess(creds)
}

// vendError gives a failed vend its exit code.
func vendError(err error) error {
	var answer *client.Error
	if errors.As(err, &answer) && answer.Refused() {
		return &codedError{exitRefused, err}
	}
	return err
}

// printProcess writes the document in one piece, so that whoever parses it sees
// all of it or none.
func (e *env) printProcess(c api.Credentials) error {
	document, err := json.Marshal(struct { //nolint:gosec // G117: printing these secrets is what this command is for
		Version         int
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      time.Time
	}{c.Version, c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal(), c.Expiration.UTC()})
	if err != nil {
		return errors.New("the credentials cannot be written as JSON: their expiration is out of range")
	}
	_, err = e.stdout.Write(append(document, '\n'))
	return err
}
