package main

import (
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

	"github.com/credvend/credvend/internal/invoke"
)

const eventsDir = "../../events"

// TestMain plays sam where a script of that name calls it.
func TestMain(m *testing.M) {
	if os.Getenv(fakeSAMVariable) != "" {
		os.Exit(fakeSAM(context.Background(), os.Args[1:]))
	}
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir) // a temporary folder
	}
	os.Exit(code)
}

// built is the function, built once.
var built struct {
	once sync.Once
	dir  string
	path string
	err  error
}

// bootstrap builds the function for this machine, with the Makefile's tags.
func bootstrap(tb testing.TB) string {
	tb.Helper()
	built.once.Do(func() {
		if built.err = touch("../.."); built.err != nil {
			return
		}
		if built.dir, built.err = os.MkdirTemp("", "credvend-events-"); built.err != nil { //nolint:usetesting // it outlives the first test that needs it
			return
		}
		built.path = filepath.Join(built.dir, "bootstrap")
		cmd := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-tags", "lambda.norpc,nethttpomithttp2", "-o", built.path, "../../functions/vend")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		tb.Fatalf("building the function: %v", built.err)
	}
	return built.path
}

// touch looks at what the function is made of. Another process builds it, so
// go test would otherwise answer from its cache after a change.
func touch(root string) error {
	for _, name := range []string{"go.mod", "go.sum", "api", "functions", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") {
				return err
			}
			_, err = os.Stat(path)
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // an editor's file that comes and goes
			return err
		}
	}
	return nil
}

func cases(t *testing.T) []invoke.Case {
	t.Helper()
	all, err := invoke.List(eventsDir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// object is a JSON object.
type object = map[string]any

func parse(t *testing.T, text []byte) object {
	t.Helper()
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// at follows a path of keys; it gives an empty object where there is none.
func at(o object, path ...string) object {
	for _, key := range path {
		o, _ = o[key].(object)
	}
	return o
}
