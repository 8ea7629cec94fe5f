package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/smithy-go/logging"
	"github.com/spf13/cobra"

	"github.com/credvend/credvend/client"
)

const (
	// runningProcess is set for the programs that credvend runs to have
	// credentials to sign with.
	runningProcess = "CREDVEND_PROCESS"

	// vendedMarker is set beside vended credentials in an environment, to the
	// access key id or the container endpoint that they are found by: it still
	// means something only as long as that is what the environment holds.
	vendedMarker = "CREDVEND_VENDED"
)

// caller is a client of the service, and how it came to be.
type caller struct {
	*client.Client
	settings
	aws aws.Config // the zero one for a caller with a token
}

// connect makes the client that flags, variables and file ask for. It makes no
// call.
func (f callerFlags) connect(cmd *cobra.Command) (*caller, error) {
	s, err := f.settle(cmd)
	if err != nil {
		return nil, err
	}
	c := &caller{settings: s}
	proof, err := c.proof(cmd)
	if err != nil {
		return nil, err
	}
	if c.Client, err = client.New(append(proof, client.WithURL(s.url))...); err != nil {
		return nil, asUsage(cmd, err)
	}
	return c, nil
}

// proof is how the caller proves who it is.
func (c *caller) proof(cmd *cobra.Command) ([]client.Option, error) {
	switch {
	case c.tokenFile != "":
		return []client.Option{client.WithBearerTokenFile(c.tokenFile)}, nil
	case c.token != "":
		return []client.Option{client.WithBearerToken(c.token)}, nil
	}
	if target, running := os.LookupEnv(runningProcess); running {
		return nil, fmt.Errorf("credvend was run to get the credentials that credvend process %q would sign with, and would run itself for ever; give it a --profile that has AWS credentials of its own", target)
	}
	// The SDK that runs `credvend process` says in AWS_PROFILE which profile it
	// runs it for: that is not the one to sign with. Nor is it for the programs
	// that are run in turn.
	hint := "name an AWS profile with --profile or CREDVEND_PROFILE"
	if c.profile == "" && cmd.Name() == "process" {
		hint += " (AWS_PROFILE is not read here)"
		for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
			if err := os.Unsetenv(name); err != nil {
				return nil, err
			}
		}
	}
	if err := c.vendedAlready(cmd); err != nil {
		return nil, err
	}
	cfg, err := c.loadAWS(cmd)
	if err != nil {
		return nil, err
	}
	c.aws = cfg
	if profile, command := processOf(cfg); runsProcess(command) {
		return nil, fmt.Errorf("the AWS profile %q gets its credentials from credvend process, and vended credentials cannot vend; give a --profile that has AWS credentials of its own", cmp.Or(c.profile, profile))
	}
	if err := os.Setenv(runningProcess, cmd.Flags().Arg(0)); err != nil {
		return nil, err
	}
	if c.profile == "" {
		cfg.Credentials = hinting{cfg.Credentials, hint}
	}
	return []client.Option{client.WithAWSConfig(cfg), client.WithRegion(c.region), client.WithSigningService(c.service)}, nil
}

// hinting says what to do when no profile was named and there are no
// credentials either.
type hinting struct {
	aws.CredentialsProvider
	hint string
}

func (h hinting) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := h.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		err = fmt.Errorf("%w; %s", err, h.hint)
	}
	return creds, err
}

