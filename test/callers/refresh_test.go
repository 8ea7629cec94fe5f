package callers_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestRefresh measures the clients that are no Go, in programs of their own. A
// client that is missing is a failure; an AWS CLI of version 1 is measured where
// there is one.
func TestRefresh(t *testing.T) {
	if os.Getenv("CREDVEND_CALLERS_CLIENTS") == "" {
		t.Skip("test/callers/run.sh refresh runs this, with the clients")
	}
	sessions, refusals := measureGo(t)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, writtenSessions, _ := between(t, string(text), sessionsBegin)
	_, writtenRefusals, _ := between(t, string(text), refusalsBegin)
	var mu sync.Mutex
	t.Run("clients", func(t *testing.T) { // it ends when they all have
		for _, start := range programs(t) {
			b := newBench(t)
			c := start(b)
			t.Run(strings.ReplaceAll(c.label, "`", ""), func(t *testing.T) {
				t.Parallel()
				row := settled(
					func(got session) bool {
						return len(differences([]string{got.row()}, rows(writtenSessions), sessionColumns)) == 0
					},
					func(a, b session) bool { return a == b },
					func() session { return c.session(t, b.standIn) })
				var refused []refusal
				for _, status := range statuses {
					measured := settled(
						func(got refusal) bool { return got.among(rows(writtenRefusals)) },
						func(a, b refusal) bool { return a.tries == b.tries },
						func() refusal { return c.refused(t, b.standIn, status) })
					measured.says = plain(measured.says, b.url)
					refused = append(refused, measured)
				}
				mu.Lock()
				defer mu.Unlock()
				sessions, refusals = append(sessions, row), append(refusals, refused...)
			})
		}
	})
	for _, row := range sessions {
		if row.half != 1 && !strings.HasPrefix(row.renews, "with each") {
			t.Errorf("%s: ten signings with credentials of 30 minutes cost %d fetches", row.label, row.half)
		}
	}
	if !t.Failed() {
		holdToDocument(t, sessions, refusals)
	}
}

// settled measures until it is as written. A machine that is busy makes clients
// give up on an answer and ask again, so what differs is measured again, and
// what is to be written must have been seen twice.
func settled[T any](written func(T) bool, same func(a, b T) bool, measure func() T) T {
	got := measure()
	for range 3 {
		if !*update && written(got) {
			break
		}
		again := measure()
		if *update && same(again, got) {
			break
		}
		got = again
	}
	return got
}

// bench starts programs that find a stand-in as their container's.
type bench struct {
	t       *testing.T
	standIn *standIn
	url     string
	began   time.Time
	clock   *atomic.Int64 // the stand-in's, in Unix seconds; 0: the real one
}

func newBench(t *testing.T) bench {
	clock := &atomic.Int64{}
	b := bench{t: t, began: time.Now().Truncate(time.Second), clock: clock}
	b.standIn = &standIn{stamp: time.Now, now: func() time.Time {
		if at := clock.Load(); at != 0 {
			return time.Unix(at, 0)
		}
		return time.Now()
	}}
	server := httptest.NewServer(b.standIn)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

// programs are the clients to measure, each to be started with a bench of its
// own.
func programs(t *testing.T) []func(bench) client {
	t.Helper()
	python, node := findPython(t), findNode(t)
	inside := func(label string, aside time.Duration, command ...string) func(bench) client {
		return func(b bench) client {
			return client{label: label, aside: aside, fresh: func() signer { return b.talk(command...) }}
		}
	}
	const aside = 200 * time.Millisecond // it renews while it answers with what it has
	all := []func(bench) client{
		inside("boto3, botocore", 0, python, "refresh.py"),
		inside("AWS SDK for JavaScript v3, before 3.1123.0", aside, node, "refresh.mjs", "credential-providers-before"),
	}
	if nodeVersion(t, node) < 20 {
		t.Log("note: today's AWS SDK for JavaScript needs node 20, so only an older one is measured")
	} else {
		all = append(all, inside("AWS SDK for JavaScript v3", aside, node, "refresh.mjs", "@aws-sdk/credential-providers"))
	}
	versions := findAWSCLIs(t)
	if versions["2"] == "" {
		t.Fatal("there is no AWS CLI 2 (Debian: apt-get install awscli)")
	}
	for major, program := range versions {
		all = append(all, func(b bench) client {
			return client{label: "AWS CLI " + major, single: true, fresh: func() signer { return b.commands(program) }}
		})
	}
	tool, err := filepath.Abs("../../build/credvend")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tool); err != nil {
		t.Fatalf("%v: make build makes it", err)
	}
	return append(all, func(b bench) client {
		return client{label: "AWS CLI by `credvend process`", single: true, fresh: func() signer { return b.process(versions["2"], tool) }}
	})
}

