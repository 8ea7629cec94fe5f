package deploy

import (
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// ceiling is the most that the function's program may have.
const ceiling = 9 << 20

// TestReproducible: build-VendFunction in two folders gives the same bytes, and
// make package the same zip. COLD=1 builds each from an empty cache, as two
// machines would; that takes minutes.
func TestReproducible(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("it builds everything twice, and covers nothing")
	}
	base := t.TempDir()
	first, second := filepath.Join(base, "one"), filepath.Join(base, "quite", "another place")
	copyTree(t, root, first)
	copyTree(t, first, second) // and not from the root, which somebody may be editing
	var bootstraps, archives []string
	for i, dir := range []string{first, second} {
		env := environment()
		if os.Getenv("COLD") != "" {
			env = append(env, "GOCACHE="+filepath.Join(base, fmt.Sprint("cache", i)))
		}
		if out, errs, code := run(t, dir, env, "", "make", "package"); code != 0 {
			t.Fatalf("make package in %s: exit code %d\n%s%s", dir, code, out, errs)
		}
		bootstraps = append(bootstraps, digest(t, filepath.Join(dir, "build/package/bootstrap")))
		archives = append(archives, digest(t, filepath.Join(dir, "build/credvend-vend.zip")))
	}
	if bootstraps[0] != bootstraps[1] {
		t.Errorf("bootstrap differs between two folders: %s and %s", bootstraps[0], bootstraps[1])
	}
	if archives[0] != archives[1] {
		t.Errorf("credvend-vend.zip differs between two folders: %s and %s", archives[0], archives[1])
	}
	t.Logf("bootstrap %s", bootstraps[0])
	t.Logf("credvend-vend.zip %s", archives[0])
	checkProgram(t, filepath.Join(first, "build/package/bootstrap"))
}

// checkProgram: Lambda can run it, and it keeps under its ceiling.
func checkProgram(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > ceiling {
		t.Errorf("bootstrap has %d bytes; it may have %d", info.Size(), ceiling)
	}
	if info.Mode().Perm()&0o111 == 0 {
		t.Errorf("bootstrap has the mode %v: nobody can run it", info.Mode())
	}
	t.Logf("bootstrap has %.2f of %d MiB", float64(info.Size())/(1<<20), ceiling>>20)
	program, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = program.Close() }()
	if program.Machine != elf.EM_AARCH64 {
		t.Errorf("bootstrap is for %v, and the template's default is arm64", program.Machine)
	}
	if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("bootstrap needs %v, %v: provided.al2023 may have others", libraries, err)
	}
}

func digest(t *testing.T, path string) string {
	t.Helper()
	return fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, path))))
}
