package story

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Keys are credentials to sign with. They do not print.
type Keys struct {
	AccessKeyID string
	secret      *[2]string // secret key and session token; behind a pointer, fmt shows an address
}

// NewKeys returns credentials.
func NewKeys(accessKeyID, secretAccessKey, sessionToken string) Keys {
	return Keys{accessKeyID, &[2]string{secretAccessKey, sessionToken}}
}

// String names the access key.
func (k Keys) String() string { return k.AccessKeyID }

// request is one request to any of the story's services.
type request struct {
	base, method, path, body string
	header                   http.Header
	keys                     *Keys // nil: unsigned
	service                  string
}

// send signs and sends a request, and reads the answer.
func (s *stage) send(ctx context.Context, r request) (result, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.base+r.path, strings.NewReader(r.body))
	if err != nil {
		return result{}, err
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if r.body != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.keys != nil {
		hash := sha256.Sum256([]byte(r.body))
		c := aws.Credentials{AccessKeyID: r.keys.AccessKeyID, SecretAccessKey: r.keys.secret[0], SessionToken: r.keys.secret[1]}
		if err := v4.NewSigner().SignHTTP(ctx, c, req, hex.EncodeToString(hash[:]), r.service, s.world.Region, time.Now()); err != nil {
			return result{}, fmt.Errorf("signing: %w", err)
		}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return result{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return result{}, err
	}
	return result{status: resp.StatusCode, body: string(body)}.withMessage(), nil
}

// withMessage notes the message of an error answer, for the reader.
func (r result) withMessage() result {
	var e struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if r.status >= 400 && json.Unmarshal([]byte(r.body), &e) == nil && e.Code != "" {
		r.note = fmt.Sprintf("%s: %s", e.Code, e.Message)
	}
	return r
}

// readVend reads the credentials of a vend, keeps them in got, and notes what
// they are good for.
func (r *result) readVend(got *Keys) error {
	if r.status != http.StatusOK || got == nil {
		return nil
	}
	var a struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Grant           struct {
			Routes         []string `json:"routes"`
			GrantedSeconds int      `json:"grantedSeconds"`
			Rules          []string `json:"rules"`
			LimitedBy      string   `json:"durationLimitedBy"`
			Reused         bool     `json:"reused"`
		}
	}
	if err := json.NewDecoder(bytes.NewReader([]byte(r.body))).Decode(&a); err != nil {
		return fmt.Errorf("the answer is no credential document: %w", err)
	}
	*got = NewKeys(a.AccessKeyID, a.SecretAccessKey, a.SessionToken)
	// To the minute: of half an hour some milliseconds are always gone.
	r.note = fmt.Sprintf("good for %s, %d minutes, by rule %s", strings.Join(a.Grant.Routes, ", "), (a.Grant.GrantedSeconds+30)/60, strings.Join(a.Grant.Rules, ", "))
	r.body = "" // a secret: no later line can show it
	return nil
}
