package function

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/config"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/source"
	"github.com/credvend/credvend/internal/vendtest"
)

// world is what a handler is built from, and where it writes.
type world struct {
	env             map[string]string
	trail, operator *os.File
}

func newWorld(t testing.TB, changes map[string]string) *world {
	t.Helper()
	dir := t.TempDir()
	list := filepath.Join(dir, "list.json")
	if err := os.WriteFile(list, vendtest.Document().JSON(), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &world{env: map[string]string{"AWS_REGION": "us-east-1", config.FrontDoorsVar: vendtest.FrontDoors, config.AllowlistVar: "file:" + list}}
	maps.Copy(w.env, changes)
	for name, f := range map[string]**os.File{"trail": &w.trail, "operator": &w.operator} {
		file, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		*f = file
	}
	return w
}

func (w *world) getenv(name string) string { return w.env[name] }

func text(t *testing.T, f *os.File) string {
	t.Helper()
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sdkEnv is what the AWS SDK reads by itself, with an STS of the test's.
func sdkEnv(t testing.TB, sts http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(sts)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_STS": server.URL, "AWS_ACCESS_KEY_ID": "ASIAEXAMPLEBROKER000", "AWS_SECRET_ACCESS_KEY": "PLANTEDbroker", "AWS_SESSION_TOKEN": "PLANTEDbroker",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "", "AWS_REGION": "us-east-1",
	} {
		t.Setenv(name, value)
	}
}

// answer is an STS that issues.
func answer(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "form", http.StatusBadRequest)
		return
	}
	_, _ = fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAEXAMPLE000000001</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>`+
		`<SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>AROAEXAMPLEORDERS000:%[4]s</AssumedRoleId>`+
		`<Arn>arn:aws:sts::111122223333:assumed-role/orders-invoke/%[4]s</Arn></AssumedRoleUser><SourceIdentity>%[5]s</SourceIdentity></AssumeRoleResult></AssumeRoleResponse>`,
		vendtest.SecretKeyMark, vendtest.SessionTokenMark, time.Now().UTC().Add(29*time.Minute).Format(time.RFC3339), r.PostForm.Get("RoleSessionName"), r.PostForm.Get("SourceIdentity"))
}

// invoke answers an event, with an answer that docs/openapi.yaml tells of.
func (w *world) invoke(t *testing.T, event vendtest.Event) vendtest.Answer {
	t.Helper()
	h, err := New(t.Context(), w.getenv, w.trail, w.operator)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := h.Invoke(t.Context(), event.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var a vendtest.Answer
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(a.Text), &a.Body); err != nil {
		t.Fatal(err)
	}
	doors, err := identity.ParseDoors(vendtest.FrontDoors)
	if err != nil {
		t.Fatal(err)
	}
	// No Lambda runtime, so no request id: the rest of the contract is checked
	// where there is one.
	if err := vendtest.CheckContract(doors, event.Bytes(), a); err != nil && !strings.Contains(err.Error(), "requestId") {
		t.Error(err)
	}
	return a
}

func TestNewVends(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"defaults":     nil,
		"all switched": {config.CacheVar: "off", config.RateVar: "off", config.STSRegionsVar: "us-east-1 us-west-2", config.STSTimeoutVar: "5s,9s"},
	} {
		t.Run(name, func(t *testing.T) {
			sdkEnv(t, answer)
			w := newWorld(t, env)
			w.env[config.STSTimeoutVar] = "5s,9s"
			a := w.invoke(t, vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Ask(`{"target":"orders"}`)))
			if a.Status != http.StatusOK || a.Field("SecretAccessKey") != vendtest.SecretKeyMark {
				t.Errorf("%d %s", a.Status, a.Field("message"))
			}
			if got := text(t, w.trail); strings.Count(got, "\n") != 2 || len(vendtest.Leaks(got)) > 0 || strings.Contains(got, "PLANTED") {
				t.Errorf("the trail:\n%s", got)
			}
			if got := text(t, w.operator); !strings.Contains(got, "allowlist loaded") || strings.Contains(got, "PLANTED") {
				t.Errorf("the operator's log:\n%s", got)
			}
		})
	}
}

// TestNewRefuses: a configuration that cannot work is told in one line, and
// nothing is written.
func TestNewRefuses(t *testing.T) {
	for name, env := range map[string]map[string]string{
		config.FrontDoorsVar:    {config.FrontDoorsVar: ""},
		config.AllowlistVar:     {config.AllowlistVar: "allowlist.json"},
		config.STSRegionsVar:    {config.STSRegionsVar: "nowhere"},
		config.RateVar:          {config.RateVar: "much"},
		source.AppConfigPortVar: {config.AllowlistVar: "appconfig:a/b/c", source.AppConfigPortVar: "65536"},
		"AWS_LAMBDA_LOG_LEVEL":  {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			sdkEnv(t, answer)
			w := newWorld(t, env)
			h, err := New(t.Context(), w.getenv, w.trail, w.operator)
			if h != nil || err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v", err)
			}
			if got := text(t, w.trail) + text(t, w.operator); got != "" {
				t.Errorf("written: %s", got)
			}
		})
	}
	t.Run("the SDK's own", func(t *testing.T) {
		sdkEnv(t, answer)
		t.Setenv("AWS_MAX_ATTEMPTS", "many")
		w := newWorld(t, nil)
		if _, err := New(t.Context(), w.getenv, w.trail, w.operator); err == nil || !strings.Contains(err.Error(), "AWS_MAX_ATTEMPTS") {
			t.Errorf("%v", err)
		}
	})
}

// TestNewWithoutAllowlist: it comes up, tells the operator, and answers 503.
func TestNewWithoutAllowlist(t *testing.T) {
	sdkEnv(t, func(http.ResponseWriter, *http.Request) { t.Error("STS is asked") })
	w := newWorld(t, map[string]string{config.AllowlistVar: "file:/nowhere/at/all.json"})
	a := w.invoke(t, vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Ask(`{"target":"orders"}`)))
	if a.Status != http.StatusServiceUnavailable || a.Headers["Retry-After"] == "" {
		t.Errorf("%d %v", a.Status, a.Headers)
	}
	if log := text(t, w.operator); !strings.Contains(log, "could not be loaded") || !strings.Contains(log, "/nowhere/at/all.json") {
		t.Errorf("the operator's log:\n%s", log)
	}
}

// TestRunByHand: whoever starts the program outside Lambda is told so first.
func TestRunByHand(t *testing.T) {
	err := Run(t.Context(), func(string) string { return "" })
	if err == nil || !strings.Contains(err.Error(), "AWS_LAMBDA_RUNTIME_API is not set") || !strings.Contains(err.Error(), "credvend local") {
		t.Errorf("%v", err)
	}
	err = Run(t.Context(), func(name string) string {
		return map[string]string{"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1", config.FrontDoorsVar: "what"}[name]
	})
	if err == nil || !strings.Contains(err.Error(), config.FrontDoorsVar) {
		t.Errorf("%v", err)
	}
}

// doer is an HTTP client of a test's.
type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// TestBodyKeeper: closing the SDK's body does not touch the one that is sent.
func TestBodyKeeper(t *testing.T) {
	var sent *http.Request
	k := bodyKeeper{doer(func(r *http.Request) (*http.Response, error) {
		sent = r
		return &http.Response{StatusCode: http.StatusTeapot, Body: http.NoBody}, nil
	})}
	pipe, in := io.Pipe()
	go func() {
		_, _ = io.WriteString(in, "Action=AssumeRole")
		_ = in.Close()
	}()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://sts.example", pipe)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 17
	resp, err := k.Do(r)
	if err != nil || resp.StatusCode != http.StatusTeapot || sent == r || sent.ContentLength != 17 {
		t.Fatalf("%v %v", resp, err)
	}
	_ = resp.Body.Close()
	_ = r.Body.Close()
	again, err := sent.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]io.Reader{"the body": sent.Body, "its copy": again} {
		if got, err := io.ReadAll(body); err != nil || string(got) != "Action=AssumeRole" {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}

	r.Body = nil
	if resp, err = k.Do(r); err != nil || sent != r {
		t.Errorf("without a body: %v", err)
	}
	_ = resp.Body.Close()
	broken, in := io.Pipe()
	_ = in.CloseWithError(errors.New("broken"))
	r.Body = broken
	if resp, err = k.Do(r); err == nil || resp != nil {
		t.Error("a body that cannot be read is sent")
		_ = resp.Body.Close()
	}
}

// TestConnectionsGrowOld: see idleTime.
func TestConnectionsGrowOld(t *testing.T) {
	if got := httpClient().GetTransport().IdleConnTimeout; got != idleTime || got > 20*time.Second {
		t.Errorf("a connection is kept for %v", got)
	}
}

// TestReconnecting: the connection after one that grew old resumes its session.
func TestReconnecting(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }))
	defer s.Close()
	transport := httpClient().GetTransport()
	transport.TLSClientConfig.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for _, resumed := range []bool{false, true} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Error(err)
		}
		_ = resp.Body.Close()
		if resp.TLS.DidResume != resumed {
			t.Errorf("resumed: %v, want %v", resp.TLS.DidResume, resumed)
		}
		transport.CloseIdleConnections()
	}
}
