package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
	"github.com/spf13/cobra"

	"github.com/credvend/credvend/client"
)

// runningProcess is set for the programs that credvend process runs to have
// credentials to sign with.
const runningProcess = "CREDVEND_PROCESS"

// proofOfCaller is how the caller proves who it is: flags beat variables, and
// of the variables a token file beats a token.
func proofOfCaller(cmd *cobra.Command, f processFlags) ([]client.Option, error) {
	profile, token, tokenFile := os.Getenv("CREDVEND_PROFILE"), os.Getenv("CREDVEND_TOKEN"), os.Getenv("CREDVEND_TOKEN_FILE")
	switch {
	case f.profile != "" && f.tokenFile != "":
		return nil, usagef(cmd, "--profile and --token-file are two ways to prove who calls; give one")
	case f.profile != "":
		return signedBy(cmd, f.profile, f)
	case f.tokenFile != "":
		return []client.Option{client.WithBearerTokenFile(f.tokenFile)}, nil
	case profile != "" && (token != "" || tokenFile != ""):
		return nil, usagef(cmd, "CREDVEND_PROFILE and a token are both set; unset one, or choose with --profile or --token-file")
	case tokenFile != "":
		return []client.Option{client.WithBearerTokenFile(tokenFile)}, nil
	case token != "":
		return []client.Option{client.WithBearerToken(token)}, nil
	default:
		return signedBy(cmd, profile, f)
	}
}

// signedBy proves who calls with the credentials of an AWS profile; of the
// environment, the default profile and the machine if it is "".
func signedBy(cmd *cobra.Command, profile string, f processFlags) ([]client.Option, error) {
	if target, running := os.LookupEnv(runningProcess); running {
		return nil, fmt.Errorf("credvend process was run to get the credentials that credvend process %q would sign with, and would run itself for ever; give it a --profile that has AWS credentials of its own", target)
	}
	cfg, err := loadAWS(cmd.Context(), profile, f)
	if err != nil {
		return nil, err
	}
	if command, ok := processOf(cfg); ok && runsProcess(command) {
		return nil, fmt.Errorf("the AWS profile %q gets its credentials from credvend process, and so would run this command for ever; give a --profile that has AWS credentials of its own", cmp.Or(profile, config.DefaultSharedConfigProfile))
	}
	if err := os.Setenv(runningProcess, cmd.Flags().Arg(0)); err != nil {
		return nil, err
	}
	if profile == "" {
		cfg.Credentials = hinting{cfg.Credentials}
	}
	return []client.Option{client.WithAWSConfig(cfg), client.WithRegion(f.region), client.WithSigningService(f.service)}, nil
}

// hinting says what to do when no profile was named and there are no
// credentials either.
type hinting struct{ aws.CredentialsProvider }

func (h hinting) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := h.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		err = fmt.Errorf("%w; name an AWS profile with --profile or CREDVEND_PROFILE (AWS_PROFILE is not read here)", err)
	}
	return creds, err
}

// loadAWS reads the AWS configuration, without fetching credentials.
func loadAWS(ctx context.Context, profile string, f processFlags) (aws.Config, error) {
	_, shown := client.SigningScope(f.url)
	opts := []func(*config.LoadOptions) error{
		config.WithLogger(logging.Nop{}), // standard error is for one line of ours
		config.WithRegion(f.region),
		config.WithDefaultRegion(cmp.Or(shown, "us-east-1")),
	}
	if profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(profile))
	} else {
		// The SDK that runs this command says in these which profile it runs it
		// for: they are not this command's own. Nor are they of those that it
		// runs in turn.
		for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
			if err := os.Unsetenv(name); err != nil {
				return aws.Config{}, err
			}
		}
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	var missing config.SharedConfigProfileNotExistError
	switch {
	case errors.As(err, &missing) && missing.Profile == profile:
		return aws.Config{}, fmt.Errorf("there is no AWS profile %q in the config and credentials files; see `aws configure list-profiles`", profile)
	case err != nil:
		return aws.Config{}, fmt.Errorf("the AWS configuration cannot be used: %w", err)
	}
	return cfg, nil
}

// processOf returns the credential_process that a config gets its credentials
// from, be it by way of source profiles.
func processOf(cfg aws.Config) (string, bool) {
	origin, ok := cfg.Credentials.(aws.CredentialProviderSource)
	if !ok || !slices.Contains(origin.ProviderSources(), aws.CredentialSourceProcess) {
		return "", false
	}
	for _, source := range cfg.ConfigSources {
		profile, ok := source.(config.SharedConfig)
		if !ok {
			continue
		}
		for profile.Source != nil {
			profile = *profile.Source
		}
		return profile.CredentialProcess, profile.CredentialProcess != ""
	}
	return "", false
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
