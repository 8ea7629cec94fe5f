package docs_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A block of shell is run if an HTML comment before it says so, which GitHub
// does not show:
//
//	<!-- run -->                       in a fresh copy of the tree
//	<!-- run with local -->            the same, with `credvend local` up
//	<!-- run with local: aws curl -->  the same, where these programs are: by run.sh alone
//
// A block marked <!-- output --> after it is what it prints. A line that is …
// stands for any lines, and … within a line for any text.
const (
	runAlone = "run"
	runLocal = "run with local"
	output   = "output"
)

// TestCommands runs the blocks that need Go, make and a shell; under run.sh,
// the others.
func TestCommands(t *testing.T) {
	withTools := os.Getenv("CREDVEND_DOCS_TOOLS") != ""
	ran := 0
	for _, p := range pages(t) {
		var todo []int
		for i, b := range p.blocks {
			kind, tools, _ := strings.Cut(b.marker, ": ")
			if (kind == runAlone || kind == runLocal) && (tools != "") == withTools {
				todo = append(todo, i)
			}
		}
		if len(todo) == 0 {
			continue
		}
		ran += len(todo)
		t.Run(strings.ReplaceAll(p.name, "/", "_"), func(t *testing.T) {
			dir := freshCopy(t)
			local := false
			for _, i := range todo {
				b := p.blocks[i]
				if strings.HasPrefix(b.marker, runLocal) && !local {
					local = true
					startLocal(t, dir)
				}
				got, err := shell(t, dir, b.text)
				if err != nil {
					t.Fatalf("%s:%d: %v\n%s", p.name, b.line, err, got)
				}
				if i+1 < len(p.blocks) && p.blocks[i+1].marker == output {
					if want := p.blocks[i+1]; !matches(want.text, got) {
						t.Errorf("%s:%d: printed\n%s\nand not\n%s", p.name, want.line, got, want.text)
					}
				}
			}
		})
	}
	if ran == 0 {
		t.Error("no block was run")
	}
}

// freshCopy copies what git would commit, or else everything that nobody made,
// as a stranger gets it.
func freshCopy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var files []string
	if _, err := os.Stat(filepath.Join(root, ".git")); err == nil {
		list := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
		list.Dir = root
		out, err := list.Output()
		if err != nil {
			t.Fatalf("git ls-files: %v", err)
		}
		files = strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	} else if err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && made[d.Name()] && d.Name() != "testdata":
			return fs.SkipDir
		case d.Type().IsRegular():
			name, err := filepath.Rel(root, path)
			files = append(files, name)
			return err
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		info, err := os.Stat(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) { // deleted, and not yet committed
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// environment is the user's, without what make, Go's tests and AWS put there.
func environment() []string {
	var clean []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch {
		case strings.HasPrefix(name, "AWS_"), strings.HasPrefix(name, "CREDVEND_"), strings.HasPrefix(name, "MAKE"), name == "MFLAGS", name == "GOFLAGS":
		default:
			clean = append(clean, v)
		}
	}
	return append(clean, "AWS_EC2_METADATA_DISABLED=true")
}

// shell runs a block as somebody pastes it, but stops at the first failure.
func shell(t *testing.T, dir, text string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-e", "-u", "-c", text)
	cmd.Dir, cmd.Env = dir, environment()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// startLocal builds the programs and starts `credvend local`, on free ports.
func startLocal(t *testing.T, dir string) {
	t.Helper()
	if out, err := shell(t, dir, "make build"); err != nil {
		t.Fatalf("make build: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), "build/credvend", "local", "--port", "0", "--bootstrap", "build/bootstrap")
	cmd.Dir, cmd.Env = dir, environment()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // it was told to end
	})
	lines := bufio.NewScanner(out)
	var said strings.Builder
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if lines.Text() == "ready" {
			go func() { _, _ = io.Copy(io.Discard, out) }() // it must not stop at a full pipe
			return
		}
	}
	t.Fatalf("credvend local did not get ready:\n%s", said.String())
}

// matches holds what was printed against a documented output.
func matches(want, got string) bool {
	var form strings.Builder
	form.WriteString(`\A`)
	for _, line := range strings.SplitAfter(strings.TrimRight(want, "\n")+"\n", "\n") {
		switch strings.TrimSpace(line) {
		case "":
			if line != "" {
				form.WriteString(`[ \t]*\n`)
			}
		case "…":
			form.WriteString(`(?:.*\n)*?`)
		default:
			form.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", `.*`))
		}
	}
	form.WriteString(`\z`)
	return regexp.MustCompile(form.String()).MatchString(strings.TrimRight(got, "\n") + "\n")
}

// TestMatcher plants outputs that differ.
func TestMatcher(t *testing.T) {
	for _, c := range []struct {
		want, got string
		ok        bool
	}{
		{"a\nb\n", "a\nb\n", true},
		{"a\nb\n", "a\nc\nb\n", false},
		{"a\n…\nb\n", "a\nc\nd\nb\n", true},
		{"a\n…\nb\n", "a\nb\n", true},
		{"a\n…\nb\n", "a\nb\nc\n", false},
		{"…\nb\n", "a\nb\n", true},
		{"a … c\n", "a b c\n", true},
		{"a … c\n", "a b d\n", false},
		{"a.c\n", "abc\n", false},
		{"a\n\nb\n", "a\n\nb\n", true},
		{"a\n", "", false},
	} {
		if matches(c.want, c.got) != c.ok {
			t.Errorf("%q against %q: %v", c.got, c.want, !c.ok)
		}
	}
}
