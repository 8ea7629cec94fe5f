package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// machine makes a PATH of the given programs, each a shell script.
func machine(t *testing.T, programs map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	t.Setenv("DOCKER_HOST", "")
}

// sam is a script by which this test binary plays sam.
func sam(t *testing.T) (script, record string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	record = filepath.Join(t.TempDir(), "record.json")
	return fmt.Sprintf("%s=1 %s='%s' exec '%s' \"$@\"", fakeSAMVariable, fakeSAMRecord, record, self), record
}

const (
	inVirtualMachine = "echo 192.0.2.1" // a bridge's address that is not this machine's
	onThisMachine    = "echo 127.0.0.1"
	daemonIsDown     = "echo 'Cannot connect to the Docker daemon' >&2; exit 1"
)

// TestSAM: each event that one process can answer, through the whole of
// make sam-local but the container.
func TestSAM(t *testing.T) {
	program := bootstrap(t)
	for _, where := range []struct{ name, docker, host string }{
		{"docker in a virtual machine", inVirtualMachine, "http://host.docker.internal:"},
		{"docker on this machine", onThisMachine, "http://127.0.0.1:"},
	} {
		t.Run(where.name, func(t *testing.T) {
			script, record := sam(t)
			machine(t, map[string]string{"sam": script, "docker": where.docker})
			// What must not reach the container, or sam.
			t.Setenv("AWS_PROFILE", "production")
			t.Setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
			t.Setenv("CREDVEND_FRONT_DOORS", "other=iam")
			for _, event := range []string{
				"http-api-iam-vend", "http-api-jwt-vend", "function-url-vend", "rest-api-iam-vend", "http-api-iam-stranger",
				"http-api-iam-sts-refuses", "http-api-iam-sts-fails",
			} {
				dir := t.TempDir()
				var out, errs strings.Builder
				code := run(t.Context(), []string{"-events", eventsDir, "-template", "../../template.yaml", "-sam", dir, "-bootstrap", program, event}, &out, &errs)
				if code != exitOK || !strings.Contains(out.String(), "ok: as expected") {
					t.Fatalf("%s: exit code %d\n%s\n%s", event, code, out.String(), errs.String())
				}
				checkSAM(t, record, dir, event, where.host)
			}
		})
	}
}

func checkSAM(t *testing.T, file, dir, event, host string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got samRecord
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Profile != "" || got.Telemetry != "0" || got.Region != "us-east-1" {
		t.Errorf("sam was given %+v", got)
	}
	if !strings.HasPrefix(got.Endpoint, host) {
		t.Errorf("STS is at %s, want %s…", got.Endpoint, host)
	}
	arch := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	if fmt.Sprint(got.Arch) != "["+arch+"]" {
		t.Errorf("the architecture is %v, want %s", got.Arch, arch)
	}
	abs, err := filepath.Abs(filepath.Join(eventsDir, event+".json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, arg := range []string{abs, filepath.Join(dir, "template.yaml"), filepath.Join(dir, "env.json")} {
		if !slices.Contains(got.Args, arg) {
			t.Errorf("sam was not given %s: %q", arg, got.Args)
		}
	}
	env, err := os.ReadFile(filepath.Join(dir, "env.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"ASIA", "SECRET", "TOKEN"} {
		if strings.Contains(string(env), secret) {
			t.Errorf("the file of variables has a credential: %s", env)
		}
	}
}

// TestSAMIsNotHere: what is missing is said, with what to do, and nothing is
// tried.
func TestSAMIsNotHere(t *testing.T) {
	program := bootstrap(t)
	script, _ := sam(t)
	for _, c := range []struct {
		name     string
		programs map[string]string
		event    string
		code     int
		want     string
	}{
		{"no sam", map[string]string{"docker": inVirtualMachine}, "http-api-iam-vend", exitUsage, "sam is not installed"},
		{"no container engine", map[string]string{"sam": script}, "http-api-iam-vend", exitUsage, "there is no container engine"},
		{"docker is asleep", map[string]string{"sam": script, "docker": daemonIsDown}, "http-api-iam-vend", exitUsage, "its daemon does not answer"},
		{"two events in one process", map[string]string{"sam": script, "docker": inVirtualMachine}, "http-api-iam-vend-reused", exitUsage, "make invoke EVENT=http-api-iam-vend-reused"},
		{"sam fails", map[string]string{"sam": "echo 'Error: no space left' >&2; exit 1", "docker": inVirtualMachine}, "http-api-iam-vend", exitFailed, "Error: no space left"},
		{"sam says nothing", map[string]string{"sam": "echo hello", "docker": inVirtualMachine}, "http-api-iam-vend", exitFailed, "printed no answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			machine(t, c.programs)
			var out, errs strings.Builder
			code := run(t.Context(), []string{"-events", eventsDir, "-template", "../../template.yaml", "-sam", t.TempDir(), "-bootstrap", program, c.event}, &out, &errs)
			if code != c.code || !strings.Contains(errs.String(), c.want) {
				t.Errorf("exit code %d, %s; want %d and %q", code, errs.String(), c.code, c.want)
			}
		})
	}
}
