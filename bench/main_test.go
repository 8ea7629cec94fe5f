package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/bench/report"
)

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		args string
		want string // sections, or part of the error
		bad  bool
	}{
		"all":           {"", "start invoke throughput inprocess decide herd peer", false},
		"some, ordered": {"-only herd,start -quick", "herd start", false},
		"unknown":       {"-only start,stop", `no section "stop"; there are start, invoke`, true},
		"no flag":       {"start", "-only start", true},
		"bad flag":      {"-fast", "flag provided but not defined", true},
	} {
		o, err := parse(sections(), strings.Fields(c.args), &bytes.Buffer{})
		if c.bad {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
			continue
		}
		if got := strings.Join(names(o.sections), " "); err != nil || got != c.want {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}

// TestRun: only a whole run that is not quick writes what is committed; a
// section that fails is told and does not keep the others from running; the
// scratch folder goes whatever happens.
func TestRun(t *testing.T) {
	fine := section{"start", "", func(_ context.Context, e report.Env) (report.Section, error) {
		e.Log("at work in %s", filepath.Base(e.Root))
		figures := []report.Figure{{Of: "credvend", What: "start, median", Value: 1}}
		return report.Section{Name: "start", Title: "Start", Figures: figures}, os.WriteFile(filepath.Join(e.Dir, "scratch"), nil, 0o600)
	}}
	broken := section{"decide", "", func(context.Context, report.Env) (report.Section, error) {
		return report.Section{Name: "decide", Title: "Decide"}, errors.New("no luck")
	}}
	for name, c := range map[string]struct {
		all   []section
		args  string
		files string // beside docs/performance.md, which is there
		err   string
	}{
		"whole":            {[]section{fine}, "", "bench/results.json docs/performance.svg", ""},
		"quick":            {[]section{fine}, "-quick", "", ""},
		"in part":          {[]section{fine, broken}, "-only start", "", ""},
		"in part, to file": {[]section{fine, broken}, "-only start -out r.json -svg p.svg", "p.svg r.json", ""},
		"broken":           {[]section{broken, fine}, "", "bench/results.json docs/performance.svg", "decide: no luck"},
		"unknown":          {[]section{fine}, "-only x", "", "no section"},
	} {
		t.Run(name, func(t *testing.T) {
			root, scratch := t.TempDir(), t.TempDir()
			t.Setenv("TMPDIR", scratch)
			for _, dir := range []string{"bench", "docs", "deep/down"} {
				if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(root, "go.mod"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			t.Chdir(root)
			page := filepath.Join(root, "docs", "performance.md")
			if err := os.WriteFile(page, []byte("above\n"+report.PageBegin+"old\n"+report.PageEnd+"below\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if c.args == "" {
				t.Chdir(filepath.Join(root, "deep", "down")) // a checkout is found from within
			}
			out, progress := &bytes.Buffer{}, &bytes.Buffer{}
			err := run(t.Context(), c.all, strings.Fields(c.args), out, progress)
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%v, want %q", err, c.err)
			}
			if len(c.all) > 0 && c.err != "no section" && !strings.Contains(out.String(), "Start") {
				t.Errorf("no table:\n%s", out)
			}
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			if whole := c.args == ""; strings.Contains(string(text), "| credvend | start, median | 1 |") != whole || strings.Contains(string(text), "old") == whole {
				t.Errorf("the page:\n%s", text)
			}
			if got := filesIn(t, root); got != sorted(c.files+" go.mod docs/performance.md") {
				t.Errorf("written: %s, want %s", got, c.files)
			}
			if left := filesIn(t, scratch); left != "" {
				t.Errorf("left behind: %s", left)
			}
		})
	}
}

func TestNotInACheckout(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := run(t.Context(), nil, nil, &bytes.Buffer{}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "make bench") {
		t.Errorf("%v", err)
	}
}

func sorted(names string) string {
	return strings.Join(slices.Sorted(slices.Values(strings.Fields(names))), " ")
}

// filesIn names all files below dir.
func filesIn(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sorted(strings.Join(names, " "))
}
