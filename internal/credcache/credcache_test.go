package credcache

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const key = "0123456789abcdef0123456789abcdef"

func open(t *testing.T) *Cache {
	t.Helper()
	c, err := Open(filepath.Join(t.TempDir(), "cache"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func always([]byte) bool { return true }
func never([]byte) bool  { return false }

func makes(text string) func([]byte) ([]byte, error) {
	return func([]byte) ([]byte, error) { return []byte(text), nil }
}

// TestStoppedWithLock: a call that is stopped as it gets the lock gives it back.
func TestStoppedWithLock(t *testing.T) {
	c := open(t)
	c.patience = time.Second
	_, _, _ = c.Do(t.Context(), key, always, makes("old"))
	ctx, cancel := context.WithCancel(t.Context())
	_, _, err := c.Do(ctx, key, func([]byte) bool { cancel(); return false }, makes("none"))
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got, trouble, err := c.Do(t.Context(), key, never, makes("new")); err != nil || trouble != nil || string(got) != "new" {
		t.Errorf("%q %v %v", got, trouble, err)
	}
}

func TestKeepsEntries(t *testing.T) {
	c := open(t)
	for _, step := range []struct {
		key, makes string
		good       func([]byte) bool
		want       string
	}{
		{key, "first", always, "first"},
		{key, "second", always, "first"},
		{key, "third", never, "third"},
		{key, "fourth", always, "third"},
		{strings.Repeat("f", 64), "another", always, "another"},
	} {
		got, trouble, err := c.Do(t.Context(), step.key, step.good, makes(step.makes))
		if err != nil || trouble != nil || string(got) != step.want {
			t.Errorf("%q %v %v; want %q", got, trouble, err, step.want)
		}
	}
	_, _, _ = c.Do(t.Context(), key, never, func(old []byte) ([]byte, error) {
		if string(old) != "third" {
			t.Errorf("the old entry is %q", old)
		}
		return old, nil
	})
	for _, bad := range []string{"", "ab", "../../../../etc/passwd", strings.Repeat("F", 32)} {
		if _, _, err := c.Do(t.Context(), bad, always, makes("x")); err == nil {
			t.Errorf("key %q was taken", bad)
		}
	}
	info, err := os.Stat(filepath.Join(c.dir.Name(), key+entrySuffix))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// TestFailuresAreNotKept: the next one tries again.
func TestFailuresAreNotKept(t *testing.T) {
	c := open(t)
	refused := errors.New("refused")
	if _, _, err := c.Do(t.Context(), key, always, func([]byte) ([]byte, error) { return nil, refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	if got, trouble, err := c.Do(t.Context(), key, always, makes("x")); string(got) != "x" || trouble != nil || err != nil {
		t.Errorf("%q %v %v", got, trouble, err)
	}
}

// TestOneMakes: those that come meanwhile wait for it and take the same.
func TestOneMakes(t *testing.T) {
	c := open(t)
	var made atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got, trouble, err := c.Do(t.Context(), key, always, func([]byte) ([]byte, error) {
				time.Sleep(30 * time.Millisecond)
				made.Add(1)
				return []byte("x"), nil
			})
			if string(got) != "x" || trouble != nil || err != nil {
				t.Errorf("%q %v %v", got, trouble, err)
			}
		})
	}
	all.Wait()
	if n := made.Load(); n != 1 {
		t.Errorf("made %d times", n)
	}
}

// TestStopsWaiting when the caller does.
func TestStopsWaiting(t *testing.T) {
	c := open(t)
	unlock, err := c.lock(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err = c.Do(ctx, key, always, func([]byte) ([]byte, error) { t.Error("made all the same"); return nil, nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestLockedForLong: a process that hangs with the lock holds nobody else up for
// ever.
func TestLockedForLong(t *testing.T) {
	c := open(t)
	unlock, err := c.lock(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	c.patience = 50 * time.Millisecond
	got, trouble, err := c.Do(t.Context(), key, always, makes("x"))
	if string(got) != "x" || err != nil || trouble == nil || !strings.Contains(trouble.Error(), "another process has held the lock for too long") {
		t.Errorf("%q %v %v", got, trouble, err)
	}
	if entry, _ := c.read(key); entry != nil {
		t.Error("an entry was written without the lock")
	}
}

// TestTrouble: whatever is wrong with the folder, there is an answer, and word
// of what is wrong.
func TestTrouble(t *testing.T) {
	entry := func(c *Cache) string { return filepath.Join(c.dir.Name(), key+entrySuffix) }
	for _, tt := range []struct {
		name  string
		plant func(*testing.T, *Cache)
		want  string // of the trouble; "" none
	}{
		{"entry open to others", func(t *testing.T, c *Cache) { write(t, entry(c), 0o644) }, "others can read or write"},
		{"entry that is a link", func(t *testing.T, c *Cache) {
			write(t, filepath.Join(filepath.Dir(c.dir.Name()), "elsewhere"), 0o600)
			if err := os.Symlink("../elsewhere", entry(c)); err != nil {
				t.Skip(err)
			}
		}, "cannot be read"},
		{"entry that is a folder", func(t *testing.T, c *Cache) {
			if err := os.Mkdir(entry(c), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "cannot be cached"},
		{"huge entry", func(t *testing.T, c *Cache) {
			write(t, entry(c), 0o600)
			if err := os.Truncate(entry(c), maxEntry+1); err != nil {
				t.Fatal(err)
			}
		}, "too large"},
		{"half an entry of a killed process", func(t *testing.T, c *Cache) {
			write(t, filepath.Join(c.dir.Name(), key+".tmp"), 0o600)
		}, ""},
		{"lock that is a folder", func(t *testing.T, c *Cache) {
			if err := os.Mkdir(filepath.Join(c.dir.Name(), key[:2]+".lock"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "cannot be locked"},
		{"folder that is gone", func(t *testing.T, c *Cache) {
			if err := os.RemoveAll(c.dir.Name()); err != nil {
				t.Fatal(err)
			}
		}, "cannot be locked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := open(t)
			tt.plant(t, c)
			got, trouble, err := c.Do(t.Context(), key, func(b []byte) bool { return string(b) == "new" }, makes("new"))
			if err != nil || string(got) != "new" {
				t.Errorf("%q %v", got, err)
			}
			if (trouble == nil) != (tt.want == "") || trouble != nil && !strings.Contains(trouble.Error(), tt.want) {
				t.Errorf("trouble %v", trouble)
			}
			if matches, _ := filepath.Glob(filepath.Join(c.dir.Name(), "*.tmp")); len(matches) > 0 {
				t.Errorf("left behind: %v", matches)
			}
		})
	}
}

// TestFolders that are not this user's alone are refused.
func TestFolders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if c, err := Open(dir); err != nil || c.Close() != nil {
		t.Error(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "is open to other users; run chmod 700") {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, 0o600)
	for _, name := range []string{file, filepath.Join(file, "below")} {
		if _, err := Open(name); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// TestPrunes what is too old, and nothing that is not its own.
func TestPrunes(t *testing.T) {
	c := open(t)
	old := time.Now().Add(-2 * maxAge)
	for name, stays := range map[string]bool{"old.json": false, "old.tmp": false, "ab.lock": true, "notes.txt": true} {
		write(t, filepath.Join(c.dir.Name(), name), 0o600)
		if err := os.Chtimes(filepath.Join(c.dir.Name(), name), old, old); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Do(t.Context(), key, never, makes("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(c.dir.Name(), name)); (err == nil) != stays {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, _, _ := c.Do(t.Context(), key, always, makes("y")); !bytes.Equal(got, []byte("x")) {
		t.Error("the new entry was removed too")
	}
}

func write(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte("planted"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

// TestKilledWhileWriting: whoever comes after a process that nothing could stop
// to say goodbye finds the old entry or the new one, whole, and no lock.
func TestKilledWhileWriting(t *testing.T) {
	if dir := os.Getenv("CREDCACHE_TEST_WRITES"); dir != "" {
		c, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; ; i++ {
			entry := bytes.Repeat([]byte{'a' + byte(i%26)}, maxEntry)
			_, _, _ = c.Do(t.Context(), key, never, func([]byte) ([]byte, error) { return entry, nil })
		}
	}
	c := open(t)
	for i := range 8 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWhileWriting$")
		cmd.Env = append(os.Environ(), "CREDCACHE_TEST_WRITES="+c.dir.Name())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(c.dir.Name(), key+entrySuffix)); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(10+3*i) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()

		entry, trouble := c.read(key)
		if trouble != nil || len(entry) != maxEntry || len(bytes.Trim(entry, string(entry[0]))) > 0 {
			t.Fatalf("%d bytes, %v", len(entry), trouble)
		}
		begun := time.Now()
		if got, trouble, err := c.Do(t.Context(), key, never, makes("next")); string(got) != "next" || trouble != nil || err != nil {
			t.Fatalf("%v %v", trouble, err)
		}
		if time.Since(begun) > patience/2 {
			t.Error("a lock was left behind")
		}
		if err := os.Remove(filepath.Join(c.dir.Name(), key+entrySuffix)); err != nil {
			t.Fatal(err)
		}
	}
}
