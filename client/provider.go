package client

import (
	"context"
	"errors"
	"net/http"
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

// Provider returns credentials for a target to AWS's SDK, and keeps them for as
// long as the service advises:
//
//	cfg.Credentials = c.Provider("orders")
//
// It is an aws.CredentialsCache: safe for concurrent use, one request however
// many wait for it. It asks again from the answer's refreshAfter on, which the
// service spreads over a fleet. The Expires of its credentials is that moment,
// by the clock of this machine. While the service is out of reach, the
// credentials at hand are used until they really expire; a refusal is passed on
// at once, as an *Error.
func (c *Client) Provider(target string, opts ...VendOption) aws.CredentialsProvider {
	return aws.NewCredentialsCache(&provider{client: c, target: target, opts: opts})
}

type provider struct {
	client *Client
	target string
	opts   []VendOption

	mu         sync.Mutex
	last       string    // access key id
	expiration time.Time // when those really expire, by the local clock
}

// Retrieve vends.
func (p *provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, retrieveTimeout)
	defer cancel()
	asked := p.client.now()
	vended, err := p.client.Vend(ctx, p.target, p.opts...)
	if err != nil {
		return aws.Credentials{Source: source}, err
	}
	refresh, expiration := lifetime(vended, asked)

	p.mu.Lock()
	p.last, p.expiration = vended.AccessKeyID, expiration
	p.mu.Unlock()

	return aws.Credentials{
		AccessKeyID:     vended.AccessKeyID,
		SecretAccessKey: vended.SecretAccessKey.Reveal(),
		SessionToken:    vended.SessionToken.Reveal(),
		AccountID:       vended.AccountID,
		Source:          source,
		CanExpire:       true,
		Expires:         refresh,
	}, nil
}

// HandleFailToRefresh keeps the credentials at hand in use where asking again
// may yet succeed.
func (p *provider) HandleFailToRefresh(_ context.Context, at aws.Credentials, why error) (aws.Credentials, error) {
	p.mu.Lock()
	last, expiration := p.last, p.expiration
	p.mu.Unlock()
	now := p.client.now()
	if definite(why) || at.AccessKeyID == "" || at.AccessKeyID != last || !now.Before(expiration) {
		return aws.Credentials{}, why
	}
	at.Expires = earlier(now.Add(minUse), expiration)
	return at, nil
}

// definite reports whether an error is an answer that will stay the same.
func definite(err error) bool {
	var answer *Error
	return errors.As(err, &answer) && answer.Status >= 400 && answer.Status < 500 &&
		answer.Status != http.StatusTooManyRequests && answer.Status != http.StatusRequestTimeout
}

// lifetime turns the service's moments into the local clock's, which may be
// off: it counts what was left at the service's time from the moment before the
// request was sent.
func lifetime(c api.Credentials, asked time.Time) (refresh, expiration time.Time) {
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
