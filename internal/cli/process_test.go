package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
)

const (
	vendedSecret = "vended-secret-access-key-example"
	vendedToken  = "vended-session-token-example"
)

// vending is a service that answers every request alike, and a clean
// environment that names it.
func vending(t *testing.T, status int, body string) (requests *[]*http.Request, bodies *[]string) {
	t.Helper()
	requests, bodies = new([]*http.Request), new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		*requests, *bodies = append(*requests, r), append(*bodies, string(b))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "CREDVEND_") {
			unset(t, name)
		}
	}
	for _, name := range []string{runningProcess, "AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		unset(t, name)
	}
	dir := t.TempDir()
	t.Setenv("CREDVEND_URL", s.URL)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "xdg"))
	write(t, os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), "[billing-service]\naws_access_key_id = AKIAEXAMPLE000000000\naws_secret_access_key = example\n")
	write(t, os.Getenv("AWS_CONFIG_FILE"), "[profile billing-service]\nregion = eu-west-1\n[profile orders]\nregion = us-east-1\ncredential_process = credvend process orders --profile billing-service\n")
	return requests, bodies
}

func unset(t *testing.T, name string) {
	t.Helper()
	t.Setenv(name, "") // has the old value restored
	if err := os.Unsetenv(name); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func granted(expiration time.Time) string {
	return fmt.Sprintf(`{"Version":1,"AccessKeyId":"ASIAEXAMPLE000000000","SecretAccessKey":%q,"SessionToken":%q,"Token":%[2]q,"Expiration":%q,
		"AccountId":"111122223333","RoleArn":"arn:aws:iam::111122223333:role/orders-invoke","Grant":{"requestId":"r","target":"orders"}}`,
		vendedSecret, vendedToken, expiration.UTC().Format(time.RFC3339))
}

func TestProcess(t *testing.T) {
	expiration := time.Date(2026, 11, 22, 12, 30, 0, 0, time.UTC)
	requests, bodies := vending(t, http.StatusOK, granted(expiration))
	code, stdout, stderr := run(t.Context(), "", "process", "orders", "--profile", "billing-service",
		"--route", "GET /orders", "--route", "GET /orders/*, too", "--duration", "30m")
	if code != 0 || stderr != "" {
		t.Fatalf("%d %q", code, stderr)
	}
	want := `{"Version":1,"AccessKeyId":"ASIAEXAMPLE000000000","SecretAccessKey":"` + vendedSecret + `","SessionToken":"` + vendedToken + `","Expiration":"2026-11-22T12:30:00Z"}` + "\n"
	if stdout != want {
		t.Error("standard output is not the credential_process document alone")
	}
	if want := `{"target":"orders","routes":["GET /orders","GET /orders/*, too"],"durationSeconds":1800}`; (*bodies)[0] != want {
		t.Errorf("body %s", (*bodies)[0])
	}
	if auth := (*requests)[0].Header.Get("Authorization"); !strings.Contains(auth, "Credential=AKIAEXAMPLE000000000/") || !strings.Contains(auth, "/eu-west-1/execute-api/") {
		t.Errorf("Authorization %q", auth)
	}
}

func TestProcessSigningScope(t *testing.T) {
	for _, c := range []struct {
		name string
		env  string
		args []string
		want string
	}{
		{"flag", "ap-south-1", []string{"--region", "us-west-2", "--profile", "billing-service"}, "us-west-2/execute-api"},
		{"AWS_REGION beats the profile", "ap-south-1", []string{"--profile", "billing-service"}, "ap-south-1"},
		{"the profile's", "", []string{"--profile", "billing-service"}, "eu-west-1"},
		{"nothing", "", nil, "us-east-1"},
		{"service", "", []string{"--service", "lambda"}, "us-east-1/lambda"},
	} {
		t.Run(c.name, func(t *testing.T) {
			requests, _ := vending(t, http.StatusOK, granted(time.Now().Add(time.Hour)))
			t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE000000000")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "example")
			if c.env != "" {
				t.Setenv("AWS_REGION", c.env)
			}
			if code, _, stderr := run(t.Context(), "", append([]string{"process", "orders"}, c.args...)...); code != 0 {
				t.Fatalf("%d %q", code, stderr)
			}
			if auth := (*requests)[0].Header.Get("Authorization"); !strings.Contains(auth, "/"+c.want+"/") {
				t.Errorf("Authorization %q", auth)
			}
		})
	}
}

func TestProcessTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write(t, file, "of.the.file\n")
	other := filepath.Join(t.TempDir(), "token")
	write(t, other, "of.the.flag\n")
	for _, c := range []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"variable", map[string]string{"CREDVEND_TOKEN": "of.the.variable"}, nil, "Bearer of.the.variable"},
		{"a file beats the variable", map[string]string{"CREDVEND_TOKEN": "of.the.variable", "CREDVEND_TOKEN_FILE": file}, nil, "Bearer of.the.file"},
		{"a flag beats both", map[string]string{"CREDVEND_TOKEN": "of.the.variable", "CREDVEND_TOKEN_FILE": file}, []string{"--token-file", other}, "Bearer of.the.flag"},
		{"a flag beats the profile's variable", map[string]string{"CREDVEND_PROFILE": "billing-service"}, []string{"--token-file", other}, "Bearer of.the.flag"},
		{"a profile's flag beats tokens", map[string]string{"CREDVEND_TOKEN": "of.the.variable"}, []string{"--profile", "billing-service"}, "AWS4-HMAC-SHA256 Credential=AKIA"},
	} {
		t.Run(c.name, func(t *testing.T) {
			requests, _ := vending(t, http.StatusOK, granted(time.Now().Add(time.Hour)))
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			if code, _, stderr := run(t.Context(), "", append([]string{"process", "orders"}, c.args...)...); code != 0 {
				t.Fatalf("%d %q", code, stderr)
			}
			if auth := (*requests)[0].Header.Get("Authorization"); !strings.HasPrefix(auth, c.want) {
				t.Errorf("Authorization %q", auth)
			}
		})
	}
}

