package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/credvend/credvend/internal/credcache"
)

// openCache opens the cache. An error is a reason to do without.
func openCache() (*credcache.Cache, error) {
	dir, err := cacheDir()
	if err != nil {
		return nil, err
	}
	return credcache.Open(dir)
}

// key is what these credentials stand under in the cache.
func (p *process) key(identity string) (string, error) {
	routes := slices.Sorted(slices.Values(p.what.routes))
	// A list in JSON cannot be read in two ways, as joined strings could.
	key, err := json.Marshal([]any{"credvend process 1", p.caller.url, p.caller.region, p.caller.service, p.target, routes, p.what.duration, identity})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:]), nil
}

// cacheDir is where the cache is.
func cacheDir() (string, error) {
	dir := os.Getenv("XDG_CACHE_HOME")
	if !filepath.IsAbs(dir) {
		var err error
		if dir, err = os.UserCacheDir(); err != nil {
			return "", errors.New("there is no home folder to cache credentials in; set XDG_CACHE_HOME, or say --no-cache")
		}
	}
	return filepath.Join(dir, "credvend"), nil
}

// identityVariables are those of the environment by which AWS's SDK finds
// credentials.
func identityVariables() []string {
	return []string{
		"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
		"AWS_REGION", "AWS_DEFAULT_REGION",
	}
}

// identity says who calls, as a digest: of the token, or of all by which AWS's
// SDK chooses credentials. It fetches none, since a profile that assumes a role
// would give other keys each time. A profile that is edited is another caller.
func (c *caller) identity() (string, error) {
	if c.token != "" {
		return digest("token", c.token), nil
	}
	if c.tokenFile != "" {
		// A pipe gives its token once, and may make whoever opens it wait.
		if info, err := os.Stat(c.tokenFile); err != nil || !info.Mode().IsRegular() {
			return "", errors.New("the token is not in a file that can be read twice")
		}
		f, err := os.Open(c.tokenFile)
		if err != nil {
			return "", fmt.Errorf("the token cannot be read: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		token, err := io.ReadAll(io.LimitReader(f, 64<<10))
		if err != nil {
			return "", fmt.Errorf("the token cannot be read: %w", err)
		}
		return digest("token", strings.TrimSpace(string(token))), nil
	}
	parts := []string{"aws", c.profile}
	for _, name := range identityVariables() {
		parts = append(parts, name, os.Getenv(name))
	}
	for _, source := range c.aws.ConfigSources {
		shared, ok := source.(config.SharedConfig)
		if !ok {
			continue
		}
		for profile := &shared; profile != nil; profile = profile.Source {
			parts = append(parts, sharedIdentity(*profile)...)
		}
	}
	return digest(parts...), nil
}

// sharedIdentity is what of a profile decides whose credentials it gives.
func sharedIdentity(p config.SharedConfig) []string {
	parts := []string{
		p.Profile, p.Region, keyOf(p.Credentials), p.CredentialSource, p.CredentialProcess, p.WebIdentityTokenFile,
		p.SSOSessionName, p.SSORegion, p.SSOStartURL, p.SSOAccountID, p.SSORoleName,
		p.RoleARN, p.ExternalID, p.MFASerial, p.RoleSessionName, p.SourceProfileName, p.LoginSession,
	}
	if p.SSOSession != nil {
		parts = append(parts, p.SSOSession.Name, p.SSOSession.SSORegion, p.SSOSession.SSOStartURL)
	}
	return parts
}

func keyOf(c aws.Credentials) string {
	return digest(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		h.Write(fmt.Appendf(nil, "%d:%s,", len(part), part))
	}
	return hex.EncodeToString(h.Sum(nil))
}
