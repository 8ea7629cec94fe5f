package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/api"
	"github.com/credvend/credvend/internal/toolconfig"
)

// callerFlags are the flags of every command that calls the service: where it
// is, and who calls.
type callerFlags struct {
	url       string
	profile   string
	region    string
	service   string
	tokenFile string
}

func (f *callerFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.url, "url", "", "front door of the service (CREDVEND_URL)")
	flags.StringVar(&f.profile, "profile", "", "AWS profile to sign with (CREDVEND_PROFILE)")
	flags.StringVar(&f.region, "region", "", "region of the front door (CREDVEND_REGION; default: as the URL shows it, else AWS_REGION, the profile's, us-east-1)")
	flags.StringVar(&f.service, "service", "", "service to sign for (CREDVEND_SERVICE; default: lambda if the URL is a function URL's, else execute-api)")
	flags.StringVar(&f.tokenFile, "token-file", "", "file that holds a JWT to send instead of signing (CREDVEND_TOKEN_FILE)")
}

// callerHelp stands in the help of every command that calls the service.
const callerHelp = `
Where the service is and who calls are said by flags, else by variables
(CREDVEND_URL, CREDVEND_PROFILE, CREDVEND_TOKEN_FILE, CREDVEND_REGION,
CREDVEND_SERVICE), else by ~/.config/credvend/config.yaml, with a line each:

  url: https://a1b2c3.execute-api.us-east-1.amazonaws.com
  profile: billing-service

Its other keys are token_file, region and service; CREDVEND_CONFIG names another
file. CREDVEND_TOKEN holds a JWT itself; a token file beats it.`

// vendFlags are the flags of every command that asks for credentials.
type vendFlags struct {
	routes   []string
	duration time.Duration
}

func (f *vendFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.routes, "route", nil, `route to ask for, such as "GET /orders/*"; repeatable (default: all that is granted)`)
	flags.DurationVar(&f.duration, "duration", 0, "life to ask for, 15m to 1h (default: the target's)")
}

func (f *vendFlags) check(cmd *cobra.Command) error {
	const shortest, longest = api.MinDurationSeconds * time.Second, api.MaxDurationSeconds * time.Second
	if f.duration != 0 && (f.duration < shortest || f.duration > longest || f.duration%time.Second != 0) {
		return usagef(cmd, "--duration %s is outside 15m to 1h, in whole seconds, which STS allows here", f.duration)
	}
	if len(f.routes) > api.MaxRoutes {
		return usagef(cmd, "%d routes; at most %d are taken: merge them with wildcards", len(f.routes), api.MaxRoutes)
	}
	return nil
}

// settings is what flags, variables and the file come to. At most one of
// profile, tokenFile and token is set; with none, the AWS credentials of the
// environment, the default profile or the machine sign.
type settings struct {
	url       string
	profile   string
	tokenFile string
	token     string
	region    string
	service   string
}

// settle reads the settings: flags beat variables, variables beat the file.
func (f callerFlags) settle(cmd *cobra.Command) (settings, error) {
	path, must := configFile()
	var file toolconfig.Config
	if path != "" {
		var err error
		if file, err = toolconfig.Read(path, must); err != nil {
			return settings{}, asUsage(cmd, err)
		}
	}
	s := settings{
		url:     cmp.Or(f.url, os.Getenv("CREDVEND_URL"), file.URL),
		region:  cmp.Or(f.region, os.Getenv("CREDVEND_REGION"), file.Region),
		service: cmp.Or(f.service, os.Getenv("CREDVEND_SERVICE"), file.Service),
	}
	if s.url == "" {
		return s, usagef(cmd, "the service is not named; give --url or set CREDVEND_URL")
	}
	profile, token, tokenFile := os.Getenv("CREDVEND_PROFILE"), os.Getenv("CREDVEND_TOKEN"), os.Getenv("CREDVEND_TOKEN_FILE")
	switch {
	case f.profile != "" && f.tokenFile != "":
		return s, usagef(cmd, "--profile and --token-file are two ways to prove who calls; give one")
	case f.profile != "" || f.tokenFile != "":
		s.profile, s.tokenFile = f.profile, f.tokenFile
	case profile != "" && (token != "" || tokenFile != ""):
		return s, usagef(cmd, "CREDVEND_PROFILE and a token are both set; unset one, or choose with --profile or --token-file")
	case profile != "" || tokenFile != "":
		s.profile, s.tokenFile = profile, tokenFile
	case token != "":
		s.token = token
	default:
		s.profile, s.tokenFile = file.Profile, file.TokenFile
	}
	return s, nil
}

// configFile is the path of the configuration, "" where there is no home, and
// whether the file must exist.
func configFile() (path string, must bool) {
	if path = os.Getenv("CREDVEND_CONFIG"); path != "" {
		return path, true
	}
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) { // as the XDG specification says of relative ones
		home, err := os.UserHomeDir()
		if err != nil {
			return "", false
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "credvend", "config.yaml"), false
}

// oneTarget is the Args of commands that take a target and nothing else.
func oneTarget(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return usagef(cmd, "name one target, such as orders")
	}
	return nil
}

// span writes a duration as people say it: 30m, 1h, 12m30s.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return d.String()
	}
}