func findNode(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("there is no node (Debian: apt-get install nodejs)")
	}
	return path
}

func nodeVersion(t *testing.T, node string) int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), node, "-p", "process.versions.node.split('.')[0]").Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return major
}

// python finds one that has boto3.
func findPython(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("PYTHON"), "python3", "/usr/bin/python3"} {
		if name != "" && exec.CommandContext(t.Context(), name, "-c", "import boto3").Run() == nil {
			return name
		}
	}
	t.Fatal("no python3 has boto3 (Debian: apt-get install python3-boto3)")
	return ""
}

var cliVersion = regexp.MustCompile(`^aws-cli/(\d+)\.`)

// awsCLIs are the programs, by major version.
func findAWSCLIs(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/bin", "/usr/local/bin") {
		program := filepath.Join(dir, "aws")
		out, err := exec.CommandContext(t.Context(), program, "--version").CombinedOutput()
		if m := cliVersion.FindSubmatch(out); err == nil && m != nil && found[string(m[1])] == "" {
			found[string(m[1])] = program
		}
	}
	return found
}

// environment is a container's.
func (b bench) environment(more ...string) []string {
	keep := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(variable), "=")
		return strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "CREDVEND_") || strings.HasSuffix(name, "_PROXY")
	})
	none := filepath.Join(b.t.TempDir(), "none")
	return append(append(keep,
		"AWS_CONFIG_FILE="+none, "AWS_SHARED_CREDENTIALS_FILE="+none, "AWS_EC2_METADATA_DISABLED=true", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI="+b.url+"/v1/credentials/orders", "AWS_CONTAINER_AUTHORIZATION_TOKEN=token"), more...)
}

// talk starts a program that is told when to sign.
func (b bench) talk(command ...string) signer {
	cmd := exec.CommandContext(b.t.Context(), command[0], command[1:]...)
	cmd.Env = b.environment("PYTHONDONTWRITEBYTECODE=1")
	to, err := cmd.StdinPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	from, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = to.Close()
		_ = cmd.Wait() // it ends with its input
	})
	lines := bufio.NewScanner(from)
	return func(at time.Duration) error {
		// The client is a second later: that is what the way takes.
		now := b.began.Add(at).Unix()
		b.clock.Store(now)
		if _, err := fmt.Fprintf(to, "sign %d\n", now+1); err != nil {
			return errors.Join(errEnded, err)
		}
		if !lines.Scan() {
			return errEnded
		}
		if text, failed := strings.CutPrefix(lines.Text(), "error "); failed {
			return errors.New(text)
		}
		return nil
	}
}

// commands runs the AWS CLI anew for each signing, by the real clock.
func (b bench) commands(program string, environment ...string) signer {
	environment = b.environment(environment...)
	return func(time.Duration) error {
		ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, program, "sts", "get-caller-identity", "--endpoint-url", b.url+"/", "--region", "us-east-1")
		cmd.Env = environment
		var said strings.Builder
		cmd.Stderr = &said
		if err := cmd.Run(); err != nil {
			return errors.Join(errors.New(strings.TrimSpace(said.String())), ctx.Err())
		}
		return nil
	}
}

// process runs the AWS CLI anew for each signing, with a profile that calls
// credvend process.
func (b bench) process(program, tool string) signer {
	dir := b.t.TempDir()
	profile := filepath.Join(dir, "config")
	text := fmt.Sprintf("[profile orders]\nregion = us-east-1\ncredential_process = %s process orders --url %s\n", tool, b.url)
	if err := os.WriteFile(profile, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return b.commands(program, "AWS_CONFIG_FILE="+profile, "AWS_PROFILE=orders", "CREDVEND_TOKEN=header.claims.signature",
		"XDG_CACHE_HOME="+dir, "HOME="+dir, "AWS_CONTAINER_CREDENTIALS_FULL_URI=")
}
