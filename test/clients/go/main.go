//go:build conformance

// Command go plays the AWS SDK for Go v2 against the local stack. It prints a
// line for each check, "ok DOOR: WHAT" or "FAIL DOOR: WHAT: why", and must hold
// no code of credvend: it is what a stranger's program would be. No line holds
// a secret: of an answer only the status, the code and the message are shown.
//
// The build tag keeps it out of `go test ./...`, which has no stack to run it on.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

const (
	vendPath   = "/v1/credentials"
	ask        = `{"target":"orders"}`
	ordersRole = "arn:aws:iam::111122223333:role/orders-invoke"
	assumed    = "arn:aws:sts::111122223333:assumed-role/orders-invoke/"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	failed := run(ctx)
	cancel()
	if failed {
		os.Exit(1)
	}
}

func run(ctx context.Context) (failed bool) {
	fmt.Printf("version aws-sdk-go-v2 %s, %s\n", aws.SDKVersion, runtime.Version())
	s := &suite{
		ctx:  ctx,
		sts:  os.Getenv("AWS_ENDPOINT_URL_STS"),
		http: os.Getenv("CREDVEND_URL"), jwt: os.Getenv("CREDVEND_JWT_URL"),
		function: os.Getenv("CREDVEND_FUNCTION_URL"), rest: os.Getenv("CREDVEND_REST_URL"),
		target: os.Getenv("CREDVEND_TARGET_URL"), issuer: os.Getenv("CREDVEND_ISSUER_URL"),
	}
	var err error
	if s.refusals, err = readRefusals(os.Getenv("REFUSALS")); err != nil {
		s.check("sts: the table of refusals is read", err)
		return true
	}
	s.stsSuite()
	vended := func() (aws.Config, error) {
		billing := s.profile("billing-service")
		cfg, _, err := s.vend(call{method: http.MethodPost, url: s.http + vendPath, body: ask, as: &billing})
		return cfg, err
	}
	s.signedDoor(door{"function-url", s.function, "outsider", "lambda", "execute-api", vended})
	s.signedDoor(door{"rest-api", s.rest, "outsider", "execute-api", "lambda", vended})
	s.signedDoor(door{"http-api", s.http, "billing-service", "execute-api", "lambda", func() (aws.Config, error) { return s.profile("outsider"), nil }})
	s.httpSuite()
	s.jwtSuite()
	s.targetSuite()
	s.containerSuite()
	s.containerFileSuite()
	s.processSuite()
	return s.failed
}

// suite is the stack's addresses, and whether a check has failed.
type suite struct {
	ctx                                            context.Context //nolint:containedctx // one run, one context
	sts, http, jwt, function, rest, target, issuer string
	refusals                                       map[string]refusal // by "ENDPOINT: CASE"
	failed                                         bool
}

// mismatch is a failure that is told in full. Of any other error only the type
// is shown: its text may hold a URL with a session token.
type mismatch struct{ text string }

func (m mismatch) Error() string { return m.text }

func mismatchf(format string, args ...any) error { return mismatch{fmt.Sprintf(format, args...)} }

func (s *suite) check(name string, err error) {
	if err == nil {
		fmt.Println("ok", name)
		return
	}
	s.failed = true
	if m, ok := err.(mismatch); ok { //nolint:errorlint // a wrapped one would bring another's text along
		fmt.Printf("FAIL %s: %s\n", name, m.text)
		return
	}
	fmt.Printf("FAIL %s: %T\n", name, err)
}

// profile loads a profile as any program does. What signs with one that is not
// there fails.
func (s *suite) profile(name string) aws.Config {
	cfg, err := config.LoadDefaultConfig(s.ctx, config.WithSharedConfigProfile(name))
	if err != nil {
		cfg = aws.Config{Region: "us-east-1", Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, err
		})}
	}
	return cfg
}
