package cli

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/api"
	"github.com/credvend/credvend/client"
)

func newProcessCommand(e *env) *cobra.Command {
	var (
		who     callerFlags
		what    vendFlags
		noCache bool
	)
	cmd := &cobra.Command{
		Use:   "process TARGET",
		Short: "Print credentials for a target as credential_process in ~/.aws/config expects them",
		Long: `Asks the service for credentials for TARGET and prints the JSON document of AWS's
credential_process on standard output, and nothing else there. AWS's SDKs and
CLI run it by themselves once a profile says so (first example; credvend
configure writes it). The document holds secrets.

Each program that uses the profile runs this command, so it keeps the
credentials: in $XDG_CACHE_HOME/credvend, else in the system's cache folder (on
Linux ~/.cache/credvend), files 0600 in a folder 0700. They are used until the
service advises to ask again, after about two fifths of their life. However many
runs there are at the same time, they make one call. What is kept is kept apart
by service, caller (keys, token, or profile as it is defined), target, routes and
duration. A cache that cannot be used is a warning on standard error, and no
more. While the service is out of reach, credentials at hand are used to their
end; a refusal counts at once.

Who calls is proved with the AWS credentials of --profile, with those of the
environment and the default profile if none is named, or with a JWT. AWS_PROFILE
is not read: when an SDK runs this command for the profile "orders", it says
"orders", and signing with that would run this command again. CREDVEND_PROCESS is
set for the programs that this one runs, so that a longer way round is noticed.
` + callerHelp,
		Example: `  # in ~/.aws/config: a profile that vends for the target orders, called as billing-service
  [profile orders]
  region = us-east-1
  credential_process = credvend process orders --url https://a1b2c3.execute-api.us-east-1.amazonaws.com --profile billing-service

  # then every AWS tool has the target's credentials
  AWS_PROFILE=orders aws sts get-caller-identity

  # only some routes, and not for long
  credvend process orders --profile billing-service --route "GET /orders/*" --duration 30m

  # after a change of the allowlist: ask now
  credvend process orders --no-cache

  # a front door that is a function URL behind a domain of its own
  credvend process orders --url https://vend.example.com --service lambda --region us-east-1 --profile billing-service

  # called with a JWT, which is read from its file at each run
  credvend process orders --url "$CREDVEND_JWT_URL" --token-file /var/run/secrets/token`,
		Args:              oneTarget,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := what.check(cmd); err != nil {
				return err
			}
			caller, err := who.connect(cmd)
			if err != nil {
				return err
			}
			p := process{e: e, caller: caller, target: args[0], what: what}
			creds, err := p.credentials(cmd.Context(), noCache)
			if err != nil {
				return vendError(err)
			}
			return e.printProcess(creds)
		},
	}
	who.register(cmd)
	what.register(cmd)
	cmd.Flags().BoolVar(&noCache, "no-cache", false, "ask the service, and keep nothing")
	return cmd
}

// process is one run of credvend process.
type process struct {
	e      *env
	caller *caller
	target string
	what   vendFlags
}

// kept is an entry of the cache.
type kept struct {
	Asked       time.Time       // by this machine's clock
	Credentials json.RawMessage // the service's document, secrets in plain text
}

func (p *process) vend(ctx context.Context) (api.Credentials, error) {
	return p.caller.Vend(ctx, p.target, client.Routes(p.what.routes...), client.Duration(p.what.duration))
}

// credentials takes them from the cache or vends.
func (p *process) credentials(ctx context.Context, noCache bool) (api.Credentials, error) {
	if noCache {
		return p.vend(ctx)
	}
	identity, err := p.caller.identity()
	if err != nil { // no token to be known by: vending will say so
		return p.vend(ctx)
	}
	cache, err := openCache()
	if err != nil {
		p.e.warn(err)
		return p.vend(ctx)
	}
	defer cache.Close() //nolint:errcheck // nothing is left in it to lose
	key, err := p.key(identity)
	if err != nil {
		return api.Credentials{}, err
	}
	entry, trouble, err := cache.Do(ctx, key, p.good, func(old []byte) ([]byte, error) { return p.fresh(ctx, old) })
	if err != nil {
		return api.Credentials{}, err
	}
	if trouble != nil {
		p.e.warn(trouble)
	}
	creds, _, err := readKept(entry)
	return creds, err
}

// good reports whether it is too early to ask again.
func (p *process) good(entry []byte) bool {
	creds, asked, err := readKept(entry)
	now := p.e.now()
	if err != nil || asked.After(now.Add(time.Minute)) { // the clock was set back: nothing is known
		return false
	}
	refresh, _ := client.Lifetime(creds, asked)
	return now.Before(refresh)
}

// fresh vends; while the service is out of reach, what was kept serves to its
// end.
func (p *process) fresh(ctx context.Context, old []byte) ([]byte, error) {
	asked := p.e.now()
	creds, err := p.vend(ctx)
	if err == nil {
		return writeKept(creds, asked)
	}
	was, when, unreadable := readKept(old)
	if ctx.Err() != nil || unreadable != nil || !client.Passing(err) || when.After(asked.Add(time.Minute)) {
		return nil, err
	}
	if _, expiration := client.Lifetime(was, when); !asked.Add(time.Minute).Before(expiration) {
		return nil, err
	}
	p.e.warn(errors.New("the credentials at hand are used, since new ones are not to be had: " + err.Error()))
	return old, nil
}

func readKept(entry []byte) (api.Credentials, time.Time, error) {
	var (
		k kept
		c api.Credentials
	)
	if json.Unmarshal(entry, &k) != nil || json.Unmarshal(k.Credentials, &c) != nil ||
		c.Version != api.CredentialProcessVersion || c.AccessKeyID == "" || c.SecretAccessKey.Reveal() == "" || c.SessionToken.Reveal() == "" || c.Expiration.IsZero() {
		return api.Credentials{}, time.Time{}, errors.New("the cached credentials are not readable") // the decoder's text could quote one
	}
	return c, k.Asked, nil
}

func writeKept(creds api.Credentials, asked time.Time) ([]byte, error) {
	document, err := creds.Encode()
	if err != nil {
		return nil, errExpiration
	}
	return json.Marshal(kept{asked.UTC(), document})
}

var errExpiration = errors.New("the credentials cannot be written as JSON: their expiration is out of range")

// printProcess writes the document that AWS documents.
func (e *env) printProcess(c api.Credentials) error {
	document, err := json.Marshal(struct { //nolint:gosec // G117: printing these secrets is what this command is for
		Version         int
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      time.Time
	}{c.Version, c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal(), c.Expiration.UTC()})
	if err != nil {
		return errExpiration
	}
	return e.write(append(document, '\n'))
}
