package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"credvend": func() {
			ctx, stop := UntilInterrupted(context.Background())
			code := Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
			stop()
			os.Exit(code)
		},
		"await":           await,
		"caller-identity": callerIdentity,
		"hang":            hang,
		"interruptible":   interruptible,
		"probe":           probe,
		"sign-in":         signIn,
		"stubborn":        stubborn,
	})
}

// TestScript plays testdata/script, in which commands are as in a terminal.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			// Of its own, whatever this machine's user has.
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "xdg"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"stack":    stack,
			"together": together,
			"vends":    vends,
		},
	})
}

// exits runs a command and checks its exit code: exits 2 credvend …
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG…]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("exit code %s; want %s", code, args[0])
	}
}

const good = `{"version":1,"targets":{"t":{"role":"arn:aws:iam::111122223333:role/r","api":"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default"}},"callers":{"c":{"iam":{"account":"444455556666"}}},"rules":[{"id":"r","callers":["c"],"target":"t","routes":["GET /"]}]}`

// run calls Main as the tool does.
func run(ctx context.Context, stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Main(ctx, args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := filepath.Join(t.TempDir(), "out.json")
	code, stdout, stderr := run(ctx, good, "allowlist", "build", "-", "-o", out)
	if code != 130 || stdout != "" || stderr != "credvend: interrupted\n" {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("the output was written")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// TestStandardOutputFails: what could not be printed was not done, help too.
func TestStandardOutputFails(t *testing.T) {
	for _, args := range [][]string{
		{"allowlist", "build", "-", "-o", "-"}, {"version"}, {"--version"}, {"allowlist", "schema"}, {"completion", "bash"},
		{}, {"--help"}, {"get", "--help"}, {"help", "allowlist", "lint"},
	} {
		var errs bytes.Buffer
		code := Main(t.Context(), args, strings.NewReader(good), broken{}, &errs)
		if code != 1 || errs.String() != "credvend: disk full\n" {
			t.Errorf("%v: %d %q", args, code, errs.String())
		}
	}
}

// TestNothingHalfWritten: a failed write leaves the old file and no other.
func TestNothingHalfWritten(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.json")
	if err := os.MkdirAll(out, 0o750); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := run(t.Context(), good, "allowlist", "build", "-", "-o", out); code != 1 || !strings.Contains(stderr, "is a folder") {
		t.Errorf("%d %q", code, stderr)
	}
	if code, _, stderr := run(t.Context(), good, "allowlist", "build", "-", "-o", filepath.Join(dir, "none", "x")); code != 1 || !strings.Contains(stderr, "cannot write") {
		t.Errorf("%d %q", code, stderr)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v %v", entries, err)
	}
}

func TestVersion(t *testing.T) {
	info := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}}}
	if got := describe(info); !strings.HasPrefix(got, "credvend (devel), commit 0123456789ab with changes, go1") {
		t.Error(got)
	}
	info.Main.Version, info.Settings = "v1.2.3", nil
	if got := describe(info); !strings.HasPrefix(got, "credvend v1.2.3, go1") {
		t.Error(got)
	}
}

// TestHelpTeaches: each command that can be run says in a line what it is for,
// and shows how it is used.
func TestHelpTeaches(t *testing.T) {
	root := newRootCommand(&env{})
	if root.Example == "" || root.Long == "" {
		t.Error("the tool itself has no example")
	}
	for _, cmd := range root.Commands() {
		if cmd.Name() == "help" || cmd.Name() == "completion" || cmd.Hidden { // cobra's own, and none for people
			continue
		}
		for _, c := range append(cmd.Commands(), cmd) {
			if c.Short == "" || c.Example == "" || !strings.Contains(c.Example, c.CommandPath()) {
				t.Errorf("%s: Short %q, Example %q", c.CommandPath(), c.Short, c.Example)
			}
		}
	}
}
