package peer

import (
	"context"
	"errors"
	"net/http"
)

// roleName is the role of the AWS engine that clients ask for.
const roleName = "bench"

// engine is what the AWS engine is set up with: what credvend's function sends
// to STS, so that both send the same.
type engine struct {
	digest   string // of the plugin
	sts      string // URL of the endpoint
	region   string
	roleARN  string
	policy   string // the session policy
	duration string // of a session: 1800s
}

// setUp registers and mounts the plugin, and returns the token of a client who
// may ask for the role's credentials and nothing else.
func (s *server) setUp(ctx context.Context, e engine) (token string, err error) {
	for _, step := range []struct {
		method, path string
		in           object
	}{
		{http.MethodPut, "sys/plugins/catalog/secret/" + pluginName, object{"sha256": e.digest, "command": pluginName}},
		{http.MethodPost, "sys/mounts/aws", object{"type": pluginName}},
		// The stub checks no signature; both sides sign all the same.
		{http.MethodPost, "aws/config/root", object{
			"access_key": "AKIAEXAMPLEBROKER000", "secret_key": "ExampleSecretOfTheBroker", "region": e.region,
			"sts_endpoint": e.sts, "iam_endpoint": e.sts,
		}},
		{http.MethodPost, "aws/roles/" + roleName, object{
			"credential_type": "assumed_role", "role_arns": []string{e.roleARN}, "policy_document": e.policy,
			"default_sts_ttl": e.duration, "max_sts_ttl": e.duration,
		}},
		{http.MethodPut, "sys/policies/acl/" + roleName, object{
			"policy": `path "aws/sts/` + roleName + `" { capabilities = ["read", "update"] }`,
		}},
	} {
		if err := s.api.call(ctx, step.method, step.path, step.in, nil); err != nil {
			return "", s.broken(err)
		}
	}
	var made struct {
		Auth struct {
			ClientToken string `json:"client_token"`
		} `json:"auth"`
	}
	if err := s.api.call(ctx, http.MethodPost, "auth/token/create", object{"policies": []string{roleName}, "no_default_policy": true}, &made); err != nil {
		return "", s.broken(err)
	}
	if made.Auth.ClientToken == "" {
		return "", s.broken(errors.New("auth/token/create gave no token"))
	}
	return made.Auth.ClientToken, nil
}

// unseal makes the server's one key, opens it with that, and waits until it serves.
func (s *server) unseal(ctx context.Context) error {
	var made struct {
		Keys      []string `json:"keys"`
		RootToken string   `json:"root_token"`
	}
	err := s.api.call(ctx, http.MethodPut, "sys/init", object{"secret_shares": 1, "secret_threshold": 1}, &made)
	if err == nil && (len(made.Keys) != 1 || made.RootToken == "") {
		err = errors.New("sys/init gave no key or no token")
	}
	if err == nil {
		err = s.api.call(ctx, http.MethodPut, "sys/unseal", object{"key": made.Keys[0]}, nil)
	}
	if err == nil {
		err = s.until(ctx, s.api.active)
	}
	if err != nil {
		return s.broken(err)
	}
	s.api.token = made.RootToken
	return nil
}

// version is what the server says it is.
func (s *server) version(ctx context.Context) string {
	var health struct {
		Version string `json:"version"`
	}
	if err := s.api.call(ctx, http.MethodGet, "sys/health", nil, &health); err != nil || health.Version == "" {
		return "of unknown version"
	}
	return health.Version
}
