package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/logging"

	"github.com/credvend/credvend/api"
)

const (
	// MaxBody is the largest body that API Gateway takes, in bytes.
	MaxBody = 10 << 20

	// dying is how little life left makes a 403 look like an expiry: API
	// Gateway answers both alike.
	dying = time.Minute
)

// Transport is an http.RoundTripper that signs requests to a target:
//
//	t := c.Transport("orders")
//	orders := &http.Client{Transport: t}
//	resp, err := orders.Get("https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/orders/42")
//
// It fetches credentials as they are needed, and keeps them as a Provider does.
// It signs for the target's endpoint alone, and refuses every other host: a
// redirect must not carry a signature, or the session token, to somebody else.
// A body is held in memory, up to MaxBody, unless the request has a GetBody.
//
// A 403 is the target's answer and is passed on. Only if the credentials were
// about to expire, the request is sent once more with new ones: it was refused
// before it reached the API, so that nothing happens twice.
type Transport struct {
	// Base sends the signed requests: as the Client sends its own, unless it is
	// changed before use.
	Base http.RoundTripper

	// Trace is called with what was signed, before the request is sent. Its
	// texts hold the session token: they are for a person who seeks a
	// signature's mistake, and not for a log.
	Trace func(Signing)

	provider *Provider
	now      func() time.Time
}

// Signing is how a request was signed.
type Signing struct {
	CanonicalRequest string
	StringToSign     string
}

// Transport returns a Transport for a target. It makes no call yet. Set its
// fields before it is used.
func (c *Client) Transport(target string, opts ...VendOption) *Transport {
	base := c.http.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	return &Transport{Base: base, provider: c.Provider(target, opts...), now: c.now}
}

// Vended returns the credentials to sign with, fetching them if there are none:
// their Grant says where the target is and which routes may be called.
func (t *Transport) Vended(ctx context.Context) (api.Credentials, error) {
	return t.provider.Vended(ctx)
}

// RoundTrip signs a copy of r and sends it. Its errors are those of Vend, or
// say what cannot be signed, or are those of Base.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := open(r)
	if err != nil {
		return nil, err
	}
	resp, err := t.try(r, body)
	if err != nil || resp.StatusCode != http.StatusForbidden || !t.provider.expired(dying) {
		return resp, err
	}
	t.provider.Invalidate()
	if _, err := t.provider.Vended(r.Context()); err != nil {
		return resp, nil //nolint:nilerr // the 403 is the better answer of the two
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection serves again
	_ = resp.Body.Close()
	return t.try(r, body)
}

func (t *Transport) try(r *http.Request, body payload) (*http.Response, error) {
	vended, err := t.provider.Vended(r.Context())
	if err != nil {
		return nil, err
	}
	if err := isEndpoint(r, vended.Grant); err != nil {
		return nil, err
	}
	signed, err := body.attach(r)
	if err != nil {
		return nil, err
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) {
		if t.Trace != nil {
			o.LogSigning, o.Logger = true, tracer(t.Trace)
		}
	})
	if err := signer.SignHTTP(r.Context(), sdkKeys(vended), signed, body.hash, "execute-api", vended.Grant.Region, t.now()); err != nil {
		return nil, errors.New("the request cannot be signed with SigV4")
	}
	return t.Base.RoundTrip(signed)
}

// isEndpoint refuses to sign for another place than the grant's.
func isEndpoint(r *http.Request, grant api.Grant) error {
	u := r.URL
	endpoint, err := parseURL(grant.Endpoint)
	if err != nil || grant.Region == "" {
		return errors.New("the answer's grant does not say where the target is")
	}
	if u.Scheme != endpoint.Scheme || authority(u) != authority(endpoint) {
		return fmt.Errorf("a request to %s://%s is not signed: credentials for the target %s are good for %s alone", u.Scheme, u.Host, grant.Target, endpoint)
	}
	if r.Host != "" && !strings.EqualFold(r.Host, u.Host) {
		return fmt.Errorf("a request to %s with the Host header %q is not signed: leave the header to the URL", u.Host, r.Host)
	}
	return nil
}

// authority is host and port, the port always written.
func authority(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// payload is a body that can be sent more than once.
type payload struct {
	hash   string // SHA-256, hexadecimal
	length int64
	again  func() (io.ReadCloser, error) // nil: there is no body
}

// open takes the body of a request, and closes it.
func open(r *http.Request) (payload, error) {
	if r.Body == nil || r.Body == http.NoBody {
		sum := sha256.Sum256(nil)
		return payload{hash: hex.EncodeToString(sum[:])}, nil
	}
	defer r.Body.Close() //nolint:errcheck // it was only read
	if r.GetBody == nil {
		content, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
		switch {
		case err != nil:
			return payload{}, fmt.Errorf("the body of the request cannot be read: %w", err)
		case len(content) > MaxBody:
			return payload{}, errTooLarge
		}
		sum := sha256.Sum256(content)
		return payload{hex.EncodeToString(sum[:]), int64(len(content)), func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(content)), nil
		}}, nil
	}
	content, err := r.GetBody()
	if err != nil {
		return payload{}, fmt.Errorf("the body of the request cannot be read: %w", err)
	}
	defer content.Close() //nolint:errcheck // it was only read
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(content, MaxBody+1))
	switch {
	case err != nil:
		return payload{}, fmt.Errorf("the body of the request cannot be read: %w", err)
	case n > MaxBody:
		return payload{}, errTooLarge
	}
	return payload{hex.EncodeToString(sum.Sum(nil)), n, r.GetBody}, nil
}

var errTooLarge = fmt.Errorf("the body of the request has more than %d bytes, which API Gateway does not take", MaxBody)

// attach returns a copy of r with the body.
func (p payload) attach(r *http.Request) (*http.Request, error) {
	c := r.Clone(r.Context())
	if c.Header == nil {
		c.Header = make(http.Header)
	}
	c.Body, c.ContentLength, c.TransferEncoding = http.NoBody, p.length, nil
	if p.again == nil || p.length == 0 {
		return c, nil
	}
	body, err := p.again()
	if err != nil {
		return nil, fmt.Errorf("the body of the request cannot be read: %w", err)
	}
	c.Body = body
	return c, nil
}

// tracer receives what the signer would log.
type tracer func(Signing)

// Logf takes the canonical request and the string to sign out of the signer's
// arguments.
func (t tracer) Logf(_ logging.Classification, _ string, v ...any) {
	if len(v) < 2 {
		return
	}
	canonical, ok1 := v[0].(string)
	toSign, ok2 := v[1].(string)
	if ok1 && ok2 {
		t(Signing{canonical, toSign})
	}
}

var (
	_ http.RoundTripper       = (*Transport)(nil)
	_ aws.CredentialsProvider = (*Provider)(nil)
)
