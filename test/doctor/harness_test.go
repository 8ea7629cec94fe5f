// Package doctor_test plants faults into copies of the templates, of an
// allowlist, of tokens, clocks and configurations, runs the real tool against the
// local accounts that come of them, and sees credvend doctor name the cause.
package doctor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/doctor"
	"github.com/credvend/credvend/internal/local"
)

// tool is credvend, built once.
var tool string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "credvend-doctor-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if err := touch(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		tool = filepath.Join(dir, "credvend")
		build := exec.Command("go", "build", "-buildvcs=false", "-o", tool, "./cmd/credvend")
		build.Dir = filepath.Join("..", "..")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// touch looks at every source file that the tool can be made of: go test would
// otherwise answer from its cache after one of them changed.
func touch() error {
	for _, dir := range []string{"go.mod", "go.sum", "api", "client", "cmd", "internal"} {
		err := filepath.WalkDir(filepath.Join("..", "..", dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			_, err = os.Stat(path)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// The files that faults are planted into.
const (
	broker    = "template.yaml"
	target    = "accounts/target.yaml"
	allowlist = "allowlist.yaml"
)

// edit puts new in the place of each old in a file.
type edit struct{ file, old, new string }

// fault is something wrong, planted somewhere.
type fault struct {
	edits []edit
	clock time.Duration // how far this machine's clock is behind everybody else's

	// Behind proxies, which see everything and change what they are told to.
	door   func(http.Handler) http.Handler // before the front door
	target func(http.Handler) http.Handler // before Account A's API
}

// world is the two accounts with a fault in them.
type world struct {
	*local.Stack
	dir   string // with the templates and the list
	doors map[string]string
}

// play starts the two accounts with a fault.
func play(t *testing.T, f fault) *world {
	t.Helper()
	dir := t.TempDir()
	for name, original := range map[string]string{broker: "../../template.yaml", target: "../../accounts/target.yaml", allowlist: "testdata/allowlist.yaml"} {
		b, err := os.ReadFile(original)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		for _, e := range f.edits {
			if e.file != name {
				continue
			}
			if !strings.Contains(text, e.old) {
				t.Fatalf("%s has no %q to change", name, e.old)
			}
			text = strings.ReplaceAll(text, e.old, e.new)
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now
	if f.clock != 0 {
		now = func() time.Time { return time.Now().Add(f.clock) }
	}
	stack, err := local.Start(t.Context(), local.Options{
		Dir: filepath.Join(dir, "local"), Templates: dir, Allowlist: filepath.Join(dir, allowlist), Bootstrap: []string{tool, "local-function"}, Tool: tool, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	w := &world{stack, dir, map[string]string{"iam": stack.World.URL, "jwt": stack.World.JWTURL, "url": stack.World.FunctionURL, "rest": stack.World.RESTURL}}
	w.bend(t, f)
	return w
}

// bend puts proxies before the doors and the target, as far as a fault asks.
func (w *world) bend(t *testing.T, f fault) {
	t.Helper()
	own := w.World.Targets[0].URL
	served := own
	if f.target != nil {
		served = serve(t, f.target(proxy(t, own, nil)))
	}
	for name, door := range w.doors {
		if f.door == nil && served == own && f.clock == 0 {
			continue
		}
		h := proxy(t, door, func(resp *http.Response) error {
			if f.clock != 0 {
				resp.Header.Set("Date", time.Now().Add(f.clock).UTC().Format(http.TimeFormat))
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			body = bytes.ReplaceAll(body, []byte(own), []byte(served))
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			resp.Header.Set("Content-Length", fmt.Sprint(len(body)))
			return nil
		})
		if f.door != nil {
			h = f.door(h)
		}
		u, err := url.Parse(door)
		if err != nil {
			t.Fatal(err)
		}
		w.doors[name] = serve(t, h) + u.Path
	}
}

func serve(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// proxy passes calls on with the host that they were signed for.
func proxy(t *testing.T, to string, modify func(*http.Response) error) http.Handler {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", u.Host, r.In.Host
		},
		ModifyResponse: modify,
	}
}

// environment is that of a caller of a door with a profile.
func (w *world) environment(door, profile string) map[string]string {
	return map[string]string{
		"CREDVEND_URL": w.doors[door], "CREDVEND_PROFILE": profile,
		"AWS_ENDPOINT_URL_STS": w.World.STSURL, "AWS_REGION": w.World.Region,
		"AWS_CONFIG_FILE": w.World.Files.Config, "AWS_SHARED_CREDENTIALS_FILE": w.World.Files.Credentials,
	}
}

// with is an environment with some variables changed; "" takes one out.
func with(env map[string]string, changes ...string) map[string]string {
	for i := 0; i < len(changes); i += 2 {
		env[changes[i]] = changes[i+1]
		if changes[i+1] == "" {
			delete(env, changes[i])
		}
	}
	return env
}

// outcome is what a run of doctor came to.
type outcome struct {
	doctor.Report
	code           int
	stdout, stderr string
}

// run runs the tool's doctor. Whatever it says, it must tell no secret.
func run(t *testing.T, env map[string]string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	home := t.TempDir()
	var all []string
	for _, name := range []string{"PATH", "TMPDIR"} {
		all = append(all, name+"="+os.Getenv(name))
	}
	all = append(all, "HOME="+home, "AWS_EC2_METADATA_DISABLED=true")
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	o := outcome{}
	for _, form := range []string{"json", "text"} { // text last: its output is kept
		var stdout, stderr bytes.Buffer
		cmd := exec.CommandContext(ctx, tool, append([]string{"doctor", "--output", form}, args...)...)
		cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = all, home, &stdout, &stderr
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		o.code, o.stdout, o.stderr = cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
		if form == "json" {
			if err := json.Unmarshal(stdout.Bytes(), &o.Report); err != nil {
				t.Fatalf("exit code %d, no JSON: %v\n%s%s", o.code, err, o.stdout, o.stderr)
			}
		}
		keepsSecrets(t, env, o.stdout+o.stderr)
	}
	return o
}

// keepsSecrets looks for what must not be told.
func keepsSecrets(t *testing.T, env map[string]string, text string) {
	t.Helper()
	var secrets []string
	if credentials, err := os.ReadFile(env["AWS_SHARED_CREDENTIALS_FILE"]); err == nil {
		for line := range strings.Lines(string(credentials)) {
			if name, value, ok := strings.Cut(line, "="); ok && !strings.Contains(name, "key_id") {
				secrets = append(secrets, strings.TrimSpace(value))
			}
		}
	}
	secrets = append(secrets, env["CREDVEND_TOKEN"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"])
	for _, secret := range secrets {
		if len(secret) > 12 && strings.Contains(text, secret[:12]) {
			t.Errorf("a secret was told: %s…\n%s", secret[:4], text)
		}
	}
}

// wants fails the test unless the first thing wrong is a step, and the cause is
// among the first two candidates, of the side.
func (o outcome) wants(t *testing.T, step string, cause doctor.Cause, side doctor.Side) doctor.Candidate {
	t.Helper()
	all := o.Wrong()
	if len(all) == 0 || o.code != 1 || o.OK {
		t.Fatalf("exit code %d, nothing wrong\n%s%s", o.code, o.stdout, o.stderr)
	}
	if all[0].Name != step {
		t.Errorf("the first thing wrong is the %s; want the %s", all[0].Name, step)
	}
	for _, c := range all[0].Candidates[:min(2, len(all[0].Candidates))] {
		if c.Cause == cause && c.Side == side {
			return c
		}
	}
	t.Errorf("not among the first two: %s of %s\n%s%s", cause, side, o.stdout, o.stderr)
	return doctor.Candidate{}
}
