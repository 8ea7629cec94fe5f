package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestPack: two folders of the same files, of other times and modes, give the
// same bytes, and the modes that Lambda needs.
func TestPack(t *testing.T) {
	files := map[string]string{"bootstrap": strings.Repeat("program ", 1000), "allowlist.json": "{}"}
	var made [][]byte
	for i := range 2 {
		dir := folder(t, files)
		at := time.Date(1999+i, 5, 1, 0, 0, 0, 0, time.UTC)
		for name := range files {
			if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Join(dir, name), 0o640>>i); err != nil {
				t.Fatal(err)
			}
		}
		out := filepath.Join(t.TempDir(), "out.zip")
		var said bytes.Buffer
		if err := run([]string{"-o", out, dir}, &said, io.Discard); err != nil {
			t.Fatal(err)
		}
		archive, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(said.String(), "CodeSha256 ") {
			t.Errorf("it says %q", said.String())
		}
		made = append(made, archive)
	}
	if !bytes.Equal(made[0], made[1]) {
		t.Error("two runs differ")
	}
	r, err := zip.NewReader(bytes.NewReader(made[0]), int64(len(made[0])))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != 2 || r.File[0].Name != "bootstrap" || r.File[0].Mode() != 0o755 || r.File[1].Name != "allowlist.json" || r.File[1].Mode() != 0o644 {
		t.Errorf("it holds %v", r.File)
	}
	for _, f := range r.File {
		if f.Modified.Year() != 1980 {
			t.Errorf("%s: the time %v is somebody's clock", f.Name, f.Modified)
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil || string(text) != files[f.Name] {
			t.Errorf("%s: %d bytes, %v", f.Name, len(text), err)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no allowlist":   {"bootstrap": "x"},
		"no bootstrap":   {"allowlist.json": "{}"},
		"an empty one":   {"bootstrap": "x", "allowlist.json": ""},
		"something else": {"bootstrap": "x", "allowlist.json": "{}", ".env": "SECRET=1"},
		"nothing at all": {},
		"another's name": {"bootstrap": "x", "allowlist.yaml": "version: 1"},
	} {
		out := filepath.Join(t.TempDir(), "out.zip")
		if err := run([]string{"-o", out, folder(t, files)}, io.Discard, io.Discard); err == nil {
			t.Errorf("%s: packed", name)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: a file was written", name)
		}
	}
	for _, args := range [][]string{nil, {"-o", "x.zip"}, {"folder"}, {"-o", "x.zip", "a", "b"}} {
		if err := run(args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q: taken", args)
		}
	}
}
