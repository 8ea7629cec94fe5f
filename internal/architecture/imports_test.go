package architecture

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pkg is what go list tells of a package: imports of its files other than
// tests, and all that they lead to.
type pkg struct {
	ImportPath string
	GoFiles    []string
	CgoFiles   []string
	Imports    []string
	Deps       []string
}

func TestImports(t *testing.T) {
	for _, problem := range check(list(t), table, fences) {
		t.Error(problem)
	}
}

func TestFunctionReaches(t *testing.T) {
	for _, problem := range checkReach(list(t), "functions/vend", unreachable) {
		t.Error(problem)
	}
}

// list asks go list for the module's packages.
func list(t *testing.T) []pkg {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	touch(t, root)
	cmd := exec.CommandContext(t.Context(), "go", "list", "-buildvcs=false", "-json=ImportPath,GoFiles,CgoFiles,Imports,Deps", "./...")
	cmd.Dir = root
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles)+len(p.CgoFiles) > 0 { // else: tests alone
			packages = append(packages, p)
		}
	}
	return packages
}

// touch reads every folder of the module. The test's verdict comes from
// another process, so go test would otherwise not know that it depends on
// those files, and would answer from its cache after they changed.
func touch(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if d == nil || !d.IsDir() {
			return nil
		}
		if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "build" || name == "node_modules") {
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// check holds the packages' direct imports against the table and the fences.
func check(packages []pkg, table, fences map[string][]string) []string {
	var problems []string
	seen := map[string]bool{}
	for _, p := range packages {
		name := relative(p.ImportPath)
		seen[name] = true
		allowed, known := table[name]
		if !known {
			problems = append(problems, fmt.Sprintf("package %s is not in the import table: add it there, with what it may import", name))
		}
		for _, imported := range p.Imports {
			if ours(imported) {
				if known && !slices.Contains(allowed, relative(imported)) {
					problems = append(problems, fmt.Sprintf("%s imports %s: the table allows it %v", name, relative(imported), allowed))
				}
				continue
			}
			for library, who := range fences {
				if within(imported, library) && !slices.Contains(who, name) {
					problems = append(problems, fmt.Sprintf("%s imports %s: only %v may", name, imported, who))
				}
			}
		}
	}
	for name, allowed := range table {
		if !seen[name] {
			problems = append(problems, fmt.Sprintf("the table has a row for %s, and there is no such package", name))
		}
		for _, a := range allowed {
			if _, ok := table[a]; !ok {
				problems = append(problems, fmt.Sprintf("the row of %s allows %s, which has no row", name, a))
			}
		}
	}
	slices.Sort(problems)
	return problems
}

// checkReach holds everything that package from leads to against the banned
// parts of import paths.
func checkReach(packages []pkg, from string, banned []string) []string {
	i := slices.IndexFunc(packages, func(p pkg) bool { return relative(p.ImportPath) == from })
	if i < 0 {
		return []string{"there is no package " + from}
	}
	var problems []string
	for _, dep := range packages[i].Deps {
		for _, ban := range banned {
			if reaches(dep, ban) {
				problems = append(problems, fmt.Sprintf("%s reaches %s (banned: %s); go mod why -m or go list -deps shows by which way", from, dep, ban))
			}
		}
	}
	return problems
}

// reaches reports whether an import path is under a ban: a whole path and what
// lies below it, or, where the ban is not a path of ours or of the standard
// library, a part of it.
func reaches(dep, ban string) bool {
	if ban == "testing" || ours(ban) {
		return within(dep, ban)
	}
	return strings.Contains(dep, ban)
}

func ours(path string) bool { return within(path, module) }

// within reports whether path is root, a package below it, or a major version
// of it.
func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

func relative(path string) string { return strings.TrimPrefix(path, module+"/") }
