package client

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"

	"github.com/credvend/credvend/internal/local/sigv4"
)

type keys struct{}

func (keys) SigningKey(id string) (secret, token string, expiration time.Time, ok bool) {
	return callerSecret, callerToken, time.Time{}, id == keyID
}

// TestSigned has the signature judged by the local stack's verifier, which
// shares no code with the signer.
func TestSigned(t *testing.T) {
	config := WithAWSConfig(aws.Config{Credentials: static(), Region: "eu-west-1"})
	for _, c := range []struct {
		name            string
		opts            []Option
		service, region string
	}{
		{"region of the AWS config", []Option{config}, "execute-api", "eu-west-1"},
		{"region said outright", []Option{config, WithRegion("us-east-1")}, "execute-api", "us-east-1"},
		{"service said outright", []Option{config, WithSigningService("lambda")}, "lambda", "eu-west-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, vended(t))
			client, _ := connect(t, s.URL+"/$stage-1_x", c.opts...)
			if _, err := client.Vend(t.Context(), "orders", Routes("GET /orders/*")); err != nil {
				t.Fatal(err)
			}
			r := s.seen()[0]
			judge := sigv4.Verifier{Keys: keys{}, Now: func() time.Time { return noon }, Service: c.service, Regions: []string{c.region}}
			if _, err := judge.Verify(r.Request, []byte(r.body)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRegionOfURL: a URL that shows its region is not signed for another,
// whatever AWS_REGION the config was loaded with.
func TestRegionOfURL(t *testing.T) {
	c, err := New(WithURL("https://a1b2c3.lambda-url.us-west-2.on.aws"), WithAWSConfig(aws.Config{Credentials: static(), Region: "eu-west-1"}))
	if err != nil {
		t.Fatal(err)
	}
	if s := c.proof.(*signer); s.region != "us-west-2" || s.service != "lambda" {
		t.Error(s.region, s.service)
	}
}

func TestCredentialsFail(t *testing.T) {
	// The SDK's own error for a credential_process that prints broken JSON
	// quotes what it printed.
	leak := processcreds.NewProvider(`printf '{"SecretAccessKey": "` + callerSecret + `"'`)
	if _, err := leak.Retrieve(t.Context()); err == nil || !strings.Contains(err.Error(), callerSecret) {
		t.Logf("the SDK quotes no more: %v", err)
	}
	for _, c := range []struct {
		name     string
		provider aws.CredentialsProvider
		want     string
	}{
		{"some error", failing{errors.New("no such profile")}, "no such profile"},
		{"nothing", aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, nil }), "returned none"},
		{"anonymous", aws.AnonymousCredentials{}, "no AWS credentials to sign with"},
		{"a process that prints garbage with a secret", leak, "did not print credentials in time"},
		{"the same in a cache", aws.NewCredentialsCache(leak), "did not print credentials in time"},
		{"a process that fails", processcreds.NewProvider(`echo ` + callerSecret + `; exit 3`), "failed (exit status 3); run it by hand"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, vended(t))
			client, _ := connect(t, s.URL, WithCredentialsProvider(c.provider), WithRegion("us-east-1"))
			_, err := client.Vend(t.Context(), "orders")
			expect(t, err, c.want)
			if len(s.seen()) > 0 {
				t.Error("the service was called")
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Retrieve(context.Context) (aws.Credentials, error) { return aws.Credentials{}, f.err }

func TestBearer(t *testing.T) {
	for _, c := range []struct{ name, token, want string }{
		{"a JWT", jwt, ""},
		{"a newline at the end", jwt + "\r\n", ""},
		{"empty", "", "the token is empty"},
		{"blank", " \n", "the token is empty"},
		{"a newline inside", jwt + "\nX-Evil: " + jwt, "without the word Bearer"},
		{"with its word", "Bearer " + jwt, "without the word Bearer"},
		{"two tokens", jwt + "," + jwt, "another character"},
		{"quoted", `"` + jwt + `"`, "another character"},
		{"not ASCII", jwt + "é", "another character"},
		{"too long", strings.Repeat("a", maxToken+1), "API Gateway does not take"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, vended(t))
			client, _ := connect(t, s.URL, WithBearerToken(c.token))
			_, err := client.Vend(t.Context(), "orders")
			expect(t, err, c.want)
			switch calls := s.seen(); {
			case c.want != "" && len(calls) > 0:
				t.Error("the service was called")
			case c.want == "" && calls[0].Header.Get("Authorization") != "Bearer "+jwt:
				t.Errorf("Authorization %q", calls[0].Header.Get("Authorization"))
			}
		})
	}
}

// TestBearerFileIsReadAgain: at each try, not at New.
func TestBearerFileIsReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	s := serve(t, vended(t))
	client, _ := connect(t, s.URL, WithBearerTokenFile(file))
	_, err := client.Vend(t.Context(), "orders")
	expect(t, err, "there is no token to send: open")
	for i, token := range []string{"first.token.x", "second.token.x"} {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Vend(t.Context(), "orders"); err != nil {
			t.Fatal(err)
		}
		if got := s.seen()[i].Header.Get("Authorization"); got != "Bearer "+token {
			t.Errorf("Authorization %q", got)
		}
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("a", 1<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = client.Vend(t.Context(), "orders")
	expect(t, err, "API Gateway does not take")
}

func TestBearerFunc(t *testing.T) {
	s := serve(t, failure(429, "throttled", "slow down"), vended(t))
	asked := 0
	client, _ := connect(t, s.URL, WithBearerTokenFunc(func(context.Context) (string, error) {
		asked++
		return jwt, nil
	}))
	if _, err := client.Vend(t.Context(), "orders"); err != nil || asked != 2 {
		t.Errorf("asked %d times, %v", asked, err)
	}
	client, _ = connect(t, s.URL, WithBearerTokenFunc(func(context.Context) (string, error) { return "", errors.New("logged out") }))
	_, err := client.Vend(t.Context(), "orders")
	expect(t, err, "there is no token to send: logged out")
}
