// Package client is the caller's side of credvend: it asks the service for
// credentials and hands them to AWS's SDK.
//
//	c, err := client.New(client.WithURL(url), client.WithAWSConfig(cfg))
//	cfg.Credentials = c.Provider("orders")
//
// or signs requests to the target itself:
//
//	orders := &http.Client{Transport: c.Transport("orders")}
//
// It proves who calls with SigV4 (WithAWSConfig, WithCredentialsProvider) or
// with a JWT (WithBearerToken and its kin), and speaks to https and to loopback
// alone. It decides nothing about what a caller may have, keeps nothing on
// disk, logs nothing, and puts no secret into an error.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/credvend/credvend/api"
)

// Client calls one credvend service as one caller. It is safe for concurrent
// use.
type Client struct {
	base      *url.URL
	http      *http.Client
	proof     authorizer
	userAgent string

	now   func() time.Time
	sleep func(context.Context, time.Duration) error
}

// New returns a Client. It needs WithURL and one way to prove who calls. It
// makes no call; its errors say which option is missing or wrong.
func New(opts ...Option) (*Client, error) {
	var s settings
	for _, opt := range opts {
		opt(&s)
	}
	base, err := parseURL(s.url)
	if err != nil {
		return nil, err
	}
	proof, err := s.authorizer(base)
	if err != nil {
		return nil, err
	}
	return &Client{
		base:      base,
		http:      s.httpClient(),
		proof:     proof,
		userAgent: "credvend/" + version(),
		now:       time.Now,
		sleep:     sleep,
	}, nil
}

// VendOption narrows what Vend asks for.
type VendOption func(*request)

type request struct {
	routes   []string
	duration time.Duration
}

// Routes asks for these routes alone, each METHOD PATH such as
// "GET /orders/*". Each must lie inside what the caller is granted. Without it,
// everything granted is asked for.
func Routes(routes ...string) VendOption {
	return func(r *request) { r.routes = append(r.routes, routes...) }
}

// Duration asks for credentials that live this long, in whole seconds from 15
// minutes to an hour: STS's minimum, and its maximum for chained roles. The
// service may shorten it, and says so in the answer's Grant. Without it, or
// with 0, the target's default applies.
func Duration(d time.Duration) VendOption {
	return func(r *request) { r.duration = d }
}

// Vend asks for credentials for a target. Every call is a new request; Provider
// keeps credentials for as long as they are good.
//
// A refusal by the service or its front door is an *Error. Other errors mean
// that no answer came, or that the request could not be made.
func (c *Client) Vend(ctx context.Context, target string, opts ...VendOption) (api.Credentials, error) {
	body, err := encode(target, opts)
	if err != nil {
		return api.Credentials{}, err
	}
	var creds api.Credentials
	err = c.call(ctx, http.MethodPost, api.CredentialsPath, body, func(answer []byte) error {
		creds = api.Credentials{}
		if json.Unmarshal(answer, &creds) != nil {
			return errForeign // the decoder's text could quote a secret
		}
		return complete(creds, target)
	})
	if err != nil {
		return api.Credentials{}, err
	}
	return creds, nil
}

// Targets asks what this caller may have.
func (c *Client) Targets(ctx context.Context) (api.Targets, error) {
	var answer api.Targets
	err := c.call(ctx, http.MethodGet, api.TargetsPath, nil, func(b []byte) error {
		answer = api.Targets{}
		if json.Unmarshal(b, &answer) != nil || answer.RequestID == "" {
			return errForeign
		}
		return nil
	})
	return answer, err
}

// WhoAmI asks who the service takes this caller for.
func (c *Client) WhoAmI(ctx context.Context) (api.WhoAmI, error) {
	var answer api.WhoAmI
	err := c.call(ctx, http.MethodGet, api.WhoAmIPath, nil, func(b []byte) error {
		answer = api.WhoAmI{}
		if json.Unmarshal(b, &answer) != nil || answer.RequestID == "" {
			return errForeign
		}
		return nil
	})
	return answer, err
}

// encode is the body of a request for credentials.
func encode(target string, opts []VendOption) ([]byte, error) {
	var r request
	for _, opt := range opts {
		opt(&r)
	}
	if target == "" {
		return nil, errors.New("name the target to have credentials for")
	}
	if len(r.routes) > api.MaxRoutes {
		return nil, fmt.Errorf("%d routes; at most %d are taken: merge them with wildcards", len(r.routes), api.MaxRoutes)
	}
	seconds := int(r.duration / time.Second)
	if r.duration != 0 && (r.duration%time.Second != 0 || seconds < api.MinDurationSeconds || seconds > api.MaxDurationSeconds) {
		return nil, fmt.Errorf("the duration %s is outside 15m to 1h, in whole seconds, which STS allows here", r.duration)
	}
	return json.Marshal(api.CredentialsRequest{Target: target, Routes: r.routes, DurationSeconds: seconds})
}

// complete refuses credentials that would not work, or that are for something
// else: an SDK would take a missing expiration for "for ever".
func complete(c api.Credentials, target string) error {
	switch {
	case c.Version != api.CredentialProcessVersion, c.AccessKeyID == "", c.SecretAccessKey.Reveal() == "", c.SessionToken.Reveal() == "":
		return errForeign
	case c.Expiration.IsZero():
		return errors.New("the answer's credentials have no expiration")
	case !c.Grant.ServerTime.IsZero() && !c.Expiration.After(c.Grant.ServerTime):
		return errors.New("the answer's credentials have expired already")
	case !plain(c.AccessKeyID), !plain(c.SecretAccessKey.Reveal()), !plain(c.SessionToken.Reveal()), !plain(c.Grant.Region), !plain(c.Grant.Endpoint):
		return errors.New("the answer's credentials hold a control or non-ASCII character")
	case c.Grant.Target != target:
		return errors.New("the answer's credentials are for another target than was asked for")
	}
	return nil
}

// plain reports whether s is printable ASCII, as all is that becomes part of an
// environment, a header or a file.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
