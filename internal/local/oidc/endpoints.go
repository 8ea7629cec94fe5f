package oidc

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// maxForm bounds a request for a token, in bytes.
const maxForm = 64 * 1024

func (i *Issuer) serveDiscovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{
		"issuer":                                i.options.URL,
		"jwks_uri":                              i.options.URL + "/keys",
		"token_endpoint":                        i.options.URL + "/token",
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	})
}

func (i *Issuer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	var set jose.JSONWebKeySet
	i.mu.RLock()
	for _, key := range i.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: &key.private.PublicKey, KeyID: key.id, Use: "sig"}) // no alg: good for RS256, RS384 and RS512
	}
	i.mu.RUnlock()
	for _, alg := range []string{"ES256", "ES384"} {
		public := &i.ec[alg].PublicKey
		if id, err := thumbprint(public); err == nil {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: public, KeyID: id, Algorithm: alg, Use: "sig"})
		}
	}
	writeJSON(w, set)
}

// serveToken signs what a form asks for.
func (i *Issuer) serveToken(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The body is not a form: send sub=…&groups=… as application/x-www-form-urlencoded, at most 64 KB.", http.StatusBadRequest)
		return
	}
	alg := r.PostForm.Get("alg")
	if alg == "" {
		alg = "RS256"
	}
	claims, err := claimsFromForm(r.PostForm, i.options.Now().Unix())
	var token string
	if err == nil {
		token, err = i.TokenWith(alg, claims)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = fmt.Fprint(w, token) //nolint:gosec // base64url and dots as plain text; the client may have gone
}

// claimsFromForm turns form fields into claims: groups into the array
// cognito:groups, exp, nbf and iat from seconds relative to now into dates, a
// repeated field into an array, an empty one into the absence of the claim. A
// client_id without an aud makes an access token, as Amazon Cognito's are.
func claimsFromForm(form url.Values, now int64) (map[string]any, error) {
	claims := map[string]any{}
	for name, values := range form {
		switch name {
		case "alg":
		case "groups":
			var groups []string
			for group := range strings.SplitSeq(strings.Join(values, ","), ",") {
				if group = strings.TrimSpace(group); group != "" {
					groups = append(groups, group)
				}
			}
			if len(groups) > 0 {
				claims["cognito:groups"] = groups
			}
		case "exp", "nbf", "iat":
			if values[0] == "" {
				claims[name] = nil
				continue
			}
			seconds, err := strconv.ParseInt(values[0], 10, 32)
			if err != nil {
				return nil, fmt.Errorf("%s takes seconds from now, such as 300 or -300, not %q", name, values[0])
			}
			claims[name] = now + seconds
		default:
			switch {
			case len(values) > 1:
				claims[name] = values
			case values[0] == "":
				claims[name] = nil
			default:
				claims[name] = values[0]
			}
		}
	}
	if form.Get("client_id") != "" && !form.Has("aud") {
		claims["aud"] = nil
		if !form.Has("token_use") {
			claims["token_use"] = "access"
		}
	}
	return claims, nil
}

func writeJSON(w http.ResponseWriter, doc any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(doc) // the client may have gone
}