func TestProcessExitCodes(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		code   int
		want   string
	}{
		{"denied", 403, `{"code":"denied","message":"no rule allows it","requestId":"r-1"}`, 3, "credvend: no rule allows it; "},
		{"not admitted", 403, `{"message":"Forbidden"}`, 3, `credvend: the front door answered "Forbidden"; `},
		{"unauthenticated", 401, `{"code":"unauthenticated","message":"who are you","requestId":"r-1"}`, 3, "who are you"},
		{"malformed", 400, `{"code":"invalid_request","message":"no such route","requestId":"r-1"}`, 1, "no such route"},
		{"down", 503, `{"code":"unavailable","message":"STS is down","requestId":"r-1"}`, 1, "STS is down"},
		{"another's answer", 200, `{}`, 1, "not credvend's"},
		{"no expiration", 200, strings.Replace(granted(time.Now()), `"Expiration"`, `"Expires"`, 1), 1, "no expiration"},
	} {
		t.Run(c.name, func(t *testing.T) {
			vending(t, c.status, c.body)
			code, stdout, stderr := run(t.Context(), "", "process", "orders", "--profile", "billing-service")
			if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("%d %q %q", code, stdout, stderr)
			}
			if strings.Contains(stderr, vendedSecret) || strings.Contains(stderr, vendedToken) {
				t.Error("a secret stands on standard error")
			}
		})
	}
}

func TestProcessInterrupted(t *testing.T) {
	vending(t, http.StatusOK, granted(time.Now()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code, stdout, stderr := run(ctx, "", "process", "orders", "--profile", "billing-service"); code != 130 || stdout != "" || stderr != "credvend: interrupted\n" {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
}

func TestProcessStandardOutputFails(t *testing.T) {
	vending(t, http.StatusOK, granted(time.Now()))
	var errs bytes.Buffer
	code := Main(t.Context(), []string{"process", "orders", "--profile", "billing-service"}, strings.NewReader(""), broken{}, &errs)
	if code != 1 || errs.String() != "credvend: disk full\n" {
		t.Errorf("%d %q", code, errs.String())
	}
}

// TestProcessUnderSDK runs the tool as AWS's SDK does, with AWS_PROFILE naming
// the profile that runs it.
func TestProcessUnderSDK(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("the SDK runs a credential_process through sh")
	}
	expiration := time.Now().Add(time.Hour).Truncate(time.Second)
	for _, c := range []struct{ name, command, credentials string }{
		{"a named profile", "credvend process orders --profile billing-service", ""},
		{"the default profile", "credvend process orders", "[default]\naws_access_key_id = AKIAEXAMPLE000000000\naws_secret_access_key = example\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			requests, _ := vending(t, http.StatusOK, granted(expiration))
			write(t, os.Getenv("AWS_CONFIG_FILE"), "[profile orders]\nregion = us-east-1\ncredential_process = "+c.command+"\n")
			if c.credentials != "" {
				write(t, os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), c.credentials)
			}
			t.Setenv("AWS_PROFILE", "orders")
			cfg, err := config.LoadDefaultConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			creds, err := cfg.Credentials.Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if creds.SecretAccessKey != vendedSecret || creds.SessionToken != vendedToken || !creds.Expires.Equal(expiration) || len(*requests) != 1 {
				t.Errorf("the SDK read other credentials than were vended, or %d vends", len(*requests))
			}
		})
	}
}

func TestRunsProcess(t *testing.T) {
	for command, want := range map[string]bool{
		"credvend process orders":                          true,
		"/usr/local/bin/credvend process orders":           true,
		`"/opt/my tools/credvend" process orders`:          true,
		`C:\tools\credvend.exe process orders`:             true,
		`"C:\Tools\CREDVEND.EXE" process orders`:           true,
		"env AWS_REGION=us-east-1 credvend process orders": true,
		"credvend --x process orders":                      true,
		"credvend get orders --output json":                false,
		"aws-vault export --format=json process":           false,
		"my-credvend process orders":                       false,
		"process credvend":                                 false,
		"":                                                 false,
	} {
		if got := runsProcess(command); got != want {
			t.Errorf("%q: %t", command, got)
		}
	}
}

// TestProcessPrintsOneDocument: what is printed is exactly the keys that AWS
// documents.
func TestProcessPrintsOneDocument(t *testing.T) {
	vending(t, http.StatusOK, granted(time.Now()))
	_, stdout, _ := run(t.Context(), "", "process", "orders", "--profile", "billing-service")
	dec := json.NewDecoder(strings.NewReader(stdout))
	var keys map[string]any
	if err := dec.Decode(&keys); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"} {
		delete(keys, k)
	}
	if _, err := dec.Token(); len(keys) > 0 || !errors.Is(err, io.EOF) {
		t.Errorf("more than asked for: %v", err)
	}
}
