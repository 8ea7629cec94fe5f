package client

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/credvend/credvend/api"
)

const (
	// source is what the SDK calls the origin of these credentials.
	source = "credvend"

	// retrieveTimeout bounds a retrieval: the SDK's cache takes the deadline of
	// its caller away, since others wait for the same credentials.
	retrieveTimeout = 45 * time.Second

	// minUse is how long credentials are used before the next are asked for,
	// whatever refreshAfter says: one vend for each signature would be a flood.
	minUse = time.Minute
)

// Provider gives credentials for a target to AWS's SDK, and keeps them for as
// long as the service advises:
//
//	cfg.Credentials = c.Provider("orders")
//
// It is an aws.CredentialsProvider, safe for concurrent use: one request
// however many wait for it. It asks again from the answer's refreshAfter on,
// which the service spreads over a fleet. While the service is out of reach,
// the credentials at hand are used until they really expire; a refusal is
// passed on at once, as an *Error.
type Provider struct {
	cache  *aws.CredentialsCache
	vendor *vendor
}

// Provider returns a Provider for a target. It makes no call yet.
func (c *Client) Provider(target string, opts ...VendOption) *Provider {
	v := &vendor{client: c, target: target, opts: opts}
	return &Provider{aws.NewCredentialsCache(v), v}
}

// Retrieve returns the credentials at hand, or asks for new ones. Their Expires
// is the moment to ask again, by the clock of this machine.
func (p *Provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	return p.cache.Retrieve(ctx)
}

// Vended does as Retrieve, and returns the whole of the service's answer: with
// its Grant, and with the Expiration proper.
func (p *Provider) Vended(ctx context.Context) (api.Credentials, error) {
	if _, err := p.cache.Retrieve(ctx); err != nil {
		// The cache's words before the reason tell a person nothing.
		if reason := errors.Unwrap(err); reason != nil && strings.HasPrefix(err.Error(), "failed to refresh cached credentials") {
			err = reason
		}
		return api.Credentials{}, err
	}
	last, _ := p.vendor.held()
	return last, nil
}

// Invalidate has the next Retrieve ask for new credentials.
func (p *Provider) Invalidate() { p.cache.Invalidate() }

// expired reports whether the credentials at hand have less than a margin to
// live, by the clock of this machine.
func (p *Provider) expired(margin time.Duration) bool {
	_, expiration := p.vendor.held()
	return !p.vendor.client.now().Add(margin).Before(expiration)
}

// vendor asks for credentials of one kind, and remembers the last.
type vendor struct {
	client *Client
	target string
	opts   []VendOption

	mu         sync.Mutex
	last       api.Credentials
	expiration time.Time // when those really expire, by the local clock
}

func (p *vendor) held() (api.Credentials, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, p.expiration
}

// Retrieve vends.
func (p *vendor) Retrieve(ctx context.Context) (aws.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, retrieveTimeout)
	defer cancel()
	asked := p.client.now()
	vended, err := p.client.Vend(ctx, p.target, p.opts...)
	if err != nil {
		return aws.Credentials{Source: source}, err
	}
	refresh, expiration := Lifetime(vended, asked)

	p.mu.Lock()
	p.last, p.expiration = vended, expiration
	p.mu.Unlock()

	creds := sdkKeys(vended)
	creds.Expires = refresh
	return creds, nil
}

// sdkKeys are vended credentials in the SDK's type.
func sdkKeys(vended api.Credentials) aws.Credentials {
	return aws.Credentials{
		AccessKeyID:     vended.AccessKeyID,
		SecretAccessKey: vended.SecretAccessKey.Reveal(),
		SessionToken:    vended.SessionToken.Reveal(),
		AccountID:       vended.AccountID,
		Source:          source,
		CanExpire:       true,
		Expires:         vended.Expiration,
	}
}

// HandleFailToRefresh keeps the credentials at hand in use where asking again
// may yet succeed.
func (p *vendor) HandleFailToRefresh(_ context.Context, at aws.Credentials, why error) (aws.Credentials, error) {
	last, expiration := p.held()
	now := p.client.now()
	if !Passing(why) || at.AccessKeyID == "" || at.AccessKeyID != last.AccessKeyID || !now.Before(expiration) {
		return aws.Credentials{}, why
	}
	at.Expires = earlier(now.Add(minUse), expiration)
	return at, nil
}

// Passing reports whether an error of this package may pass by itself, so that
// credentials at hand may be used meanwhile. An answer about the request or its
// caller stays the same.
func Passing(err error) bool {
	var answer *Error
	return !errors.As(err, &answer) || answer.Status < 400 || answer.Status >= 500 ||
		answer.Status == http.StatusTooManyRequests || answer.Status == http.StatusRequestTimeout
}

// Lifetime says how long to use an answer that was asked for at a moment: from
// refresh on it is time to ask again, from expiration on the credentials are
// dead. It turns the service's moments into the local clock's, which may be
// off: it counts what was left at the service's time from the moment before the
// request was sent.
func Lifetime(c api.Credentials, asked time.Time) (refresh, expiration time.Time) {
	asked = asked.Round(0) // a monotonic clock stands still while a laptop sleeps
	refresh, expiration = c.Grant.RefreshAfter, c.Expiration
	if server := c.Grant.ServerTime; !server.IsZero() {
		expiration = asked.Add(expiration.Sub(server))
		if !refresh.IsZero() {
			refresh = asked.Add(refresh.Sub(server))
		}
	}
	if refresh.IsZero() {
		refresh = expiration.Add(-minUse)
	}
	if soonest := asked.Add(minUse); refresh.Before(soonest) {
		refresh = soonest
	}
	return earlier(refresh, expiration), expiration
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
