// Package oidc is both ends of the JWT front door on one machine: an OpenID
// Connect issuer that signs tokens with chosen claims, good ones and every kind of
// bad one, and a verifier that accepts what an API Gateway JWT authorizer accepts.
//
// The issuer must not be reachable from elsewhere than loopback: it gives a token
// to whoever asks. The verifier must not trust anything of a token before its
// signature is checked against the issuer's published keys.
package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Options of an Issuer.
type Options struct {
	// URL is the issuer, as in the claim iss; discovery is below it.
	URL string
	// Audience is the aud of tokens that ask for none.
	Audience string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// NewKey makes a signing key; nil generates RSA keys of 2048 bits.
	NewKey func() (*rsa.PrivateKey, error)
}

// Issuer signs tokens and publishes its keys. It is safe for concurrent use.
type Issuer struct {
	options Options
	mux     *http.ServeMux
	// Elliptic keys are published too, so that ES256 is refused for its algorithm
	// alone; AWS's GetWebIdentityToken signs with ES384 for whoever asks for it.
	ec map[string]*ecdsa.PrivateKey // by algorithm

	mu   sync.RWMutex
	keys []signingKey // newest first
}

type signingKey struct {
	id      string
	private *rsa.PrivateKey
}

// New makes an issuer with one fresh key.
func New(o Options) (*Issuer, error) {
	if o.URL == "" {
		return nil, errors.New("the issuer needs a URL: it stands in every token")
	}
	o.URL = strings.TrimSuffix(o.URL, "/")
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewKey == nil {
		o.NewKey = func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }
	}
	i := &Issuer{options: o, mux: http.NewServeMux(), ec: map[string]*ecdsa.PrivateKey{}}
	for alg, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("making the issuer's EC key: %w", err)
		}
		i.ec[alg] = key
	}
	if err := i.Rotate(); err != nil {
		return nil, err
	}
	i.mux.HandleFunc("GET /.well-known/openid-configuration", i.serveDiscovery)
	i.mux.HandleFunc("GET /keys", i.serveKeys)
	i.mux.HandleFunc("POST /token", i.serveToken)
	return i, nil
}

// URL is the issuer's identifier.
func (i *Issuer) URL() string { return i.options.URL }

// ServeHTTP answers discovery, keys and token requests, to nobody but programs
// of this machine: a web page that reaches a loopback port, under a name of its
// own by DNS rebinding or across origins, gets no token.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !i.ownHost(r.Host) {
		http.Error(w, "This issuer answers to its own address alone: "+i.options.URL, http.StatusForbidden)
		return
	}
	if origin := r.Header.Get("Origin"); origin != "" && r.Method != http.MethodGet && origin != i.options.URL {
		http.Error(w, "Tokens are for programs: a page of another origin gets none.", http.StatusForbidden)
		return
	}
	i.mux.ServeHTTP(w, r)
}

// ownHost reports whether a Host header names the issuer, or this machine by its
// own names.
func (i *Issuer) ownHost(host string) bool {
	if own, err := url.Parse(i.options.URL); err == nil && strings.EqualFold(own.Host, host) {
		return true
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}

// Rotate signs with a new key from now on. Older keys stay published.
func (i *Issuer) Rotate() error {
	private, err := i.options.NewKey()
	if err != nil {
		return fmt.Errorf("making the issuer's key: %w", err)
	}
	id, err := thumbprint(&private.PublicKey)
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append([]signingKey{{id, private}}, i.keys...)
	return nil
}

// Retire takes every key but the newest out of publication.
func (i *Issuer) Retire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = i.keys[:1:1]
}

func thumbprint(key any) (string, error) {
	jwk := jose.JSONWebKey{Key: key}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("naming the issuer's key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// Token signs claims with RS256. Defaults are filled in for iss, aud, sub, iat, exp
// (an hour), jti and token_use; a claim with the value nil is left out.
func (i *Issuer) Token(claims map[string]any) (string, error) {
	return i.TokenWith("RS256", claims)
}

// TokenWith signs with an algorithm of one's choosing: RS256, RS384, RS512 and
// PS256 with the current key; ES256 and ES384 with keys that are published as well; HS256
// with the current public key, as PEM, for the secret, which fools a verifier that
// lets the token choose; none without a signature.
func (i *Issuer) TokenWith(alg string, claims map[string]any) (string, error) {
	payload, err := json.Marshal(i.complete(claims))
	if err != nil {
		return "", fmt.Errorf("the claims cannot be written as JSON: %w", err)
	}
	i.mu.RLock()
	current := i.keys[0]
	i.mu.RUnlock()
	key := jose.JSONWebKey{Key: current.private, KeyID: current.id}
	switch alg {
	case "RS256", "RS384", "RS512", "PS256":
	case "ES256", "ES384":
		if key.KeyID, err = thumbprint(&i.ec[alg].PublicKey); err != nil {
			return "", err
		}
		key.Key = i.ec[alg]
	case "HS256":
		der, err := x509.MarshalPKIXPublicKey(&current.private.PublicKey)
		if err != nil {
			return "", fmt.Errorf("encoding the public key: %w", err)
		}
		key.Key = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	case "none":
		header, err := json.Marshal(map[string]string{"alg": "none", "typ": "JWT", "kid": current.id})
		if err != nil {
			return "", fmt.Errorf("encoding the header: %w", err)
		}
		enc := base64.RawURLEncoding
		return enc.EncodeToString(header) + "." + enc.EncodeToString(payload) + ".", nil
	default:
		return "", fmt.Errorf("alg %q is not one of RS256, RS384, RS512, PS256, ES256, ES384, HS256, none", alg)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("signing with %s: %w", alg, err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing with %s: %w", alg, err)
	}
	return signed.CompactSerialize()
}

// complete fills in the defaults and drops what is nil.
func (i *Issuer) complete(claims map[string]any) map[string]any {
	now := i.options.Now().Unix()
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails: crypto/rand says so
	all := map[string]any{
		"iss": i.options.URL, "aud": i.options.Audience, "sub": "anonymous",
		"iat": now, "exp": now + 3600, "jti": hex.EncodeToString(id), "token_use": "id",
	}
	maps.Copy(all, claims)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}
