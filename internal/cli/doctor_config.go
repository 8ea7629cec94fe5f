package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"

	"github.com/credvend/credvend/client"
	"github.com/credvend/credvend/internal/doctor"
)

// origin says where a setting came from. The order is that of settle.
func origin(value, flag, flagName, variable, path string) string {
	switch {
	case flag != "" && value == flag:
		return flagName
	case os.Getenv(variable) != "" && value == os.Getenv(variable):
		return variable
	default:
		return path
	}
}

// describe tells what was settled, and where each came from. A token is
// never part of it.
func (f callerFlags) describe(s settings, signing string) string {
	path, _ := configFile()
	text := fmt.Sprintf("%s (%s)", s.url, origin(s.url, f.url, "--url", "CREDVEND_URL", path))
	switch {
	case s.tokenFile != "":
		text += fmt.Sprintf("; token of %s (%s)", s.tokenFile, origin(s.tokenFile, f.tokenFile, "--token-file", "CREDVEND_TOKEN_FILE", path))
		return text
	case s.token != "":
		return text + "; token of CREDVEND_TOKEN"
	case s.profile != "":
		text += fmt.Sprintf("; profile %s (%s)", s.profile, origin(s.profile, f.profile, "--profile", "CREDVEND_PROFILE", path))
	case os.Getenv("AWS_ACCESS_KEY_ID") != "":
		text += "; credentials of AWS_ACCESS_KEY_ID"
	case os.Getenv("AWS_PROFILE") != "":
		text += "; profile " + os.Getenv("AWS_PROFILE") + " (AWS_PROFILE)"
	default:
		text += "; no profile named: the default one, or the machine's"
	}
	text += "; signs for " + signing
	if s.region != "" {
		text += fmt.Sprintf(" (region: %s)", origin(s.region, f.region, "--region", "CREDVEND_REGION", path))
	}
	if s.service != "" {
		text += fmt.Sprintf(" (service: %s)", origin(s.service, f.service, "--service", "CREDVEND_SERVICE", path))
	}
	return text
}

