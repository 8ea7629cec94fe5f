package source

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "allowlist.json")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := File{path}
	if _, err := f.Load(t.Context(), ""); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a missing file: %v", err)
	}
	put("one")
	first, err := f.Load(t.Context(), "")
	if err != nil || string(first.Document) != "one" || first.Version == "" || first.Unchanged {
		t.Fatalf("%+v %v", first, err)
	}
	then := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
	again, err := f.Load(t.Context(), first.Version)
	if err != nil || !again.Unchanged || again.Document != nil || again.Version != first.Version {
		t.Errorf("touched, not changed: %+v %v", again, err)
	}
	put("two") // of the same size, and then of the same time
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
	other, err := f.Load(t.Context(), first.Version)
	if err != nil || string(other.Document) != "two" || other.Version == first.Version || other.Unchanged {
		t.Errorf("changed, with the old time: %+v %v", other, err)
	}
	put("")
	if empty, err := f.Load(t.Context(), ""); err != nil || empty.Version == "" {
		t.Errorf("an empty file: %+v %v", empty, err)
	}
	if _, err := (File{filepath.Dir(path)}).Load(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("a folder: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Load(ended, ""); err == nil {
		t.Error("loads for nobody")
	}
}

func TestFileLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "allowlist.json")
	for size, ok := range map[int]bool{99: true, 100: true, 101: false, 1000: false} {
		if err := os.WriteFile(path, bytes.Repeat([]byte("x"), size), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (File{path}).load(t.Context(), "", 100); (err == nil) != ok {
			t.Errorf("%d bytes of 100: %v", size, err)
		}
	}
}

func TestSourceOverAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "allowlist.json")
	s, err := New(Config{Loader: File{path}, MaxAge: time.Minute, MaxStale: time.Hour, Wait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.List(t.Context()); err == nil {
		t.Fatal("a list out of nothing")
	}
	if err := os.WriteFile(path, document("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := s.List(t.Context())
	if err != nil || list.Digest() != digest(t, "one") {
		t.Errorf("%v %v", list, err)
	}
}
