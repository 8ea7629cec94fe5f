package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/credvend/credvend/bench/report"
)

const root = "../.."

// built is the function, built once for all tests.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// script writes an executable that runs a line of shell.
func script(t *testing.T, file, line string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+line+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// fakePrograms are an OpenBao of that mood and a plugin that only waits,
// and not for a signal.
func fakePrograms(t *testing.T, mood string) programs {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return programs{
		server: script(t, filepath.Join(dir, serverName), fmt.Sprintf("%s=%s exec %q \"$@\"", moodVariable, mood, self)),
		plugin: script(t, filepath.Join(dir, pluginName), "trap '' TERM; exec sleep 600"),
	}
}

// env has the function built already.
func env(t *testing.T) report.Env {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "credvend-peer-"); built.err == nil { //nolint:usetesting // it outlives the first test that needs it
			built.err = buildFunction(context.Background(), root, filepath.Join(built.dir, "bootstrap"))
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	e := report.Env{Root: root, Dir: t.TempDir(), Quick: true, Log: t.Logf}
	task := filepath.Join(e.Dir, "peer", "task")
	if err := os.MkdirAll(task, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(built.dir, "bootstrap"), filepath.Join(task, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	return e
}

// compare runs the comparison with a fake OpenBao.
func compare(t *testing.T, mood string) (note string, figures []report.Figure, err error) {
	t.Helper()
	found := fakePrograms(t, mood)
	e := env(t)
	c := &comparison{env: e, found: found, ready: 20 * time.Second, block: 5, dir: filepath.Join(e.Dir, "peer")}
	switch mood {
	case silent:
		c.ready = 200 * time.Millisecond
	case sealed: // it has to come so far
		c.ready = 3 * time.Second
	}
	note, err = c.run(t.Context())
	gone(t, c)
	return note, c.figures, err
}

// gone sees that nothing of either side runs on.
func gone(t *testing.T, c *comparison) {
	t.Helper()
	pids := map[string]int{}
	if c.server != nil {
		pids["the server"] = c.server.cmd.Process.Pid
	}
	for i, e := range c.environments {
		pids[fmt.Sprintf("environment %d", i)] = e.cmd.Process.Pid
	}
	if text, err := os.ReadFile(filepath.Join(c.dir, "plugins", pidFile)); err == nil {
		plugin, err := strconv.Atoi(string(text))
		if err != nil {
			t.Fatal(err)
		}
		pids["the plugin"] = plugin
	}
	for name, pid := range pids {
		deadline := time.Now().Add(5 * time.Second) // a killed process needs a moment to be collected
		for syscall.Kill(pid, 0) == nil && !zombie(pid) {
			if time.Now().After(deadline) {
				t.Errorf("%s, process %d, runs on", name, pid)
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// zombie tells whether a process has ended without being collected: an orphan
// waits for whoever adopts it.
func zombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(text), ") Z ")
}

func TestPeerMeasuresBothSides(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEOFWHOEVERRUNSTHIS") // the fake refuses to start if it sees it
	t.Setenv("VAULT_ADDR", "http://127.0.0.1:1")
	found := fakePrograms(t, works)
	t.Setenv("PATH", filepath.Dir(found.server)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	t.Setenv(PluginDirVar, "")
	e := env(t)
	section, err := Peer(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	gone(t, &comparison{dir: filepath.Join(e.Dir, "peer")})
	note, figures := section.Note, section.Figures
	for _, part := range []string{"OpenBao 9.9.9", "with its audit log in a file", "the same policy of"} {
		if !strings.Contains(note, part) {
			t.Errorf("the note lacks %q: %s", part, note)
		}
	}
	limits := map[string]float64{}
	for i := 0; i < len(figures); i += 2 {
		our, their := figures[i], figures[i+1]
		if our.Of != ours || their.Of != theirs || our.What != their.What || our.Unit != their.Unit {
			t.Fatalf("%+v does not stand beside %+v", our, their)
		}
		if our.Value <= 0 || their.Value <= 0 || our.Ratio <= 0 || our.Beside != theirs {
			t.Errorf("nothing was measured: %+v beside %+v", our, their)
		}
		limits[our.What] = our.Limit
	}
	want := map[string]float64{
		"p50, one connection": latencyLimit, "p99, one connection": 0, "p50, 8 connections": 0, "p99, 8 connections": 0, "throughput, 8 connections": 0,
	}
	if runtime.GOOS == "linux" {
		want["resident memory, one environment, after vend 1"] = 0
		want["resident memory, one environment, after vend 501"] = memoryLimit
		want["resident memory, 8 environments, after vend 1701"] = 0
	}
	for what, limit := range want {
		if got, ok := limits[what]; !ok || got != limit {
			t.Errorf("%s: limit %v, want %v (measured: %t)", what, got, limit, ok)
		}
	}
	if len(limits) != len(want) {
		t.Errorf("figures of %v, want %v", limits, want)
	}
}

func TestPeerThatFails(t *testing.T) {
	for _, tc := range []struct {
		mood    string
		want    []string
		figures bool // of what it vended before it failed
	}{
		{mood: exits, want: []string{"NOT MEASURED: OpenBao: it did not get ready: it ended by itself", "fake bao: no luck today"}},
		{mood: silent, want: []string{"NOT MEASURED: OpenBao: it did not get ready", "its log ends: (nothing)"}},
		{mood: sealed, want: []string{"NOT MEASURED: OpenBao: GET sys/health: 503"}},
		{mood: uninit, want: []string{"NOT MEASURED: OpenBao: PUT sys/init: 500 Internal Server Error: no storage"}},
		{mood: refusesSum, want: []string{"NOT MEASURED", "sys/plugins/catalog/secret/openbao-plugin-secrets-aws: 400 Bad Request: checksums did not match"}},
		{mood: noMount, want: []string{"NOT MEASURED", "POST sys/mounts/aws: 400 Bad Request: plugin exited before it could be reached"}},
		{mood: noToken, want: []string{"NOT MEASURED", "auth/token/create gave no token"}},
		{mood: denies, want: []string{"NOT MEASURED", "it answers 403 Forbidden: permission denied"}},
		{mood: empty, want: []string{"NOT MEASURED", "an answer holds no credentials"}},
		{mood: twice, want: []string{"NOT MEASURED", "one request made 2 calls of STS"}},
		{mood: otherPolicy, want: []string{`NOT MEASURED: OpenBao asks STS for Policy "{}", credvend for "{`}},
		{mood: failsLater, want: []string{"BROKEN OFF: OpenBao: it answers 500 Internal Server Error: rpc error: the plugin has gone"}, figures: true},
		{mood: retries, want: []string{"BROKEN OFF: OpenBao: 10 requests made 11 calls of STS"}},
	} {
		t.Run(tc.mood, func(t *testing.T) {
			t.Parallel() // most of them wait
			note, figures, err := compare(t, tc.mood)
			if err != nil {
				t.Fatalf("a peer that fails is no error: %v", err)
			}
			for _, part := range tc.want {
				if !strings.Contains(note, part) {
					t.Errorf("the note lacks %q: %s", part, note)
				}
			}
			for _, secret := range []string{fakeKey, fakeRoot, fakeClient} {
				if strings.Contains(note, secret) {
					t.Errorf("the note holds %q: %s", secret, note)
				}
			}
			timed := slices.ContainsFunc(figures, func(f report.Figure) bool { return strings.HasPrefix(f.What, "p50") })
			if timed != tc.figures {
				t.Errorf("figures: %v", figures)
			}
		})
	}
}

func TestPeerLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	// compare looks at every process; the fake leaves its plugin to whoever ends
	// its group.
	if runtime.GOOS != "linux" {
		t.Skip("only where a process's group can be ended with it")
	}
	if note, _, err := compare(t, orphans); err != nil || strings.Contains(note, "NOT") {
		t.Fatal(note, err)
	}
}

func TestPeerOfAVersionWithoutAuditSettings(t *testing.T) {
	t.Parallel()
	note, _, err := compare(t, noAudit)
	if err != nil || !strings.Contains(note, "without an audit log") {
		t.Fatal(note, err)
	}
}

func TestPeerEndsWithItsContext(t *testing.T) {
	found := fakePrograms(t, works)
	e := env(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e.Log = func(format string, a ...any) {
		if strings.Contains(format, "one connection") {
			cancel()
		}
		t.Logf(format, a...)
	}
	c := &comparison{env: e, found: found, ready: 20 * time.Second, block: 5, dir: filepath.Join(e.Dir, "peer")}
	if _, err := c.run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	gone(t, c)
}

// An error of credvend's own is no matter for a note.
func TestPeerFailsWithTheFunction(t *testing.T) {
	found := fakePrograms(t, works)
	e := report.Env{Root: root, Dir: t.TempDir(), Quick: true, Log: t.Logf}
	task := filepath.Join(e.Dir, "peer", "task")
	if err := os.MkdirAll(task, 0o700); err != nil {
		t.Fatal(err)
	}
	script(t, filepath.Join(task, "bootstrap"), "echo no function here >&2; exit 3")
	c := &comparison{env: e, found: found, ready: 20 * time.Second, block: 5, dir: filepath.Join(e.Dir, "peer")}
	_, err := c.run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the function did not start: it ended by itself; its log ends: no function here") {
		t.Errorf("got %v", err)
	}
	gone(t, c)
}

func TestPeerWithoutItsPrograms(t *testing.T) {
	bao := func(t *testing.T, dir string) { script(t, filepath.Join(dir, serverName), "exit 1") }
	for _, tc := range []struct {
		name string
		make func(t *testing.T, path, plugins string)
		want string
	}{
		{"nothing", func(*testing.T, string, string) {}, "bao (OpenBao): not on this machine"},
		{"the server alone", func(t *testing.T, path, _ string) { bao(t, path) }, "openbao-plugin-secrets-aws (OpenBao's AWS plugin): not on this machine"},
		{"a plugin that is no program", func(t *testing.T, path, plugins string) {
			bao(t, path)
			if err := os.WriteFile(filepath.Join(plugins, pluginName), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "openbao-plugin-secrets-aws (OpenBao's AWS plugin): not on this machine"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path, plugins := t.TempDir(), t.TempDir()
			t.Setenv("PATH", path)
			t.Setenv(PluginDirVar, plugins)
			tc.make(t, path, plugins)
			section, err := Peer(t.Context(), report.Env{Root: root, Dir: t.TempDir(), Log: t.Logf})
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{"NOT RUN: " + tc.want, "https://github.com/openbao/openbao/releases", "https://github.com/openbao/openbao-plugins/releases", PluginDirVar} {
				if !strings.Contains(section.Note, part) {
					t.Errorf("the note lacks %q: %s", part, section.Note)
				}
			}
			if section.Name != "peer" || section.Title == "" || len(section.Figures) > 0 {
				t.Errorf("got %+v", section)
			}
			if _, err := json.Marshal(section); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFindPlugin(t *testing.T) {
	released := pluginName + "_" + runtime.GOOS + "_" + runtime.GOARCH
	for _, tc := range []struct {
		name          string
		path, plugins []string
		want          string
	}{
		{name: "on the PATH", path: []string{pluginName}, want: "path/" + pluginName},
		{name: "of the named folder before the PATH", path: []string{pluginName}, plugins: []string{pluginName}, want: "plugins/" + pluginName},
		{name: "as its release names it", plugins: []string{released + "_v1"}, want: "plugins/" + released + "_v1"},
		{name: "as arm's release names it", plugins: []string{released}, want: "plugins/" + released},
		{name: "its plain name first", plugins: []string{released + "_v1", pluginName}, want: "plugins/" + pluginName},
		{name: "of another platform", plugins: []string{pluginName + "_plan9_mips"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			for folder, names := range map[string][]string{"path": append(tc.path, serverName), "plugins": tc.plugins} {
				if len(names) > 0 {
					if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
						t.Fatal(err)
					}
				}
				for _, name := range names {
					script(t, filepath.Join(dir, folder, name), "exit 1")
				}
			}
			t.Setenv("PATH", filepath.Join(dir, "path"))
			t.Setenv(PluginDirVar, "")
			if len(tc.plugins) > 0 {
				t.Setenv(PluginDirVar, filepath.Join(dir, "plugins"))
			}
			found, err := find()
			if tc.want == "" {
				if !errors.Is(err, errAbsent) {
					t.Fatalf("got %+v, %v", found, err)
				}
				return
			}
			if err != nil || found.plugin != filepath.Join(dir, tc.want) || found.server != filepath.Join(dir, "path", serverName) {
				t.Errorf("got %+v, %v", found, err)
			}
		})
	}
}