// configure is the first step: what can be seen without a call. It reports
// whether there is something to go on with.
func (w *walk) configure() bool {
	s, err := w.who.settle(w.cmd)
	if err != nil {
		return w.wrong(doctor.StepConfig, plain(err), doctor.BadConfig, "the settings do not go together, or say too little", "mend what is named; see credvend doctor --help")
	}
	if s.vendedAlready(w.cmd) != nil && s.token == "" && s.tokenFile == "" {
		w.add(doctor.Step{Name: doctor.StepConfig, Status: doctor.Wrong, Says: "the AWS credentials of this shell are vended ones", Candidates: []doctor.Candidate{doctor.VendedCandidate("CREDVEND_VENDED, and what it names")}})
		return false
	}
	w.caller = &caller{settings: s}
	proof, err := w.caller.proof(w.cmd)
	if err != nil {
		if strings.Contains(err.Error(), "cannot vend") {
			w.add(doctor.Step{Name: doctor.StepConfig, Status: doctor.Wrong, Says: plain(err), Candidates: []doctor.Candidate{doctor.VendedCandidate("the profile's credential_process")}})
			return false
		}
		step := doctor.CredentialsFailed(plain(err), s.profile)
		step.Name = doctor.StepConfig
		w.add(step)
		return false
	}
	w.base = w.transport()
	w.seen = &recorder{base: w.base}
	if w.caller.Client, err = client.New(append(proof, client.WithURL(s.url), client.WithHTTPClient(w.seen.client()))...); err != nil {
		return w.wrong(doctor.StepConfig, plain(err), doctor.BadConfig, "the URL cannot be a front door's", "take the URL from the operator: an output of credvend's stack, such as IamUrl")
	}
	service, shown := client.SigningScope(s.url)
	w.door = doctor.Door{URL: s.url, Token: s.token != "" || s.tokenFile != "", Service: firstOf(s.service, service), Region: firstOf(s.region, shown, w.caller.aws.Region)}
	w.door.RegionSaid, w.door.RegionShown = s.region != "", shown != ""
	says := w.who.describe(s, w.door.Service+" in "+w.door.Region)
	switch {
	case !w.door.Token && shown != "" && w.door.Region != shown:
		return w.wrong(doctor.StepConfig, says, doctor.RegionMismatch, fmt.Sprintf("the URL is of the region %s, and the signature would be for %s", shown, w.door.Region), "leave out --region, CREDVEND_REGION and region: in the configuration")
	case !w.door.Token && shown != "" && w.door.Service != service:
		return w.wrong(doctor.StepConfig, says, doctor.WrongService, fmt.Sprintf("the URL wants signatures for %s, and they would be for %s", service, w.door.Service), "leave out --service, CREDVEND_SERVICE and service: in the configuration")
	}
	w.add(doctor.Step{Name: doctor.StepConfig, Status: doctor.OK, Says: says})
	return true
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// plain is an error's text without the pointer to the help.
func plain(err error) string {
	text, _, _ := strings.Cut(oneLine(err), "; see `credvend doctor")
	return text
}

// wrong adds a step that is wrong on the caller's side.
func (w *walk) wrong(step, says string, cause doctor.Cause, why, do string) bool {
	w.add(doctor.Step{Name: step, Status: doctor.Wrong, Says: says, Candidates: []doctor.Candidate{{Cause: cause, Side: doctor.Caller, Says: why, Do: do, Evidence: "what is configured"}}})
	return false
}

// proofs is the second step: is there a proof of who calls. It reports whether
// there is something to send.
func (w *walk) proofs(ctx context.Context) bool {
	if w.door.Token {
		raw, err := w.rawToken()
		if err != nil {
			return w.wrong(doctor.StepToken, plain(err), doctor.BadToken, "the token's file cannot be read", "put a JWT there, or name another file with --token-file")
		}
		w.secrets = append(w.secrets, raw)
		token, step := doctor.TokenStep(raw, w.now())
		w.token = &token
		w.add(step)
		return step.Status == doctor.OK || !token.Expires.IsZero()
	}
	var creds aws.Credentials
	var err error
	w.bounded(ctx, "the AWS credentials", func(ctx context.Context) { creds, err = w.caller.aws.Credentials.Retrieve(ctx) })
	switch {
	case err != nil:
		w.add(doctor.CredentialsFailed(credentialsText(err), w.caller.profile))
		return false
	case !creds.HasKeys():
		w.add(doctor.CredentialsFailed("there are no AWS credentials to sign with", w.caller.profile))
		return false
	}
	w.secrets = append(w.secrets, creds.SecretAccessKey, creds.SessionToken)
	says := "access key " + ending(creds.AccessKeyID) + ", from " + printable(creds.Source)
	if creds.CanExpire {
		left := creds.Expires.Sub(w.now())
		if left <= 0 {
			says += ", expired " + span(-left) + " ago"
			w.add(doctor.Step{Name: doctor.StepCredentials, Status: doctor.Wrong, Says: says, Candidates: []doctor.Candidate{
				{Cause: doctor.ExpiredCredentials, Side: doctor.Caller, Says: "the AWS credentials have expired", Evidence: "the time that stands beside them", Do: "sign in again, such as with aws sso login, or renew what the profile gets them from"},
				{Cause: doctor.Clock, Side: doctor.Caller, Says: "this machine's clock is ahead", Do: "set the clock"},
			}})
			return true // a wrong clock shows in what follows
		}
		says += ", for another " + span(left.Round(time.Minute))
	}
	w.add(doctor.Step{Name: doctor.StepCredentials, Status: doctor.OK, Says: says})
	return true
}

// ending is the last of an access key's id, as AWS's tools show it.
func ending(id string) string {
	return "…" + id[max(len(id)-4, 0):]
}

// credentialsText says why there are no credentials. What a credential_process
// printed is not repeated: it may be a secret.
func credentialsText(err error) string {
	var process *processcreds.ProviderError
	switch {
	case errors.As(err, &process):
		return "the credential_process of the AWS profile failed, or did not print credentials in the form that AWS documents; run it by hand to see why"
	case errors.Is(err, context.DeadlineExceeded):
		return "the AWS credentials did not come in time"
	default:
		return oneLine(err)
	}
}

// rawToken is the JWT to send.
func (w *walk) rawToken() (string, error) {
	if w.caller.tokenFile == "" {
		return strings.TrimSpace(w.caller.token), nil
	}
	f, err := os.Open(w.caller.tokenFile)
	if err != nil {
		return "", fmt.Errorf("the token cannot be read: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return "", fmt.Errorf("the token cannot be read: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