// loadAWS reads the AWS configuration, without fetching credentials.
func (s settings) loadAWS(cmd *cobra.Command) (aws.Config, error) {
	_, shown := client.SigningScope(s.url)
	opts := []func(*config.LoadOptions) error{
		config.WithLogger(logging.Nop{}), // standard error is for one line of ours
		config.WithRegion(s.region),
		config.WithDefaultRegion(cmp.Or(shown, "us-east-1")),
	}
	if s.profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(s.profile))
	}
	if cmd.Name() != "process" && isTerminal(cmd.InOrStdin()) {
		opts = append(opts, config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) {
			o.TokenProvider = func() (string, error) {
				return askMFA(cmd.InOrStdin(), cmd.ErrOrStderr(), aws.ToString(o.SerialNumber))
			}
		}))
	}
	cfg, err := config.LoadDefaultConfig(cmd.Context(), opts...)
	var missing config.SharedConfigProfileNotExistError
	var noMFA config.AssumeRoleTokenProviderNotSetError
	switch {
	case errors.As(err, &noMFA):
		return aws.Config{}, errors.New("the AWS profile asks for an MFA code, and nobody is there to type one; run credvend get on a terminal, or name a profile without mfa_serial")
	case errors.As(err, &missing):
		return aws.Config{}, fmt.Errorf("there is no AWS profile %q in the config and credentials files; see `aws configure list-profiles`", missing.Profile)
	case err != nil:
		return aws.Config{}, fmt.Errorf("the AWS configuration cannot be used: %w", err)
	}
	return cfg, nil
}

// askMFA asks for a code of an MFA device. Standard output is for results.
func askMFA(in io.Reader, out io.Writer, device string) (string, error) {
	if _, err := fmt.Fprintf(out, "MFA code of %s: ", printable(device)); err != nil {
		return "", err
	}
	code, err := bufio.NewReader(io.LimitReader(in, 64)).ReadString('\n')
	if err != nil {
		return "", errors.New("no MFA code was typed")
	}
	return strings.TrimSpace(code), nil
}

// processOf returns the profile and the credential_process that a config gets
// its credentials from, be it by way of source profiles.
func processOf(cfg aws.Config) (profile, command string) {
	origin, ok := cfg.Credentials.(aws.CredentialProviderSource)
	if !ok || !slices.Contains(origin.ProviderSources(), aws.CredentialSourceProcess) {
		return "", ""
	}
	for _, source := range cfg.ConfigSources {
		shared, ok := source.(config.SharedConfig)
		if !ok {
			continue
		}
		profile = shared.Profile
		for shared.Source != nil {
			shared = *shared.Source
		}
		return profile, shared.CredentialProcess
	}
	return "", ""
}

// runsProcess reports whether a command line runs credvend process, as far as
// its words show; a script that does is noticed when it runs.
func runsProcess(command string) bool {
	words := strings.Fields(command)
	for i, word := range words {
		name := path.Base(strings.ReplaceAll(strings.Trim(word, `"'`), `\`, "/"))
		if name == "credvend" || strings.EqualFold(name, "credvend.exe") {
			return slices.Contains(words[i+1:], "process")
		}
	}
	return false
}

// unsetVended is how a shell gets rid of vended credentials.
const unsetVended = "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION " + vendedMarker

// vendedAlready notices that the environment's credentials are vended ones: the
// trap behind `eval "$(credvend get … --output env)"`.
func (s settings) vendedAlready(cmd *cobra.Command) error {
	marker := os.Getenv(vendedMarker)
	if s.profile != "" || marker == "" {
		return nil
	}
	switch marker {
	case os.Getenv("AWS_ACCESS_KEY_ID"):
		return usagef(cmd, "the AWS credentials of this shell are themselves vended (by credvend get or exec), and vended credentials cannot vend; run `%s`, or name your own with --profile", unsetVended)
	case os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
		if os.Getenv("AWS_ACCESS_KEY_ID") == "" {
			return usagef(cmd, "the AWS credentials here are those of credvend exec --server, and vended credentials cannot vend; name your own with --profile")
		}
	}
	return nil
}

// vendedSession is how a vended session reads in what AWS and the service say
// of a caller: the caller name and a receipt.
var vendedSession = regexp.MustCompile(`assumed-role/[^/\s]+/[a-z][a-z0-9-]{0,31}@[a-z2-7]{24}\b`)

// vendError gives an error of the service its exit code, and its explanation
// where vended credentials asked for more.
func vendError(err error) error {
	var answer *client.Error
	if !errors.As(err, &answer) || !answer.Refused() {
		return err
	}
	if vendedSession.MatchString(answer.Message) {
		err = fmt.Errorf("the request was signed with credentials that credvend vended, and these cannot vend; run `%s`, or name your own with --profile: %w", unsetVended, err)
	}
	return &codedError{exitRefused, err}
}
