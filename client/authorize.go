package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
)

// maxToken is what still fits beside the other headers: API Gateway takes
// 10,240 bytes of request line and headers together.
const maxToken = 9 << 10

// An authorizer puts the proof of who calls into a request. It returns the
// secrets that it put there, so that an answer that repeats them can be told.
type authorizer interface {
	authorize(ctx context.Context, r *http.Request, body []byte, now time.Time) (secrets []string, err error)
}

// signer signs with SigV4. It stands behind a pointer, which fmt does not
// follow: printing a Client must not print static credentials.
type signer struct {
	credentials aws.CredentialsProvider
	v4          *v4.Signer
	service     string
	region      string
}

func (s *signer) authorize(ctx context.Context, r *http.Request, body []byte, now time.Time) ([]string, error) {
	creds, err := s.credentials.Retrieve(ctx)
	if err != nil {
		return nil, credentialsError(ctx, err)
	}
	if !creds.HasKeys() {
		return nil, errors.New("there are no AWS credentials to sign with: the credentials provider returned none")
	}
	hash := sha256.Sum256(body)
	if err := s.v4.SignHTTP(ctx, creds, r, hex.EncodeToString(hash[:]), s.service, s.region, now); err != nil {
		return nil, errors.New("the request cannot be signed with SigV4")
	}
	_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	return []string{creds.SecretAccessKey, creds.SessionToken, signature}, nil
}

// credentialsError says why there are no credentials to sign with. The error of
// a credential_process is not passed on, because the SDK quotes all that the
// process printed in it: a secret, if the rest of it was malformed.
func credentialsError(ctx context.Context, err error) error {
	var process *processcreds.ProviderError
	if !errors.As(err, &process) {
		return fmt.Errorf("there are no AWS credentials to sign with: %w", err)
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("the credential_process of the AWS profile was stopped: %w", context.Cause(ctx))
	case errors.As(err, &exit):
		return fmt.Errorf("the credential_process of the AWS profile failed (%w); run it by hand to see why", exit)
	default:
		return errors.New("the credential_process of the AWS profile did not print credentials in time, in the form that AWS documents; run it by hand to see why")
	}
}

// bearer sends a JWT.
type bearer struct {
	token func(context.Context) (string, error)
}

func (b bearer) authorize(ctx context.Context, r *http.Request, _ []byte, _ time.Time) ([]string, error) {
	token, err := b.token(ctx)
	if err != nil {
		return nil, fmt.Errorf("there is no token to send: %w", err)
	}
	token = strings.TrimSpace(token) // files end in a newline
	if err := checkToken(token); err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return []string{token}, nil
}

// checkToken lets through what RFC 6750 calls a b64token. Nothing else is a
// JWT, and a newline would begin a header of its own, a comma a second token.
func checkToken(token string) error {
	switch {
	case token == "":
		return errors.New("the token is empty")
	case len(token) > maxToken:
		return fmt.Errorf("the token has %d bytes; API Gateway does not take one above %d", len(token), maxToken)
	}
	for _, r := range token {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-._~+/=", r):
		default:
			return errors.New("the token holds a space, a newline or another character that no JWT has; give the JWT alone, on one line, without the word Bearer")
		}
	}
	return nil
}

// readToken reads the file of a token, for as long as ctx lets it: opening a
// pipe, and reading one, waits for whoever writes to it.
func readToken(ctx context.Context, path string) (string, error) {
	type result struct {
		token string
		err   error
	}
	read := make(chan result, 1)
	go func() {
		token, err := readStart(path)
		read <- result{token, err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case r := <-read:
		return r.token, r.err
	}
}

// readStart reads as much of a file as a token may have, and some more.
func readStart(path string) (string, error) {
	f, err := os.Open(path) //nolint:gosec // G304: the user names this file
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // it was only read
	b, err := io.ReadAll(io.LimitReader(f, maxToken+1024))
	if err != nil {
		return "", err
	}
	return string(b), nil
}
