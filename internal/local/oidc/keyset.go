package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/time/rate"
)

const (
	maxDocument = 1 << 20 // bytes of a discovery document or key set
	// Tokens with made-up key ids must not become a flood of requests to the
	// issuer: five fetches at once, then one in five seconds.
	fetchBurst    = 5
	fetchInterval = 5 * time.Second
)

// fetchError tells the caller what API Gateway tells, and the log the rest.
type fetchError struct{ cause error }

func (e *fetchError) Error() string { return "OIDC discovery endpoint communication error" }
func (e *fetchError) Unwrap() error { return e.cause }

var errNoKey = errors.New("the token's signing key is not among the issuer's")

// keySet are an issuer's keys, fetched when they are needed.
type keySet struct {
	options VerifierOptions
	limit   *rate.Limiter

	mu      sync.Mutex // held during a fetch, so that there is one at a time
	keys    []jose.JSONWebKey
	fetched time.Time
}

func newKeySet(o VerifierOptions) *keySet {
	return &keySet{options: o, limit: rate.NewLimiter(rate.Every(fetchInterval), fetchBurst)}
}

// find gives the RSA key of the id. An id that is not known may belong to a key
// that was rotated in a moment ago, so it causes a fetch.
func (k *keySet) find(ctx context.Context, id, alg string) (any, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.options.Now()
	fresh := !k.fetched.IsZero() && now.Before(k.fetched.Add(k.options.MaxAge))
	if fresh {
		if key, ok, known := k.lookup(id, alg); ok {
			return key, nil
		} else if known { // of another kind: fetching would not change that
			return nil, errNoKey
		}
	}
	if !k.limit.AllowN(now, 1) {
		return nil, errNoKey
	}
	keys, err := k.fetch(ctx)
	if err != nil {
		return nil, &fetchError{err}
	}
	k.keys, k.fetched = keys, now
	if key, ok, _ := k.lookup(id, alg); ok {
		return key, nil
	}
	return nil, errNoKey
}

func (k *keySet) lookup(id, alg string) (key any, ok, known bool) {
	for _, jwk := range k.keys {
		if jwk.KeyID != id {
			continue
		}
		known = true
		if public, fits := usable(jwk, alg); fits {
			return public, true, true
		}
	}
	return nil, false, known
}

func (k *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	var discovery struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := k.get(ctx, strings.TrimSuffix(k.options.Issuer, "/")+"/.well-known/openid-configuration", &discovery); err != nil {
		return nil, err
	}
	if discovery.Issuer != k.options.Issuer {
		return nil, errors.New("discovery names another issuer")
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := k.get(ctx, discovery.Keys, &set); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		// A key of a kind that is not supported must not spoil the others.
		if err := json.Unmarshal(raw, &key); err == nil && key.IsPublic() {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func (k *keySet) get(ctx context.Context, address string, into any) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("not an http(s) address")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := k.options.Client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d", u.Path, resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err != nil {
		return err
	}
	if len(body) > maxDocument {
		return fmt.Errorf("%s is too large", u.Path)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s is not the JSON expected", u.Path)
	}
	return nil
}
