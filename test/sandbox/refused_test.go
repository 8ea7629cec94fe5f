package main_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRefused: what it cannot run with, it names, and sends nothing.
func TestRefused(t *testing.T) {
	t.Parallel()
	sent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("it sent %s %s", r.Method, r.URL.Path) }))
	t.Cleanup(sent.Close)
	profiles := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(profiles, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	base := map[string]string{"AWS_SHARED_CREDENTIALS_FILE": profiles, "AWS_CONFIG_FILE": profiles, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_STS": sent.URL}
	const secret = "MARK-of-a-token"
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
		says string
	}{
		"nothing is set":         {nil, nil, "make conformance-aws SANDBOX=local"},
		"AWS without consent":    {map[string]string{"CREDVEND_SANDBOX_URL": "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"}, nil, "set CREDVEND_SANDBOX=yes"},
		"another consent":        {map[string]string{"CREDVEND_SANDBOX": "1", "CREDVEND_SANDBOX_URL": "https://api.example.com"}, nil, "api.example.com"},
		"consent for one host":   {map[string]string{"CREDVEND_SANDBOX_URL": sent.URL, "CREDVEND_SANDBOX_TARGET_URL": "https://api.example.com"}, nil, "set CREDVEND_SANDBOX=yes"},
		"http to the world":      {map[string]string{"CREDVEND_SANDBOX": "yes", "CREDVEND_SANDBOX_URL": "http://api.example.com"}, nil, "use https"},
		"a host like localhost":  {map[string]string{"CREDVEND_SANDBOX": "yes", "CREDVEND_SANDBOX_URL": "http://localhost.example.com"}, nil, "use https"},
		"no URL":                 {map[string]string{"CREDVEND_SANDBOX_URL": "a1b2c3d4e5"}, nil, "CREDVEND_SANDBOX_URL is no URL"},
		"a URL with a secret":    {map[string]string{"CREDVEND_SANDBOX_URL": "https://me:" + secret + "@api.example.com"}, nil, "CREDVEND_SANDBOX_URL is no URL"},
		"no region":              {map[string]string{"CREDVEND_SANDBOX_URL": sent.URL, "AWS_REGION": ""}, nil, "set AWS_REGION"},
		"a token that is none":   {map[string]string{"CREDVEND_SANDBOX_URL": sent.URL, "CREDVEND_SANDBOX_TOKEN": secret}, nil, "CREDVEND_SANDBOX_TOKEN holds no signed token"},
		"a token file missing":   {map[string]string{"CREDVEND_SANDBOX_URL": sent.URL, "CREDVEND_SANDBOX_TOKEN_FILE": "/nonexistent"}, nil, "CREDVEND_SANDBOX_TOKEN_FILE"},
		"a route with a pattern": {map[string]string{"CREDVEND_SANDBOX_URL": sent.URL, "CREDVEND_SANDBOX_ALLOWED": "GET /orders/*"}, nil, "without wildcards"},
		"a route of one segment": {map[string]string{"CREDVEND_SANDBOX_URL": sent.URL, "CREDVEND_SANDBOX_ALLOWED": "GET /orders"}, nil, "two segments"},
		"a route that writes":    {map[string]string{"CREDVEND_SANDBOX_URL": sent.URL, "CREDVEND_SANDBOX_ALLOWED": "DELETE /orders/42"}, nil, "need a GET"},
		"AWS's STS from here":    {map[string]string{"CREDVEND_SANDBOX_URL": sent.URL, "AWS_ENDPOINT_URL_STS": ""}, nil, "local.env"},
		"an unknown flag":        {nil, []string{"-verbose"}, "-help"},
		"an argument":            {nil, []string{"aws"}, "no arguments"},
		"a bad pattern":          {nil, []string{"-run", "("}, "no regular expression"},
		"a pattern of nothing":   {map[string]string{"CREDVEND_SANDBOX_URL": sent.URL}, []string{"-run", "^nothing$"}, "names no check"},
		"no bootstrap":           {nil, []string{"-local", "-bootstrap", "/nonexistent"}, "make build/bootstrap"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := maps.Clone(base)
			maps.Copy(env, c.env)
			if strings.HasPrefix(name, "AWS's STS") {
				delete(env, "AWS_ENDPOINT_URL_STS")
			}
			o := run(t, env, c.args...)
			if o.code != 2 || !strings.Contains(o.stderr, c.says) {
				t.Errorf("exit code %d: %s%s\nwant 2 with %q", o.code, o.stdout, o.stderr, c.says)
			}
			if strings.Contains(o.stdout+o.stderr, secret) {
				t.Error("it prints the secret")
			}
		})
	}
}

// TestUnknownProfile: a profile that was named must be there.
func TestUnknownProfile(t *testing.T) {
	t.Parallel()
	_, env := start(t)
	env["CREDVEND_SANDBOX_STRANGER_PROFILE"] = "nobody"
	o := run(t, env)
	if o.code != 2 || !strings.Contains(o.stderr, `CREDVEND_SANDBOX_STRANGER_PROFILE: the profile "nobody" cannot be read`) {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}
}
