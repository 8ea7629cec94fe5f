// Package main_test tries the suite of `make conformance-aws`. Its tests need no build
// tag: they build the program, which has one, and judge it by what it prints.
package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/local"
)

const root = "../.."

var scratch string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "credvend-sandbox-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// programs are the suite and the function, built once.
var programs = sync.OnceValues(func() (p struct{ suite, bootstrap string }, err error) {
	p.suite, p.bootstrap = filepath.Join(scratch, "conformance-aws"), filepath.Join(scratch, "bootstrap")
	if err := touch(); err != nil {
		return p, err
	}
	for _, args := range [][]string{
		{"vet", "-tags", "conformance", "./test/sandbox"}, // `go vet ./...` does not see it
		{"build", "-tags", "conformance", "-o", p.suite, "./test/sandbox"},
		{"build", "-tags", "lambda.norpc,nethttpomithttp2", "-o", p.bootstrap, "./functions/vend"},
	} {
		cmd := exec.Command("go", args...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
		if out, err := cmd.CombinedOutput(); err != nil {
			return p, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return p, nil
})

// touch looks at every source file that the programs are made of, the templates
// included: go test would otherwise answer from its cache after one changed.
func touch() error {
	for _, dir := range []string{"go.mod", "go.sum", "template.yaml", "accounts", "api", "functions", "internal", "test/sandbox"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			_, err = os.Stat(path)
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// outcome is what the program printed, and how it ended.
type outcome struct {
	code           int
	stdout, stderr string
	report         struct {
		Against string
		Counts  struct{ OK, Differs, NotRun int }
		Facts   []struct {
			ID, Verdict string
			Says        []string
		} `json:"unsureFacts"`
		Checks []struct{ ID, Outcome, Expected, Observed, Why string }
	}
	saved string // the report as it was written
}

// run runs the suite with these variables and no others of credvend or AWS.
func run(t *testing.T, env map[string]string, args ...string) outcome {
	t.Helper()
	p, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	file := filepath.Join(t.TempDir(), "report.json")
	cmd := exec.CommandContext(ctx, p.suite, append([]string{"-o", file}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = []string{"HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true"}
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if name != "HOME" && !strings.HasPrefix(name, "AWS_") && !strings.HasPrefix(name, "CREDVEND_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	o := outcome{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	if text, err := os.ReadFile(file); err == nil {
		o.saved = string(text)
		if err := json.Unmarshal(text, &o.report); err != nil {
			t.Fatalf("the report: %v", err)
		}
	}
	return o
}

// runOwn has the suite start a stack of its own.
func runOwn(t *testing.T, args ...string) outcome {
	t.Helper()
	p, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return run(t, nil, append([]string{"-local", "-bootstrap", p.bootstrap}, args...)...)
}

// start runs the two accounts, and gives the variables of their local.env.
func start(t *testing.T) (*local.Stack, map[string]string) {
	t.Helper()
	p, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	s, err := local.Start(t.Context(), local.Options{Dir: filepath.Join(t.TempDir(), "local"), Bootstrap: []string{p.bootstrap}, Tool: "credvend"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `. "$1" && env`, "sh", s.World.Files.Env).Output()
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "CREDVEND_") {
			env[name] = value
		}
	}
	return s, env
}

// differing are the ids of the checks that differ.
func (o outcome) differing() (ids []string) {
	for _, c := range o.report.Checks {
		if c.Outcome == "differs" {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

func (o outcome) fact(t *testing.T, id string) (verdict, says string) {
	t.Helper()
	for _, f := range o.report.Facts {
		if f.ID == id {
			return f.Verdict, strings.Join(f.Says, "\n")
		}
	}
	t.Fatalf("there is no fact %s", id)
	return "", ""
}
