//go:build conformance

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// call is one request, unsigned unless it has somebody's configuration.
type call struct {
	method, url, body string
	header            map[string]string
	as                *aws.Config
	service           string        // "": execute-api
	region            string        // "": the configuration's
	presign           bool          // in the query, not in headers
	skew              time.Duration // how far the clock is off
	tamper            [2]string     // the second takes the first one's place, in URL and body, once it is signed
}

// answer is what came back. Its String may be shown.
type answer struct {
	status int
	header http.Header
	text   string
	doc    struct {
		Code, Message   string
		Principal       string
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Grant           struct{ Routes []string }
	}
}

func (a answer) String() string { return fmt.Sprintf("%d %s %s", a.status, a.doc.Code, a.doc.Message) }

func (s *suite) send(c call) (answer, error) {
	req, err := http.NewRequestWithContext(s.ctx, c.method, c.url, strings.NewReader(c.body))
	if err != nil {
		return answer{}, err
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	if c.body != "" && c.header["Content-Type"] == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.as != nil {
		if req, err = s.sign(req, c); err != nil {
			return answer{}, err
		}
	}
	if c.tamper[0] != "" {
		body := strings.ReplaceAll(c.body, c.tamper[0], c.tamper[1])
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		req.URL.Path = strings.ReplaceAll(req.URL.Path, c.tamper[0], c.tamper[1])
	}
	return do(req)
}

func (s *suite) sign(req *http.Request, c call) (*http.Request, error) {
	keys, err := c.as.Credentials.Retrieve(s.ctx)
	if err != nil {
		return nil, err
	}
	service := c.service
	if service == "" {
		service = "execute-api"
	}
	region, at := c.region, time.Now().Add(c.skew)
	if region == "" {
		region = c.as.Region
	}
	sum := sha256.Sum256([]byte(c.body))
	hash := hex.EncodeToString(sum[:])
	if !c.presign {
		return req, v4.NewSigner().SignHTTP(s.ctx, keys, req, hash, service, region, at)
	}
	query := req.URL.Query()
	query.Set("X-Amz-Expires", "60")
	req.URL.RawQuery = query.Encode()
	signed, _, err := v4.NewSigner().PresignHTTP(s.ctx, keys, req, hash, service, region, at)
	if err != nil {
		return nil, err
	}
	return http.NewRequestWithContext(s.ctx, c.method, signed, nil)
}

func do(req *http.Request) (answer, error) {
	client := http.Client{Timeout: 20 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{status: resp.StatusCode, header: resp.Header}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	a.text = string(body)
	if err == nil && len(body) > 0 && body[0] != '<' { // as STS's are
		err = json.Unmarshal(body, &a.doc) // each other answer is JSON, the doors' own too
	}
	return a, err
}

// status sends and expects a status and, unless "", the service's own code.
func (s *suite) status(c call, status int, code string) error {
	a, err := s.send(c)
	if err == nil && (a.status != status || code != "" && a.doc.Code != code) {
		err = mismatchf("got %s, want %d %s", a, status, code)
	}
	return err
}

// refused sends and expects the door's own refusal: the service's has a code.
func (s *suite) refused(c call) error {
	a, err := s.send(c)
	if err == nil && (a.status != http.StatusForbidden || a.doc.Code != "") {
		err = mismatchf("got %s, want the door's own 403", a)
	}
	return err
}

func (a answer) vended() error {
	if a.status != http.StatusOK || a.doc.SecretAccessKey == "" || a.doc.SessionToken == "" {
		return mismatchf("got %s, want 200 and credentials", a)
	}
	return nil
}

// vend sends and returns the vended credentials, ready to sign with.
func (s *suite) vend(c call) (aws.Config, answer, error) {
	a, err := s.send(c)
	if err == nil {
		err = a.vended()
	}
	keys := aws.Credentials{AccessKeyID: a.doc.AccessKeyID, SecretAccessKey: a.doc.SecretAccessKey, SessionToken: a.doc.SessionToken}
	provider := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return keys, nil })
	return aws.Config{Region: "us-east-1", Credentials: provider}, a, err
}

// token asks the issuer for a shopper's token, with claims of one's choosing.
func (s *suite) token(sub string, claims map[string]string) (string, error) {
	fields := url.Values{"sub": {sub}, "groups": {"shoppers"}}
	for name, value := range claims {
		fields.Set(name, value)
	}
	form := fields.Encode()
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, s.issuer+"/token", strings.NewReader(form))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	token, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = mismatchf("the issuer answers %d", resp.StatusCode)
	}
	return string(token), err
}
