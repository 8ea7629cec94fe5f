package guard_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credvend/credvend/bench/guard"
)

func TestParsePerf(t *testing.T) {
	for name, c := range map[string]struct {
		report string
		want   uint64
		ok     bool
	}{
		"counted":       {"123456789,,instructions:u,1000000,100.00,,\n", 123456789, true},
		"behind noise":  {"warning, of something\n77,,instructions:u,1,100.00,,\n", 77, true},
		"not supported": {"<not supported>,,instructions:u,0,100.00,,\n", 0, false},
		"not counted":   {"<not counted>,,instructions:u,0,0.00,,\n", 0, false},
		"refused":       {"Error:\nAccess to performance monitoring is limited.\n", 0, false},
		"another event": {"5,,cycles:u,1,100.00,,\n", 0, false},
		"nothing":       {"", 0, false},
	} {
		got, err := guard.ParsePerf(c.report)
		if got != c.want || (err == nil) != c.ok || err != nil && !errors.Is(err, guard.ErrNotMeasured) {
			t.Errorf("%s: %d, %v", name, got, err)
		}
	}
}

// What a process takes to start is not the part's.
func TestInstructionsOfOneRun(t *testing.T) {
	counter := func(_ context.Context, part string, rounds int) (uint64, error) {
		if part == "nowhere" {
			return 0, guard.ErrNotMeasured
		}
		if part == "backwards" {
			return 1_000_000 - uint64(rounds), nil
		}
		return 40_000_000 + 12_345*uint64(rounds), nil
	}
	if n, err := guard.Instructions(t.Context(), counter, "decide"); n != 12_345 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := guard.Instructions(t.Context(), counter, "nowhere"); !errors.Is(err, guard.ErrNotMeasured) {
		t.Errorf("where nothing is counted: %v", err)
	}
	if n, err := guard.Instructions(t.Context(), counter, "backwards"); err == nil || errors.Is(err, guard.ErrNotMeasured) {
		t.Errorf("more runs took fewer: %d, %v", n, err)
	}
}

// A perf that runs the part and reports as the real one does.
func TestPerf(t *testing.T) {
	own := func(string, int) (argv, env []string) {
		return []string{"/bin/sh", "-c", "exit 0"}, []string{"SEEN=yes"}
	}
	for name, c := range map[string]struct {
		script string
		want   uint64
		says   string
	}{
		"counts":    {`[ "$1 $2 $3 $4 $5" = "stat -x, -e instructions:u --" ] && [ "$SEEN" = yes ] && shift 5 && "$@" && echo "4242,,instructions:u,1,100.00,," >&2`, 4242, ""},
		"cannot":    {`echo "<not supported>,,instructions:u,0,100.00,," >&2`, 0, "perf says <not supported>"},
		"may not":   {`echo "no permission" >&2; exit 255`, 0, "no permission"},
		"is silent": {`exit 0`, 0, "perf says nothing"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "perf"), []byte("#!/bin/sh\n"+c.script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
		n, err := guard.Perf(own)(t.Context(), "decide", 5)
		if n != c.want {
			t.Errorf("%s: %d", name, n)
		}
		if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, guard.ErrNotMeasured) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := guard.Perf(own)(t.Context(), "decide", 5); !errors.Is(err, guard.ErrNotMeasured) {
		t.Errorf("without perf: %v", err)
	}
}
