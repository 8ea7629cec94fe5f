package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/doctor"
)

// maxProbed is how much of an answer is looked at, in bytes.
const maxProbed = 64 << 10

// transport is how the client itself sends: with the CA bundle of the AWS
// configuration.
func (w *walk) transport() http.RoundTripper {
	if own, isOwn := w.caller.aws.HTTPClient.(interface{ GetTransport() *http.Transport }); isOwn {
		return own.GetTransport().Clone()
	}
	if standard, isStandard := http.DefaultTransport.(*http.Transport); isStandard {
		return standard.Clone()
	}
	return &http.Transport{Proxy: http.ProxyFromEnvironment}
}

// recorder keeps the last answer that was not what was asked for: its body may
// be looked at, since it holds no credentials.
type recorder struct {
	base http.RoundTripper
	last doctor.Answer
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.base.RoundTrip(req)
	if err != nil {
		r.last = doctor.Answer{Err: err}
		return resp, err
	}
	r.last = doctor.Answer{Status: resp.StatusCode, Header: resp.Header}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxProbed))
		if err == nil {
			r.last.Body = body
		}
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(body), resp.Body), resp.Body}
	}
	return resp, nil
}

func (r *recorder) client() *http.Client { return &http.Client{Transport: r} }

// get calls without proof.
func (w *walk) get(ctx context.Context, method, url string) doctor.Answer {
	return w.fetch(ctx, w.base, method, url)
}

// fetch makes one call. No redirect is followed.
func (w *walk) fetch(ctx context.Context, over http.RoundTripper, method, url string) doctor.Answer {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return doctor.Answer{Err: errors.New("the URL cannot be called")}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "credvend-doctor/"+version())
	c := &http.Client{Transport: over, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(req)
	if err != nil {
		return doctor.Answer{Err: err}
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProbed))
	if err != nil {
		return doctor.Answer{Err: err}
	}
	return doctor.Answer{Status: resp.StatusCode, Header: resp.Header, Body: maskWords(body, w.secrets)}
}

// maskWords takes out every word with the beginning of a secret in it: API
// Gateway repeats, cut short at times, what it was sent.
func maskWords(text []byte, secrets []string) []byte {
	const telling = 12
	for _, secret := range secrets {
		if len(secret) < telling {
			continue
		}
		head := []byte(secret[:telling])
		for {
			i := bytes.Index(text, head)
			if i < 0 {
				break
			}
			end := bytes.IndexAny(text[i:], " \t\n\r'\",;)\\<>")
			if end < 0 {
				end = len(text) - i
			}
			text = append(append(bytes.Clone(text[:i]), masked...), text[i+end:]...)
		}
	}
	return text
}

// query makes a signed call of one of AWS's query APIs, and reads its XML.
func (w *walk) query(ctx context.Context, cfg aws.Config, endpoint, service, region string, form url.Values, into any) error {
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return errors.New(credentialsText(err))
	}
	body := []byte(form.Encode())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the endpoint of %s cannot be called", service)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), service, region, w.now()); err != nil {
		return errors.New("the call cannot be signed")
	}
	c := &http.Client{Transport: w.base, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(req)
	if err != nil {
		return fmt.Errorf("%s cannot be reached", req.URL.Host)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("%s broke off its answer", req.URL.Host)
	}
	if resp.StatusCode != http.StatusOK {
		refused := &awsError{action: form.Get("Action")}
		if xml.Unmarshal(maskWords(text, append(w.secrets, creds.SecretAccessKey, creds.SessionToken)), refused) != nil || refused.Code == "" {
			return fmt.Errorf("%s answered HTTP %d", req.URL.Host, resp.StatusCode)
		}
		return refused
	}
	if xml.Unmarshal(text, into) != nil {
		return fmt.Errorf("%s did not answer as AWS does", req.URL.Host)
	}
	return nil
}

// awsError is a refusal of a query API.
type awsError struct {
	action  string
	Code    string `xml:"Error>Code"`
	Message string `xml:"Error>Message"`
}

func (e *awsError) Error() string {
	head, _, _ := strings.Cut(e.Message, "\n") // the canonical request follows
	return fmt.Sprintf("%s: %s: %s", e.action, e.Code, head)
}

// endpointOf is where a service is: as AWS's tools are told, else AWS's own.
func endpointOf(cfg aws.Config, variable, own string) string {
	return firstOf(os.Getenv(variable), os.Getenv("AWS_ENDPOINT_URL"), aws.ToString(cfg.BaseEndpoint), own)
}

func suffixOf(region string) string {
	if arn.PartitionOf(region) == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// askSTS asks who a configuration's credentials are of; nil if STS is not heard.
func (w *walk) askSTS(ctx context.Context, cfg aws.Config) *doctor.STS {
	region := firstOf(cfg.Region, "us-east-1")
	var answer struct {
		ARN string `xml:"GetCallerIdentityResult>Arn"`
	}
	err := w.query(ctx, cfg, endpointOf(cfg, "AWS_ENDPOINT_URL_STS", "https://sts."+region+"."+suffixOf(region)), "sts", region,
		url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}, &answer)
	var refused *awsError
	switch {
	case errors.As(err, &refused):
		return &doctor.STS{Code: refused.Code, Message: refused.Message}
	case err != nil || answer.ARN == "":
		return nil
	default:
		return &doctor.STS{ARN: answer.ARN}
	}
}
